//! The text that `proofbox run` shows: a line per test, then details of failures. Pure. Output of a solution is escaped,
//! so that it cannot act on the terminal.

use std::fmt::Write;

use crate::{
    report::{Report, TestReport},
    submission::Tests,
    verdict::{Cause, Verdict},
};

/// Tests shown in full after the table.
const MAX_DETAILS: usize = 5;
/// Lines of one input or output that are shown, and characters of one line.
const MAX_LINES: usize = 12;
const MAX_LINE_CHARS: usize = 160;
/// Bytes of one value that are shown.
const MAX_VALUE_BYTES: usize = 1_000;

/// The report as text. `tests` is `None` if the submission's tests could not be read.
pub fn render(name: &str, tests: Option<&Tests>, report: &Report, colored: bool) -> String {
    let paint = Paint { colored };
    let mut text = String::new();
    headline(&mut text, name, report, paint);
    if !report.tests.is_empty() {
        text.push('\n');
        table(&mut text, &report.tests, paint);
    }
    let failed = |test: &TestReport| !matches!(test.verdict, Verdict::Accepted | Verdict::Skipped);
    let failing: Vec<_> = report.tests.iter().enumerate().filter(|(_, test)| failed(test)).collect();
    for (index, test) in failing.iter().take(MAX_DETAILS) {
        detail(&mut text, *index, test, tests, paint);
    }
    if failing.len() > MAX_DETAILS {
        let more = failing.len() - MAX_DETAILS;
        line(&mut text, format_args!("\n{more} more failing test{} not shown; --json has all", plural(more)));
    }
    text
}

fn headline(text: &mut String, name: &str, report: &Report, paint: Paint) {
    let verdict = paint.verdict(report.verdict, report.verdict.as_str());
    let cause = report.cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
    let (passed, total) = (report.passed(), report.total);
    let tier = report.tier.map(|tier| paint.dim(&format!("   tier {tier}"))).unwrap_or_default();
    let name = printable(name);
    line(
        text,
        format_args!("{name}: {verdict}{cause}, {passed} of {total} test{} passed{tier}", plural(total)),
    );
    // Otherwise the reason repeats what is shown with a test.
    let is_news = report.tests.is_empty() || report.cause == Some(Cause::NotDeterministic);
    if let (true, Some(reason)) = (is_news, &report.reason) {
        line(text, format_args!("{}", printable(reason)));
    }
}

fn table(text: &mut String, tests: &[TestReport], paint: Paint) {
    let head = format!("{:>6}  {:<14}{:>11}{:>11}{:>12}", "test", "verdict", "cpu", "wall", "memory");
    line(text, format_args!("{}", paint.dim(&head)));
    for (index, test) in tests.iter().enumerate() {
        if test.verdict == Verdict::Skipped {
            line(text, format_args!("{index:>6}  {}", paint.dim(test.verdict.as_str())));
            continue;
        }
        let verdict = paint.verdict(test.verdict, &format!("{:<14}", test.verdict.as_str()));
        let (cpu, wall, memory) = (time(test.cpu_ms), time(test.wall_ms), memory(test.memory_bytes));
        let message = test.message.as_deref().map(|message| format!("  {}", printable(message)));
        let message = message.unwrap_or_default();
        line(text, format_args!("{index:>6}  {verdict}{cpu:>11}{wall:>11}{memory:>12}{message}"));
    }
}

fn detail(text: &mut String, index: usize, test: &TestReport, tests: Option<&Tests>, paint: Paint) {
    let cause = test.cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
    line(text, format_args!("\ntest {index}: {}{cause}", paint.verdict(test.verdict, test.verdict.as_str())));
    let mut block = |label: &str, content: &str| block(text, label, content, paint);
    match tests {
        Some(Tests::Program(tests)) => {
            let Some(asked) = tests.get(index) else { return };
            block("input", &String::from_utf8_lossy(&asked.stdin));
            for (number, expected) in asked.accepted_stdout.iter().enumerate() {
                block(if number == 0 { "expected" } else { "or" }, &String::from_utf8_lossy(expected));
            }
            block("got", test.stdout.as_deref().unwrap_or_default());
        }
        Some(Tests::Code(code)) => {
            let Some(asked) = code.tests.get(index) else { return };
            block("test", &asked.code);
            if let Some(stdout) = test.stdout.as_deref().filter(|stdout| !stdout.is_empty()) {
                block("stdout", stdout);
            }
        }
        Some(Tests::Function { target, tests }) => {
            let Some(asked) = tests.get(index) else { return };
            let positional = asked.args.root().items().map(|value| value.repr(MAX_VALUE_BYTES));
            let (names, values) =
                (asked.kwargs.root().items().step_by(2), asked.kwargs.root().items().skip(1).step_by(2));
            let named = names.zip(values).map(|(name, value)| {
                let name = String::from_utf8_lossy(name.text().unwrap_or_default()).into_owned();
                format!("{name}={}", value.repr(MAX_VALUE_BYTES))
            });
            let args: Vec<_> = positional.chain(named).collect();
            block("call", &format!("{}({})", target.name, args.join(", ")));
            for (number, expected) in asked.accepted.iter().enumerate() {
                block(if number == 0 { "expected" } else { "or" }, &expected.root().repr(MAX_VALUE_BYTES));
            }
            if let Some(result) = &test.result {
                block("got", result);
            }
            if let Some(stdout) = test.stdout.as_deref().filter(|stdout| !stdout.is_empty()) {
                block("stdout", stdout);
            }
        }
        None => {}
    }
    if let Some(stderr) = test.stderr.as_deref().filter(|stderr| !stderr.is_empty()) {
        block("stderr", stderr);
    }
    // The exit code or signal is shown for a crash only. After a limit the verdict says how the run ended.
    if test.verdict == Verdict::RuntimeError {
        match (test.exit_code, test.signal) {
            (_, Some(signal)) => block("signal", &signal.to_string()),
            (Some(code), None) => block("exit code", &code.to_string()),
            (None, None) => {}
        }
    }
}

/// A label and the content beside it, bounded and printable.
fn block(text: &mut String, label: &str, content: &str, paint: Paint) {
    let mut label = label;
    let content = content.strip_suffix('\n').unwrap_or(content);
    if content.is_empty() {
        line(text, format_args!("  {}{}", paint.dim(&format!("{label:<11}")), paint.dim("(nothing)")));
        return;
    }
    let lines = content.split('\n').count();
    // Of standard error the end is shown, of other texts the beginning.
    let (first, left_out) = match (label, lines.saturating_sub(MAX_LINES)) {
        ("stderr", left_out) => (left_out, left_out),
        (_, left_out) => (0, left_out),
    };
    for shown in content.split('\n').skip(first).take(MAX_LINES) {
        line(text, format_args!("  {}{}", paint.dim(&format!("{label:<11}")), bounded(shown)));
        label = "";
    }
    if left_out > 0 {
        let note = format!("({left_out} more line{})", plural(left_out));
        line(text, format_args!("  {:<11}{}", "", paint.dim(&note)));
    }
}

fn line(text: &mut String, content: std::fmt::Arguments) {
    writeln!(text, "{content}").expect("writing to memory cannot fail");
}

fn bounded(line: &str) -> String {
    match line.char_indices().nth(MAX_LINE_CHARS) {
        None => printable(line),
        Some((end, _)) => format!("{}... ({} more bytes)", printable(&line[..end]), line.len() - end),
    }
}

/// Control characters, and those that reorder or hide text, as escapes.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let hidden = matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
        if character.is_control() || hidden {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

fn time(ms: f64) -> String {
    if ms < 10_000.0 { format!("{ms:.1} ms") } else { format!("{:.2} s", ms / 1e3) }
}

fn memory(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Colours, or none.
#[derive(Clone, Copy)]
struct Paint {
    colored: bool,
}

impl Paint {
    fn verdict(self, verdict: Verdict, text: &str) -> String {
        match verdict {
            Verdict::Accepted => self.with("32", text),
            Verdict::Skipped => self.dim(text),
            Verdict::Undecided => self.with("33", text),
            _ => self.with("31", text),
        }
    }

    fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.colored { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        submission::{FunctionTarget, FunctionTest, ProgramTest},
        value::Value,
        verdict::Cause,
    };

    fn failing(stdout: &str, stderr: &str) -> TestReport {
        TestReport {
            verdict: Verdict::WrongAnswer,
            cpu_ms: 1.25,
            wall_ms: 12_345.6,
            memory_bytes: 9 << 20,
            message: Some("line 1 differs".to_owned()),
            exit_code: Some(0),
            stdout: Some(stdout.to_owned()),
            stderr: Some(stderr.to_owned()),
            ..TestReport::skipped()
        }
    }

    fn report(tests: Vec<TestReport>) -> Report {
        Report {
            id: None,
            verdict: tests[0].verdict,
            cause: None,
            reason: None,
            isolation_of_tests: None,
            tier: Some("namespaces"),
            total: tests.len(),
            tests,
            also: Vec::new(),
            compile: None,
        }
    }

    fn program(stdin: &str, expected: &str) -> Tests {
        let test = ProgramTest {
            stdin: stdin.as_bytes().into(),
            accepted_stdout: vec![expected.as_bytes().to_vec()],
            files: Vec::new(),
        };
        Tests::Program(vec![test; 9])
    }

    #[test]
    fn a_failing_program_test_in_full() {
        let shown = render(
            "a.py",
            Some(&program("1 2\n", "3\n")),
            &report(vec![failing("4\n", ""), TestReport::skipped()]),
            false,
        );
        let expected = "\
a.py: wrong_answer, 0 of 2 tests passed   tier namespaces

  test  verdict               cpu       wall      memory
     0  wrong_answer       1.2 ms    12.35 s     9.0 MiB  line 1 differs
     1  skipped

test 0: wrong_answer
  input      1 2
  expected   3
  got        4
";
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_failing_call_in_full() {
        let target = FunctionTarget { name: "f".to_owned() };
        let args = vec![Value::Int(1), Value::List(vec![Value::Int(2)])];
        let test = FunctionTest::new(args, vec![("k".to_owned(), Value::None)], &[Value::Int(3)]);
        let tests = Tests::Function { target, tests: vec![test] };
        let failed = TestReport { result: Some("4".to_owned()), ..failing("", "") };
        let shown = render("a.py", Some(&tests), &report(vec![failed]), false);
        assert!(
            shown.contains("  call       f(1, [2], k=None)\n  expected   3\n  got        4\n"),
            "{shown}"
        );
    }

    #[test]
    fn nothing_that_a_solution_prints_acts_on_the_terminal() {
        let hostile = "\x1b]0;title\x07\x1b[31mred\r\u{202e}\u{9b}2J";
        let mut failed = failing(hostile, hostile);
        failed.message = Some(hostile.to_owned());
        let mut hostile_report = report(vec![failed]);
        hostile_report.reason = Some(hostile.to_owned());
        let shown = render(hostile, Some(&program(hostile, hostile)), &hostile_report, false);
        let acting =
            |character: char| (character.is_control() && character != '\n') || character == '\u{202e}';
        assert!(!shown.contains(acting), "{shown:?}");
        assert!(render("a", None, &hostile_report, true).contains("\x1b[31m"), "our own colours are there");
    }

    #[test]
    fn long_and_many_outputs_are_bounded() {
        let long = "x".repeat(100_000) + &"\ny".repeat(100_000);
        let shown =
            render("a.py", Some(&program(&long, &long)), &report(vec![failing(&long, &long); 9]), false);
        assert!(shown.len() < 20_000, "{}", shown.len());
        assert!(shown.contains("4 more failing tests not shown"), "{shown}");
    }

    #[test]
    fn what_was_not_run_says_why() {
        let undecided = Report::undecided(None, Cause::BadTests, "there are no tests", 0);
        assert_eq!(
            render("a.py", None, &undecided, false),
            "a.py: undecided (bad_tests), 0 of 0 tests passed\nthere are no tests\n"
        );
    }
}
