//! What attacks are aimed at, and how they get into a cell.

use std::{
    collections::HashMap,
    fs,
    net::TcpListener,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            fs::PermissionsExt,
            net::{SocketAddr, UnixListener},
        },
    },
    path::{Path, PathBuf},
};

use nix::fcntl::{FcntlArg, fcntl};
use proofbox::{
    limits::Limits,
    submission::{ProgramTest, ShowOutput, Solution, Stop, Submission, Tests},
};
use tempfile::TempDir;

use super::attacks::{Aim, Attack};
use crate::support::bare::{Victim, compile};

/// A language whose programs are compiled just in time. It is no image's yet: cells that run attacks
/// have it beside the interpreter.
const NODE: &str = "/usr/bin/node";

/// A file that cells see in their image.
const IMAGE_FILE: &str = "/usr/lib/os-release";

/// Locks of both kinds. Whoever holds one already, such as another stage, does as well.
fn hold_locks() -> [fs::File; 2] {
    let image = fs::File::open(IMAGE_FILE).unwrap();
    let null = fs::OpenOptions::new().read(true).write(true).open("/dev/null").unwrap();
    let _ = image.try_lock();
    let whole = libc::flock {
        l_type: libc::F_WRLCK as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    let _ = fcntl(&null, FcntlArg::F_OFD_SETLK(&whole));
    [image, null]
}

pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("test-cases/hostile")
}

/// The programs, C compiled.
pub struct Programs {
    compiled: HashMap<String, PathBuf>,
    _folder: TempDir,
}

impl Programs {
    /// Where there is no compiler, `TEST_COMPILED` names a folder with what one has made elsewhere.
    pub fn compile() -> Programs {
        let made = std::env::var_os("TEST_COMPILED").map(PathBuf::from);
        let folder = tempfile::Builder::new().prefix("proofbox-hostile-c").tempdir().unwrap();
        let mut compiled = HashMap::new();
        if !Path::new(NODE).exists() {
            eprintln!("NOT TESTED: attacks in JavaScript: no {NODE}");
        }
        for entry in fs::read_dir(directory()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "c")
                && let Some(program) = match &made {
                    Some(made) => Some(made.join(path.file_stem().unwrap())),
                    None => compile(&path, folder.path()),
                }
            {
                compiled.insert(path.file_name().unwrap().to_str().unwrap().to_owned(), program);
            }
        }
        Programs { compiled, _folder: folder }
    }

    /// The command that runs a program bare; `None` if it could not be compiled here.
    pub fn command(&self, file: &str) -> Option<Vec<String>> {
        if file.ends_with(".py") {
            let path = directory().join(file).to_str()?.to_owned();
            return Some(vec!["/usr/bin/python3".to_owned(), path]);
        }
        if file.ends_with(".js") {
            let path = directory().join(file).to_str()?.to_owned();
            return Path::new(NODE).exists().then(|| vec![NODE.to_owned(), path]);
        }
        Some(vec![self.compiled.get(file)?.to_str()?.to_owned()])
    }

    /// The solution that is the program: Python as it is, a compiled one carried in and executed.
    fn source(&self, file: &str) -> String {
        if file.ends_with(".py") {
            return fs::read_to_string(directory().join(file)).unwrap();
        }
        if file.ends_with(".js") {
            // A JSON string is a Python string.
            let text = serde_json::to_string(&fs::read_to_string(directory().join(file)).unwrap()).unwrap();
            return format!(
                "import os\nwith open({file:?}, 'w') as f: f.write({text})\nos.execv({NODE:?}, ['node', {file:?}])\n"
            );
        }
        let program = fs::read(&self.compiled[file]).unwrap();
        let hex: String = program.iter().map(|byte| format!("{byte:02x}")).collect();
        format!(
            "import os\nwith os.fdopen(os.open('attack', os.O_CREAT | os.O_WRONLY, 0o755), 'wb') as f: f.write(bytes.fromhex('{hex}'))\n\
             os.execv('attack', ['attack'])\n"
        )
    }
}

/// On a machine that is emulated, and slower by the factor that `TEST_TIME_FACTOR` says, the same work
/// takes that much more time.
fn on_this_machine(limits: Limits) -> Limits {
    let factor = std::env::var("TEST_TIME_FACTOR").map_or(1, |factor| factor.parse().expect("a number"));
    Limits { cpu_ms: limits.cpu_ms * factor, wall_ms: limits.wall_ms * factor, ..limits }
}

/// What one attack is aimed at; gone when this is.
pub struct Stage {
    aim: Aim,
    folder: TempDir,
    victim: Option<Victim>,
    listeners: Option<(TcpListener, UnixListener, String)>,
    _locks: Option<[fs::File; 2]>,
}

impl Stage {
    pub fn set(aim: Aim) -> Stage {
        let folder = tempfile::Builder::new().prefix("proofbox-hostile-stage").tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.path().join("secret"), "SECRET of the host").unwrap();
        let listeners = (aim == Aim::Network).then(|| {
            let name = format!("proofbox-hostile-{}", folder.path().display());
            let address = SocketAddr::from_abstract_name(&name).unwrap();
            (TcpListener::bind("127.0.0.1:0").unwrap(), UnixListener::bind_addr(&address).unwrap(), name)
        });
        Stage {
            aim,
            victim: (aim == Aim::Victim).then(Victim::start),
            folder,
            listeners,
            _locks: (aim == Aim::Locks).then(hold_locks),
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Standard input of a bare run: of several the last, since what the others prepare in a cell
    /// is there without the protection.
    pub fn input(&self) -> String {
        match self.aim {
            Aim::Inputs(inputs) => (*inputs.last().expect("at least one")).to_owned(),
            Aim::Victim => self.victim.as_ref().expect("set").pid().to_string(),
            Aim::Secret => self.path("secret"),
            Aim::Mark => self.path("mark"),
            Aim::Locks => IMAGE_FILE.to_owned(),
            Aim::Network => {
                let (tcp, _, name) = self.listeners.as_ref().expect("set");
                format!("{} {name}", tcp.local_addr().unwrap().port())
            }
        }
    }

    /// Whether the attack worked, by what it printed or by what became of its aim.
    pub fn escaped(&mut self, said: &str) -> bool {
        let said = said.lines().any(|line| line.starts_with("ESCAPED:"));
        let marked = fs::read_to_string(self.path("mark")).is_ok_and(|text| text.contains("ESCAPED:"));
        said || marked || self.victim.as_mut().is_some_and(|victim| !victim.is_alive())
    }

    /// The attack as a submission whose tests expect it to say that it was contained.
    pub fn submission(&self, attack: &Attack, programs: &Programs) -> Submission {
        let test = |stdin: String| ProgramTest {
            stdin: stdin.into_bytes().into(),
            accepted_stdout: vec![b"contained".to_vec()],
            files: Vec::new(),
        };
        let tests = match self.aim {
            Aim::Inputs(inputs) => inputs.iter().map(|input| test((*input).to_owned())).collect(),
            _ => vec![test(self.input())],
        };
        Submission {
            limits: on_this_machine(attack.limits),
            stop: Stop::Never,
            show_output: ShowOutput::Always,
            ..Submission::new(
                "python",
                Solution::single("main.py", programs.source(attack.file)),
                Tests::Program(tests),
            )
        }
    }
}
