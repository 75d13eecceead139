//! Latency against load. Requests arrive at random moments, whether the service is ready for them or not.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    http_load::{self, Load, Served},
    plan::Budget,
    spread::{Latency, Seeded},
    workload,
};
use crate::verify::Engine;

#[derive(Debug, Serialize)]
pub struct Curve {
    pub workload: &'static str,
    pub slots: usize,
    /// Verdicts per second with more requests in flight than slots: what 100 % stands for.
    pub capacity_per_second: f64,
    pub seconds_per_point: f64,
    pub points: Vec<CurvePoint>,
}

#[derive(Debug, Serialize)]
pub struct CurvePoint {
    /// Share of the capacity that arrives, percent.
    pub load_percent: u32,
    pub offered_per_second: f64,
    pub answered: usize,
    /// Answered 429: the queue was full.
    pub turned_away: usize,
    /// Latency of the answered requests, from the moment of arrival.
    pub latency: Latency,
}

const PERCENT: [u32; 12] = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120];
const PERCENT_QUICK: [u32; 4] = [25, 50, 80, 110];

/// Finds the capacity, then offers shares of it.
pub async fn measure(engine: &Arc<Engine>, budget: &Budget) -> anyhow::Result<Curve> {
    let slots = engine.admission().slots();
    let (seconds, percents) = match budget.quick {
        true => (1.0, &PERCENT_QUICK[..]),
        false => (2.5, &PERCENT[..]),
    };
    let served = Served::start(Arc::clone(engine)).await?;
    let request = http_load::request(&body());
    let capacity = capacity(&served, &request, slots, seconds).await?;
    let mut points = Vec::new();
    for percent in percents {
        if budget.is_used_up() && !points.is_empty() {
            break;
        }
        let offered = capacity * f64::from(*percent) / 100.0;
        let moments = moments(offered, seconds, u64::from(*percent));
        let load = http_load::open_loop(served.address, request.clone(), moments).await?;
        points.push(point(*percent, offered, load)?);
    }
    Ok(Curve { workload: "W1", slots, capacity_per_second: capacity, seconds_per_point: seconds, points })
}

/// W1 as it goes over the wire.
fn body() -> String {
    let workload = workload::trivial();
    let tests: Vec<_> = workload
        .bare
        .runs
        .iter()
        .map(
            |(stdin, expected)| json!({"stdin": String::from_utf8_lossy(stdin), "expected_stdout": expected}),
        )
        .collect();
    json!({"language": "python", "source": workload.bare.program, "tests": tests}).to_string()
}

/// Verdicts per second when something always waits. Twice: the first try only tells how many requests
/// fill the time.
async fn capacity(served: &Served, request: &[u8], slots: usize, seconds: f64) -> anyhow::Result<f64> {
    let mut count = 50 * slots;
    let mut rate = 0.0;
    for _ in 0..2 {
        let requests = Arc::new(vec![request.to_vec(); count]);
        let load = http_load::closed_loop(served.address, requests, 4 * slots).await?;
        accepted(&load)?;
        rate = count as f64 / load.wall.as_secs_f64();
        count = (rate * seconds).ceil() as usize;
    }
    Ok(rate)
}

/// When requests arrive: independent of each other, the same in every run at the same rate.
fn moments(per_second: f64, seconds: f64, seed: u64) -> Vec<Duration> {
    let mut seeded = Seeded(seed);
    let mut at = 0.0;
    let mut moments = Vec::new();
    loop {
        at += seeded.exponential(1.0 / per_second);
        // One at least: a point needs a latency.
        if at >= seconds && !moments.is_empty() {
            return moments;
        }
        moments.push(Duration::from_secs_f64(at));
    }
}

fn point(load_percent: u32, offered_per_second: f64, load: Load) -> anyhow::Result<CurvePoint> {
    let turned_away = accepted(&load)?;
    let answered: Vec<f64> = load
        .answers
        .iter()
        .filter(|answer| answer.status == 200)
        .map(|answer| answer.latency.as_secs_f64() * 1000.0)
        .collect();
    let count = answered.len();
    let Some(latency) = Latency::of(answered) else { bail!("at {load_percent} % nothing was answered") };
    Ok(CurvePoint { load_percent, offered_per_second, answered: count, turned_away, latency })
}

#[derive(Deserialize)]
struct Told {
    /// `None` in a problem document without a verdict.
    verdict: Option<String>,
}

/// How many were turned away; all others must be accepted.
fn accepted(load: &Load) -> anyhow::Result<usize> {
    let mut turned_away = 0;
    for answer in &load.answers {
        let told: Told = serde_json::from_slice(&answer.body).context("an answer is no JSON object")?;
        match (answer.status, told.verdict.as_deref()) {
            (200, Some("accepted")) => {}
            (429, _) => turned_away += 1,
            (status, _) => {
                bail!("a right program was answered {status}: {}", String::from_utf8_lossy(&answer.body))
            }
        }
    }
    Ok(turned_away)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_at_the_rate_asked_for() {
        let moments = moments(1000.0, 4.0, 7);
        assert!((3700..4300).contains(&moments.len()), "{}", moments.len());
        assert!(moments.is_sorted());
        assert_eq!(super::moments(0.0001, 1.0, 7).len(), 1);
    }
}
