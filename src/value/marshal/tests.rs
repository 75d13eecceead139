use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use super::*;
use crate::{
    random::Random,
    value::{equality_key, repr},
};

const PYTHON: &str = "/usr/bin/python3";

/// Values of every kind and shape, the same ones in every run.
struct Generator(Random);

impl Generator {
    fn below(&mut self, bound: u64) -> u64 {
        self.0.next() % bound
    }

    fn hashable(&mut self, depth: u64) -> Value {
        match self.below(if depth > 0 { 12 } else { 10 }) {
            0 => Value::None,
            1 => Value::Bool(self.below(2) == 0),
            2 => Value::Int(self.below(1_000) as i64 - 500),
            3 => {
                let shift = self.below(64);
                Value::Int((self.below(u64::MAX) >> shift) as i64)
            }
            4 => {
                let bits = self.below(200) as u32;
                let big = BigInt::from(self.below(u64::MAX)) << bits;
                Value::from_bigint(if bits.is_multiple_of(2) { big } else { -big - 1 })
            }
            5 => Value::Float(f64::from_bits(self.below(u64::MAX))),
            6 => Value::Float(self.below(100_000) as f64 / 64.0),
            7 => Value::Complex(self.below(9) as f64, -0.5 - self.below(9) as f64),
            8 => {
                let units = ["a", "é", "\n", "\0", "'", "\"", "\\", "😀", "漢", "\u{1b}"];
                let count = self.below(8);
                let mut text: Vec<u8> =
                    (0..count).flat_map(|_| units[self.below(10) as usize].bytes()).collect();
                if count == 7 {
                    text.extend(b"\xed\xa0\xbd");
                }
                Value::Str(text)
            }
            9 => Value::Bytes((0..self.below(6)).map(|_| self.below(256) as u8).collect()),
            10 => Value::Tuple((0..self.below(4)).map(|_| self.hashable(depth - 1)).collect()),
            _ => Value::FrozenSet(self.distinct(depth - 1)),
        }
    }

    fn distinct(&mut self, depth: u64) -> Vec<Value> {
        let mut seen = std::collections::HashSet::new();
        let items: Vec<_> = (0..self.below(4)).map(|_| self.hashable(depth)).collect();
        items.into_iter().filter(|item| seen.insert(equality_key(item))).collect()
    }

    fn value(&mut self, depth: u64) -> Value {
        match self.below(if depth > 0 { 7 } else { 4 }) {
            4 => Value::List((0..self.below(5)).map(|_| self.value(depth - 1)).collect()),
            5 => Value::Set(self.distinct(depth - 1)),
            6 => {
                let keys = self.distinct(depth - 1);
                Value::Dict(keys.into_iter().map(|key| (key, self.value(depth - 1))).collect())
            }
            _ => self.hashable(depth),
        }
    }
}

fn holds_set(value: &Value) -> bool {
    match value {
        Value::Set(items) | Value::FrozenSet(items) => items.len() > 1 || items.iter().any(holds_set),
        Value::List(items) | Value::Tuple(items) => items.iter().any(holds_set),
        Value::Dict(pairs) => pairs.iter().any(|(key, value)| holds_set(key) || holds_set(value)),
        _ => false,
    }
}

/// What a Python program makes of the bytes on its standard input.
#[expect(clippy::disallowed_methods, reason = "Python itself is what this is compared with")]
fn python(program: &str, input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(PYTHON)
        .args(["-I", "-S", "-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    output.stdout
}

#[test]
fn python_reads_what_we_write_and_we_read_what_it_writes() {
    if !Path::new(PYTHON).exists() {
        eprintln!("notice: {PYTHON} is absent; this test ran nothing");
        return;
    }
    let mut generator = Generator(Random(0x9e37_79b9_7f4a_7c15));
    let values: Vec<Value> = (0..3_000).map(|_| generator.value(4)).collect();
    let program = "import marshal, sys\n\
        values = marshal.load(sys.stdin.buffer)\n\
        pairs = [(value, repr(value)) for value in values]\n\
        sys.stdout.buffer.write(marshal.dumps(pairs, 2))";
    let answer = decode(&python(program, &encode(&Value::List(values.clone())).unwrap())).unwrap();
    let Value::List(pairs) = answer else { panic!("a list was sent") };
    assert_eq!(pairs.len(), values.len());
    let mut texts_compared = 0;
    for (pair, value) in pairs.iter().zip(&values) {
        let Value::Tuple(pair) = pair else { panic!("pairs were sent") };
        assert_eq!(equality_key(&pair[0]), equality_key(value), "{value:?}");
        assert_eq!(pair[0].type_name(), value.type_name());
        // Python prints the items of a set in an order of its own.
        if !holds_set(value) {
            assert_eq!(pair[1], Value::Str(repr(value, 100_000).into_bytes()), "{value:?}");
            texts_compared += 1;
        }
    }
    assert!(texts_compared > 1_500, "{texts_compared}");
}

#[test]
fn calls_are_a_tuple_of_three() {
    let kwargs = Value::Dict(vec![(Value::str("k"), Value::None)]);
    for count in [1, 50_000] {
        let items: Vec<Value> = (0..count).map(Value::Int).collect();
        let args = Value::Tuple(items.clone());
        let [packed_args, packed_kwargs] = [&Value::List(items), &kwargs].map(Packed::new);
        let call = Call::new("f", &packed_args, &packed_kwargs).unwrap();
        let whole = Value::Tuple(vec![Value::str("f"), args, kwargs.clone()]);
        assert_eq!(decode(&call.encoded()).unwrap(), whole);
        assert_eq!(call.length(), call.encoded().len());
        assert_eq!(call.chunks().flatten().collect::<Vec<u8>>(), *call.encoded());
    }
}

#[test]
fn hostile_bytes_are_refused() {
    let refused = |bytes: &[u8], problem: &str| {
        let error = decode(bytes).unwrap_err();
        assert!(error.problem.contains(problem), "{error}: {bytes:?}");
    };
    refused(b"", "cut short");
    refused(b"NN", "after the value");
    refused(b"[\xff\xff\xff\x7fN", "beyond the end");
    refused(b"[\xff\xff\xff\xff", "negative");
    refused(b"s\xff\xff\xff\x7fabc", "cut short");
    refused(b"l\xff\xff\xff\x7f", "cut short");
    refused(b"l\x00\x00\x00\x80", "cut short");
    refused(b"l\x01\x00\x00\x00\xff\xff", "bad digit");
    refused(b"u\x01\x00\x00\x00\xff", "UTF-8");
    refused(b"{N", "cut short");
    refused(b"{NNN0", "no plain data");
    refused(b"c", "no plain data");
    refused(b"\xe9\x01\x00\x00\x00", "no plain data");
    refused(b"0", "no plain data");
    let nested = |depth: usize| [b"[\x01\x00\x00\x00".repeat(depth), b"N".to_vec()].concat();
    assert!(decode(&nested(MAX_DEPTH + 1)).is_ok());
    refused(&nested(MAX_DEPTH + 2), "too deep");
    refused(&b"{".repeat(1_000_000), "too deep");
    let mut many = b"[\x01\x09\x3d\x00".to_vec();
    many.extend(vec![b'N'; MAX_VALUES + 1]);
    many[1..5].copy_from_slice(&(MAX_VALUES as u32 + 1).to_le_bytes());
    refused(&many, "too many values");
}

#[test]
fn every_cut_and_every_changed_byte_is_answered() {
    let mut generator = Generator(Random(7));
    for _ in 0..60 {
        let bytes = encode(&generator.value(3)).unwrap();
        for at in 0..bytes.len() {
            assert!(decode(&bytes[..at]).is_err());
            let mut changed = bytes.clone();
            changed[at] = generator.below(256) as u8;
            // Any answer will do; it must come.
            let _answer = decode(&changed);
        }
    }
}

#[test]
fn integers_without_normal_form_are_read_by_value() {
    assert_eq!(decode(b"l\x02\x00\x00\x00\x05\x00\x00\x00"), Ok(Value::Int(5)));
    assert_eq!(decode(b"l\x00\x00\x00\x00"), Ok(Value::Int(0)));
    let least = encode(&Value::Int(i64::MIN)).unwrap();
    assert_eq!(decode(&least), Ok(Value::Int(i64::MIN)));
}
