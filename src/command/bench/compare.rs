//! What comparing outputs of a megabyte costs, by every rule and every judge: the dearest of several
//! kinds of output, equal by the rule and not.

use std::{hint::black_box, time::Instant};

use serde::Serialize;

use super::{
    Budget,
    bars::{Bar, JudgedBar},
    spread::{Seeded, Spread},
};
use crate::judge::{Compare, Ending, Profile, Rule};

const OUTPUT_BYTES: usize = 1 << 20;

/// One rule's figures.
#[derive(Debug, Serialize)]
pub struct RuleCost {
    pub rule: String,
    /// Of the dearest pair of outputs; milliseconds, spread over the rounds.
    pub wall_ms: Spread,
    /// Which that is.
    pub dearest: String,
}

#[derive(Debug, Serialize)]
pub struct Compared {
    pub output_bytes: usize,
    pub rules: Vec<RuleCost>,
    /// Of the dearest rule.
    pub bar: JudgedBar,
}

/// Two outputs.
struct Pair {
    name: String,
    actual: Vec<u8>,
    expected: Vec<u8>,
}

pub fn measure(budget: &Budget) -> Compared {
    let pairs = pairs();
    let named = Rule::NAMED.iter().map(|(_, rule)| Compare::Rule(*rule));
    let float = Compare::Rule(Rule::float(1e-6, 1e-6));
    let all = named.chain([float]).chain(Profile::all().map(Compare::Profile));
    let rules: Vec<RuleCost> = all.filter_map(|compare| dearest(compare, &pairs, budget.rounds)).collect();
    let worst = rules.iter().map(|cost| cost.wall_ms.median).fold(0.0, f64::max);
    Compared { output_bytes: OUTPUT_BYTES, rules, bar: Bar::COMPARE.judged(worst) }
}

/// `None` without rounds.
fn dearest(compare: Compare, pairs: &[Pair], rounds: usize) -> Option<RuleCost> {
    let costs = pairs.iter().filter_map(|pair| {
        let wall_ms = cost(compare, pair, rounds)?;
        Some(RuleCost { rule: compare.to_string(), wall_ms, dearest: pair.name.clone() })
    });
    costs.max_by(|left, right| left.wall_ms.median.total_cmp(&right.wall_ms.median))
}

fn cost(compare: Compare, pair: &Pair, rounds: usize) -> Option<Spread> {
    let accepted = [pair.expected.clone()];
    let figures = (0..rounds).map(|_| {
        let began = Instant::now();
        match compare {
            Compare::Profile(profile) if profile.is_bug_compatible() => {
                black_box(profile.judge_program(Ending::Well, &pair.actual, &accepted));
            }
            compare => drop(black_box(compare.output(&pair.actual, &accepted))),
        }
        began.elapsed().as_secs_f64() * 1000.0
    });
    Spread::of(figures)
}

/// Units of one kind, separated.
struct Kind {
    name: &'static str,
    unit: fn(&mut Seeded) -> String,
    separator: &'static [u8],
}

const KINDS: [Kind; 6] = [
    Kind { name: "letters", unit: |draws| letters(draws, 1), separator: b" " },
    Kind { name: "short numbers", unit: |draws| draws.below(1000).to_string(), separator: b" " },
    Kind { name: "numbers", unit: |draws| draws.below(1 << 40).to_string(), separator: b"\n" },
    Kind {
        name: "decimals",
        unit: |draws| format!("{:.6}", draws.below(1 << 30) as f64 / 1e3),
        separator: b" ",
    },
    Kind {
        name: "words",
        unit: |draws| {
            let length = 3 + draws.below(12);
            letters(draws, length)
        },
        separator: b"\n",
    },
    Kind {
        name: "numbered lines",
        unit: |draws| {
            let case = draws.below(100_000);
            format!("Case #{case}: {}", letters(draws, 4))
        },
        separator: b"\n",
    },
];

fn pairs() -> Vec<Pair> {
    KINDS.iter().flat_map(pairs_of).collect()
}

fn pairs_of(kind: &Kind) -> Vec<Pair> {
    let mut draws = Seeded(1);
    let mut units = Vec::new();
    let mut length = 0;
    while length < OUTPUT_BYTES {
        let unit = (kind.unit)(&mut draws).into_bytes();
        length += unit.len() + 1;
        units.push(unit);
    }
    let expected = units.join(kind.separator);
    let pair = |way: &str, actual: Vec<u8>| Pair {
        name: format!("{}, {way}", kind.name),
        actual,
        expected: expected.clone(),
    };
    let mut near = units.clone();
    near.iter_mut().filter(|unit| unit.contains(&b'.')).for_each(|unit| unit.push(b'1'));
    let mut wrong = expected.clone();
    wrong.extend(b" x");
    let mut shuffled = units.clone();
    draws.shuffle(&mut shuffled);
    let shuffled = shuffled.join(kind.separator);
    let spaced = units.join(&[b" ", kind.separator].concat()[..]);
    vec![
        pair("blanks added", spaced),
        pair("numbers changed in the last place", near.join(kind.separator)),
        pair("the last token wrong", wrong),
        pair("in capitals", expected.to_ascii_uppercase()),
        pair("shuffled, in capitals", shuffled.to_ascii_uppercase()),
        pair("shuffled", shuffled),
    ]
}

fn letters(draws: &mut Seeded, count: usize) -> String {
    (0..count).map(|_| char::from(b'a' + draws.below(26) as u8)).collect()
}
