//! JavaScript in WebAssembly: how programs read and write, how they end, what is not there, and the values that
//! console.log shows, beside Node.js where that is installed.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use proofbox::{
    limits::Limits,
    submission::{FunctionTarget, FunctionTest, Solution, Submission, Tests},
    value::Value,
    verdict::{Cause, Verdict},
};

use super::{engine, image, support::program, verify};

/// A JavaScript program with one test.
fn javascript(source: &str, stdin: &str, stdout: &str) -> Submission {
    Submission {
        language: "javascript".to_owned(),
        solution: Solution::single("main.js", source),
        limits: Limits { cpu_ms: 1_000, memory_bytes: 64 << 20, output_bytes: 1 << 20, ..Limits::default() },
        ..program("", &[(stdin, stdout)])
    }
}

/// Every way of reading: source, output for the input `1 2\n3\n`.
const READERS: [(&str, &str); 12] = [
    ("console.log(require('fs').readFileSync(0, 'utf8').split(/\\s+/).length)", "4"),
    ("console.log(require('node:fs').readFileSync('/dev/stdin').toString().length, 1)", "6 1"),
    (
        "const b = require('fs').readFileSync(0); console.log(b.length, b[0], b.reduce((a, x) => a + x))",
        "6 49 202",
    ),
    (
        "let s = ''; process.stdin.on('data', (c) => s += c); process.stdin.on('end', () => console.log(s.trim()))",
        "1 2\n3",
    ),
    (
        "process.stdin.setEncoding('utf8'); process.stdin.on('readable', () => { let c; while ((c = process.stdin.read()) !== null) process.stdout.write(c) })",
        "1 2\n3",
    ),
    (
        "(async () => { let n = 0; for await (const c of process.stdin) n += c.length; console.log(n) })()",
        "6",
    ),
    (
        "const rl = require('readline').createInterface({ input: process.stdin }); rl.on('line', (l) => console.log(l.split(' ').length)); rl.on('close', () => console.log('end'))",
        "2\n1\nend",
    ),
    (
        "const rl = require('readline').createInterface({ input: process.stdin, output: process.stdout }); rl.question('', (a) => rl.question('', (b) => { console.log(b, a); rl.close() }))",
        "3 1 2",
    ),
    (
        "(async () => { const rl = require('readline').createInterface({ input: process.stdin }); for await (const l of rl) console.log('>' + l) })()",
        ">1 2\n>3",
    ),
    (
        "const fs = require('fs'), b = Buffer.alloc(4); let n, s = ''; while ((n = fs.readSync(0, b, 0, 4)) > 0) s += b.toString('utf8', 0, n); console.log(s.trim())",
        "1 2\n3",
    ),
    (
        "require('fs').writeFileSync('out', 'x'); console.log(require('fs').readFileSync('out', 'utf8'), require('fs').existsSync('none'))",
        "x false",
    ),
    (
        "require('fs').readFile(0, 'utf8', (e, t) => console.log(e, t.length)); console.log('first')",
        "first\nnull 6",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn programs_read_and_write_in_every_usual_way() {
    if !image("wasm-javascript") {
        return;
    }
    let engine = engine(2);
    let mut cpu_ms = Vec::new();
    for (source, stdout) in READERS {
        let report = verify(&engine, javascript(source, "1 2\n3\n", stdout)).await;
        assert_eq!(report.verdict, Verdict::Accepted, "{source}: {report:?}");
        assert_eq!(report.tier, Some("wasm"));
        cpu_ms.push(report.tests[0].cpu_ms);
    }
    cpu_ms.sort_by(f64::total_cmp);
    // Nobody has looked at the timers' order or the seed above.
    for (source, stdout) in [
        (
            "setTimeout(() => console.log('t20'), 20); setTimeout(() => console.log('t5'), 5); setImmediate(() => console.log('i')); process.nextTick(() => console.log('n')); Promise.resolve().then(() => console.log('p')); console.log('m')",
            "m\nn\np\ni\nt5\nt20",
        ),
        ("let n = 0; const f = () => { if (++n < 3000) setImmediate(f); else console.log(n) }; f()", "3000"),
        ("process.on('exit', (c) => console.log('bye', c)); setTimeout(() => {}, 1)", "bye 0"),
        ("const f = (n) => n === 0 ? 0 : 1 + f(n - 1); console.log(f(9000))", "9000"),
        (
            "console.log(this === module.exports, typeof std, typeof os, typeof print, Object.keys(globalThis).length < 40)",
            "true undefined undefined undefined true",
        ),
        (
            "console.log((1234567.5).toLocaleString(), ['b', 'a', 'B'].sort((x, y) => x.localeCompare(y)).join(''))",
            "1,234,567.5 abB",
        ),
    ] {
        let report = verify(&engine, javascript(source, "", stdout)).await;
        assert_eq!(report.verdict, Verdict::Accepted, "{source}: {report:?}");
    }
    println!("a trivial run: {:.2} ms of CPU (median of {})", cpu_ms[cpu_ms.len() / 2], cpu_ms.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_end_in_clear_verdicts() {
    if !image("wasm-javascript") {
        return;
    }
    let engine = engine(2);
    let unsupported = (Verdict::Undecided, Some(Cause::Unsupported));
    for (source, (verdict, cause), words) in [
        ("console.log(1)", (Verdict::WrongAnswer, None), ""),
        ("null.x", (Verdict::RuntimeError, None), "TypeError"),
        ("throw { a: 1 }", (Verdict::RuntimeError, None), "{ a: 1 }"),
        ("setTimeout(() => { throw new RangeError('late') }, 1)", (Verdict::RuntimeError, None), "late"),
        ("Promise.reject(new Error('lost'))", (Verdict::RuntimeError, None), ""),
        ("process.exit(3)", (Verdict::RuntimeError, None), "exit code 3"),
        ("process.exitCode = 4", (Verdict::RuntimeError, None), "exit code 4"),
        ("require('left-pad')", (Verdict::RuntimeError, None), "Cannot find module"),
        ("const f = () => f() + 1; f()", (Verdict::RuntimeError, None), "RangeError"),
        ("JSON.parse('['.repeat(1e6))", (Verdict::RuntimeError, None), ""),
        ("let x = ", (Verdict::CompileError, None), "SyntaxError"),
        ("for (;;);", (Verdict::TimeLimit, None), ""),
        ("const f = () => setImmediate(f); f()", (Verdict::TimeLimit, None), ""),
        ("(async () => { for (;;) await null })()", (Verdict::TimeLimit, None), ""),
        ("/(a+)+b/.test('a'.repeat(60))", (Verdict::TimeLimit, None), ""),
        ("setTimeout(() => {}, 1e6)", (Verdict::TimeLimit, Some(Cause::WallTime)), ""),
        ("const x = []; for (;;) x.push(new Uint8Array(1 << 20))", (Verdict::MemoryLimit, None), ""),
        ("let s = 'x'; for (;;) s += s + 'y'", (Verdict::RuntimeError, None), "string too long"),
        ("for (;;) console.log('x'.repeat(1000))", (Verdict::OutputLimit, None), ""),
        ("require('child_process').execSync('ls')", unsupported, "child_process"),
        ("require('fs').watch('x')", unsupported, "fs.watch"),
        ("new Intl.NumberFormat()", unsupported, "Intl"),
        ("['é', 'e'].sort((a, b) => a.localeCompare(b))", unsupported, "localeCompare"),
        ("import fs from 'fs'; console.log(1)", unsupported, "ES modules"),
        ("console.table([1])", unsupported, "console.table"),
    ] {
        let report = verify(&engine, javascript(source, "", "expected")).await;
        assert_eq!((report.verdict, report.cause), (verdict, cause), "{source}: {report:?}");
        let said = report.reason.clone().unwrap_or_default();
        assert!(said.contains(words), "{source}: {said}");
    }
    // No run finds anything of an earlier one.
    let left = "if (globalThis.seen) console.log('seen'); globalThis.seen = 1; Array.prototype.seen = 1; require('fs').writeFileSync('seen', '')";
    for _ in 0..2 {
        let report = verify(&engine, javascript(left, "", "")).await;
        assert_eq!(report.verdict, Verdict::Accepted, "{report:?}");
    }
    let test = FunctionTest::new(vec![Value::Int(1)], Vec::new(), &[Value::Int(1)]);
    let tests = Tests::Function { target: FunctionTarget { name: "f".to_owned() }, tests: vec![test] };
    let asked = Submission { tests, ..javascript("const f = (a) => a", "", "") };
    let report = verify(&engine, asked).await;
    assert_eq!(report.cause, Some(Cause::Unsupported), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn deterministic_runs_are_the_same() {
    if !image("wasm-javascript") {
        return;
    }
    let engine = engine(2);
    let source = "let n = 0; for (let i = 0; i < 1000; i++) n += Math.random(); console.log(n, Date.now() > 0, Math.random(), new Date().getFullYear())";
    let mut seen = None;
    for _ in 0..20 {
        let report = verify(&engine, Submission { deterministic: true, ..javascript(source, "", "") }).await;
        let test = &report.tests[0];
        let this = (test.fuel.unwrap(), test.stdout.clone());
        assert_eq!(*seen.get_or_insert(this.clone()), this);
    }
    let spinning = Submission { deterministic: true, ..javascript("for (;;);", "", "") };
    assert_eq!(verify(&engine, spinning).await.verdict, Verdict::TimeLimit);
    // By the clock every run has other random numbers, unless a seed is given.
    let chance = |seed| Submission { seed, ..javascript("console.log(Math.random())", "", "") };
    let mut printed = Vec::new();
    for seed in [None, None, Some(7), Some(7)] {
        printed.push(verify(&engine, chance(seed)).await.tests[0].stdout.clone());
    }
    assert_ne!(printed[0], printed[1]);
    assert_eq!(printed[2], printed[3]);
}

/// Values in every shape that console.log lays out.
const SHOWN: &str = include_str!("shown.js");

#[tokio::test(flavor = "multi_thread")]
async fn values_are_shown_as_node_shows_them() {
    if !image("wasm-javascript") {
        return;
    }
    let node = Path::new("/usr/bin/node");
    if !node.exists() {
        println!("notice: {} is absent; console.log is not compared with it", node.display());
        return;
    }
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/wasm/shown.js");
    let output = Command::new(node).arg(program).stdin(Stdio::null()).output().unwrap();
    let expected = String::from_utf8(output.stdout).unwrap();
    assert!(expected.lines().count() > 100, "{expected}");
    let report = verify(&engine(1), javascript(SHOWN, "", &expected)).await;
    let shown = report.tests[0].stdout.clone().unwrap_or_default();
    for (shown, expected) in shown.lines().zip(expected.lines()) {
        assert_eq!(shown, expected);
    }
    assert_eq!(report.verdict, Verdict::Accepted, "{report:?}");
}

/// One row, as `../shared/data/README.md` describes it; other fields are not needed here.
#[derive(serde::Deserialize)]
struct Row {
    id: String,
    language: String,
    solution: String,
    tests: Vec<Test>,
    expected_verdict: String,
}

#[derive(serde::Deserialize)]
struct Test {
    #[serde(default)]
    assert: String,
}

/// Labelled JavaScript solutions, read in place: a program of the solution and its tests, which must end well.
#[tokio::test(flavor = "multi_thread")]
async fn labelled_solutions_get_their_verdicts() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/labelled/humanevalpack.jsonl");
    if !file.exists() {
        println!("notice: {} is absent; no labelled JavaScript is run", file.display());
        return;
    }
    if !image("wasm-javascript") {
        return;
    }
    let text = fs::read_to_string(file).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str::<Row>(line).unwrap());
    let rows: Vec<Row> = rows.filter(|row| row.language == "javascript").collect();
    assert!(rows.len() > 50, "{}", rows.len());
    let (engine, mut wrong) = (engine(2), Vec::new());
    for row in &rows {
        // console.assert only says what fails.
        let strict = "console.assert = (holds) => { if (!holds) { process.exit(9) } };\n";
        let tests: String = row.tests.iter().map(|test| format!("{}\n", test.assert)).collect();
        let source = format!("{strict}{}\n{tests}", row.solution);
        let report = verify(&engine, javascript(&source, "", "")).await;
        if (report.verdict == Verdict::Accepted) != (row.expected_verdict == "accepted")
            || report.verdict == Verdict::Undecided
        {
            wrong.push(format!("{}: {} became {:?}", row.id, row.expected_verdict, report.reason));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} labelled JavaScript solutions got their verdicts", rows.len());
}
