//! Values as Python code writes those of its library: `Decimal('1')`, `deque([1])`, `np.array([1])`, a member
//! of an Enum, LeetCode's nodes. Read as data: nothing is looked up or called.

use super::{dict_of, is_hashable, number, parse_python, set_items_of};
use crate::value::{Typed, TypedKind, Value};

/// Items that a `range` stands for at most: few bytes of text must not become many of memory.
const MAX_RANGE: i64 = 200;
/// Digits that Python's own `int` takes.
const MAX_INT_DIGITS: usize = 4_300;
/// Names that hold nothing but what stands behind the last dot.
const MODULES: [&str; 7] = ["datetime", "decimal", "fractions", "collections", "np", "numpy", "math"];

/// What stands in a call's parentheses.
pub(super) struct Arguments {
    pub values: Vec<Value>,
    pub named: Vec<(String, Value)>,
}

impl Arguments {
    /// The argument at a place or of a name.
    fn take(&mut self, place: usize, name: &str) -> Option<Value> {
        let named = self.named.iter().position(|(known, _)| known == name);
        named.map(|at| self.named.swap_remove(at).1).or_else(|| self.values.get(place).cloned())
    }

    fn only(mut self) -> Option<Value> {
        (self.values.len() == 1 && self.named.is_empty()).then(|| self.values.remove(0))
    }

    /// Whole numbers, by place or name; 0 where there is none.
    fn whole<const N: usize>(&mut self, names: [&str; N]) -> Option<[i64; N]> {
        let mut numbers = [0; N];
        for (place, (number, name)) in numbers.iter_mut().zip(names).enumerate() {
            match self.take(place, name) {
                None => {}
                Some(Value::Int(int)) => *number = int,
                Some(_) => return None,
            }
        }
        Some(numbers)
    }
}

/// The name without the module before it.
pub(super) fn bare(name: &str) -> &str {
    match name.split_once('.') {
        Some((module, rest)) if MODULES.contains(&module) => rest,
        _ => name,
    }
}

/// A dotted name by itself: a number of `math` and its kin, or a member of an Enum.
pub(super) fn named(name: &str) -> Option<Value> {
    match bare(name) {
        "inf" => Some(Value::Float(f64::INFINITY)),
        "nan" => Some(Value::Float(f64::NAN)),
        "pi" => Some(Value::Float(std::f64::consts::PI)),
        "e" if name == "math.e" => Some(Value::Float(std::f64::consts::E)),
        // As an argument of a moment; what it is, its offset says.
        "timezone.utc" => Some(Value::str("+00:00")),
        bare if bare.contains('.') && bare.starts_with(|first: char| first.is_ascii_uppercase()) => {
            Typed::new(TypedKind::Member, bare).map(Value::Typed)
        }
        _ => None,
    }
}

/// The value that a call makes; `None` where the name is none of those known, or its arguments are odd.
pub(super) fn made(name: &str, arguments: Arguments) -> Option<Value> {
    let bare = bare(name);
    match bare {
        "int" => match arguments.only()? {
            Value::Str(text) => integer(&text),
            whole @ (Value::Int(_) | Value::BigInt(_)) => Some(whole),
            _ => None,
        },
        "float" | "float64" | "float32" | "float16" => float(arguments.only()?),
        "complex" => complex(arguments),
        "set" | "frozenset" | "list" | "tuple" | "dict" | "OrderedDict" | "Counter" | "defaultdict"
        | "deque" | "array" | "asarray" | "list_node" | "tree_node" | "bytearray" => {
            container(bare, arguments)
        }
        "range" => range(arguments),
        "ListNode" => linked(arguments),
        "TreeNode" => tree(arguments),
        "Decimal" | "Fraction" | "timedelta" | "date" | "datetime" | "time" => {
            moment_or_number(bare, arguments).map(Value::Typed)
        }
        "date.fromisoformat" | "datetime.fromisoformat" | "time.fromisoformat" => {
            let Value::Str(text) = arguments.only()? else { return None };
            let kind = TypedKind::from_name(bare.split('.').next()?)?;
            Typed::new(kind, std::str::from_utf8(&text).ok()?).map(Value::Typed)
        }
        _ if name.starts_with("np.") || name.starts_with("numpy.") => numpy_scalar(bare, arguments),
        _ => None,
    }
}

fn numpy_scalar(name: &str, arguments: Arguments) -> Option<Value> {
    let is_int =
        name.trim_start_matches('u').strip_prefix("int").is_some_and(|bits| bits.parse::<u8>().is_ok());
    match (name, arguments.only()?) {
        ("bool_" | "bool", value @ Value::Bool(_)) | ("str_", value @ Value::Str(_)) => Some(value),
        (_, value @ (Value::Int(_) | Value::BigInt(_))) if is_int => Some(value),
        _ => None,
    }
}

fn integer(text: &[u8]) -> Option<Value> {
    let text = text.trim_ascii();
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let is_integer = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    (is_integer && digits.len() <= MAX_INT_DIGITS).then(|| number::integer(digits, digits.len() < text.len()))
}

fn float(value: Value) -> Option<Value> {
    match value {
        Value::Float(_) => Some(value),
        Value::Int(int) => Some(Value::Float(int as f64)),
        Value::Str(text) => {
            let text = std::str::from_utf8(&text).ok()?.trim();
            let is_number = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
            text.parse().ok().filter(|_| is_number).map(Value::Float)
        }
        _ => None,
    }
}

fn complex(mut arguments: Arguments) -> Option<Value> {
    if let [Value::Str(text)] = arguments.values.as_slice() {
        return match parse_python(std::str::from_utf8(text).ok()?).ok()? {
            complex @ Value::Complex(..) => Some(complex),
            other => float(other).and_then(|real| match real {
                Value::Float(real) => Some(Value::Complex(real, 0.0)),
                _ => None,
            }),
        };
    }
    let mut part = |place, name| match arguments.take(place, name) {
        None => Some(0.0),
        Some(Value::Int(int)) => Some(int as f64),
        Some(Value::Float(float)) => Some(float),
        Some(_) => None,
    };
    Some(Value::Complex(part(0, "real")?, part(1, "imag")?))
}

fn container(name: &str, mut arguments: Arguments) -> Option<Value> {
    let lossy = |constructor, plain| Some(Value::Made { constructor, plain: Box::new(plain) });
    // Of an array its numbers, of a deque its items count: not `dtype`, not `maxlen`.
    let is_sized = matches!(name, "array" | "asarray" | "deque");
    if is_sized {
        arguments.named.clear();
        arguments.values.truncate(1);
    }
    if matches!(name, "dict" | "OrderedDict" | "Counter" | "defaultdict") {
        let pairs = pairs_of(arguments)?;
        return match name {
            "dict" => Some(pairs),
            "OrderedDict" => lossy("OrderedDict", pairs),
            "Counter" => lossy("Counter", pairs),
            _ => lossy("defaultdict", pairs),
        };
    }
    let content = if arguments.values.is_empty() { Value::List(Vec::new()) } else { arguments.only()? };
    if let (Value::Bytes(_), "bytearray") = (&content, name) {
        return lossy("bytearray", content);
    }
    let items = items_of(content)?;
    match name {
        "list" => Some(Value::List(items)),
        "tuple" => Some(Value::Tuple(items)),
        "set" | "frozenset" if !items.iter().all(is_hashable) => None,
        "set" => Some(Value::Set(set_items_of(items))),
        "frozenset" => Some(Value::FrozenSet(set_items_of(items))),
        "deque" => lossy("deque", Value::List(items)),
        "array" | "asarray" => lossy("numpy.array", Value::List(items)),
        "list_node" => lossy("ListNode", Value::List(items)),
        "tree_node" => lossy("TreeNode", Value::List(items)),
        _ => None,
    }
}

fn items_of(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::List(items) | Value::Tuple(items) | Value::Set(items) | Value::FrozenSet(items) => Some(items),
        Value::Dict(pairs) => Some(pairs.into_iter().map(|(key, _)| key).collect()),
        Value::Str(text) => {
            let text = String::from_utf8(text).ok()?;
            Some(text.chars().map(|character| Value::str(character.encode_utf8(&mut [0; 4]))).collect())
        }
        Value::Made { plain, .. } => items_of(*plain),
        _ => None,
    }
}

/// Of a mapping, of pairs, or by names.
fn pairs_of(arguments: Arguments) -> Option<Value> {
    let mut pairs = match arguments.values.len() {
        0 => Vec::new(),
        1 => match arguments.values.into_iter().next()? {
            Value::Dict(pairs) => pairs,
            Value::Made { plain, .. } => match *plain {
                Value::Dict(pairs) => pairs,
                _ => return None,
            },
            Value::List(items) | Value::Tuple(items) => {
                let pair = |item| match item {
                    Value::List(parts) | Value::Tuple(parts) => {
                        <[Value; 2]>::try_from(parts).ok().map(|[key, value]| (key, value))
                    }
                    _ => None,
                };
                items.into_iter().map(pair).collect::<Option<_>>()?
            }
            _ => return None,
        },
        _ => return None,
    };
    pairs.extend(arguments.named.into_iter().map(|(name, value)| (Value::str(&name), value)));
    pairs.iter().all(|(key, _)| is_hashable(key)).then(|| dict_of(pairs))
}

fn range(mut arguments: Arguments) -> Option<Value> {
    let count = arguments.values.len();
    let [first, second, third] = arguments.whole(["", "", ""])?;
    let (start, stop, step) = match count {
        1 => (0, first, 1),
        2 => (first, second, 1),
        3 => (first, second, third),
        _ => return None,
    };
    let (span, step_size) = if step > 0 {
        (stop.checked_sub(start)?, step)
    } else {
        (start.checked_sub(stop)?, step.checked_neg()?)
    };
    if step_size == 0 || span / step_size > MAX_RANGE {
        return None;
    }
    let items = (0..).map_while(|index| start.checked_add(step.checked_mul(index)?));
    let items = items.take_while(|item| if step > 0 { *item < stop } else { *item > stop });
    Some(Value::Made { constructor: "range", plain: Box::new(Value::List(items.map(Value::Int).collect())) })
}

fn linked(mut arguments: Arguments) -> Option<Value> {
    let mut items = vec![arguments.take(0, "val").unwrap_or(Value::Int(0))];
    match arguments.take(1, "next") {
        None | Some(Value::None) => {}
        Some(Value::Made { constructor: "ListNode", plain }) => items.extend(items_of(*plain)?),
        Some(_) => return None,
    }
    Some(Value::Made { constructor: "ListNode", plain: Box::new(Value::List(items)) })
}

/// LeetCode's list form: level by level, `None` for a missing child, none at the end.
fn tree(mut arguments: Arguments) -> Option<Value> {
    let root = arguments.take(0, "val").unwrap_or(Value::Int(0));
    let mut subtree = |place, name| match arguments.take(place, name) {
        None | Some(Value::None) => Some(Vec::new()),
        Some(Value::Made { constructor: "TreeNode", plain }) => items_of(*plain),
        Some(_) => None,
    };
    let children = [subtree(1, "left")?, subtree(2, "right")?].map(levels);
    let mut items = vec![root];
    // A level of the whole is the left subtree's and the right one's. Below a missing node there is none, so
    // that a level is as long as the one above has nodes.
    for depth in 0..children.iter().map(Vec::len).max().unwrap_or(0) {
        for child in &children {
            match (child.get(depth), depth) {
                (Some(level), _) => items.extend(level.iter().cloned()),
                (None, 0) => items.push(Value::None),
                (None, _) => {
                    let above = child
                        .get(depth - 1)
                        .map_or(0, |level| level.iter().filter(|node| **node != Value::None).count());
                    items.extend(std::iter::repeat_n(Value::None, 2 * above));
                }
            }
        }
    }
    while items.last() == Some(&Value::None) {
        items.pop();
    }
    Some(Value::Made { constructor: "TreeNode", plain: Box::new(Value::List(items)) })
}

/// The levels of a tree in list form, each as long as the nodes above it have places for children.
fn levels(items: Vec<Value>) -> Vec<Vec<Value>> {
    let mut levels = Vec::new();
    let (mut items, mut length) = (items.into_iter().peekable(), 1);
    while items.peek().is_some() && length > 0 {
        let mut level: Vec<Value> = items.by_ref().take(length).collect();
        level.resize(length, Value::None);
        length = 2 * level.iter().filter(|node| **node != Value::None).count();
        levels.push(level);
    }
    levels
}

fn moment_or_number(name: &str, mut arguments: Arguments) -> Option<Typed> {
    let text = match name {
        "Decimal" => match arguments.only()? {
            Value::Str(text) => String::from_utf8(text).ok()?,
            Value::Int(int) => int.to_string(),
            Value::BigInt(int) => int.to_string(),
            _ => return None,
        },
        "Fraction" => match (arguments.take(0, "numerator")?, arguments.take(1, "denominator")) {
            (Value::Str(text), None) => String::from_utf8(text).ok()?,
            (Value::Int(over), None) => over.to_string(),
            (Value::BigInt(over), None) => over.to_string(),
            (over, Some(under)) => format!("{}/{}", whole_text(over)?, whole_text(under)?),
            _ => return None,
        },
        "timedelta" => {
            let names = ["days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"];
            let micros =
                [86_400_000_000, 1_000_000, 1, 1_000, 60_000_000, 3_600_000_000, 604_800_000_000_i128];
            let parts = arguments.whole(names)?;
            parts
                .iter()
                .zip(micros)
                .map(|(part, micros)| i128::from(*part) * micros)
                .sum::<i128>()
                .to_string()
        }
        "date" => {
            let [year, month, day] = arguments.whole(["year", "month", "day"])?;
            format!("{year:04}-{month:02}-{day:02}")
        }
        "time" => clock(&mut arguments, 0)?,
        "datetime" => {
            let [year, month, day] = arguments.whole(["year", "month", "day"])?;
            format!("{year:04}-{month:02}-{day:02}T{}", clock(&mut arguments, 3)?)
        }
        _ => return None,
    };
    Typed::new(TypedKind::from_name(name)?, &text)
}

fn whole_text(value: Value) -> Option<String> {
    match value {
        Value::Int(int) => Some(int.to_string()),
        Value::BigInt(int) => Some(int.to_string()),
        _ => None,
    }
}

/// Hours and what follows, from a place of the arguments on.
fn clock(arguments: &mut Arguments, first: usize) -> Option<String> {
    let mut part = |place: usize, name| match arguments.take(first + place, name) {
        None => Some(0),
        Some(Value::Int(int)) => u32::try_from(int).ok(),
        Some(_) => None,
    };
    let [hour, minute, second, micros] =
        [part(0, "hour")?, part(1, "minute")?, part(2, "second")?, part(3, "microsecond")?];
    let offset = match arguments.take(first + 4, "tzinfo") {
        None | Some(Value::None) => String::new(),
        Some(Value::Str(offset)) => String::from_utf8(offset).ok()?,
        Some(_) => return None,
    };
    Some(format!("{hour:02}:{minute:02}:{second:02}.{micros:06}{offset}"))
}
