//! How an answer is compared, by name: a rule, or the judge of a known data set.

use std::{fmt, str::FromStr};

use super::{
    comparison::{Comparison, compare_with_any},
    profiles::profile::Profile,
    rules::{
        output::compare_output_with_any,
        packed::{Form, compare_packed},
        result::compare_value_with_any,
        rule::{Letters, Order, Rule, RuleError, Tolerance},
    },
};
use crate::{
    spelling::did_you_mean,
    value::{Packed, Value, packed::Node},
};

/// How an answer is compared with what was expected.
///
/// By name, on the wire and on the command line: a [`Rule`] (`exact`, `lines`, `tokens`,
/// `float:1e-6`, `data-set`, `unordered_lines`, `unordered_tokens`, `lines_ignore_case`,
/// `tokens_ignore_case`) or a [`Profile`] (`apps`, `openthoughts:bug-compatible`, ...).
///
/// ```
/// use proofbox::judge::{Compare, Rule};
/// assert_eq!("tokens".parse(), Ok(Compare::TOKENS));
/// assert_eq!("float:1e-6".parse(), Ok(Compare::Rule(Rule::float(1e-6, 1e-6))));
/// assert_eq!("openthoughts:bug-compatible".parse::<Compare>().unwrap().to_string(), "openthoughts:bug-compatible");
/// assert!("roughly".parse::<Compare>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Compare {
    Rule(Rule),
    Profile(Profile),
}

impl Compare {
    pub const EXACT: Compare = Compare::Rule(Rule::EXACT);
    pub const LINES: Compare = Compare::Rule(Rule::LINES);
    pub const TOKENS: Compare = Compare::Rule(Rule::TOKENS);

    /// The rule for rows of a data set, which name none themselves: [`Rule::DATA_SET`].
    pub const DATA_SET_DEFAULT: Compare = Compare::Rule(Rule::DATA_SET);

    /// Compares printed output with each accepted one, as it is meant; a released judge's own word is
    /// [`Profile::judge_program`].
    pub fn output(self, actual: &[u8], accepted: &[Vec<u8>]) -> Comparison {
        match self {
            Compare::Rule(rule) => compare_output_with_any(rule, actual, accepted),
            Compare::Profile(profile) => profile.compare_output(actual, accepted),
        }
    }

    /// The same of values in their packed form, of which the returned one has several.
    pub fn packed(self, form: Form, actual: Node<'_>, accepted: &[Packed]) -> Comparison {
        let rule = match self {
            Compare::Rule(rule) => rule,
            Compare::Profile(profile) => profile.value_rule(),
        };
        compare_with_any(accepted, |expected| compare_packed(rule, form, actual, expected.root()))
    }

    /// Compares a returned value with each accepted one, likewise.
    pub fn value(self, actual: &Value, accepted: &[Value]) -> Comparison {
        match self {
            Compare::Rule(rule) => compare_value_with_any(rule, actual, accepted),
            Compare::Profile(profile) => profile.compare_value(actual, accepted),
        }
    }
}

impl fmt::Display for Compare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Compare::Rule(rule) => rule.fmt(f),
            Compare::Profile(profile) => profile.fmt(f),
        }
    }
}

impl Compare {
    /// Every name, for a person.
    pub fn names() -> String {
        let rules = Rule::NAMED.iter().map(|(name, _)| (*name).to_owned());
        let float = ["float:TOLERANCE", "float:ABSOLUTE:RELATIVE", "kattis:TOLERANCE"].map(str::to_owned);
        rules
            .chain(float)
            .chain(Profile::all().map(|profile| profile.to_string()))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl FromStr for Compare {
    type Err = RuleError;

    fn from_str(name: &str) -> Result<Compare, RuleError> {
        if let Some((_, rule)) = Rule::NAMED.iter().find(|(known, _)| *known == name) {
            return Ok(Compare::Rule(*rule));
        }
        if let Some(profile) = Profile::all().find(|profile| profile.to_string() == name) {
            return Ok(Compare::Profile(profile));
        }
        let (kind, numbers) = match name.split_once(':') {
            Some((kind @ ("float" | "float_ignore_case" | "kattis"), numbers)) => (kind, numbers),
            _ => return Err(unknown(name)),
        };
        let (abs, rel) = numbers.split_once(':').unwrap_or((numbers, numbers));
        let number = |text: &str| {
            text.parse::<f64>().map_err(|_| RuleError::ToleranceOutOfBounds(format!("{text:?}")))
        };
        let tolerance = Tolerance { abs: number(abs)?, rel: number(rel)? };
        let letters = if kind == "float_ignore_case" { Letters::AnyCase } else { Letters::CaseCounts };
        let rule = Rule::TOKENS.with(Order::Counts, letters, Some(tolerance))?;
        Ok(Compare::Rule(if kind == "kattis" { rule.as_kattis()? } else { rule }))
    }
}

fn unknown(name: &str) -> RuleError {
    let known = Compare::names();
    RuleError::UnknownName { name: name.to_owned(), meant: did_you_mean(name, known.split(", ")), known }
}
