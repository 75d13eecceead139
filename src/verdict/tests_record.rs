//! What the tests' own process says happened, of tests that hold code.

use std::time::Duration;

use serde::{
    Deserialize,
    de::{IntoDeserializer, value::Error},
};

use crate::value::{Value, marshal};

/// One record of the tests' driver (`sandbox-images/python/code_tests/tests.py`). It comes from a cell in
/// which nothing of the solution's runs, and carries a nonce that only that cell was given: a forger
/// would have to be the tests themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestsRecord {
    /// Which of the tests that the run was asked to carry out; `None`: all of them.
    pub test: Option<usize>,
    pub tag: Tag,
    /// For a person; comes in part from the solution.
    pub text: String,
    pub wall: Duration,
}

/// What came of a test's code; the driver says what each means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tag {
    Met,
    Passed,
    Failed,
    Raised,
    Missing,
    Tripped,
    Broken,
    Over,
    Gone,
    Garbled,
    Unsupported,
    Shared,
    Done,
}

impl TestsRecord {
    /// Reads records up to the first that is none, or that does not carry the nonce.
    pub fn parse_all(mut bytes: &[u8], nonce: &str) -> Vec<TestsRecord> {
        let mut records = Vec::new();
        while let Some((length, rest)) = bytes.split_first_chunk::<4>()
            && let Some((frame, rest)) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)
            && let Some(record) = TestsRecord::parse(frame, nonce)
        {
            records.push(record);
            bytes = rest;
        }
        records
    }

    fn parse(frame: &[u8], nonce: &str) -> Option<TestsRecord> {
        let Value::Tuple(parts) = marshal::decode(frame).ok()? else { return None };
        let [Value::Str(given), Value::Int(index), Value::Str(tag), Value::Str(text), Value::Int(micros)] =
            <[Value; 5]>::try_from(parts).ok()?
        else {
            return None;
        };
        (given == nonce.as_bytes()).then_some(())?;
        let tag: Result<Tag, Error> = Tag::deserialize(std::str::from_utf8(&tag).ok()?.into_deserializer());
        Some(TestsRecord {
            test: usize::try_from(index).ok(),
            tag: tag.ok()?,
            text: String::from_utf8_lossy(&text).into_owned(),
            wall: Duration::from_micros(u64::try_from(micros).unwrap_or(0)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(nonce: &str, index: i64, tag: &str) -> Vec<u8> {
        let parts =
            vec![Value::str(nonce), Value::Int(index), Value::str(tag), Value::str("why"), Value::Int(1_500)];
        let record = marshal::encode(&Value::Tuple(parts)).unwrap();
        let mut frame = u32::try_from(record.len()).unwrap().to_le_bytes().to_vec();
        frame.extend(record);
        frame
    }

    #[test]
    fn records_are_read_in_order() {
        let bytes = [frame("n", 0, "passed"), frame("n", 1, "failed"), frame("n", -1, "done")].concat();
        let records = TestsRecord::parse_all(&bytes, "n");
        let read: Vec<_> = records.iter().map(|record| (record.test, record.tag)).collect();
        assert_eq!(read, [(Some(0), Tag::Passed), (Some(1), Tag::Failed), (None, Tag::Done)]);
        assert_eq!((records[0].text.as_str(), records[0].wall), ("why", Duration::from_micros(1_500)));
    }

    #[test]
    fn what_is_no_record_of_this_run_ends_the_reading() {
        let good = frame("n", 0, "passed");
        let after = |bad: &[u8]| TestsRecord::parse_all(&[&good[..], bad, &good[..]].concat(), "n").len();
        assert_eq!(after(&[]), 2);
        assert_eq!(after(&frame("m", 1, "passed")), 1, "another nonce");
        assert_eq!(after(&frame("n", 1, "accepted")), 1, "no tag");
        assert_eq!(after(&[9, 0, 0, 0, 1]), 1, "no value");
        assert_eq!(after(&[255, 255, 255, 255]), 1, "a length beyond the end");
        assert_eq!(TestsRecord::parse_all(&good[..good.len() - 1], "n").len(), 0, "cut short");
    }
}
