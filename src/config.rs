//! Settings: flags and environment variables, validated once. Inner code takes [`EngineConfig`] and
//! [`ServeConfig`], which are always valid, and never reads the environment.

mod limits;

use std::{
    fs,
    net::SocketAddr,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, ValueEnum};
use sha2::{Digest, Sha256};

pub use self::limits::{LIMITS_HEADING, LimitArgs, size};
use crate::{sandbox::Tier, submission::Runtime, wire::WireDefaults};

/// Above the flags of [`EngineArgs`] in every command's help.
pub const ENGINE_HEADING: &str = "Running code";

/// A setting that cannot be used. The text names the flag and says what would do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "--listen {listen} is reachable from other machines, and whoever reaches it can run code here: \
         give --token-file FILE with a secret that clients must send, or listen on 127.0.0.1"
    )]
    OpenToTheWorld { listen: SocketAddr },
    #[error("--token-file {}: {problem}", path.display())]
    TokenFile { path: PathBuf, problem: String },
    #[error(
        "--max-body-bytes-in-flight {in_flight} is less than --max-body-bytes {body}: \
         a body of the size allowed would never be accepted"
    )]
    BodiesInFlight { in_flight: usize, body: usize },
}

/// Which isolation cells are to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TierChoice {
    /// The strongest that the host gives.
    Auto,
    /// Own user, mount, pid, ipc, uts and net namespaces.
    Namespaces,
    /// As root of a container without namespaces: a user id per slot, Landlock, seccomp.
    Slot,
    /// As an ordinary user of a container without namespaces: Landlock, seccomp, a watch over every run.
    Restricted,
}

// Flags of every command that runs code. Not a doc comment: clap would show it as the description of those commands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = ENGINE_HEADING)]
pub struct EngineArgs {
    /// Submissions that run at once [default: one per core]
    #[arg(long, value_name = "N", env = "PROOFBOX_SLOTS", value_parser = at_least_one(1024))]
    slots: Option<u64>,

    /// Python interpreter to run Python solutions with [default: the image's own]
    #[arg(long, value_name = "PATH", env = "PROOFBOX_PYTHON")]
    python: Option<PathBuf>,

    /// Runner of submissions that name none. With `wasm` no native runner is started
    #[arg(long, value_name = "RUNTIME", env = "PROOFBOX_RUNTIME", value_enum, default_value_t = Runtime::Auto)]
    runtime: Runtime,

    #[command(flatten)]
    wasm: WasmArgs,

    /// Weakest isolation to accept; a host that cannot give it is refused
    #[arg(long, value_name = "TIER", env = "PROOFBOX_MIN_TIER", value_enum, default_value_t = Tier::Wasm)]
    min_tier: Tier,

    /// Isolation to use: the strongest that this host gives, or a certain one
    #[arg(long, value_name = "TIER", env = "PROOFBOX_TIER", value_enum, default_value_t = TierChoice::Auto)]
    tier: TierChoice,

    /// Directory for cells' files where mounts are refused [default: the first with room of /dev/shm, /run,
    /// /tmp, /var/tmp]
    #[arg(long, value_name = "DIR", env = "PROOFBOX_SCRATCH_DIR")]
    scratch_dir: Option<PathBuf>,

    /// Give every test a process of its own, however short it is and whatever its program can reach
    #[arg(long, env = "PROOFBOX_PROCESS_PER_TEST", default_value_t = false)]
    process_per_test: bool,
}

// Where images are: for commands that build images, and for commands that run them.
#[derive(Debug, Clone, Args)]
pub struct WasmArgs {
    /// Directory of sandbox images to use instead of those built into this program
    #[arg(long, value_name = "DIR", env = "PROOFBOX_IMAGES_DIR", global = true)]
    pub images_dir: Option<PathBuf>,

    /// Directory of built Wasm images [default: proofbox/wasm in the user's cache directory]
    #[arg(long, value_name = "DIR", env = "PROOFBOX_WASM_DIR", global = true)]
    wasm_dir: Option<PathBuf>,
}

impl WasmArgs {
    /// Where built Wasm images lie.
    pub fn directory(&self) -> PathBuf {
        self.wasm_dir.clone().unwrap_or_else(default_wasm_directory)
    }
}

/// How the engine runs code.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    pub slots: NonZeroUsize,
    /// Callers that may wait for a slot if they are [`Admit::Bounded`](crate::admission::Admit::Bounded).
    pub max_waiting: usize,
    /// Longest wait of a bounded caller; `None`: no bound.
    pub max_wait: Option<Duration>,
    pub python: Option<PathBuf>,
    pub images_dir: Option<PathBuf>,
    /// Runner of submissions that name none.
    pub runtime: Runtime,
    /// Where built Wasm images lie.
    pub wasm_dir: PathBuf,
    /// Weakest isolation to accept.
    pub min_tier: Tier,
    pub tier: TierChoice,
    /// Directory for cells' files in tiers without mounts; `None`: the first usual directory with room.
    pub scratch_dir: Option<PathBuf>,
    /// Whether interpreters are kept loaded and runs are forked from them. If not, every run executes an interpreter.
    pub warm: bool,
    /// Whether short tests of one program may share a process if the program cannot notice. A test that is not accepted
    /// is always run again in a process of its own.
    pub series: bool,
    /// Whether control groups may be used. Without them, resource limits and the clocks of processes serve.
    pub use_cgroups: bool,
    /// This crate as a shared library, which a loaded interpreter needs. `None` if it was not found; every run then
    /// executes an interpreter.
    pub module: Option<PathBuf>,
    /// The proofbox program, which is executed again for launchers.
    pub program: PathBuf,
    /// A launcher that keeps an interpreter loaded is replaced after this many cells, because all runs that are forked
    /// from one interpreter share its string hashes.
    pub renew_after_cells: u32,
    /// A set-up step of cells made to fail with an errno, for tests of what happens then.
    pub fail_step: Option<(String, i32)>,
}

impl EngineConfig {
    /// The running program, even if its file has been replaced or removed.
    pub const THIS_PROGRAM: &str = "/proc/self/exe";

    /// Starting a launcher costs as much as some tens of runs.
    pub const RENEW_AFTER_CELLS: u32 = 1_000;

    /// Default length of the queue. A rollout step of reinforcement learning sends about a thousand submissions at once.
    pub const DEFAULT_MAX_WAITING: usize = 1_024;

    /// The tiers to try, strongest first: those asked for that are not weaker than `min_tier`. `slot` is for root, and
    /// `restricted` for everybody else, because a run must never have root's user id.
    pub fn tiers(&self) -> Vec<Tier> {
        let is_root = nix::unistd::geteuid().is_root();
        let wanted = match self.tier {
            TierChoice::Auto if is_root => vec![Tier::Namespaces, Tier::Slot],
            TierChoice::Auto => vec![Tier::Namespaces, Tier::Restricted],
            TierChoice::Namespaces => vec![Tier::Namespaces],
            TierChoice::Slot => vec![Tier::Slot],
            TierChoice::Restricted => vec![Tier::Restricted],
        };
        wanted.into_iter().filter(|tier| *tier >= self.min_tier).collect()
    }

    /// Default settings with `slots` slots.
    pub fn for_testing(slots: usize) -> EngineConfig {
        EngineConfig {
            slots: NonZeroUsize::new(slots).expect("at least one slot"),
            max_waiting: EngineConfig::DEFAULT_MAX_WAITING,
            max_wait: None,
            python: None,
            images_dir: None,
            runtime: Runtime::Auto,
            wasm_dir: default_wasm_directory(),
            min_tier: Tier::Wasm,
            tier: TierChoice::Auto,
            scratch_dir: None,
            module: shared_library(),
            warm: true,
            series: true,
            use_cgroups: true,
            program: EngineConfig::THIS_PROGRAM.into(),
            renew_after_cells: EngineConfig::RENEW_AFTER_CELLS,
            fail_step: None,
        }
    }
}

/// Where built Wasm images lie if no directory is named: in the user's cache, or, for a user without a home, the
/// system's.
#[expect(clippy::disallowed_methods, reason = "where caches stand is a convention, and no setting")]
pub fn default_wasm_directory() -> PathBuf {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let user = named("XDG_CACHE_HOME").or_else(|| named("HOME").map(|home| home.join(".cache")));
    user.unwrap_or_else(|| PathBuf::from("/var/cache")).join("proofbox").join("wasm")
}

/// Finds `libproofbox.so`: beside the program or the tests, in `deps` beside it, or in `../lib/proofbox`. The newest
/// file is taken, which belongs to this program's build.
fn shared_library() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let home = program.parent()?;
    [".", "deps", "..", "../lib/proofbox"]
        .iter()
        .map(|place| home.join(place).join("libproofbox.so"))
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .max()
        .and_then(|(_, path)| path.canonicalize().ok())
}

impl EngineArgs {
    /// The engine's settings for all commands but `serve`, which bounds its queue by further flags.
    pub fn config(&self) -> EngineConfig {
        let slots = match self.slots {
            Some(slots) => usize::try_from(slots).ok().and_then(NonZeroUsize::new),
            None => std::thread::available_parallelism().ok(),
        };
        EngineConfig {
            // If the host does not say how many cores it has, one slot is safe.
            slots: slots.unwrap_or(NonZeroUsize::MIN),
            max_waiting: EngineConfig::DEFAULT_MAX_WAITING,
            max_wait: None,
            python: self.python.clone(),
            images_dir: self.wasm.images_dir.clone(),
            runtime: self.runtime,
            wasm_dir: self.wasm.directory(),
            min_tier: self.min_tier,
            tier: self.tier,
            scratch_dir: self.scratch_dir.clone(),
            module: shared_library(),
            warm: true,
            series: !self.process_per_test,
            use_cgroups: true,
            program: EngineConfig::THIS_PROGRAM.into(),
            renew_after_cells: EngineConfig::RENEW_AFTER_CELLS,
            fail_step: None,
        }
    }
}

/// Flags of `serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Address to listen on. One that other machines can reach needs --token-file
    #[arg(long, value_name = "ADDRESS:PORT", env = "PROOFBOX_LISTEN", default_value = "127.0.0.1:8765")]
    listen: SocketAddr,

    /// File whose content clients must send as "Authorization: Bearer CONTENT"
    #[arg(long, value_name = "FILE", env = "PROOFBOX_TOKEN_FILE")]
    token_file: Option<PathBuf>,

    // Before what other commands share: help shows headings in this order.
    #[command(flatten)]
    bounds: BoundArgs,

    #[command(flatten)]
    limits: LimitArgs,

    #[command(flatten)]
    engine: EngineArgs,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Bounds")]
struct BoundArgs {
    /// Submissions that may wait for a slot before further ones are answered 429
    #[arg(long, value_name = "N", env = "PROOFBOX_MAX_WAITING",
          default_value_t = EngineConfig::DEFAULT_MAX_WAITING)]
    max_waiting: usize,

    /// Longest wait for a slot, milliseconds, before a 429 [default: no bound but the queue's]
    #[arg(long, value_name = "MS", env = "PROOFBOX_MAX_WAIT_MS", value_parser = at_least_one(86_400_000))]
    max_wait_ms: Option<u64>,

    /// Largest request body
    #[arg(long, value_name = "SIZE", env = "PROOFBOX_MAX_BODY_BYTES", default_value = "64MiB", value_parser = size)]
    max_body_bytes: usize,

    /// Bodies of all requests being read, waiting or running; beyond it requests get 429. They take at most about
    /// three times as much memory
    #[arg(long, value_name = "SIZE", env = "PROOFBOX_MAX_BODY_BYTES_IN_FLIGHT", default_value = "1GiB",
          value_parser = size)]
    max_body_bytes_in_flight: usize,

    /// Most tests in one submission
    #[arg(long, value_name = "N", env = "PROOFBOX_MAX_TESTS", default_value_t = crate::wire::DEFAULT_MAX_TESTS)]
    max_tests: usize,

    /// Most open connections. To make room for a further one, a connection is closed that has been silent for a second
    /// and is not being answered
    #[arg(long, value_name = "N", env = "PROOFBOX_MAX_CONNECTIONS", default_value_t = 4096,
          value_parser = at_least_one(1_000_000))]
    max_connections: u64,

    /// Time for a request's head to arrive, and for a connection to lie idle, milliseconds
    #[arg(long, value_name = "MS", env = "PROOFBOX_HEADER_TIMEOUT_MS", default_value_t = 15_000,
          value_parser = at_least_one(3_600_000))]
    header_timeout_ms: u64,

    /// Time for a request's body to arrive, milliseconds
    #[arg(long, value_name = "MS", env = "PROOFBOX_BODY_TIMEOUT_MS", default_value_t = 60_000,
          value_parser = at_least_one(3_600_000))]
    body_timeout_ms: u64,

    /// Time that submissions in flight are given to finish after SIGTERM or SIGINT, milliseconds
    #[arg(long, value_name = "MS", env = "PROOFBOX_DRAIN_TIMEOUT_MS", default_value_t = 30_000)]
    drain_timeout_ms: u64,
}

fn at_least_one(most: u64) -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=most)
}

/// How the service listens and what it bounds.
#[derive(Debug, Clone)]
pub struct ServeConfig {
    pub listen: SocketAddr,
    /// `None` only where `listen` is a loopback address.
    pub token: Option<Token>,
    pub max_body_bytes: usize,
    pub max_body_bytes_in_flight: usize,
    pub max_tests: usize,
    /// Defaults of fields that submissions leave out.
    pub defaults: WireDefaults,
    pub max_connections: usize,
    pub header_timeout: Duration,
    pub body_timeout: Duration,
    pub drain_timeout: Duration,
}

impl ServeConfig {
    /// The defaults, on a port of the kernel's choice, without a token.
    pub fn for_testing() -> ServeConfig {
        ServeConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: None,
            max_body_bytes: 64 << 20,
            max_body_bytes_in_flight: 1 << 30,
            max_tests: crate::wire::DEFAULT_MAX_TESTS,
            defaults: WireDefaults::default(),
            max_connections: 4096,
            header_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(30),
        }
    }
}

impl ServeArgs {
    /// Reads the token and checks what the flags mean together.
    ///
    /// # Errors
    /// Names the flag that cannot be used, and why.
    pub fn config(&self) -> Result<(ServeConfig, EngineConfig), ConfigError> {
        let token = self.token_file.as_deref().map(Token::read).transpose()?;
        if token.is_none() && !self.listen.ip().to_canonical().is_loopback() {
            return Err(ConfigError::OpenToTheWorld { listen: self.listen });
        }
        let bounds = &self.bounds;
        if bounds.max_body_bytes_in_flight < bounds.max_body_bytes {
            return Err(ConfigError::BodiesInFlight {
                in_flight: bounds.max_body_bytes_in_flight,
                body: bounds.max_body_bytes,
            });
        }
        let engine = EngineConfig {
            max_waiting: bounds.max_waiting,
            max_wait: bounds.max_wait_ms.map(Duration::from_millis),
            ..self.engine.config()
        };
        let serve = ServeConfig {
            listen: self.listen,
            token,
            max_body_bytes: bounds.max_body_bytes,
            max_body_bytes_in_flight: bounds.max_body_bytes_in_flight,
            max_tests: bounds.max_tests,
            defaults: WireDefaults { limits: self.limits.given(), ..WireDefaults::default() },
            max_connections: usize::try_from(bounds.max_connections).unwrap_or(usize::MAX),
            header_timeout: Duration::from_millis(bounds.header_timeout_ms),
            body_timeout: Duration::from_millis(bounds.body_timeout_ms),
            drain_timeout: Duration::from_millis(bounds.drain_timeout_ms),
        };
        Ok((serve, engine))
    }
}

/// The secret that clients must send. Only its hash is kept: the secret cannot be printed, and the time that a
/// comparison takes says nothing about it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    sha256: [u8; 32],
}

impl Token {
    /// Shortest secret accepted, bytes.
    const LEAST_BYTES: usize = 16;

    pub fn new(secret: &[u8]) -> Token {
        Token { sha256: Sha256::digest(secret).into() }
    }

    /// Whether `offered` is the secret.
    pub fn matches(&self, offered: &[u8]) -> bool {
        Token::new(offered) == *self
    }

    fn read(path: &Path) -> Result<Token, ConfigError> {
        let refuse = |problem: String| ConfigError::TokenFile { path: path.to_owned(), problem };
        let content = fs::read(path).map_err(|error| refuse(error.to_string()))?;
        let secret = content.trim_ascii();
        if secret.len() < Token::LEAST_BYTES {
            return Err(refuse(format!(
                "the secret has {} characters; at least {} are needed",
                secret.len(),
                Token::LEAST_BYTES
            )));
        }
        if !secret.iter().all(u8::is_ascii_graphic) {
            return Err(refuse("the secret must be one line of printable ASCII without blanks".to_owned()));
        }
        Ok(Token::new(secret))
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        serve: ServeArgs,
    }

    fn config(flags: &[&str]) -> Result<(ServeConfig, EngineConfig), String> {
        let command = Command::try_parse_from(std::iter::once(&"proofbox").chain(flags))
            .map_err(|error| error.to_string())?;
        command.serve.config().map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_loopback_and_bounded() {
        let (serve, engine) = config(&[]).unwrap();
        assert_eq!(serve.listen.to_string(), "127.0.0.1:8765");
        assert_eq!(serve.max_body_bytes, 64 << 20);
        assert_eq!(engine.max_waiting, EngineConfig::DEFAULT_MAX_WAITING);
        assert_eq!(engine.slots, std::thread::available_parallelism().unwrap());
    }

    #[test]
    fn an_address_beyond_loopback_needs_a_token() {
        for open in ["0.0.0.0:80", "[::]:80", "10.1.2.3:80", "[::ffff:10.0.0.1]:80"] {
            let refusal = config(&["--listen", open]).unwrap_err();
            assert!(refusal.contains("--token-file"), "{refusal}");
        }
        for closed in ["127.0.0.1:80", "[::1]:80", "127.9.9.9:80", "[::ffff:127.0.0.1]:80"] {
            config(&["--listen", closed]).unwrap();
        }
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "a-secret-of-enough-length").unwrap();
        let path = file.path().to_str().unwrap();
        let (serve, _) = config(&["--listen", "0.0.0.0:80", "--token-file", path]).unwrap();
        let token = serve.token.unwrap();
        assert!(token.matches(b"a-secret-of-enough-length"));
        assert!(!token.matches(b"a-secret-of-enough-lengtH"));
        assert!(!token.matches(b""));
        assert!(!format!("{token:?}").contains("secret"));
    }

    #[test]
    fn weak_or_unreadable_tokens_are_refused() {
        for (content, problem) in
            [("", "0 characters"), ("short\n", "5 characters"), ("two words and more of them", "one line")]
        {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            write!(file, "{content}").unwrap();
            let refusal = config(&["--token-file", file.path().to_str().unwrap()]).unwrap_err();
            assert!(refusal.contains(problem), "{refusal}");
        }
        assert!(config(&["--token-file", "/nowhere/token"]).unwrap_err().contains("/nowhere/token"));
    }

    #[test]
    fn values_out_of_bounds_name_their_flag() {
        for flags in [
            ["--slots", "0"],
            ["--slots", "100000"],
            ["--header-timeout-ms", "0"],
            ["--max-connections", "0"],
            ["--max-body-bytes-in-flight", "5"],
            ["--min-tier", "none"],
        ] {
            let refusal = config(&flags).unwrap_err();
            assert!(refusal.contains(flags[0]), "{refusal}");
        }
    }
}
