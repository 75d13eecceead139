//! The curve as a picture.

use std::fmt::Write as _;

use super::curve::{Curve, CurvePoint};

const WIDTH: f64 = 820.0;
const HEIGHT: f64 = 500.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 790.0;
const TOP: f64 = 70.0;
const BOTTOM: f64 = 430.0;

/// Percentile, how to read it from a point, colour.
type Line = (&'static str, fn(&CurvePoint) -> f64, &'static str);
/// Colours that stay apart for the colour-blind and in grey.
const LINES: [Line; 3] = [
    ("p99", |point| point.latency.p99_ms, "#d55e00"),
    ("p95", |point| point.latency.p95_ms, "#e69f00"),
    ("p50", |point| point.latency.p50_ms, "#0072b2"),
];

/// Load from left to right, latency upwards on a logarithmic scale.
pub fn draw(curve: &Curve, host: &str) -> String {
    let scale = Scale::of(curve);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
         height=\"{HEIGHT}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let heading = "proofbox: latency against load";
    text(&mut svg, (LEFT, 28.0), "start\" font-size=\"18\" font-weight=\"bold", heading);
    let about = format!(
        "{} over HTTP, {} slots, capacity {:.0} verdicts/s, open-loop arrivals, {} s a point; {host}",
        curve.workload, curve.slots, curve.capacity_per_second, curve.seconds_per_point
    );
    text(&mut svg, (LEFT, 50.0), "start\" fill=\"#555", &escaped(&about));
    axes(&mut svg, &scale);
    for (at, (name, read, colour)) in LINES.into_iter().enumerate() {
        let points: Vec<(f64, f64)> = curve
            .points
            .iter()
            .map(|point| (scale.x(f64::from(point.load_percent)), scale.y(read(point))))
            .collect();
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\"/>",
            path.join(" ")
        );
        for (x, y) in points {
            let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>");
        }
        let y = TOP + 20.0 + 22.0 * at as f64;
        let _ = writeln!(
            svg,
            "<line x1=\"{}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\" stroke=\"{colour}\" stroke-width=\"2.5\"/>",
            LEFT + 16.0,
            LEFT + 46.0
        );
        text(&mut svg, (LEFT + 54.0, y + 4.0), "start", name);
    }
    svg.push_str("</svg>\n");
    svg
}

fn axes(svg: &mut String, scale: &Scale) {
    for (latency, y) in scale.ticks() {
        grid_line(svg, (LEFT, y), (RIGHT, y));
        text(svg, (LEFT - 8.0, y + 4.0), "end", &format!("{latency}"));
    }
    let mut percent = 0.0;
    while percent <= scale.most_percent {
        let x = scale.x(percent);
        grid_line(svg, (x, TOP), (x, BOTTOM));
        text(svg, (x, BOTTOM + 20.0), "middle", &format!("{percent} %"));
        percent += 10.0;
    }
    let full = scale.x(100.0);
    let _ = writeln!(
        svg,
        "<line x1=\"{full}\" y1=\"{TOP}\" x2=\"{full}\" y2=\"{BOTTOM}\" stroke=\"#555\" \
         stroke-dasharray=\"5 4\"/>"
    );
    let _ = writeln!(
        svg,
        "<path d=\"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}\" fill=\"none\" stroke=\"#333\" stroke-width=\"1.5\"/>"
    );
    text(svg, (LEFT.midpoint(RIGHT), BOTTOM + 46.0), "middle", "requests that arrive, share of the capacity");
    let middle = TOP.midpoint(BOTTOM);
    text(
        svg,
        (22.0, middle),
        &format!("middle\" transform=\"rotate(-90 22 {middle})"),
        "latency from arrival to verdict, ms (logarithmic)",
    );
}

fn grid_line(svg: &mut String, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(
        svg,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#ddd\"/>",
        from.0, from.1, to.0, to.1
    );
}

/// `anchor` may carry further attributes behind a closed quote.
fn text(svg: &mut String, at: (f64, f64), anchor: &str, content: &str) {
    let _ =
        writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{content}</text>", at.0, at.1);
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Converts figures to positions in the picture.
struct Scale {
    most_percent: f64,
    /// Powers of ten of milliseconds at the lower and the upper edge.
    low: f64,
    high: f64,
}

impl Scale {
    fn of(curve: &Curve) -> Scale {
        let all = || curve.points.iter().flat_map(|point| LINES.map(|(_, read, _)| read(point)));
        // Zero has no logarithm.
        let least = all().fold(f64::MAX, f64::min).max(0.01);
        let most = all().fold(f64::MIN, f64::max).max(least);
        let low = least.log10().floor();
        let percents = curve.points.iter().map(|point| f64::from(point.load_percent));
        Scale { most_percent: percents.fold(100.0, f64::max), low, high: most.log10().ceil().max(low + 1.0) }
    }

    fn x(&self, percent: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * percent / self.most_percent
    }

    fn y(&self, latency_ms: f64) -> f64 {
        let share = (latency_ms.max(0.01).log10() - self.low) / (self.high - self.low);
        BOTTOM - (BOTTOM - TOP) * share.clamp(0.0, 1.0)
    }

    /// Latencies with a line and their places: 1, 2 and 5 of every power of ten.
    fn ticks(&self) -> Vec<(f64, f64)> {
        let mut ticks = Vec::new();
        let mut power = self.low;
        while power <= self.high {
            for step in [1.0, 2.0, 5.0] {
                let latency = step * 10_f64.powf(power);
                if latency <= 10_f64.powf(self.high) * 1.001 {
                    ticks.push((latency, self.y(latency)));
                }
            }
            power += 1.0;
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::bench::spread::Latency;

    #[test]
    fn every_point_is_inside_the_axes() {
        let point = |load_percent, p50_ms| CurvePoint {
            load_percent,
            offered_per_second: 10.0,
            answered: 5,
            turned_away: 0,
            latency: Latency { p50_ms, p95_ms: p50_ms * 2.0, p99_ms: p50_ms * 3.0, max_ms: p50_ms * 4.0 },
        };
        let curve = Curve {
            workload: "W1",
            slots: 2,
            capacity_per_second: 400.0,
            seconds_per_point: 2.5,
            points: vec![point(10, 2.4), point(100, 40.0), point(120, 333.0)],
        };
        let svg = draw(&curve, "a < b");
        assert!(svg.contains("a &lt; b") && svg.ends_with("</svg>\n"));
        assert_eq!(svg.matches("<polyline").count(), 3);
        let circles: Vec<(f64, f64)> = svg
            .lines()
            .filter_map(|line| {
                let mut values = line.strip_prefix("<circle cx=\"")?.split('"');
                let x = values.next()?.parse().ok()?;
                Some((x, values.nth(1)?.parse().ok()?))
            })
            .collect();
        assert_eq!(circles.len(), 9);
        assert!(circles.iter().all(|(x, y)| (LEFT..=RIGHT).contains(x) && (TOP..=BOTTOM).contains(y)));
    }
}
