//! Bytes that come out of a cell, as a value: anything a solution may have written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofbox::value::{equality_key, identity_key, marshal};

fuzz_target!(|data: &[u8]| {
    let Ok(value) = marshal::decode(data) else { return };
    let written = marshal::encode(&value).unwrap();
    let read = marshal::decode(&written).unwrap();
    assert_eq!(identity_key(&read), identity_key(&value));
    assert_eq!(equality_key(&read), equality_key(&value));
});
