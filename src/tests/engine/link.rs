//! Two cells joined by pipes: they reach each other, nothing else, and each is bounded by itself.

use std::time::Duration;

use crate::support::{
    container::{self, Who},
    program, start, testing_config,
};
use proofbox::{
    admission::{Admit, Caller},
    config::{EngineConfig, TierChoice},
    language::Start,
    limits::Limits,
    sandbox::{CellRun, End, LimitHit, LinkAt, LinkedJob, Outcome, Tier},
    verdict::Verdict,
    verify::Engine,
};

const LIMITS: fn() -> Limits =
    || Limits { cpu_ms: 400, wall_ms: 4_000, memory_bytes: 128 << 20, ..Limits::default() };

/// Warm and executed runs, with control groups and without, and without namespaces where that can be had.
fn engines() -> Vec<(String, Engine)> {
    let mut configs = vec![
        ("warm", testing_config(1)),
        ("executed", EngineConfig { warm: false, ..testing_config(1) }),
        ("no control groups", EngineConfig { use_cgroups: false, ..testing_config(1) }),
    ];
    if nix::unistd::geteuid().is_root() {
        configs.push(("slot", EngineConfig { tier: TierChoice::Slot, ..testing_config(1) }));
    }
    let start = |(name, config): (&str, EngineConfig)| {
        (name.to_owned(), Engine::start(&config).unwrap_or_else(|error| panic!("{name}: {error}")))
    };
    configs.into_iter().map(start).collect()
}

fn side(engine: &Engine, source: &str, at: LinkAt, limits: Limits) -> LinkedJob {
    let submission = program(source, &[("", "")]);
    let language = engine.languages().find("python").unwrap();
    let tier = engine.sandbox().tier();
    let job = language.job(&submission, None, tier, Start::Usual).unwrap();
    LinkedJob { launcher: language.launcher_for(&submission.solution, tier), limits, job, at }
}

async fn open(engine: &Engine, first: (&str, LinkAt), second: (&str, LinkAt)) -> (CellRun, CellRun) {
    let place = engine.admission().enter(Admit::Patient, Caller::OWN).await.unwrap();
    let [first, second] = [first, second].map(|(source, at)| side(engine, source, at, LIMITS()));
    engine.sandbox().open_linked(first, second, place).await.unwrap()
}

/// Both sides' outcomes.
async fn converse(engine: &Engine, first: (&str, LinkAt), second: (&str, LinkAt)) -> [Outcome; 2] {
    let (mut first, mut second) = open(engine, first, second).await;
    let (first, second) = tokio::join!(first.next(), second.next());
    [first.unwrap().unwrap(), second.unwrap().unwrap()]
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

const ASK_ON_STREAMS: &str = "
import sys
for number in range(200):
    print(number, flush=True)
    assert input() == str(number * 2)
print('the end', file=sys.stderr)
";
const ANSWER_ON_DESCRIPTORS: &str = "
import os
with os.fdopen(6) as inbox, os.fdopen(7, 'w') as outbox:
    asked = 0
    for line in inbox:
        print(int(line) * 2, file=outbox, flush=True)
        asked += 1
print('answered', asked)
";

async fn each_reaches_the_other(name: &str, engine: &Engine) {
    for round in 0..3 {
        let ask = (ASK_ON_STREAMS, LinkAt::Streams);
        let [ask, answer] = converse(engine, ask, (ANSWER_ON_DESCRIPTORS, LinkAt::Descriptors)).await;
        assert_eq!(ask.end, End::Exited { code: 0 }, "{name}, {round}: {}", text(&ask.stderr));
        assert_eq!(text(&ask.stderr), "the end\n", "{name}, {round}");
        assert!(ask.stdout.is_empty(), "{name}: what goes to the other side is not captured");
        assert_eq!(text(&answer.stdout), "answered 200\n", "{name}: {}", text(&answer.stderr));
        assert!(ask.usage.cpu > Duration::ZERO && ask.usage.memory_bytes > 0, "{name}: {:?}", ask.usage);
    }
}

/// Whatever the one does, the other hears of it and goes on.
async fn a_death_is_heard(name: &str, engine: &Engine) {
    const LISTEN: &str = "
import os, sys
got = b''
while True:
    piece = os.read(6, 65536)
    if not piece:
        break
    got += piece[:10]
try:
    while True:
        os.write(7, b'x' * 4096)
except BrokenPipeError:
    print('heard', got.decode(), 'and was refused')
";
    let at = LinkAt::Descriptors;
    let forms: [(&str, &str, &[End], Option<LimitHit>); 5] = [
        ("exits", "import os\nos.write(7, b'hi')\nos._exit(3)", &[End::Exited { code: 3 }], None),
        (
            "is killed",
            "import os\nos.write(7, b'hi')\nos.kill(os.getpid(), 9)",
            &[End::Signaled { signal: 9 }],
            None,
        ),
        (
            "computes for ever, its children with it",
            "import os\nos.write(7, b'hi')\nos.fork()\nwhile True: pass",
            &[End::Signaled { signal: 9 }],
            Some(LimitHit::Cpu),
        ),
        (
            "sleeps for ever",
            "import os, time\nos.write(7, b'hi')\ntime.sleep(100)",
            &[End::Signaled { signal: 9 }],
            Some(LimitHit::Wall),
        ),
        (
            "takes all memory",
            "import os\nos.write(7, b'hi')\nx = []\nwhile True: x.append(bytearray(b'x' * 2**20))",
            &[End::Signaled { signal: 9 }, End::Exited { code: 1 }],
            Some(LimitHit::Memory),
        ),
    ];
    for (what, source, ends, limit) in forms {
        let limits = Limits { wall_ms: 800, ..LIMITS() };
        let place = engine.admission().enter(Admit::Patient, Caller::OWN).await.unwrap();
        let dying = side(engine, source, at, limits);
        let listener = side(engine, LISTEN, at, Limits { wall_ms: 20_000, ..LIMITS() });
        let (mut dying, mut listener) = engine.sandbox().open_linked(dying, listener, place).await.unwrap();
        let (dying, listener) = tokio::join!(dying.next(), listener.next());
        let (dying, listener) = (dying.unwrap().unwrap(), listener.unwrap().unwrap());
        assert!(ends.contains(&dying.end), "{name}, {what}: {dying:?}");
        assert_eq!(dying.limit, limit, "{name}, {what}: {dying:?}");
        assert_eq!(text(&listener.stdout), "heard hi and was refused\n", "{name}, {what}: {listener:?}");
        assert_eq!((listener.end, listener.limit), (End::Exited { code: 0 }, None), "{name}, {what}");
    }
}

/// Two that wait for each other are ended by the wall limit of either.
async fn waiting_for_each_other_ends(name: &str, engine: &Engine) {
    let wait = "import os\nos.read(6, 1)\nprint('end of file')";
    let at = LinkAt::Descriptors;
    let place = engine.admission().enter(Admit::Patient, Caller::OWN).await.unwrap();
    let short = side(engine, wait, at, Limits { wall_ms: 300, ..LIMITS() });
    let long = side(engine, wait, at, Limits { wall_ms: 60_000, ..LIMITS() });
    let (mut short, mut long) = engine.sandbox().open_linked(short, long, place).await.unwrap();
    let (short, long) = tokio::join!(short.next(), long.next());
    assert_eq!(short.unwrap().unwrap().limit, Some(LimitHit::Wall), "{name}");
    assert_eq!(text(&long.unwrap().unwrap().stdout), "end of file\n", "{name}");
}

/// No descriptor beyond the streams and the two ends, no socket, and neither end opens another way.
async fn nothing_else_is_inherited(name: &str, engine: &Engine) {
    const LOOK: &str = "
import os, stat, sys
def kind(fd):
    try:
        mode = os.fstat(fd).st_mode
    except OSError:
        return None
    return 'pipe' if stat.S_ISFIFO(mode) else 'socket' if stat.S_ISSOCK(mode) else 'file'
found = {fd: kind(fd) for fd in range(1024) if kind(fd)}
beyond = {fd: what for fd, what in found.items() if fd not in (0, 1, 2, 4, 6, 7)}
print(beyond, found.get(6), found.get(7))
if 6 in found:
    for fd, flags, act in ((6, os.O_WRONLY, lambda: os.write(6, b'x')), (7, os.O_RDONLY, lambda: os.read(7, 1))):
        try:
            act()
            print('descriptor', fd, 'goes both ways')
        except OSError:
            pass
        try:
            os.open('/proc/self/fd/%d' % fd, flags)
            print('descriptor', fd, 'opened the other way')
        except OSError:
            pass
";
    let at = LinkAt::Descriptors;
    // With a user id of its own a cell cannot even open its own ends anew. In `restricted` it can: it
    // may read what it has said itself, or say something to itself.
    let look = match engine.sandbox().tier() {
        Tier::Restricted => LOOK.split("if 6").next().unwrap(),
        Tier::Slot | Tier::Namespaces => LOOK,
        Tier::Wasm => unreachable!("this engine is native"),
    };
    let [first, second] = converse(engine, (look, at), (look, at)).await;
    for side in [first, second] {
        assert_eq!(text(&side.stdout), "{} pipe pipe\n", "{name}: {}", text(&side.stderr));
    }
    let streams = LOOK.replace("print(", "print(file=sys.stderr, *(").replace(")\nif 6", "))\nif 6");
    let streams = streams.split("if 6").next().unwrap();
    let [on_streams, _] = converse(engine, (streams, LinkAt::Streams), ("", at)).await;
    assert_eq!(text(&on_streams.stderr), "{} None None\n", "{name}");
}

/// A flood without a reader blocks the writer, not us; forged frames reach nobody but the other side.
async fn a_flood_is_the_writers_own(name: &str, engine: &Engine) {
    let flood = "import os\nwhile True:\n    os.write(7, b'\\xff' * 65536)";
    let quiet = "import time\ntime.sleep(0.2)\nprint('done')";
    let at = LinkAt::Descriptors;
    let [flood, quiet] = converse(engine, (flood, at), (quiet, at)).await;
    assert_eq!(text(&quiet.stdout), "done\n", "{name}: {quiet:?}");
    assert!(flood.end != (End::Exited { code: 0 }) && flood.limit.is_none(), "{name}: {flood:?}");
}

/// Letting go of a pair ends both, and the slot comes free for what comes next.
async fn letting_go_ends_both(name: &str, engine: &Engine) {
    let sleep = ("import time\ntime.sleep(100)", LinkAt::Descriptors);
    let pair = open(engine, sleep, sleep).await;
    assert_eq!(engine.admission().in_use(), 1, "{name}");
    drop(pair);
    let report = engine.verify(program("print(1)", &[("", "1")]), Admit::Patient).await;
    assert_eq!(report.verdict, Verdict::Accepted, "{name}: {report:?}");
}

async fn all(name: &str, engine: &Engine) {
    each_reaches_the_other(name, engine).await;
    nothing_else_is_inherited(name, engine).await;
    a_flood_is_the_writers_own(name, engine).await;
    a_death_is_heard(name, engine).await;
    waiting_for_each_other_ends(name, engine).await;
    letting_go_ends_both(name, engine).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn linked_cells_converse_and_end() {
    for (name, engine) in engines() {
        all(&name, &engine).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linked_job_has_one_run() {
    let (_, engine) = engines().remove(0);
    let place = engine.admission().enter(Admit::Patient, Caller::OWN).await.unwrap();
    let [mut first, second] = [(), ()].map(|()| side(&engine, "", LinkAt::Descriptors, LIMITS()));
    first.job.runs.push(first.job.runs[0].clone());
    let refused = engine.sandbox().open_linked(first, second, place).await.unwrap_err();
    assert_eq!(refused.step, "link_cells");
}

#[test]
fn linked_cells_in_a_plain_container() {
    for who in [Who::Root, Who::Ordinary] {
        container::again_inside(module_path!(), "linked_in_a_plain_container", who);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by linked_cells_in_a_plain_container"]
async fn linked_in_a_plain_container() {
    container::enter();
    let config = testing_config(1);
    let engine = start(&config);
    assert_ne!(engine.sandbox().tier(), Tier::Namespaces);
    all(engine.sandbox().tier().as_str(), &engine).await;
}
