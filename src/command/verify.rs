//! `proofbox verify`: a file of submissions in, a file of reports out.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::Args;
use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    UNDECIDED, interrupted,
    lines::{Line, read_lines},
    output_file::OutputFile,
    start_engine,
};
use crate::{
    admission::Admit,
    config::{EngineArgs, LimitArgs, size},
    submission::{Id, Repeat},
    verdict::{Cause, Verdict},
    verify::Engine,
    wire::{self, Asked, BadRequest, WireBounds, WireDefaults, WireReport},
};

/// Verify a JSONL file of submissions: reports out, in order, one a line.
///
/// Each line is a submission as POST /v1/verify takes it. A line that cannot be read as one is
/// answered in its place, with the verdict "undecided", the cause "bad_request" and the line's number.
/// Blank lines are skipped. Limits in a submission override those of flags. The output appears under its name only
/// when it is complete.
#[derive(Debug, Args)]
pub struct VerifyCommand {
    /// Submissions, one JSON object a line; `-` reads standard input
    #[arg(value_name = "IN.jsonl")]
    input: PathBuf,

    /// Where the reports go; `-` writes each to standard output as soon as it is ready
    #[arg(short, long, value_name = "OUT.jsonl", default_value = "-")]
    output: PathBuf,

    /// Longest line, a number of bytes or such as 64MiB; a longer one is answered as bad
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = size)]
    max_line_bytes: usize,

    /// Run an accepted solution this often where its submission leaves that open; every run must be accepted
    /// [default: 5 where it mentions random numbers or the clock, else 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(Repeat::MAX)))]
    repeat: Option<u32>,

    /// Most tests in one submission
    #[arg(long, value_name = "N", default_value_t = wire::DEFAULT_MAX_TESTS)]
    max_tests: usize,

    #[command(flatten)]
    limits: LimitArgs,

    #[command(flatten)]
    engine: EngineArgs,
}

/// Lines that are verified at once, per slot. There are enough that no slot is idle while a line is parsed, or while the
/// output waits for a slow line.
const IN_FLIGHT_PER_SLOT: usize = 8;
/// No further line is taken while those in flight have more bytes than this.
const MAX_BYTES_IN_FLIGHT: usize = 256 << 20;

pub async fn verify(command: VerifyCommand) -> anyhow::Result<ExitCode> {
    let interrupted = interrupted()?;
    let lines = read_lines(&command.input, command.max_line_bytes)
        .with_context(|| format!("cannot read {}", named(&command.input, "standard input")))?;
    let output = Output::create(&command.output)
        .with_context(|| format!("cannot write {}", named(&command.output, "standard output")))?;
    let config = command.engine.config();
    let batch = Batch {
        engine: start_engine(&config)?,
        bounds: WireBounds { max_tests: command.max_tests, defaults: command.defaults() },
        max_in_flight: config.slots.get() * IN_FLIGHT_PER_SLOT,
        max_line_bytes: command.max_line_bytes,
    };
    let summary = tokio::select! {
        summary = batch.run(lines, output, &command) => summary?,
        // The unfinished output is removed with its temporary file.
        code = interrupted => return Ok(ExitCode::from(code)),
    };
    note_line!("{summary}");
    Ok(if summary.undecided > 0 { ExitCode::from(UNDECIDED) } else { ExitCode::SUCCESS })
}

impl VerifyCommand {
    /// Defaults of fields that submissions leave out.
    fn defaults(&self) -> WireDefaults {
        WireDefaults { limits: self.limits.given(), repeat: self.repeat.map(Repeat::exactly) }
    }
}

/// A path in words; `-` is replaced by the stream's name.
fn named<'a>(path: &'a Path, stream: &'a str) -> std::path::Display<'a> {
    if path == Path::new("-") { Path::new(stream).display() } else { path.display() }
}

struct Batch {
    engine: Arc<Engine>,
    bounds: WireBounds,
    max_in_flight: usize,
    max_line_bytes: usize,
}

/// The answer to a line.
struct NumberedReport {
    json: String,
    verdict: Verdict,
    cause: Option<&'static str>,
}

impl Batch {
    async fn run(
        &self,
        mut lines: mpsc::Receiver<io::Result<Line>>,
        mut output: Output,
        command: &VerifyCommand,
    ) -> anyhow::Result<Summary> {
        let mut summary = Summary::new();
        let mut in_flight: VecDeque<(usize, JoinHandle<NumberedReport>)> = VecDeque::new();
        let mut bytes_in_flight = 0;
        let mut more = true;
        while more || !in_flight.is_empty() {
            let room = in_flight.len() < self.max_in_flight && bytes_in_flight < MAX_BYTES_IN_FLIGHT;
            tokio::select! {
                answer = first(&mut in_flight), if !in_flight.is_empty() => {
                    bytes_in_flight -= in_flight.pop_front().map_or(0, |(bytes, _)| bytes);
                    let answer = answer.context("a line's verification panicked")?;
                    match output.write_line(&answer.json) {
                        // The reader of standard output has left.
                        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(summary),
                        written => written
                            .with_context(|| format!("cannot write {}", named(&command.output, "standard output")))?,
                    }
                    summary.count(&answer);
                }
                line = lines.recv(), if more && room => match line {
                    None => more = false,
                    Some(line) => {
                        let line = line.with_context(|| format!("cannot read {}", named(&command.input, "standard input")))?;
                        let bytes = line.text.as_ref().map_or(0, Vec::len);
                        bytes_in_flight += bytes;
                        in_flight.push_back((bytes, tokio::spawn(self.answer(line))));
                    }
                },
            }
        }
        output
            .finish()
            .with_context(|| format!("cannot write {}", named(&command.output, "standard output")))?;
        Ok(summary)
    }

    fn answer(&self, line: Line) -> impl Future<Output = NumberedReport> + use<> {
        let (engine, bounds, max_line_bytes) = (Arc::clone(&self.engine), self.bounds, self.max_line_bytes);
        async move {
            let Some(text) = line.text else {
                let refusal =
                    BadRequest { field: None, detail: format!("longer than {max_line_bytes} bytes") };
                return bad_line(None, line.number, &refusal);
            };
            let report = match wire::parse(&text, bounds) {
                Ok(Asked::Verify(submission)) => {
                    drop(text);
                    engine.verify(*submission, Admit::Patient).await
                }
                Ok(Asked::Undecidable(report)) => *report,
                Err(refusal) => return bad_line(wire::id_of(&text).as_ref(), line.number, &refusal),
            };
            NumberedReport {
                json: wire::report_json(&report),
                verdict: report.verdict,
                cause: report.cause.map(Cause::as_str),
            }
        }
    }
}

/// Waits until the first line in order is done. Safe to cancel.
async fn first(
    in_flight: &mut VecDeque<(usize, JoinHandle<NumberedReport>)>,
) -> Result<NumberedReport, tokio::task::JoinError> {
    match in_flight.front_mut() {
        Some((_, answer)) => answer.await,
        None => std::future::pending().await,
    }
}

fn bad_line(id: Option<&Id>, number: u64, refusal: &BadRequest) -> NumberedReport {
    let reason = refusal.to_string();
    let report = WireReport::bad_line(id, number, &reason);
    NumberedReport {
        json: serde_json::to_string(&report).expect("a report of strings and numbers"),
        verdict: Verdict::Undecided,
        cause: Some(BadRequest::CAUSE),
    }
}

/// Destination of reports: standard output, a device or pipe, or a file that gets its name when it is complete.
enum Output {
    Stream(Box<dyn Write + Send>),
    File(BufWriter<OutputFile>),
}

impl Output {
    fn create(path: &Path) -> io::Result<Output> {
        if path == Path::new("-") {
            return Ok(Output::Stream(Box::new(io::stdout())));
        }
        // Renaming over a device or a pipe would replace it.
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
            return Ok(Output::Stream(Box::new(fs::OpenOptions::new().write(true).open(path)?)));
        }
        if path.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        // Through a symbolic link, the file that it names is written.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        Ok(Output::File(BufWriter::new(OutputFile::create(&path)?)))
    }

    fn write_line(&mut self, line: &str) -> io::Result<()> {
        match self {
            Output::Stream(stream) => {
                stream.write_all(line.as_bytes())?;
                stream.write_all(b"\n")?;
                stream.flush()
            }
            Output::File(content) => {
                content.write_all(line.as_bytes())?;
                content.write_all(b"\n")
            }
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Output::Stream(mut stream) => stream.flush(),
            Output::File(content) => content.into_inner().map_err(io::IntoInnerError::into_error)?.publish(),
        }
    }
}

/// How many of each verdict.
struct Summary {
    started: Instant,
    total: u64,
    undecided: u64,
    by_verdict: BTreeMap<(usize, String), u64>,
}

impl Summary {
    fn new() -> Summary {
        Summary { started: Instant::now(), total: 0, undecided: 0, by_verdict: BTreeMap::new() }
    }

    fn count(&mut self, answer: &NumberedReport) {
        self.total += 1;
        self.undecided += u64::from(answer.verdict == Verdict::Undecided);
        let place = Verdict::ALL.iter().position(|verdict| *verdict == answer.verdict).unwrap_or(usize::MAX);
        let word = match (answer.verdict, answer.cause) {
            (Verdict::Undecided, Some(cause)) => format!("undecided ({cause})"),
            (verdict, _) => verdict.to_string(),
        };
        *self.by_verdict.entry((place, word)).or_default() += 1;
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let took: Duration = self.started.elapsed();
        let rate = self.total as f64 / took.as_secs_f64().max(1e-3);
        let plural = if self.total == 1 { "" } else { "s" };
        write!(f, "{} submission{plural} in {:.1} s ({rate:.1}/s)", self.total, took.as_secs_f64())?;
        for (place, ((_, word), count)) in self.by_verdict.iter().enumerate() {
            write!(f, "{} {count} {word}", if place == 0 { ":" } else { "," })?;
        }
        Ok(())
    }
}
