//! Values from JSON text.

use num_bigint::BigInt;

use super::Value;

/// Reads one JSON value, integers exactly.
pub fn parse_json(text: &str) -> Result<Value, String> {
    fn convert(json: serde_json::Value, text: &str) -> Result<Value, String> {
        Ok(match json {
            serde_json::Value::Null => Value::None,
            serde_json::Value::Bool(bool) => Value::Bool(bool),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(int) => Value::Int(int),
                None => match text.parse::<BigInt>() {
                    Ok(int) => Value::BigInt(int),
                    Err(_) => Value::Float(number.as_f64().ok_or("a number out of range")?),
                },
            },
            serde_json::Value::String(string) => Value::Str(string.into_bytes()),
            serde_json::Value::Array(items) => {
                Value::List(items.into_iter().map(|item| convert(item, "")).collect::<Result<_, _>>()?)
            }
            serde_json::Value::Object(pairs) => Value::Dict(
                pairs
                    .into_iter()
                    .map(|(key, value)| Ok((Value::Str(key.into_bytes()), convert(value, "")?)))
                    .collect::<Result<_, String>>()?,
            ),
        })
    }
    convert(serde_json::from_str(text).map_err(|error| error.to_string())?, text)
}
