//! Python literals and JSON to values, and back through both forms that values are written in.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofbox::value::{Value, identity_key, marshal, parse_json, parse_python, repr};

fuzz_target!(|text: &str| {
    if let Ok(value) = parse_python(text) {
        check(&value);
    }
    if let Ok(value) = parse_json(text) {
        check(&value);
        // What is JSON for Python is nothing else for us.
        assert!(!matches!(value, Value::Set(_) | Value::FrozenSet(_) | Value::Tuple(_) | Value::Bytes(_)));
    }
});

fn check(value: &Value) {
    let printed = repr(value, 1 << 20);
    let read = parse_python(&printed).unwrap_or_else(|error| panic!("{printed}: {error}"));
    assert_eq!(identity_key(&read), identity_key(value), "{printed}");
    let bytes = marshal::encode(value).unwrap();
    assert_eq!(identity_key(&marshal::decode(&bytes).unwrap()), identity_key(value), "{printed}");
    assert!(repr(value, 50).len() < 120);
}
