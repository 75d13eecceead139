use super::*;
use crate::value::{LongDigits, pack_json, parse_json, parse_python};

#[test]
fn a_value_comes_back_as_it_was() {
    for text in [
        "[None, True, False, 0, 127, 128, -1, 9223372036854775807, -9223372036854775808]",
        "[9223372036854775808, -9223372036854775809, 10000000000000000000000000000]",
        "[0.5, -0.0, 1e300, inf, 1+2j, '', 'a', b'', b'x']",
        "[(), (1,), [[], [[]]], {1, 2}, frozenset({3}), {}, {'a': 1, 2: [3]}]",
        "[Decimal('1.10'), Fraction(1, 3), datetime.date(2024, 2, 29), Colour.RED]",
    ] {
        let value = parse_python(text).unwrap();
        let packed = Packed::new(&value);
        assert_eq!(packed.value(), value, "{text}");
        assert_eq!(packed.root().type_name(), "list");
        assert_eq!(packed.has_typed(), text.contains("Decimal"));
    }
    for length in [62, 63, 64, 65, 4_090, 4_096, 70_000] {
        let text = Value::Str(vec![b'x'; length]);
        let list = Value::List(vec![Value::Tuple(vec![text.clone()]), Value::None]);
        assert_eq!(Packed::new(&list).value(), list);
        let many = Value::Set((0..length as i64).map(Value::Int).collect());
        let nested = Value::List(vec![many.clone(), many, text]);
        assert_eq!(Packed::new(&nested).value(), nested);
    }
}

#[test]
fn takes_about_the_room_of_its_text() {
    for (item, most) in [
        ("0", 1.0),
        ("-1", 1.0),
        ("1000", 1.0),
        ("null", 1.0),
        ("1.5", 1.0),
        ("0.1234567890123456", 1.0),
        ("\"\"", 1.0),
        ("\"ab\"", 1.0),
        ("[]", 1.34),
        ("[0]", 1.26),
        ("{}", 1.34),
        ("{\"a\":0}", 1.0),
        ("123456789012345678901234567890", 1.0),
    ] {
        let text = format!("[{}]", vec![item; 20_000].join(","));
        let packed = pack_json(&text, &mut LongDigits::default()).unwrap();
        let times = packed.len_bytes() as f64 / text.len() as f64;
        assert!(times <= most + 0.01, "{item}: {times}");
        assert_eq!(packed.value(), parse_json(&text).unwrap());
    }
}

#[test]
fn prints_as_the_whole_value_does() {
    for text in [
        "[1, [2, {'a': (3,)}], 'abcdefghij', {1, 2}]",
        "'it''s \\n'",
        "[[[[[[]]]]], 5, b'abc']",
        "{1: {2: 3}}",
    ] {
        let value = parse_python(text).unwrap();
        let many = Value::List(vec![value.clone(); 50]);
        for max_bytes in 1..90 {
            for value in [&value, &many] {
                assert_eq!(Packed::new(value).root().repr(max_bytes), repr(value, max_bytes), "{text}");
            }
        }
    }
}
