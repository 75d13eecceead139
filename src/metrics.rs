//! Every metric, with its help text; one method per event. `http/METRICS.md` is the page for readers.
//!
//! The number of label values is bounded. A language that this installation does not know is counted as `other`,
//! routes are the router's patterns, and verdicts, causes, steps and kinds of tests are words of this program.

use std::{collections::HashSet, time::Duration};

use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
    core::{Collector, GenericGauge},
};

use crate::{
    admission::Admission,
    verdict::{Cause, Verdict},
};

/// The metrics of one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    known_languages: HashSet<String>,
    verdicts: IntCounterVec,
    in_flight: IntGauge,
    queue_depth: IntGauge,
    queue_wait_seconds: Histogram,
    turned_away: IntCounter,
    slots_total: IntGauge,
    slots_in_use: IntGauge,
    run_cpu_seconds: HistogramVec,
    run_wall_seconds: HistogramVec,
    overhead_seconds: Histogram,
    faults: IntCounterVec,
    cells_started: IntCounterVec,
    runs_in_series: IntCounterVec,
    cells_replaced: IntCounterVec,
    compiles: IntCounterVec,
    checker_runs: IntCounterVec,
    references: IntCounterVec,
    http_requests: IntCounterVec,
    http_seconds: HistogramVec,
}

/// Times of a run, seconds: from a forked interpreter's 2 ms to the longest limits.
const RUN_BUCKETS: [f64; 15] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 120.0];
/// Times of proofbox's own and of requests, seconds. A step is at most twice the one before it, so that a quantile
/// that is interpolated within one is less than twice as large as the true one, under load too.
const OWN_BUCKETS: [f64; 30] = [
    0.000_25, 0.000_5, 0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15,
    0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 30.0, 60.0, 120.0,
];

impl Metrics {
    /// `known_languages` are the values that the label `language` may take, beside `other`.
    pub fn new(known_languages: impl IntoIterator<Item = String>) -> Metrics {
        let registry = Registry::new();
        let metrics = Metrics {
            known_languages: known_languages.into_iter().collect(),
            verdicts: counters(
                &registry,
                "proofbox_verdicts_total",
                "Submissions answered, by language, kind of tests, verdict and cause (empty where the verdict \
                 alone says why).",
                &["language", "kind", "verdict", "cause"],
            ),
            in_flight: gauge(
                &registry,
                "proofbox_submissions_in_flight",
                "Submissions accepted and not yet answered, waiting ones included.",
            ),
            queue_depth: gauge(&registry, "proofbox_queue_depth", "Submissions waiting for a slot."),
            queue_wait_seconds: histogram(
                &registry,
                "proofbox_queue_wait_seconds",
                "Time that submissions waited for their slot.",
                &OWN_BUCKETS,
            ),
            turned_away: registered(
                &registry,
                IntCounter::new(
                    "proofbox_turned_away_total",
                    "Submissions turned away because the queue was full or the wait too long.",
                ),
            ),
            slots_total: gauge(&registry, "proofbox_slots", "Submissions that can run at once."),
            slots_in_use: gauge(&registry, "proofbox_slots_in_use", "Slots that are running a submission."),
            run_cpu_seconds: histograms(
                &registry,
                "proofbox_run_cpu_seconds",
                "CPU time of one test run's whole process tree, by language.",
                &RUN_BUCKETS,
                &["language"],
            ),
            run_wall_seconds: histograms(
                &registry,
                "proofbox_run_wall_seconds",
                "Wall time of one test run, by language.",
                &RUN_BUCKETS,
                &["language"],
            ),
            overhead_seconds: histogram(
                &registry,
                "proofbox_overhead_seconds",
                "What a submission cost beside its runs: its whole time less the wait and the runs' wall time.",
                &OWN_BUCKETS,
            ),
            faults: counters(
                &registry,
                "proofbox_faults_total",
                "Faults of our own machinery, by the step that failed and its cause. Each is an undecided \
                 verdict, never a wrong one.",
                &["step", "cause"],
            ),
            cells_started: counters(
                &registry,
                "proofbox_cells_started_total",
                "Cells made, one per submission that ran, by language.",
                &["language"],
            ),
            runs_in_series: counters(
                &registry,
                "proofbox_runs_in_series_total",
                "Test runs that shared a process with runs before them.",
                &["language"],
            ),
            cells_replaced: counters(
                &registry,
                "proofbox_cells_replaced_total",
                "Launchers or slot processes replaced after they failed, by language.",
                &["language"],
            ),
            compiles: counters(
                &registry,
                "proofbox_compiles_total",
                "Programs asked for in compiled languages, by language and whether they had been compiled before \
                 (hit) or not (miss).",
                &["language", "cache"],
            ),
            checker_runs: counters(
                &registry,
                "proofbox_checker_runs_total",
                "Checks made by checker programs, by ruling; failed: the checker's own failure.",
                &["ruling"],
            ),
            references: counters(
                &registry,
                "proofbox_references_total",
                "Submissions whose expected outputs a reference solution makes, by whether they had been made \
                 before (hit) or not (miss).",
                &["cache"],
            ),
            http_requests: counters(
                &registry,
                "proofbox_http_requests_total",
                "HTTP requests answered, by route and status. A request whose client went away is not answered.",
                &["route", "status"],
            ),
            http_seconds: histograms(
                &registry,
                "proofbox_http_request_seconds",
                "Time from a request's head to its answer, by route.",
                &OWN_BUCKETS,
                &["route"],
            ),
            registry: registry.clone(),
        };
        let build: IntGaugeVec = registered(
            &registry,
            IntGaugeVec::new(
                Opts::new("proofbox_build_info", "Always 1; the version stands in the label."),
                &["version"],
            ),
        );
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        metrics
    }

    /// A submission was accepted for verification. Counts as in flight until the guard is dropped.
    #[must_use]
    pub fn submission_started(&self) -> InFlight {
        self.in_flight.inc();
        InFlight { in_flight: self.in_flight.clone() }
    }

    /// A submission was answered. `kind` is [`crate::submission::Tests::kind`].
    pub fn submission_decided(
        &self,
        language: &str,
        kind: &'static str,
        verdict: Verdict,
        cause: Option<Cause>,
    ) {
        let cause = cause.map_or("", Cause::as_str);
        self.verdicts.with_label_values(&[self.language(language), kind, verdict.as_str(), cause]).inc();
    }

    /// A submission got its slot after waiting for `waited`.
    pub fn slot_entered(&self, waited: Duration) {
        self.queue_wait_seconds.observe(waited.as_secs_f64());
    }

    /// A submission got no slot within the bounds.
    pub fn turned_away(&self) {
        self.turned_away.inc();
    }

    /// One test run ended.
    pub fn run_ended(&self, language: &str, cpu: Duration, wall: Duration) {
        let language = [self.language(language)];
        self.run_cpu_seconds.with_label_values(&language).observe(cpu.as_secs_f64());
        self.run_wall_seconds.with_label_values(&language).observe(wall.as_secs_f64());
    }

    /// A test run shared a process with runs before it.
    pub fn run_was_in_series(&self, language: &str) {
        self.runs_in_series.with_label_values(&[self.language(language)]).inc();
    }

    /// A submission took this long beside waiting and running.
    pub fn overhead(&self, overhead: Duration) {
        self.overhead_seconds.observe(overhead.as_secs_f64());
    }

    /// proofbox itself failed at `step`. `cause` is one of a fixed set of words, such as an errno's name.
    pub fn fault(&self, step: &str, cause: &'static str) {
        self.faults.with_label_values(&[step, cause]).inc();
    }

    /// A cell was made for a submission.
    pub fn cell_started(&self, language: &str) {
        self.cells_started.with_label_values(&[self.language(language)]).inc();
    }

    /// A launcher or slot process failed and was replaced.
    pub fn cell_replaced(&self, language: &str) {
        self.cells_replaced.with_label_values(&[self.language(language)]).inc();
    }

    /// A compiled program was needed. `kept`: it had been compiled before.
    pub fn compiled(&self, language: &str, kept: bool) {
        let cache = if kept { "hit" } else { "miss" };
        self.compiles.with_label_values(&[self.language(language), cache]).inc();
    }

    /// A checker judged one output. `ruling` is [`crate::verdict::checker::Ruling::as_str`].
    pub fn checked(&self, ruling: &'static str) {
        self.checker_runs.with_label_values(&[ruling]).inc();
    }

    /// Expected outputs of a reference were needed. `kept`: they had been made before.
    pub fn reference_used(&self, kept: bool) {
        self.references.with_label_values(&[if kept { "hit" } else { "miss" }]).inc();
    }

    /// A request was answered. `route` is the router's pattern, never the path as sent.
    pub fn http_request(&self, route: &str, status: u16, took: Duration) {
        self.http_requests.with_label_values(&[route, &status.to_string()]).inc();
        self.http_seconds.with_label_values(&[route]).observe(took.as_secs_f64());
    }

    /// All metrics in Prometheus' text format. Those of the queue are read from `admission` at this moment.
    pub fn render(&self, admission: &Admission) -> String {
        set(&self.queue_depth, admission.waiting());
        set(&self.slots_total, admission.slots());
        set(&self.slots_in_use, admission.in_use());
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&self.registry.gather(), &mut text)
            .expect("writing metrics to memory cannot fail");
        String::from_utf8(text).expect("the text format is UTF-8")
    }

    /// The content type of [`Metrics::render`].
    pub const CONTENT_TYPE: &'static str = prometheus::TEXT_FORMAT;

    fn language<'a>(&self, language: &'a str) -> &'a str {
        if self.known_languages.contains(language) { language } else { "other" }
    }
}

/// A submission in flight; counted until dropped.
#[derive(Debug)]
pub struct InFlight {
    in_flight: IntGauge,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.in_flight.dec();
    }
}

/// Registers a metric. Names and labels are constants of this file. A bad or repeated one is a mistake in the program,
/// which every test that makes a [`Metrics`] finds.
fn registered<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let metric = made.expect("a valid metric");
    registry.register(Box::new(metric.clone())).expect("a metric of its own name");
    metric
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    registered(registry, IntCounterVec::new(Opts::new(name, help), labels))
}

fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    registered(registry, GenericGauge::new(name, help))
}

fn histogram(registry: &Registry, name: &str, help: &str, buckets: &[f64]) -> Histogram {
    registered(registry, Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())))
}

fn histograms(registry: &Registry, name: &str, help: &str, buckets: &[f64], labels: &[&str]) -> HistogramVec {
    registered(registry, HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels))
}

fn set(gauge: &IntGauge, count: usize) {
    gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::{Admit, Caller};

    #[test]
    fn a_quantile_within_a_bucket_is_less_than_twice_too_large() {
        assert!(OWN_BUCKETS.windows(2).all(|pair| pair[0] < pair[1] && pair[1] <= 2.0 * pair[0]));
    }

    #[tokio::test]
    async fn every_event_shows_and_unknown_languages_share_a_label() {
        let metrics = Metrics::new(["python".to_owned()]);
        let admission = Admission::new(2, 5);
        let slot = admission.enter(Admit::Bounded, Caller::OWN).await.unwrap();
        let in_flight = metrics.submission_started();
        metrics.slot_entered(slot.waited());
        metrics.cell_started("python");
        metrics.run_ended("python", Duration::from_millis(3), Duration::from_millis(4));
        metrics.submission_decided("python", "program", Verdict::TimeLimit, Some(Cause::WallTime));
        for number in 0..100 {
            metrics.submission_decided(&format!("made-up-{number}"), "program", Verdict::Undecided, None);
        }
        metrics.overhead(Duration::from_micros(700));
        metrics.fault("clone", "EPERM");
        metrics.turned_away();
        metrics.run_was_in_series("python");
        metrics.cell_replaced("python");
        metrics.compiled("python", true);
        metrics.checked("wrong");
        metrics.reference_used(false);
        metrics.http_request("/v1/verify", 200, Duration::from_millis(5));

        let text = metrics.render(&admission);
        for line in [
            r#"proofbox_verdicts_total{cause="wall_time",kind="program",language="python",verdict="time_limit"} 1"#,
            r#"proofbox_verdicts_total{cause="",kind="program",language="other",verdict="undecided"} 100"#,
            "proofbox_submissions_in_flight 1",
            "proofbox_slots 2",
            "proofbox_slots_in_use 1",
            "proofbox_queue_depth 0",
            "proofbox_queue_wait_seconds_count 1",
            "proofbox_turned_away_total 1",
            r#"proofbox_run_cpu_seconds_bucket{language="python",le="0.005"} 1"#,
            r#"proofbox_faults_total{cause="EPERM",step="clone"} 1"#,
            r#"proofbox_cells_started_total{language="python"} 1"#,
            r#"proofbox_runs_in_series_total{language="python"} 1"#,
            r#"proofbox_cells_replaced_total{language="python"} 1"#,
            r#"proofbox_http_requests_total{route="/v1/verify",status="200"} 1"#,
            "proofbox_overhead_seconds_count 1",
            r#"proofbox_compiles_total{cache="hit",language="python"} 1"#,
            r#"proofbox_references_total{cache="miss"} 1"#,
            r#"proofbox_checker_runs_total{ruling="wrong"} 1"#,
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} is missing from\n{text}");
        }
        assert!(!text.contains("made-up"));
        // Every metric has had an event by now; the page for readers lists them all, and no other.
        let first_word = |text: &str| text.split(['`', ' ', '{']).next().map(str::to_owned);
        let page = include_str!("http/METRICS.md");
        let listed: HashSet<_> =
            page.lines().filter_map(|line| line.strip_prefix("| `proofbox_")).map(first_word).collect();
        let shown: HashSet<_> =
            text.lines().filter_map(|line| line.strip_prefix("# TYPE proofbox_")).map(first_word).collect();
        assert_eq!(listed, shown);
        drop(in_flight);
        assert!(metrics.render(&admission).contains("proofbox_submissions_in_flight 0"));
    }
}
