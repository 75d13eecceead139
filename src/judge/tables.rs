//! The tables of `README.md` beside this file hold what the code does, cell by cell.

use super::{
    Letters,
    compare::Compare,
    profiles::profile::Profile,
    rules::{output::compare_output, result::compare_value, rule::Rule},
};
use crate::{
    sandbox::{End, Outcome},
    submission::FunctionTest,
    value::{Value, marshal, parse_python},
    verdict::{Ran, Verdict, decide_function},
};

const DOCUMENT: &str = include_str!("README.md");

/// What has a row, or several, in every table.
const TOPICS: [&str; 11] = [
    "zeros in front",
    "signs",
    "`1` and `1.0`",
    "`1e3`",
    "`1_000`",
    "`inf`",
    "`nan`",
    "case",
    "blanks",
    "list and tuple",
    "bool and int",
];

/// A table: the names of its columns, and the lines of its rows as they stand, each with its two sides.
struct Table {
    names: Vec<&'static str>,
    topics: Vec<&'static str>,
    rows: Vec<(&'static str, [&'static str; 2])>,
}

fn cells(line: &'static str) -> Vec<&'static str> {
    line.trim_start_matches('|').trim_end_matches('|').split('|').map(str::trim).collect()
}

/// The text between the first and the last backtick, which may begin or end with a blank.
fn quoted(cell: &'static str) -> &'static str {
    cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`')).unwrap_or(cell)
}

/// The tables whose first side has this heading.
fn tables(side: &str) -> Vec<Table> {
    let heading = format!("| | {side} | expected |");
    let begins = DOCUMENT.lines().enumerate().filter(|(_, line)| line.starts_with(&heading));
    begins
        .map(|(at, line)| {
            let lines = DOCUMENT.lines().skip(at + 2).take_while(|line| line.starts_with('|'));
            let rows: Vec<_> = lines.map(|line| (line, cells(line))).collect();
            Table {
                names: cells(line)[3..].iter().map(|name| quoted(name)).collect(),
                topics: rows.iter().map(|(_, cells)| cells[0]).filter(|topic| !topic.is_empty()).collect(),
                rows: rows
                    .iter()
                    .map(|(line, cells)| (*line, [quoted(cells[1]), quoted(cells[2])]))
                    .collect(),
            }
        })
        .collect()
}

/// Renders every row anew, by what `matches` finds, and compares.
fn check(table: &Table, matches: impl Fn(&str, [&str; 2]) -> bool) {
    let mut wrong = Vec::new();
    for (line, sides) in &table.rows {
        let words = table.names.iter().map(|name| if matches(name, *sides) { "yes" } else { "no" });
        let begins = line.splitn(5, '|').take(4).collect::<Vec<_>>().join("|");
        let right = format!("{begins}| {} |", words.collect::<Vec<_>>().join(" | "));
        if *line != right {
            wrong.push(right);
        }
    }
    assert!(wrong.is_empty(), "these rows should be:\n{}", wrong.join("\n"));
    for topic in TOPICS {
        assert!(table.topics.contains(&topic), "{topic} has no row");
    }
}

fn unescaped(side: &str) -> Vec<u8> {
    side.replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t").into_bytes()
}

fn value(side: &str) -> Value {
    parse_python(side).unwrap_or_else(|error| panic!("{side}: {error}"))
}

/// Whether a function's test is passed that returned this, as its driver writes it down.
fn is_accepted(compare: Compare, returned: Value, expected: Value) -> bool {
    let tag = if returned.first_typed().is_some() { "exact" } else { "ok" };
    let record = Value::Tuple(vec![Value::str(tag), returned]);
    let ended = Outcome::silent(End::Exited { code: 0 }, None);
    let outcome = Outcome { result: marshal::encode(&record).unwrap(), ..ended };
    let test = FunctionTest::new(Vec::new(), Vec::new(), &[expected]);
    decide_function(&Ran::new(&outcome), &test, compare).verdict == Verdict::Accepted
}

fn compare(name: &str) -> Compare {
    name.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// Every profile as it is meant, and every rule but those that only differ in letters, is a column.
fn check_columns(tables: &[Table], is_about_values: bool) {
    let [rules, profiles] = tables else { panic!("{} tables", tables.len()) };
    let named = Rule::NAMED.iter().map(|(name, _)| *name).chain(["float:1e-6", "kattis:1e-6"]);
    let expected = named.filter(|name| {
        let Compare::Rule(rule) = compare(name) else { panic!("{name}") };
        !(name.starts_with("unordered_") && name.ends_with("_ignore_case"))
            && (rule.fits_values() || !is_about_values)
    });
    for name in expected {
        assert!(rules.names.contains(&name), "the rule {name} has no column");
    }
    for profile in Profile::all().filter(|profile| !profile.is_bug_compatible()) {
        assert!(profiles.names.contains(&profile.to_string().as_str()), "{profile} has no column");
    }
}

#[test]
fn every_cell_about_printed_output_holds() {
    let tables = tables("printed");
    check_columns(&tables, false);
    for table in &tables {
        check(table, |name, [printed, expected]| {
            compare(name).output(&unescaped(printed), &[unescaped(expected)]).is_match()
        });
    }
}

#[test]
fn every_cell_about_results_holds() {
    let tables = tables("returned");
    check_columns(&tables, true);
    for table in &tables {
        check(table, |name, [returned, expected]| {
            is_accepted(compare(name), value(returned), value(expected))
        });
    }
}

/// What the page says of rules that have no column.
#[test]
fn letters_in_either_case_are_letters_in_lower_case() {
    let lower = |side: &str| unescaped(side).to_ascii_lowercase();
    for rule in
        [Rule::UNORDERED_LINES, Rule::UNORDERED_TOKENS, Rule::float(1e-6, 1e-6), Rule::LINES, Rule::TOKENS]
    {
        let ignoring = rule.with(rule.order, Letters::AnyCase, rule.tolerance).unwrap();
        for (line, [printed, expected]) in tables("printed")[0].rows.iter() {
            let found = compare_output(ignoring, &unescaped(printed), &unescaped(expected));
            let lowered = compare_output(rule, &lower(printed), &lower(expected));
            assert_eq!(found.is_match(), lowered.is_match(), "{ignoring}: {line}");
        }
        if !rule.fits_values() {
            continue;
        }
        for (line, [returned, expected]) in tables("returned")[0].rows.iter() {
            let found = compare_value(ignoring, &value(returned), &value(expected)).is_match();
            assert!(
                found || !compare_value(rule, &value(returned), &value(expected)).is_match(),
                "{ignoring}: {line}"
            );
        }
    }
}

#[test]
fn kattis_tolerance_holds_for_integers() {
    let tenth = compare("kattis:0.1");
    for (printed, is_right) in
        [("105", true), ("90", true), ("110", true), ("111", false), ("+105", true), ("x", false)]
    {
        assert_eq!(tenth.output(printed.as_bytes(), &[b"100".to_vec()]).is_match(), is_right, "{printed}");
    }
    let relative = compare("kattis:0:0.1");
    assert!(relative.value(&Value::Int(105), &[Value::Int(100)]).is_match());
    assert!(!relative.value(&Value::Int(111), &[Value::Int(100)]).is_match());
    assert_eq!(relative.to_string().parse(), Ok(relative));
}
