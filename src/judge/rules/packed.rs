//! [`compare_value`] without the room that a [`Value`] takes: of what is large only small parts are ever made one.

use std::{
    cmp::Ordering,
    hash::{BuildHasher, Hasher, RandomState},
};

use super::{
    result::{
        COMPARED_BYTES, compare_items, compare_value, find_difference, json_key, long_json_key, lower_cased,
        told, words_of_difference,
    },
    rule::{Letters, Order, Rule, Unit},
};
use crate::{
    judge::comparison::Comparison,
    value::{
        Packed, Value,
        packed::{Kind, Node},
        write_equality_key, write_identity_key,
    },
};

/// Values of no more bytes, both together, are compared as values.
pub const SMALL_BYTES: usize = 16 << 10;

/// Which of the forms of a returned value is compared; see [`crate::verdict::driver_record::DriverRecord::Exact`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    AsItIs,
    Rounded,
    Written,
}

impl Form {
    fn of(self, value: Value) -> Value {
        match self {
            Form::AsItIs => value,
            Form::Rounded => value.rounded(),
            Form::Written => value.written(),
        }
    }
}

/// Compares a result with an expected value; see [`compare_value`].
pub fn compare_packed(rule: Rule, form: Form, actual: Node<'_>, expected: Node<'_>) -> Comparison {
    compare_by(rule, form, actual, expected, SMALL_BYTES)
}

/// Whether two values are equal as data; see [`crate::value::equality_key`].
pub fn are_equal(left: &Packed, right: &Packed) -> bool {
    let sides = Sides::new(Rule::TOKENS, Form::AsItIs, SMALL_BYTES);
    let key = |packed: &Packed| sides.key(Same::AsData, Form::AsItIs, packed.root());
    key(left) == key(right)
}

fn compare_by(rule: Rule, form: Form, actual: Node<'_>, expected: Node<'_>, small: usize) -> Comparison {
    if actual.len_bytes() + expected.len_bytes() <= small {
        return compare_value(rule, &form.of(actual.value()), &expected.value());
    }
    let sides = Sides::new(rule, form, small);
    let kinds = (actual.container(), expected.container());
    match (rule.unit, rule.order, kinds) {
        (Unit::Bytes, ..) if sides.are_same(Same::ToTheBit, actual, expected) => return Comparison::Match,
        (Unit::Tokens, Order::Ignored, (Some((left, count)), Some((Kind::List | Kind::Tuple, wanted))))
            if count == wanted && !matches!(left, Kind::Dict | Kind::Typed) =>
        {
            return match sides.have_same_items(actual, expected) {
                true => Comparison::Match,
                false => {
                    Comparison::mismatch(format!("result, in any order: {}", expected_got(actual, expected)))
                }
            };
        }
        _ => {}
    }
    let mut path = Vec::new();
    let difference = sides.find_difference(actual, expected, &mut path);
    told(rule, difference, &path, || expected_got(actual, expected))
}

fn expected_got(actual: Node<'_>, expected: Node<'_>) -> String {
    let side = |node: Node<'_>| node.repr(COMPARED_BYTES);
    words_of_difference((side(actual), actual.type_name()), (side(expected), expected.type_name()))
}

/// In which sense two values are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Same {
    AsData,
    ToTheBit,
}

/// How the two sides of a comparison are looked at.
struct Sides {
    rule: Rule,
    form: Form,
    small: usize,
    /// Known to nobody, so that values cannot be made for which keys are the same.
    secrets: [RandomState; 2],
}

impl Sides {
    fn new(rule: Rule, form: Form, small: usize) -> Sides {
        Sides { rule, form, small, secrets: [RandomState::new(), RandomState::new()] }
    }

    fn value(&self, form: Form, node: Node<'_>) -> Value {
        let value = form.of(node.value());
        if self.rule.letters == Letters::AnyCase { lower_cased(&value) } else { value }
    }

    /// The first difference in words, and the way to it in `path`; `None` if there is none.
    fn find_difference(
        &self,
        actual: Node<'_>,
        expected: Node<'_>,
        path: &mut Vec<String>,
    ) -> Option<String> {
        if actual.len_bytes() + expected.len_bytes() <= self.small {
            let (actual, expected) = (self.value(self.form, actual), self.value(Form::AsItIs, expected));
            return find_difference(self.rule, &actual, &expected, path);
        }
        let differs = || Some(expected_got(actual, expected));
        match (actual.container(), expected.container()) {
            // What they are as values decides.
            (Some((Kind::Typed, _)), _) | (_, Some((Kind::Typed, _))) => {}
            (Some((Kind::List | Kind::Tuple, left)), Some((Kind::List | Kind::Tuple, right))) => {
                if left != right {
                    return Some(format!("expected {right} items, got {left}"));
                }
                let mut pairs = actual.items().zip(expected.items()).enumerate();
                return pairs.find_map(|(index, (actual, expected))| {
                    let difference = self.find_difference(actual, expected, path)?;
                    path.insert(0, format!("[{index}]"));
                    Some(difference)
                });
            }
            (
                Some((Kind::Set | Kind::FrozenSet, left)),
                Some((kind @ (Kind::Set | Kind::FrozenSet | Kind::List | Kind::Tuple), right)),
            ) => {
                let is_list = matches!(kind, Kind::List | Kind::Tuple);
                let is_same = left == right
                    && (!is_list || self.is_in_order(expected))
                    && self.have_same_items(actual, expected);
                return if is_same { None } else { differs() };
            }
            (Some((Kind::Dict, left)), Some((Kind::Dict, right))) if left != right => {
                return Some(format!("expected {right} keys, got {left}"));
            }
            (Some((Kind::Dict, _)), Some((Kind::Dict, _))) => {
                return self.dict_difference(actual, expected, path);
            }
            (Some(_), _) | (_, Some(_)) => return differs(),
            (None, None) => {}
        }
        if let (Some(left), Some(right)) = (actual.text(), expected.text()) {
            let is_same =
                left == right || (self.rule.letters == Letters::AnyCase && left.eq_ignore_ascii_case(right));
            return if is_same { None } else { differs() };
        }
        let (left, right) = (self.value(self.form, actual), self.value(Form::AsItIs, expected));
        find_difference(self.rule, &left, &right, path)
    }

    /// Whether a list is one that a set may be written as.
    fn is_in_order(&self, list: Node<'_>) -> bool {
        let mut items = list.items().map(|item| self.value(Form::AsItIs, item));
        let Some(mut before) = items.next() else { return true };
        items.all(|item| {
            let is_in_order = compare_items(&before, &item).is_none_or(Ordering::is_lt);
            before = item;
            is_in_order
        })
    }

    fn dict_difference(
        &self,
        actual: Node<'_>,
        expected: Node<'_>,
        path: &mut Vec<String>,
    ) -> Option<String> {
        // Most often they come in the same order.
        let is_same_key = |(actual, expected)| {
            self.key(Same::AsData, self.form, actual) == self.key(Same::AsData, Form::AsItIs, expected)
        };
        let keys = actual.items().step_by(2).zip(expected.items().step_by(2));
        let mut index = if keys.clone().all(is_same_key) { None } else { Some(Index::new(self, actual)) };
        let (mut in_order, mut nodes) = (actual.items().skip(1).step_by(2), expected.items());
        while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
            let found = match &mut index {
                None => in_order.next(),
                Some(index) => index.take(self, key),
            };
            let Some(found) = found else {
                return Some(format!("expected the key {}", key.repr(80)));
            };
            if let Some(difference) = self.find_difference(found, value, path) {
                path.insert(0, format!("[{}]", key.repr(20)));
                return Some(difference);
            }
        }
        None
    }

    fn are_same(&self, same: Same, actual: Node<'_>, expected: Node<'_>) -> bool {
        self.key(same, self.form, actual) == self.key(same, Form::AsItIs, expected)
    }

    /// Whether two containers have the same items as data, each as often.
    fn have_same_items(&self, actual: Node<'_>, expected: Node<'_>) -> bool {
        let sum = |form, node: Node<'_>| {
            node.items().fold(0_u128, |sum, item| sum.wrapping_add(self.key(Same::AsData, form, item)))
        };
        sum(self.form, actual) == sum(Form::AsItIs, expected)
    }

    /// A number that two values share if they are the same, and that others share by chance only. How long a value is
    /// must make no difference: values of different lengths may be the same.
    fn key(&self, same: Same, form: Form, node: Node<'_>) -> u128 {
        let Some((kind, count)) = node.container().filter(|(kind, _)| *kind != Kind::Typed) else {
            let value = self.value(form, node);
            if let Value::List(_) | Value::Tuple(_) | Value::Set(_) | Value::FrozenSet(_) | Value::Dict(_) =
                value
            {
                // What a member of an Enum stands for.
                return self.key(same, Form::AsItIs, Packed::new(&value).root());
            }
            let mut key = Vec::new();
            match same {
                Same::AsData => write_equality_key(&mut key, &value),
                Same::ToTheBit => write_identity_key(&mut key, &value),
            }
            return self.hash(&key);
        };
        let mut keys = node.items().map(|item| self.key(same, form, item));
        let mut content = vec![match (same, kind) {
            (Same::AsData, Kind::Tuple) => Kind::List as u8,
            (Same::AsData, Kind::FrozenSet) => Kind::Set as u8,
            (_, kind) => kind as u8,
        }];
        content.extend(count.to_le_bytes());
        match kind {
            Kind::Set | Kind::FrozenSet => {
                content.extend(keys.fold(0, u128::wrapping_add).to_le_bytes());
            }
            Kind::Dict => {
                let mut sum = 0_u128;
                while let (Some(key), Some(value)) = (keys.next(), keys.next()) {
                    let pair = [key, value].map(u128::to_le_bytes).concat();
                    sum = sum.wrapping_add(self.hash(&pair));
                }
                content.extend(sum.to_le_bytes());
            }
            _ => {
                // In order: each is hashed with all before it.
                let all = keys
                    .fold(0, |before: u128, key| self.hash(&[before, key].map(u128::to_le_bytes).concat()));
                content.extend(all.to_le_bytes());
            }
        }
        self.hash(&content)
    }

    fn hash(&self, bytes: &[u8]) -> u128 {
        let [low, high] = [0, 1].map(|which: usize| {
            let mut hasher = self.secrets[which].build_hasher();
            hasher.write(bytes);
            u128::from(hasher.finish())
        });
        high << 64 | low
    }
}

/// Where a dict's pairs are, by their keys: hashes and places alone, since a dict may have millions.
struct Index<'a> {
    dict: Node<'a>,
    /// Sorted.
    by_key: Vec<(u64, u32)>,
    /// By the strings that JSON has for keys that are none. Sorted.
    by_json_key: Vec<(u64, u32)>,
    /// In the order of `by_key`.
    used: Vec<bool>,
}

impl<'a> Index<'a> {
    fn new(sides: &Sides, dict: Node<'a>) -> Index<'a> {
        let (mut by_key, mut by_json_key) = (Vec::new(), Vec::new());
        let mut nodes = dict.items();
        loop {
            let place = nodes.place_in(dict);
            let (Some(key), Some(_)) = (nodes.next(), nodes.next()) else { break };
            by_key.push((sides.key(Same::AsData, sides.form, key) as u64, place));
            if key.text().is_none()
                && let Some(text) = json_key(&sides.value(sides.form, key))
            {
                by_json_key.push((sides.hash(&text) as u64, place));
            }
        }
        by_key.sort_unstable();
        by_json_key.sort_unstable();
        Index { dict, used: vec![false; by_key.len()], by_key, by_json_key }
    }

    /// The value of a key that is expected. Each pair is used up, so that two expected keys never find the same one.
    fn take(&mut self, sides: &Sides, key: Node<'_>) -> Option<Node<'a>> {
        let wanted = sides.key(Same::AsData, Form::AsItIs, key);
        if let Some(value) = self.take_key(sides, wanted) {
            return Some(value);
        }
        let Value::Str(text) = sides.value(Form::AsItIs, key) else { return None };
        let hash = sides.hash(&text) as u64;
        for (_, place) in with_hash(&self.by_json_key, hash) {
            let (key, value) = pair_at(self.dict, *place)?;
            if json_key(&sides.value(sides.form, key)).is_some_and(|found| found == text) {
                let at =
                    self.by_key.binary_search(&(sides.key(Same::AsData, sides.form, key) as u64, *place));
                let is_used = std::mem::replace(&mut self.used[at.ok()?], true);
                return (!is_used).then_some(value);
            }
        }
        let integer = long_json_key(&text)?;
        self.take_key(sides, sides.key(Same::AsData, Form::AsItIs, Packed::new(&integer).root()))
    }

    fn take_key(&mut self, sides: &Sides, wanted: u128) -> Option<Node<'a>> {
        let start = self.by_key.partition_point(|(hash, _)| *hash < wanted as u64);
        for (at, (_, place)) in with_hash(&self.by_key, wanted as u64).iter().enumerate() {
            let (key, value) = pair_at(self.dict, *place)?;
            if !self.used[start + at] && sides.key(Same::AsData, sides.form, key) == wanted {
                self.used[start + at] = true;
                return Some(value);
            }
        }
        None
    }
}

fn with_hash(sorted: &[(u64, u32)], hash: u64) -> &[(u64, u32)] {
    let start = sorted.partition_point(|(other, _)| *other < hash);
    let rest = &sorted[start..];
    &rest[..rest.partition_point(|(other, _)| *other == hash)]
}

fn pair_at(dict: Node<'_>, place: u32) -> Option<(Node<'_>, Node<'_>)> {
    let mut nodes = dict.items_from(place);
    Some((nodes.next()?, nodes.next()?))
}

#[cfg(test)]
mod tests;
