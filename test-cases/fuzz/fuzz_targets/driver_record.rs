//! The result channel's bytes: one record of the driver's, or whatever a solution wrote there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofbox::{
    judge::{Compare, Profile},
    value::Value,
    verdict::driver_record::DriverRecord,
};

fuzz_target!(|data: &[u8]| {
    let Ok(Some(record)) = DriverRecord::parse(data) else { return };
    if let DriverRecord::Ok(value) = record {
        // Nothing that can be sent equals an answer that it is not.
        let is_answer = |compare: Compare| compare.value(&value, &[Value::Int(7_310_581)]).is_match();
        for compare in [Compare::TOKENS, Compare::DATA_SET_DEFAULT] {
            assert!(!is_answer(compare) || value == Value::Int(7_310_581) || is_number(&value));
        }
        for profile in Profile::all() {
            is_answer(Compare::Profile(profile));
        }
    }
});

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Float(_) | Value::Complex(..))
}
