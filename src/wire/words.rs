//! Rewords the JSON parser's errors for the person who wrote the JSON.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::bounds::BadRequest;
use crate::spelling::did_you_mean;

/// Reads one field's JSON text. A complaint names the field.
pub(super) fn field<'a, T: Deserialize<'a>>(raw: &'a RawValue, path: &str) -> Result<T, BadRequest> {
    serde_json::from_str(raw.get()).map_err(|error| BadRequest::at(path, json_complaint(&error)))
}

/// Reads a field that may be absent or `null`.
pub(super) fn optional<'a, T: Deserialize<'a>>(
    raw: Option<&'a RawValue>,
    path: &str,
) -> Result<Option<T>, BadRequest> {
    raw.map_or(Ok(None), |raw| field(raw, path))
}

/// Reads an object with known fields. A list is refused; serde would take it for an object.
pub(super) fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue, path: &str) -> Result<T, BadRequest> {
    match raw.get().starts_with('{') {
        true => field(raw, path),
        false => Err(BadRequest::at(path, format!("must be an object, not {}", kind_of(raw.get())))),
    }
}

/// Reads one of a few words and returns its meaning; `None` for `null` or an absent field.
pub(super) fn word<T: Copy>(
    raw: Option<&RawValue>,
    path: &str,
    known: &[(&str, T)],
) -> Result<Option<T>, BadRequest> {
    let Some(raw) = raw.filter(|raw| raw.get() != "null") else { return Ok(None) };
    let names: Vec<String> = known.iter().map(|(name, _)| format!("{name:?}")).collect();
    let (last, others) = names.split_last().expect("there are words");
    let wanted = format!("must be {} or {last}", others.join(", "));
    if !raw.get().starts_with('"') {
        return Err(BadRequest::at(path, format!("{wanted}, not {}", kind_of(raw.get()))));
    }
    let given: String = field(raw, path)?;
    match known.iter().find(|(name, _)| *name == given) {
        Some((_, meant)) => Ok(Some(*meant)),
        None => {
            let meant = did_you_mean(&given, known.iter().map(|(name, _)| *name));
            Err(BadRequest::at(path, format!("{wanted}, not {}{meant}", quoted(&given))))
        }
    }
}

/// Names the field in a complaint about the whole object, if the complaint concerns a field.
pub(super) fn whole(text: &str, error: &serde_json::Error) -> BadRequest {
    let message = error.to_string();
    let named = ["unknown field `", "missing field `", "duplicate field `"].iter().find_map(|beginning| {
        let (name, _) = message.strip_prefix(beginning)?.split_once('`')?;
        Some(name.to_owned())
    });
    match named {
        // The parser's position is the end of the object, which says nothing about a missing field.
        Some(name) => BadRequest::at(name, json_complaint(error)),
        None => BadRequest::whole(not_json(text, error)),
    }
}

/// Says why and where a text is no JSON.
pub(crate) fn not_json(text: &str, error: &serde_json::Error) -> String {
    let hint = match near(text, error) {
        near if near.contains("NaN") || near.contains("Infinity") => {
            " (NaN and Infinity are not JSON numbers)"
        }
        near if near.contains('\'') => " (texts stand in double quotes; Python's repr is not JSON)",
        _ => "",
    };
    let (line, column) = (error.line(), error.column());
    format!("not JSON: {} at line {line}, column {column}{hint}", json_complaint(error))
}

/// The text at the error's position.
fn near<'a>(text: &'a str, error: &serde_json::Error) -> &'a str {
    let Some(line) = text.split('\n').nth(error.line().saturating_sub(1)) else { return "" };
    // serde_json's column may point at the first byte of the word or the one before it.
    let from = line.floor_char_boundary(error.column().saturating_sub(2));
    &line[from..line.ceil_char_boundary((from + 12).min(line.len()))]
}

/// The complaint without its position. Line and column of an error in a field count from the field's start, which
/// would mislead.
pub(crate) fn json_complaint(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    let quoted_word = |after: &str| Some(message.strip_prefix(after)?.split_once('`')?.0);
    if let Some(name) = quoted_word("unknown field `") {
        return unknown_field(name, message);
    }
    if let Some(name) = quoted_word("duplicate field `") {
        return format!("the field `{name}` is given twice");
    }
    for beginning in ["invalid type: ", "invalid value: "] {
        if let Some((found, wanted)) =
            message.strip_prefix(beginning).and_then(|rest| rest.rsplit_once(", expected "))
        {
            return format!("must be {}, not {}", wanted_words(wanted), found_words(found));
        }
    }
    syntax_words(message).map_or_else(|| message.to_owned(), str::to_owned)
}

/// `message`: serde's, which lists the known fields.
fn unknown_field(name: &str, message: &str) -> String {
    let known: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
    match did_you_mean(name, known.iter().copied()) {
        meant if meant.is_empty() => {
            format!("unknown field {}; there are {}", quoted(name), known.join(", "))
        }
        meant => format!("unknown field {}{meant}", quoted(name)),
    }
}

fn wanted_words(wanted: &str) -> String {
    match wanted {
        "a string" | "a borrowed string" => "a text".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "u32" => format!("a whole number from 0 to {}", u32::MAX),
        "u64" => format!("a whole number from 0 to {}", u64::MAX),
        "f64" => "a number".to_owned(),
        _ => "an object".to_owned(),
    }
}

fn found_words(found: &str) -> String {
    let number = found.strip_prefix("integer ").or_else(|| found.strip_prefix("floating point "));
    match (number, found) {
        (Some(number), _) => number.trim_matches('`').to_owned(),
        (_, "sequence") => "a list".to_owned(),
        (_, "map") => "an object".to_owned(),
        (_, "null") => "null".to_owned(),
        (_, found) if found.starts_with("string") => "a text".to_owned(),
        (_, found) => found.trim_start_matches("boolean ").trim_matches('`').to_owned(),
    }
}

/// serde_json's messages about text that is no JSON.
fn syntax_words(message: &str) -> Option<&'static str> {
    Some(match message {
        "EOF while parsing a string" => "it ends in the middle of a text",
        "EOF while parsing a list" => "it ends in the middle of a list",
        "EOF while parsing an object" => "it ends in the middle of an object",
        "EOF while parsing a value" => "it ends where a value is expected",
        "expected `:`" => "a colon is expected",
        "expected `,` or `]`" => "a comma or the end of the list is expected",
        "expected `,` or `}`" => "a comma or the end of the object is expected",
        "expected ident" => "true, false or null is expected",
        "expected value" => "a value is expected",
        "key must be a string" => "the name of a field, in double quotes, is expected",
        "trailing comma" => "nothing stands behind a comma",
        "trailing characters" => "there are trailing characters behind the end of the value",
        "invalid escape" => "a backslash with a letter behind it that JSON does not have",
        "invalid number" => "a number that is none",
        "number out of range" => "a number that is too large",
        "invalid unicode code point" => "a character that is none of Unicode's",
        "recursion limit exceeded" => "lists and objects are nested too deeply",
        "unexpected end of hex escape"
        | "lone leading surrogate in hex escape"
        | "unexpected end of hex escape in a surrogate pair" => {
            "holds half of a character (a lone surrogate such as \\ud83d), which is no Unicode text"
        }
        message if message.starts_with("control character") => {
            "a text holds a line end or another control character as it is, where JSON has \\n or the like"
        }
        _ => return None,
    })
}

/// The kind of a JSON value, in words.
pub(super) fn kind_of(json: &str) -> String {
    match json.as_bytes().first() {
        Some(b'"') => "a text".to_owned(),
        Some(b'[') => "a list".to_owned(),
        Some(b'{') => "an object".to_owned(),
        Some(b't' | b'f' | b'n') => json.to_owned(),
        _ if json.len() > 40 => "a number".to_owned(),
        _ => json.to_owned(),
    }
}

/// A word that the caller sent, cut to a bounded length.
fn quoted(word: &str) -> String {
    let shown: String = word.chars().take(60).collect();
    format!("{shown:?}{}", if shown.len() < word.len() { " ..." } else { "" })
}

#[cfg(test)]
mod tests;
