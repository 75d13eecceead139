//! Figures over repeated measurements.

use serde::Serialize;

/// The middle of some measurements and how far they lie apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// `None` without measurements.
    pub fn of(measured: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut sorted: Vec<f64> = measured.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
            _ => sorted[middle],
        };
        Some(Spread { median, min, max })
    }
}

/// Latencies of many requests, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

impl Latency {
    /// `None` without measurements.
    pub fn of(mut measured_ms: Vec<f64>) -> Option<Latency> {
        measured_ms.sort_by(f64::total_cmp);
        let max_ms = *measured_ms.last()?;
        // The least value that at least this share of all values does not exceed.
        let rank = |share: f64| {
            let at = (share * measured_ms.len() as f64).ceil() as usize;
            measured_ms[at.clamp(1, measured_ms.len()) - 1]
        };
        Some(Latency { p50_ms: rank(0.50), p95_ms: rank(0.95), p99_ms: rank(0.99), max_ms })
    }
}

/// Arrival times and orders that are the same in every run of the bench (SplitMix64).
#[derive(Debug, Clone)]
pub struct Seeded(pub u64);

impl Seeded {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Evenly spread below `bound`, which is far below 2^64.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Exponentially distributed with the given mean: the gaps between independent arrivals.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        // In (0, 1]: the logarithm is finite.
        let even = ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        -mean * even.ln()
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_percentiles() {
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]).unwrap().median, 2.5);
        assert_eq!(Latency::of(Vec::new()), None);
        let hundred = Latency::of((1..=100).map(f64::from).collect()).unwrap();
        assert_eq!(
            (hundred.p50_ms, hundred.p95_ms, hundred.p99_ms, hundred.max_ms),
            (50.0, 95.0, 99.0, 100.0)
        );
        let one = Latency::of(vec![7.0]).unwrap();
        assert_eq!((one.p50_ms, one.p99_ms), (7.0, 7.0));
    }

    #[test]
    fn arrivals_have_the_mean_asked_for_and_repeat() {
        let mut seeded = Seeded(1);
        let gaps: Vec<f64> = (0..20_000).map(|_| seeded.exponential(5.0)).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        assert!((4.8..5.2).contains(&mean), "{mean}");
        assert!(gaps.iter().all(|gap| gap.is_finite() && *gap >= 0.0));
        let mut again = Seeded(1);
        assert!(gaps.iter().take(100).all(|gap| *gap == again.exponential(5.0)));
        let mut order: Vec<usize> = (0..50).collect();
        Seeded(2).shuffle(&mut order);
        assert_ne!(order, (0..50).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..50).collect::<Vec<_>>());
    }
}
