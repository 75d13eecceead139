//! What comparing outputs of a megabyte costs, by every rule and every judge: the dearest of several
//! kinds of output, equal by the rule and not.

use std::{hint::black_box, time::Instant};

use serde::Serialize;

use super::{
    bars::{Bar, JudgedBar},
    outputs::{HARD, OUTPUT_BYTES, OutputKind, Pair, USUAL, pairs_of},
    plan::Budget,
    spread::Spread,
};
use crate::judge::{Compare, Ending, Profile, Rule};

/// One rule's figures.
#[derive(Debug, Serialize)]
pub struct RuleCost {
    pub rule: String,
    /// Of the dearest pair of outputs; milliseconds, spread over the rounds.
    pub wall_ms: Spread,
    /// Name of that pair.
    pub dearest: String,
}

#[derive(Debug, Serialize)]
pub struct Compared {
    pub output_bytes: usize,
    /// Costs for outputs as programs usually print them.
    pub rules: Vec<RuleCost>,
    /// Costs for outputs that are dear to compare.
    pub hard: Vec<RuleCost>,
    /// The bar for the dearest rule on usual outputs. Rules of released judges are left out.
    pub bar: JudgedBar,
}

pub fn measure(budget: &Budget) -> Compared {
    let rules = costs(&USUAL, budget.rounds);
    // How released judges decide is a diagnosis, and made as they make it.
    let meant = rules.iter().filter(|cost| !cost.rule.ends_with(":bug-compatible"));
    let worst = meant.map(|cost| cost.wall_ms.median).fold(0.0, f64::max);
    let hard = costs(&HARD, budget.rounds);
    Compared { output_bytes: OUTPUT_BYTES, rules, hard, bar: Bar::COMPARE.judged(worst) }
}

/// Every rule's costs.
fn costs(kinds: &[OutputKind], rounds: usize) -> Vec<RuleCost> {
    let named = Rule::NAMED.iter().map(|(_, rule)| Compare::Rule(*rule));
    let float = Compare::Rule(Rule::float(1e-6, 1e-6));
    let all = named.chain([float]).chain(Profile::all().map(Compare::Profile));
    let mut dearest: Vec<Dearest> = all.map(|compare| Dearest { compare, pairs: Vec::new() }).collect();
    for kind in kinds {
        let pairs = pairs_of(kind);
        dearest.iter_mut().for_each(|rule| rule.see(&pairs));
    }
    dearest.into_iter().filter_map(|rule| rule.cost(rounds)).collect()
}

/// A rule and the pairs that were dear to compare when they were compared once.
struct Dearest {
    compare: Compare,
    pairs: Vec<(f64, Pair)>,
}

impl Dearest {
    /// Of so many the dearest is among the dearest of one round.
    const KEPT: usize = 4;

    fn see(&mut self, pairs: &[Pair]) {
        for pair in pairs {
            // Measured the second time, when memory has been allocated.
            let Some(once) = cost(self.compare, pair, 2) else { continue };
            self.pairs.push((once.min, pair.clone()));
            self.pairs.sort_by(|(left, _), (right, _)| right.total_cmp(left));
            self.pairs.truncate(Dearest::KEPT);
        }
    }

    /// `None` without rounds.
    fn cost(self, rounds: usize) -> Option<RuleCost> {
        let costs = self.pairs.iter().filter_map(|(_, pair)| {
            let wall_ms = cost(self.compare, pair, rounds)?;
            Some(RuleCost { rule: self.compare.to_string(), wall_ms, dearest: pair.name.clone() })
        });
        costs.max_by(|left, right| left.wall_ms.median.total_cmp(&right.wall_ms.median))
    }
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
