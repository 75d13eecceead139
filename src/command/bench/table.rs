//! The results for a person.

use std::fmt::Write as _;

use super::{
    bars::JudgedBar,
    compare::{Compared, RuleCost},
    curve::Curve,
    memory::{Held, Memory},
    mixed::Mixed,
    results::Results,
    side_by_side::{Comparison, ScalingPoint},
    spread::Spread,
    wasm::WasmCost,
};

pub fn table(results: &Results) -> String {
    let mut text = head(results);
    if !results.comparisons.is_empty() {
        side_by_side(&mut text, &results.comparisons);
    }
    if let Some(measured) = &results.mixed {
        mixed(&mut text, measured);
    }
    if let Some(measured) = &results.compare {
        compare(&mut text, measured);
    }
    if !results.wasm.is_empty() {
        wasm(&mut text, &results.wasm);
    }
    if let Some(measured) = &results.memory {
        memory(&mut text, measured);
    }
    if !results.scaling.is_empty() {
        scaling(&mut text, &results.scaling);
    }
    if let Some(measured) = &results.curve {
        curve(&mut text, measured);
    }
    if !results.skipped.is_empty() {
        text.push_str("\nNot measured\n");
        for skipped in &results.skipped {
            let _ = writeln!(text, "  {:<8} {}", skipped.part.name(), skipped.why);
        }
    }
    bars(&mut text, &results.bars());
    text
}

fn head(results: &Results) -> String {
    let host = &results.host;
    let mut text = format!(
        "proofbox {} ({} build), {}; {} cores, {}, kernel {}\n",
        results.version, results.build, host.python, host.cores, host.processor, host.kernel
    );
    let _ = writeln!(
        text,
        "tier {}, {}, {} slots; load average {} before, {} after; {:.0} s",
        host.tier, host.control_groups, host.slots, host.load_before, host.load_after, results.seconds
    );
    if !host.cells_clock {
        text.push_str(
            "NOTE: without control groups the cells' CPU time is what the runs' own clocks say; making and \
             ending cells is not in it.\n",
        );
    }
    if results.build == "debug" {
        text.push_str("NOTE: a debug build. Figures are those of --release only.\n");
    }
    text
}

/// Median, and least to most.
fn spread(spread: &Spread, digits: usize) -> String {
    format!("{:.digits$} [{:.digits$}-{:.digits$}]", spread.median, spread.min, spread.max)
}

fn side_by_side(text: &mut String, comparisons: &[Comparison]) {
    text.push_str(
        "\nSide by side with bare `python3 FILE` per test: milliseconds, median [least-most] of the rounds, whole \
         process tree\n",
    );
    let _ = writeln!(
        text,
        "  {:<4} {:<6} {:<24} {:<10} {:<24} {:<21} {:<21} bar",
        "", "", "CPU", "in service", "wall", "CPU / bare", "wall / bare"
    );
    for comparison in comparisons {
        let _ = writeln!(
            text,
            "  {} {}, per {}; {} rounds of {} submissions",
            comparison.workload.name(),
            comparison.title,
            comparison.per,
            comparison.rounds,
            comparison.submissions_per_round
        );
        let bare = &comparison.bare;
        let _ = writeln!(
            text,
            "  {:<4} {:<6} {:<24} {:<10} {:<24}",
            "",
            "bare",
            spread(&bare.cpu_ms, 2),
            "",
            spread(&bare.wall_ms, 2)
        );
        for engine in &comparison.engines {
            let _ = writeln!(
                text,
                "  {:<4} {:<6} {:<24} {:<10.2} {:<24} {:<21} {:<21} {}",
                "",
                engine.variant.name(),
                spread(&engine.figures.cpu_ms, 2),
                engine.service_cpu_ms.median,
                spread(&engine.figures.wall_ms, 2),
                spread(&engine.cpu_ratio, 3),
                spread(&engine.wall_ratio, 3),
                engine.bar.map_or_else(String::new, |bar| format!(
                    "{} {}",
                    bar.bar.must_reach,
                    reached(&bar)
                ))
            );
        }
    }
}

fn reached(bar: &JudgedBar) -> &'static str {
    match (bar.reached, bar.aim_reached) {
        (true, Some(true)) => "reached, the aim too",
        (true, _) => "reached",
        (false, _) => "NOT REACHED",
    }
}

fn mixed(text: &mut String, mixed: &Mixed) {
    let _ = writeln!(
        text,
        "\nW5 {} labelled submissions ({} different ones) through HTTP on loopback; {} rounds; every one got its \
         label",
        mixed.submissions, mixed.distinct, mixed.rounds
    );
    let _ = writeln!(
        text,
        "  {:<9} {:<17} {:>8} {:>8} {:>8}  {:<20} {:<20} HTTP adds, CPU ms",
        "in flight",
        "per second",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "CPU ms per request",
        "engine called directly"
    );
    for point in &mixed.points {
        let _ = writeln!(
            text,
            "  {:<9} {:<17} {:>8.1} {:>8.1} {:>8.1}  {:<20} {:<22} {}",
            point.concurrency,
            spread(&point.per_second, 0),
            point.latency.p50_ms,
            point.latency.p95_ms,
            point.latency.p99_ms,
            spread(&point.cpu_ms_per_request, 2),
            spread(&point.direct_cpu_ms_per_request, 2),
            spread(&point.http_cpu_ms_per_request, 3),
        );
    }
}

fn compare(text: &mut String, compared: &Compared) {
    let _ = writeln!(
        text,
        "\nComparison of two outputs of {} KiB by each rule, the dearest of several pairs",
        compared.output_bytes >> 10
    );
    let _ = writeln!(text, "  {:<30} {:<22} pair", "rule", "ms, median [least-most]");
    let must_reach = compared.bar.bar.must_reach;
    let is_dear = |cost: &&RuleCost| cost.wall_ms.median > must_reach;
    let dear: Vec<&RuleCost> = compared.hard.iter().filter(is_dear).collect();
    let row = |text: &mut String, cost: &RuleCost| {
        let _ = writeln!(text, "  {:<30} {:<23} {}", cost.rule, spread(&cost.wall_ms, 1), cost.dearest);
    };
    compared.rules.iter().for_each(|cost| row(text, cost));
    if !dear.is_empty() {
        let _ = writeln!(text, "  of outputs that are dear to compare, what is above {must_reach} ms");
        dear.into_iter().for_each(|cost| row(text, cost));
    }
}

fn wasm(text: &mut String, costs: &[WasmCost]) {
    text.push_str("\nIn WebAssembly, per test: milliseconds, median [least-most] of the rounds\n");
    let _ = writeln!(text, "  {:<41} {:<21} {:<21} bar", "", "CPU", "wall");
    for cost in costs {
        let _ = writeln!(
            text,
            "  {:<41} {:<21} {:<21} must reach {}: {}",
            format!("{}, {} to a verdict", cost.title, cost.tests_per_submission),
            spread(&cost.cpu_ms, 2),
            spread(&cost.wall_ms, 2),
            cost.bar.bar.must_reach,
            reached(&cost.bar)
        );
    }
}

fn memory(text: &mut String, memory: &Memory) {
    let _ = writeln!(text, "\nMemory of {} slots with their launchers, MiB per slot", memory.slots);
    for (name, held) in [("idle", &memory.idle), ("busy", &memory.busy)] {
        let _ = writeln!(
            text,
            "  {name}: {:.1} private to a process; each page once: {:.1} anonymous, {:.1} with files\n        (process \
             private/anonymous: {})",
            held.private_mib_per_slot,
            held.anonymous_mib_per_slot,
            held.proportional_mib_per_slot,
            processes(held)
        );
    }
    let service = &memory.service;
    let _ = writeln!(
        text,
        "  the service itself (bench included): {:.1} private",
        service.private_kib as f64 / 1024.0
    );
}

fn processes(held: &Held) -> String {
    let each: Vec<String> = held
        .processes
        .iter()
        .map(|process| {
            format!(
                "{} {:.1}/{:.1}",
                process.role,
                process.private_kib as f64 / 1024.0,
                process.anonymous_kib as f64 / 1024.0
            )
        })
        .collect();
    each.join(", ")
}

fn scaling(text: &mut String, points: &[ScalingPoint]) {
    text.push_str("\nScaling: as many submissions in flight as slots\n");
    let _ = writeln!(
        text,
        "  {:<6} {:<22} {:<20} {:<22} cores busy",
        "slots", "W1 verdicts/s", "cores busy", "W2 tests/s"
    );
    for point in points {
        let _ = writeln!(
            text,
            "  {:<6} {:<22} {:<20} {:<22} {}",
            point.slots,
            spread(&point.w1_per_second, 0),
            spread(&point.w1_cores_busy, 2),
            spread(&point.w2_tests_per_second, 0),
            spread(&point.w2_cores_busy, 2)
        );
    }
}

fn curve(text: &mut String, curve: &Curve) {
    let _ = writeln!(
        text,
        "\nLatency against load: {} over HTTP, arrivals independent of answers; 100 % = {:.0} verdicts/s",
        curve.workload, curve.capacity_per_second
    );
    let _ = writeln!(
        text,
        "  {:>6} {:>10} {:>9} {:>9} {:>9} {:>9} {:>12}",
        "load", "arrive/s", "p50 ms", "p95 ms", "p99 ms", "answered", "turned away"
    );
    for point in &curve.points {
        let _ = writeln!(
            text,
            "  {:>4} % {:>10.0} {:>9.1} {:>9.1} {:>9.1} {:>9} {:>12}",
            point.load_percent,
            point.offered_per_second,
            point.latency.p50_ms,
            point.latency.p95_ms,
            point.latency.p99_ms,
            point.answered,
            point.turned_away
        );
    }
}

fn bars(text: &mut String, bars: &[JudgedBar]) {
    if bars.is_empty() {
        return;
    }
    text.push_str("\nBars\n");
    for bar in bars {
        let aim = bar.bar.aim.map_or_else(String::new, |aim| format!(", aim {aim}"));
        let _ = writeln!(
            text,
            "  {:<10} {:.3} {} (must reach {}{aim}): {}",
            bar.bar.name,
            bar.measured,
            bar.bar.unit,
            bar.bar.must_reach,
            reached(bar)
        );
    }
}
