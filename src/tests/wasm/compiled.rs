//! C and C++ in WebAssembly: compiled in native cells, run as modules. The toolchain is built at its first use, from
//! its registry, which takes a minute.

use std::{env, fs, path::Path, sync::Arc};

use proofbox::{
    config::{EngineConfig, default_wasm_directory},
    images::build,
    language::wasm::WasmLanguages,
    limits::Limits,
    report::Report,
    sandbox::wasm::Metering,
    submission::{Runtime, Solution, SourceFile, Submission},
    verdict::{Cause, Verdict},
    verify::Engine,
};

use super::{
    image, support,
    support::{
        for_each,
        labelled::{rows, submission},
        program, slots, testing_config,
    },
    verify,
};

const UNSUPPORTED: (Verdict, Option<Cause>) = (Verdict::Undecided, Some(Cause::Unsupported));

/// An engine with both runners, if the toolchain can be had.
fn engine() -> Option<Arc<Engine>> {
    image("wasm-c").then(|| Arc::new(support::engine(slots())))
}

/// A solution in WebAssembly that prints `expected` when it is given `stdin`.
fn in_wasm(language: &str, source: &str, stdin: &str, expected: &str) -> Submission {
    Submission {
        language: language.to_owned(),
        solution: Solution::single("main", source),
        runtime: Runtime::Wasm,
        limits: Limits { cpu_ms: 2_000, memory_bytes: 128 << 20, ..Limits::default() },
        ..program("", &[(stdin, expected)])
    }
}

/// Language, source, what it is given, what it is to print, verdict and cause, what the reason holds.
type Case = (&'static str, &'static str, &'static str, &'static str, (Verdict, Option<Cause>), &'static str);

/// Verifies every case, as many at once as there are cores.
async fn check(engine: &Arc<Engine>, cases: Vec<Case>) -> Vec<Report> {
    let submissions: Arc<Vec<Submission>> = Arc::new(
        cases
            .iter()
            .map(|(language, source, stdin, out, _, _)| in_wasm(language, source, stdin, out))
            .collect(),
    );
    let reports = for_each(cases.len(), slots(), |index| {
        let (engine, submissions) = (Arc::clone(engine), Arc::clone(&submissions));
        async move { verify(&engine, submissions[index].clone()).await }
    })
    .await;
    for ((_, source, _, _, expected, reason), report) in cases.iter().zip(&reports) {
        assert_eq!((report.verdict, report.cause), *expected, "{source}: {report:#?}");
        let found = report.reason.as_deref().unwrap_or("");
        assert!(found.contains(reason), "{source}: {found}");
    }
    reports
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_come_to_the_verdicts_of_native_ones() {
    let Some(engine) = engine() else { return };
    let accepted = (Verdict::Accepted, None);
    let crashed = (Verdict::RuntimeError, None);
    let reports = check(
        &engine,
        vec![
            (
                "c",
                "#include <stdio.h>\nint main(void) { int a, b; scanf(\"%d%d\", &a, &b); printf(\"%d\\n\", a + b); }",
                "1 2",
                "3\n",
                accepted,
                "",
            ),
            (
                "cpp",
                "#include <bits/stdc++.h>\nusing namespace std;\nint main() { map<string, int> m; string s; while \
                 (cin >> s) m[s]++; for (auto& [k, v] : m) cout << k << v << '\\n'; }",
                "b a b",
                "a1\nb2\n",
                accepted,
                "",
            ),
            (
                "c++20",
                "#include <ranges>\n#include <iostream>\nint main() { for (int x : std::views::iota(1, 4)) std::cout \
                 << x; }",
                "",
                "123",
                accepted,
                "",
            ),
            (
                "cpp",
                "#include <iostream>\n#include <stdexcept>\nstruct D { ~D() { std::cout << 'd'; } };\nint main() { try \
                 { D d; throw std::runtime_error(\"x\"); } catch (std::exception& e) { std::cout << e.what(); } try { \
                 std::stoi(\"a\"); } catch (std::invalid_argument&) { std::cout << 'i'; } }",
                "",
                "dxi",
                accepted,
                "",
            ),
            (
                "c",
                "#include <setjmp.h>\n#include <stdio.h>\nstatic jmp_buf b;\nint main(void) { if (setjmp(b) == 0) \
                 longjmp(b, 7); puts(\"back\"); long double x = 1.5L; printf(\"%Lg\\n\", x); }",
                "",
                "back\n1.5",
                accepted,
                "",
            ),
            // 20 MB on the stack, and a million calls.
            (
                "c",
                "#include <stdio.h>\nint f(int n) { return n ? f(n - 1) * 3 + 1 : 0; }\nint main(void) { volatile int \
                 a[5000000]; a[4999999] = 7; printf(\"%d %d\\n\", a[4999999], f(1000000) != 5); }",
                "",
                "7 1",
                accepted,
                "",
            ),
            ("c", "#include <stdio.h>\nint main(void) { puts(\"1\"); }", "", "2", (Verdict::WrongAnswer, None), ""),
            ("c", "int main(void) { return 3; }", "", "", crashed, "exit code 3"),
            ("c", "#include <stdlib.h>\nint main(void) { abort(); }", "", "", crashed, "SIGABRT"),
            ("cpp", "#include <vector>\nint main() { throw 5; }", "", "", crashed, "SIGABRT"),
            ("cpp", "#include <vector>\nint main() { std::vector<int> v; return v.at(3); }", "", "", crashed, "SIGABRT"),
            ("c", "int main(void) { int *volatile p = (int *)-8; return *p; }", "", "", crashed, "SIGSEGV"),
            (
                "c",
                "#include <stdio.h>\nint main(void) { int x = 0; scanf(\"%d\", &x); return 5 / x; }",
                "",
                "",
                crashed,
                "SIGFPE",
            ),
            ("c", "int main(void) { for (volatile int i = 0;;) i++; }", "", "", (Verdict::TimeLimit, None), ""),
            (
                "cpp",
                "#include <vector>\nint main() { std::vector<int> v; for (;;) v.push_back(1); }",
                "",
                "",
                (Verdict::MemoryLimit, None),
                "",
            ),
            (
                "c",
                "#include <stdio.h>\nint main(void) { for (;;) puts(\"xxxxxxxxxxxxxxxx\"); }",
                "",
                "",
                (Verdict::OutputLimit, None),
                "",
            ),
            ("cpp", "int main() { return x; }", "", "", (Verdict::CompileError, None), "undeclared identifier 'x'"),
            ("c", "#include \"helper.h\"\nint main(void) {}", "", "", (Verdict::CompileError, None), "helper.h"),
        ],
    )
    .await;
    let first = &reports[0];
    assert_eq!(first.tier, Some("wasm"));
    assert!(
        first.compile.as_ref().is_some_and(|compile| !compile.cached && compile.cpu_ms > 0.0),
        "{first:#?}"
    );
    let message = reports[16].compile.as_ref().and_then(|compile| compile.message.clone()).unwrap();
    assert!(message.starts_with("./main.cpp:1:"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_toolchain_lacks_is_unsupported_and_never_wrong() {
    let Some(engine) = engine() else { return };
    let missing = |source, reason| ("cpp", source, "", "x", UNSUPPORTED, reason);
    check(
        &engine,
        vec![
            missing("#include <thread>\nint main() { std::thread t([] {}); t.join(); }", "threads"),
            missing("#include <mutex>\nstd::mutex m;\nint main() { std::lock_guard<std::mutex> l(m); }", "threads"),
            missing("#include <future>\nint main() { std::async([] {}); }", "threads"),
            missing("#include <ext/pb_ds/assoc_container.hpp>\nint main() {}", "the header ext/pb_ds"),
            missing("#include <immintrin.h>\nint main() {}", "the header immintrin.h"),
            missing("#include <sys/wait.h>\nint main() {}", "sys/wait.h"),
            missing("int main() { asm volatile(\"pause\"); }", "instructions"),
            missing("#include <unistd.h>\nint main() { fork(); }", "processes"),
            missing("#include <sys/socket.h>\nint main() { socket(1, 1, 0); }", "socket"),
            // Of the runs, not of the compilation: it must not go on without its thread.
            (
                "c",
                "#include <pthread.h>\n#include <stdio.h>\nvoid *f(void *x) { puts(\"x\"); return x; }\nint main(void) \
                 { pthread_t t; pthread_create(&t, 0, f, 0); pthread_join(t, 0); }",
                "",
                "x",
                UNSUPPORTED,
                "threads",
            ),
            ("c", "int f(int n) { volatile int a[9] = {n}; return f(n + 1) + a[0]; }\nint main(void) { return f(0); }", "", "", UNSUPPORTED, "a stack of more than 64 MiB"),
            (
                "c",
                "#include <stdio.h>\nint main(void) { char a[100000000]; for (int i = 0; i < 100000000; i++) a[i] = i; \
                 int n; scanf(\"%d\", &n); return a[n]; }",
                "0",
                "",
                UNSUPPORTED,
                "a stack of more than 64 MiB",
            ),
            // Right natively, where a long has 64 bits.
            (
                "c",
                "#include <stdio.h>\nint main(void) { long x = 1; for (int i = 0; i < 40; i++) x *= 2; printf(\"%ld\\n\", \
                 x); }",
                "",
                "1099511627776",
                UNSUPPORTED,
                "a long of 64 bits (main.c:2)",
            ),
            (
                "c",
                "#include <stdint.h>\n#include <stdio.h>\nint main(void) { int64_t x; scanf(\"%ld\", &x); \
                 printf(\"%ld %d\\n\", x + 1, 3); }",
                "99999999999",
                "100000000000 3",
                UNSUPPORTED,
                "arguments of formats",
            ),
            // The same of sizes, in which the program that failed is looked at once more.
            (
                "cpp",
                "#include <bits/stdc++.h>\nusing namespace std;\nint main() { vector<int> v(100000); cin.get();\ncout << \
                 v.size() * v.size(); }",
                "",
                "10000000000",
                UNSUPPORTED,
                "sizes of 64 bits (./main.cpp:4)",
            ),
            (
                "c",
                "#include <stddef.h>\n#include <stdio.h>\nint main(void) { long long x; scanf(\"%lld\", &x);\nsize_t y = x; \
                 y /= 2; printf(\"%d\\n\", (int)(y / 1000)); }",
                "20000000000",
                "10000000",
                UNSUPPORTED,
                "sizes of 64 bits (./main.c:4)",
            ),
            // Wrong natively, too: an int has 32 bits there, and less than nothing is less than nothing.
            (
                "cpp",
                "#include <bits/stdc++.h>\nusing namespace std;\nint main() { int i = 0x7fffffff; unsigned u = 3; cin >> \
                 i; i += i / max(i, -1) % 2 - (-i) + (i << 1); u -= 4; string s = \"ab\"; size_t n = s.size(); while (n-- > 0) cout << s[n]; cout << \
                 s.find('x') + 1 << u * 2 << hash<int>()(5) << (n == string::npos); }",
                "2000000000",
                "x",
                (Verdict::WrongAnswer, None),
                "",
            ),
            // Right here too: nothing stands in the way of that.
            (
                "c",
                "#include <stdio.h>\nint main(void) { long x = 7; printf(\"%ld\\n\", x); }",
                "",
                "7",
                (Verdict::Accepted, None),
                "",
            ),
        ],
    )
    .await;
}

/// What only the native compiler knows to be C; without one it does not compile.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_compiles_natively_is_no_compile_error() {
    let Some(engine) = engine() else { return };
    if engine.languages().find("cpp").is_none() {
        println!("notice: there is no native compiler; what it accepts is not tested");
        return;
    }
    // A function of GCC's library that is in no header of the standard's.
    let source =
        "#include <algorithm>\n#include <cstdio>\nint main() { std::printf(\"%d\\n\", (int)std::__lg(8)); }";
    let report = verify(&engine, in_wasm("cpp", source, "", "3")).await;
    assert_eq!((report.verdict, report.cause), UNSUPPORTED, "{report:#?}");
    assert!(report.reason.as_deref().unwrap().contains("the native compiler accepts"), "{report:#?}");
}

/// Compilers are given hostile sources: nothing of the host may come out, and no bomb may go off.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_compilations_are_contained() {
    let Some(engine) = engine() else { return };
    let secret = tempfile::NamedTempFile::new().unwrap();
    fs::write(secret.path(), "int secret_of_the_host = 41;\n").unwrap();
    for path in [secret.path().to_str().unwrap(), "/etc/passwd", "/proc/self/environ", "/proc/1/cmdline"] {
        let source = format!("#include \"{path}\"\nint main() {{ return secret_of_the_host; }}");
        let report = verify(&engine, in_wasm("cpp", &source, "", "")).await;
        assert!(matches!(report.verdict, Verdict::CompileError | Verdict::Undecided), "{path}: {report:#?}");
        let said = report.compile.and_then(|compile| compile.message).unwrap_or_default();
        assert!(
            !said.contains("= 41") && !said.contains("root:") && !said.contains("PATH="),
            "{path}: {said}"
        );
    }
    // The same file is found where it is the solution's.
    let file = |path: &str, content: &str| SourceFile { path: path.to_owned(), content: content.into() };
    let files = vec![
        file("main.cpp", "#include \"own/secret.h\"\nint other();\nint main() { return secret - other(); }"),
        file("own/secret.h", "static int secret = 41;"),
        file("own/other.cpp", "#include \"secret.h\"\nint other() { return secret; }"),
    ];
    let several = Submission { solution: Solution { files, entry: 0 }, ..in_wasm("cpp", "", "", "") };
    assert_eq!(verify(&engine, several).await.verdict, Verdict::Accepted);
    // More than the compiler may use of memory.
    let bomb = "#define A x, x, x, x, x, x, x, x, x, x,\n#define B A A A A A A A A A A\n#define C B B B B B B B B B B\n\
                #define D C C C C C C C C C C\n#define E D D D D D D D D D D\n#define F E E E E E E E E E E\n#define \
                G F F F F F F F F F F\nint x, y[] = {G G G G G G G G G G};\nint main() {}";
    let report = verify(&engine, in_wasm("cpp", bomb, "", "")).await;
    assert_eq!(report.verdict, Verdict::CompileError, "{report:#?}");
    let compile = report.compile.unwrap();
    assert!(matches!(compile.verdict, Verdict::MemoryLimit | Verdict::TimeLimit), "{compile:#?}");
    let well = in_wasm("cpp", "int main() {}", "", "");
    assert_eq!(verify(&engine, well).await.verdict, Verdict::Accepted);
}

#[tokio::test(flavor = "multi_thread")]
async fn deterministic_programs_cost_the_same_fuel_every_time() {
    let Some(engine) = engine() else { return };
    let source = "#include <bits/stdc++.h>\nusing namespace std;\nint main() { mt19937 r(random_device{}()); unordered_map\
                  <int, int> m; for (int i = 0; i < 1000; i++) m[r() % 77]++; cout << m.size() << ' ' << time(0) << ' ' \
                  << clock(); }";
    let submission =
        Submission { deterministic: true, runtime: Runtime::Auto, ..in_wasm("cpp", source, "", "") };
    let reports = for_each(40, slots() * 2, |_| {
        let (engine, submission) = (Arc::clone(&engine), submission.clone());
        async move { verify(&engine, submission).await }
    })
    .await;
    let seen = |report: &Report| (report.tests[0].fuel, report.tests[0].stdout.clone());
    assert!(seen(&reports[0]).0.is_some_and(|fuel| fuel > 10_000), "{:#?}", reports[0]);
    assert!(reports.iter().all(|report| seen(report) == seen(&reports[0])));
    let compiled = |report: &&Report| report.compile.as_ref().is_some_and(|compile| !compile.cached);
    assert_eq!(reports.iter().filter(compiled).count(), 1);
}

/// One changed header, or one more, and nothing is compiled with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_toolchain_that_somebody_changed_is_not_used() {
    if !image("wasm-c") {
        return;
    }
    let languages = WasmLanguages::new(None, default_wasm_directory()).unwrap();
    let built = build(&languages, "wasm-c", &[Metering::Clock], None, &|_| {}).unwrap().remove(0);
    for changed in ["include/c++/vector", "include/own/more.h"] {
        // Of the same file system, so that files need not be copied.
        let copy = tempfile::tempdir_in(default_wasm_directory().parent().unwrap()).unwrap();
        let place = copy.path().join(built.file_name().unwrap());
        link_all(&built, &place);
        let path = place.join(changed);
        drop(fs::remove_file(&path));
        fs::write(&path, "// not what it was\n").unwrap();
        let config = EngineConfig { wasm_dir: copy.path().to_owned(), ..testing_config(1) };
        let report =
            verify(&Engine::start(&config).unwrap(), in_wasm("c", "int main(void) {}", "", "")).await;
        assert_eq!(report.cause, Some(Cause::SandboxFault), "{report:#?}");
        assert!(report.reason.unwrap().contains("is not what this program wrote"));
    }
}

fn link_all(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => link_all(&entry.path(), &to),
            false => fs::hard_link(entry.path(), to).unwrap(),
        }
    }
}

/// Without native cells nothing can be compiled, and that is said.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_native_runner_they_are_unsupported() {
    let config = EngineConfig { runtime: Runtime::Wasm, ..testing_config(1) };
    let engine = Engine::start(&config).unwrap();
    let report = verify(&engine, in_wasm("c", "int main(void) {}", "", "")).await;
    assert_eq!((report.verdict, report.cause), UNSUPPORTED);
    assert!(report.reason.as_deref().unwrap().contains("compiled in native cells"), "{report:#?}");
}

/// How often slower than its limit a program may be here.
const SLOWNESS: u64 = 4;
/// Every so many labelled submissions are tested.
const SAMPLE: usize = 9;

/// Too much memory was a crash where the labels were taken. An access out of bounds meets a page that is not there
/// natively; here it meets other memory of the program's own.
fn may_stand_for_a_crash(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::MemoryLimit | Verdict::WrongAnswer)
}

#[tokio::test(flavor = "multi_thread")]
async fn labelled_c_and_cpp_get_their_label_or_are_unsupported() {
    let every = env::var("PROOFBOX_TEST_WASM_EVERY").map_or(SAMPLE, |every| every.parse().unwrap());
    let rows: Vec<_> = rows(&["c", "cpp"], &["stdin"]).into_iter().step_by(every).collect();
    if rows.is_empty() {
        return;
    }
    let Some(engine) = engine() else { return };
    let rows = Arc::new(rows);
    let reports = for_each(rows.len(), slots(), |index| {
        let (engine, rows) = (Arc::clone(&engine), Arc::clone(&rows));
        async move {
            let row = &rows[index];
            let mut submission = Submission { runtime: Runtime::Wasm, ..submission(row) };
            // What runs out of time natively does so here by the same limit.
            let times = if row.expected_verdict == "time_limit" { 1 } else { SLOWNESS };
            submission.limits.cpu_ms *= times;
            submission.limits.wall_ms *= times;
            verify(&engine, submission).await
        }
    })
    .await;
    let mut wrong = 0;
    for (row, report) in rows.iter().zip(&reports) {
        let is_labelled = Verdict::from_word(&row.expected_verdict) == Some(report.verdict)
            || row.expected_verdict == "runtime_error" && may_stand_for_a_crash(report.verdict);
        let is_unsupported = (report.verdict, report.cause) == UNSUPPORTED;
        if !is_labelled {
            let (verdict, reason) = (report.verdict, report.reason.as_deref().unwrap_or(""));
            println!("{}: {verdict} instead of {}: {reason}", row.id, row.expected_verdict);
        }
        wrong += usize::from(!is_labelled && !is_unsupported && row.verified);
    }
    println!("{} of {} labelled submissions got another verdict", wrong, rows.len());
    assert_eq!(wrong, 0);
}
