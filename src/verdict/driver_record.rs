//! What the program inside the cell says happened.

use crate::value::{
    Packed, Value, marshal,
    packed::{Kind, Node},
};

/// What the Python driver wrote on its result channel. Data from inside the cell: a solution can
/// write such a record itself, which says no more than returning the value would have said.
#[derive(Debug, Clone, PartialEq)]
pub enum DriverRecord {
    /// The function returned this value.
    Ok(Value),
    /// The function returned something in which there are values of types that are no plain data: numbers, dates,
    /// members of an Enum. In `value` numbers are rounded, dates written out and members their values; `text` is
    /// the same with the exact text of each number and date; `typed` has each as it is ([`Value::Typed`]), and is
    /// what an expected value that has such itself is compared with.
    Exact { value: Value, text: Value, typed: Value },
    /// One of the two, of many bytes.
    Large(LargeResult),
    /// The function returned a value of this type, which cannot cross as data.
    Unsupported(String),
    /// The function is not there or is ambiguous.
    Missing(String),
    /// The solution raised this exception, or exited, before the function had returned.
    Raised(String),
    /// The source does not compile.
    Syntax(String),
}

/// A returned value that takes too much room to be a [`Value`].
#[derive(Debug, Clone, PartialEq)]
pub struct LargeResult {
    record: Packed,
    /// Whether there are values in it of types that are no plain data.
    pub is_exact: bool,
}

impl LargeResult {
    pub fn node(&self) -> Node<'_> {
        self.record.root().items().nth(1).expect("a record is a pair")
    }
}

/// Records of more bytes are large.
const LARGE_BYTES: usize = 64 << 10;

/// Bytes that the driver would not have written: the solution wrote to the channel itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the result channel does not hold one record: {0}")]
pub struct InvalidRecord(String);

impl DriverRecord {
    /// Reads the bytes of the result channel. `None` if there are none: a program run that
    /// compiled, or a solution that ended before the driver could write.
    pub fn parse(bytes: &[u8]) -> Result<Option<DriverRecord>, InvalidRecord> {
        DriverRecord::parse_noting(bytes, &mut None)
    }

    /// The same. `made_plain` is given the name of a type, if there was one in what the function returned that is no
    /// plain data's and whose value was read as plain data, such as `numpy.int64`.
    pub fn parse_noting(
        bytes: &[u8],
        made_plain: &mut Option<String>,
    ) -> Result<Option<DriverRecord>, InvalidRecord> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let record = marshal::decode_packed(bytes).map_err(|error| InvalidRecord(error.to_string()))?;
        if let Some(large) = LargeResult::of(bytes.len(), &record, made_plain) {
            return Ok(Some(DriverRecord::Large(large)));
        }
        let Value::Tuple(parts) = record.value() else { return Err(InvalidRecord("no tuple".to_owned())) };
        let Ok([Value::Str(tag), content]) = <[Value; 2]>::try_from(parts) else {
            return Err(InvalidRecord("no pair of tag and content".to_owned()));
        };
        let tag = split_tag(&tag, made_plain);
        if tag == b"ok" {
            return Ok(Some(DriverRecord::Ok(content)));
        }
        if tag == b"exact" {
            // The other forms are ours to make: of the solution's making, each would be an answer of its own.
            let (value, text) = (content.rounded(), content.written());
            return Ok(Some(DriverRecord::Exact { value, text, typed: content }));
        }
        let Value::Str(text) = content else { return Err(InvalidRecord("no text".to_owned())) };
        let text = String::from_utf8_lossy(&text).into_owned();
        match tag {
            b"unsupported" => Ok(Some(DriverRecord::Unsupported(text))),
            b"missing" => Ok(Some(DriverRecord::Missing(text))),
            b"raised" => Ok(Some(DriverRecord::Raised(text))),
            b"syntax" => Ok(Some(DriverRecord::Syntax(text))),
            _ => Err(InvalidRecord("an unknown tag".to_owned())),
        }
    }
}

impl LargeResult {
    fn of(length: usize, record: &Packed, made_plain: &mut Option<String>) -> Option<LargeResult> {
        if length <= LARGE_BYTES || record.root().container() != Some((Kind::Tuple, 2)) {
            return None;
        }
        let tag = record.root().items().next()?.text()?;
        let is_exact = match split_tag(tag, made_plain) {
            b"ok" => false,
            b"exact" => true,
            _ => return None,
        };
        Some(LargeResult { record: record.clone(), is_exact })
    }
}

/// The driver writes the type behind the tag.
fn split_tag<'a>(tag: &'a [u8], made_plain: &mut Option<String>) -> &'a [u8] {
    let (tag, noted) = match tag.iter().position(|byte| *byte == b':') {
        Some(at) => (&tag[..at], Some(&tag[at + 1..])),
        None => (tag, None),
    };
    *made_plain = noted.map(|name| String::from_utf8_lossy(name).into_owned());
    tag
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Typed, TypedKind};

    fn record(tag: &str, content: Value) -> Vec<u8> {
        marshal::encode(&Value::Tuple(vec![Value::str(tag), content])).unwrap()
    }

    /// Whatever a solution writes there, small or large.
    #[test]
    fn what_is_no_pair_is_no_record() {
        let text = "x".repeat(2 * LARGE_BYTES);
        for value in
            [Value::None, Value::Int(1), Value::str(&text), Value::Tuple(vec![]), Value::List(vec![])]
        {
            assert!(
                DriverRecord::parse(&marshal::encode(&value).unwrap()).is_err(),
                "{:?}",
                value.type_name()
            );
        }
    }

    #[test]
    fn reads_each_kind_of_record() {
        let check = |tag, content, record_read| {
            assert_eq!(DriverRecord::parse(&record(tag, content)), Ok(Some(record_read)));
        };
        check("ok", Value::Int(3), DriverRecord::Ok(Value::Int(3)));
        check("ok", Value::str("x"), DriverRecord::Ok(Value::str("x")));
        let typed = Value::Typed(Typed::new(TypedKind::Decimal, "1.10").unwrap());
        check(
            "exact",
            typed.clone(),
            DriverRecord::Exact { value: Value::Float(1.1), text: Value::str("1.10"), typed },
        );
        check("unsupported", Value::str("m.T"), DriverRecord::Unsupported("m.T".to_owned()));
        check("missing", Value::str("no f"), DriverRecord::Missing("no f".to_owned()));
        check("raised", Value::str("E: x"), DriverRecord::Raised("E: x".to_owned()));
        check("syntax", Value::str("bad"), DriverRecord::Syntax("bad".to_owned()));
        assert_eq!(DriverRecord::parse(b""), Ok(None));
    }

    #[test]
    fn notes_what_was_made_plain() {
        for (tag, noted) in [("ok", None), ("ok:numpy.int64", Some("numpy.int64".to_owned()))] {
            let mut made_plain = None;
            let read = DriverRecord::parse_noting(&record(tag, Value::Int(3)), &mut made_plain);
            assert_eq!((read, made_plain), (Ok(Some(DriverRecord::Ok(Value::Int(3)))), noted));
        }
    }

    /// A record of the solution's own making holds one answer, not one for each form.
    #[test]
    fn a_forged_record_is_one_answer() {
        let forms = Value::Tuple(vec![Value::str("YES"), Value::str("NO"), Value::str("YES")]);
        let Ok(Some(DriverRecord::Exact { value, text, typed })) =
            DriverRecord::parse(&record("exact", forms))
        else {
            panic!("a record")
        };
        assert!(value == text && text == typed);
        let member = Value::Typed(Typed::member("YES.NO", Value::str("MAYBE")).unwrap());
        let Ok(Some(DriverRecord::Exact { value, text, .. })) = DriverRecord::parse(&record("exact", member))
        else {
            panic!("a record")
        };
        assert_eq!((value, text), (Value::str("MAYBE"), Value::str("MAYBE")));
    }

    #[test]
    fn refuses_what_the_driver_does_not_write() {
        let mut twice = record("ok", Value::Int(1));
        twice.extend(record("ok", Value::Int(2)));
        let three = marshal::encode(&Value::Tuple(vec![Value::str("ok"), Value::None, Value::None])).unwrap();
        for bytes in [
            twice,
            three,
            b"hello".to_vec(),
            record("ok", Value::None)[..7].to_vec(),
            record("raised", Value::Int(1)),
            record("accepted", Value::str("x")),
            marshal::encode(&Value::Int(1)).unwrap(),
        ] {
            assert!(DriverRecord::parse(&bytes).is_err(), "{bytes:?}");
        }
    }
}
