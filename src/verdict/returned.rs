//! What a function returned beside what is expected of it, each in the form in which they are compared.

use std::borrow::Cow;

use super::driver_record::LargeResult;
use crate::{
    judge::{Compare, Comparison, Form, SMALL_BYTES},
    value::{Packed, Value, packed::Node, repr},
};

/// Most bytes of a returned value that a report shows.
const RESULT_SHOWN_BYTES: usize = 2_000;

/// What is expected of a function, in the form in which it is compared.
pub(super) enum Accepted<'a> {
    Values(Vec<Value>),
    /// Where one side is large.
    Packed(&'a [Packed]),
}

impl Accepted<'_> {
    /// `is_large`: whether what was returned is.
    pub(super) fn of(accepted: &[Packed], is_large: bool) -> Accepted<'_> {
        let is_small = |packed: &Packed| packed.len_bytes() <= SMALL_BYTES;
        match !is_large && accepted.iter().all(is_small) {
            true => Accepted::Values(accepted.iter().map(Packed::value).collect()),
            false => Accepted::Packed(accepted),
        }
    }

    fn packed(&self) -> Cow<'_, [Packed]> {
        match self {
            Accepted::Values(values) => Cow::Owned(values.iter().map(Packed::new).collect()),
            Accepted::Packed(packed) => Cow::Borrowed(packed),
        }
    }
}

/// A returned value in the forms that what is expected may have.
pub(super) enum Returned<'a> {
    Values {
        value: &'a Value,
        /// With the exact text of each number that is rounded in `value`.
        text: Option<&'a Value>,
        /// With each value as what it is.
        typed: &'a Value,
    },
    Large(&'a LargeResult),
}

impl Returned<'_> {
    /// With plain data: what is expected may be the rounded number, or the exact text; or the exact number, if it
    /// is too long to be rounded to anything but a float.
    pub(super) fn compare(&self, compare: Compare, accepted: &Accepted) -> Comparison {
        let either = |by_value: Comparison, by_others: &dyn Fn() -> bool| match by_value {
            Comparison::Mismatch { .. } if by_others() => Comparison::Match,
            by_value => by_value,
        };
        let by_packed = |node: Node<'_>, accepted: &[Packed], is_exact: bool| match is_exact {
            false => compare.packed(Form::AsItIs, node, accepted),
            true => either(compare.packed(Form::Rounded, node, accepted), &|| {
                let is_match = |form| compare.packed(form, node, accepted).is_match();
                is_match(Form::Written) || is_match(Form::AsItIs)
            }),
        };
        match (self, accepted) {
            (Returned::Values { value, text: None, .. }, Accepted::Values(accepted)) => {
                compare.value(value, accepted)
            }
            (Returned::Values { value, text: Some(text), typed }, Accepted::Values(accepted)) => {
                let is_match = |value| compare.value(value, accepted).is_match();
                either(compare.value(value, accepted), &|| is_match(text) || is_match(typed))
            }
            (Returned::Values { typed, text, .. }, Accepted::Packed(accepted)) => {
                by_packed(Packed::new(typed).root(), accepted, text.is_some())
            }
            (Returned::Large(large), accepted) => by_packed(large.node(), &accepted.packed(), large.is_exact),
        }
    }

    /// With values that are what they are.
    pub(super) fn compare_typed(&self, compare: Compare, accepted: &Accepted) -> Comparison {
        match (self, accepted) {
            (Returned::Values { typed, .. }, Accepted::Values(accepted)) => compare.value(typed, accepted),
            (Returned::Values { typed, .. }, accepted) => {
                compare.packed(Form::AsItIs, Packed::new(typed).root(), &accepted.packed())
            }
            (Returned::Large(large), accepted) => {
                compare.packed(Form::AsItIs, large.node(), &accepted.packed())
            }
        }
    }

    pub(super) fn repr(&self) -> String {
        match self {
            Returned::Values { typed, .. } => repr(typed, RESULT_SHOWN_BYTES),
            Returned::Large(large) => large.node().repr(RESULT_SHOWN_BYTES),
        }
    }
}
