//! Values of function tests: each is packed as soon as it is parsed, so that they take little memory.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{bounds::BadRequest, words::json_complaint};
use crate::value::{
    LongDigits, Packed, has_equal_names, pack_json, pack_json_into,
    packed::{Kind, Packer},
};

/// One value.
pub(super) fn packed_value(
    raw: &RawValue,
    path: &str,
    digits: &mut LongDigits,
) -> Result<Packed, BadRequest> {
    pack_json(raw.get(), digits).map_err(|error| BadRequest::at(path, error.to_string()))
}

/// The values of an array.
pub(super) fn packed_args(
    raw: Option<&RawValue>,
    path: &str,
    digits: &mut LongDigits,
) -> Result<Packed, BadRequest> {
    let text = raw.map_or("[]", RawValue::get);
    read(text, Kind::List, path, digits)
}

/// The names and values of an object.
pub(super) fn packed_kwargs(
    raw: Option<&RawValue>,
    path: &str,
    digits: &mut LongDigits,
) -> Result<Packed, BadRequest> {
    let text = raw.map_or("{}", RawValue::get);
    read(text, Kind::Dict, path, digits)
}

fn read(text: &str, kind: Kind, path: &str, digits: &mut LongDigits) -> Result<Packed, BadRequest> {
    let mut bad = None;
    let inside = Inside { kind, path, digits, bad: &mut bad };
    let read = inside.deserialize(&mut serde_json::Deserializer::from_str(text));
    read.map_err(|error| bad.unwrap_or_else(|| BadRequest::at(path, json_complaint(&error))))
}

/// Packs the values in an array or object one by one while reading, so that only one of them is unpacked at a time.
struct Inside<'a, 'b> {
    kind: Kind,
    path: &'a str,
    digits: &'b mut LongDigits,
    /// What is wrong with a value.
    bad: &'b mut Option<BadRequest>,
}

impl Inside<'_, '_> {
    fn pack<E: Error>(&mut self, packer: &mut Packer, raw: &RawValue, place: &str) -> Result<(), E> {
        pack_json_into(packer, raw.get(), self.digits).map_err(|error| {
            *self.bad = Some(BadRequest::at(format!("{}[{place}]", self.path), error.to_string()));
            E::custom("not a value")
        })
    }
}

impl<'de> DeserializeSeed<'de> for Inside<'_, '_> {
    type Value = Packed;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Packed, D::Error> {
        match self.kind {
            Kind::Dict => deserializer.deserialize_map(self),
            _ => deserializer.deserialize_seq(self),
        }
    }
}

impl<'de> Visitor<'de> for Inside<'_, '_> {
    type Value = Packed;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(if self.kind == Kind::Dict { "an object" } else { "an array" })
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Packed, A::Error> {
        let mut packer = Packer::default();
        let (begun, mut count) = (packer.begin(), 0);
        while let Some(raw) = seq.next_element::<&RawValue>()? {
            self.pack(&mut packer, raw, &count.to_string())?;
            count += 1;
        }
        packer.end(begun, Kind::List, count);
        Ok(packer.finish())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Packed, A::Error> {
        let mut packer = Packer::default();
        let (begun, mut count) = (packer.begin(), 0);
        while let Some((name, raw)) = map.next_entry::<String, &RawValue>()? {
            packer.string(name.as_bytes());
            self.pack(&mut packer, raw, &format!("{name:?}"))?;
            count += 1;
        }
        if has_equal_names(&packer, begun, count) {
            return Err(A::Error::custom("a name is given twice"));
        }
        packer.end(begun, Kind::Dict, count);
        Ok(packer.finish())
    }
}
