//! Flags for limits and sizes. Their names are those of the wire format, in every command.

use clap::Args;

use crate::limits::{GivenLimits, LimitOutOfBounds, Limits, parse_bytes};

/// Above the flags of [`LimitArgs`] in every command's help.
pub const LIMITS_HEADING: &str = "Limits of each test (a SIZE is bytes, or such as 64MB or 64MiB)";

// Flags for limits. Not a doc comment: clap would show it as the description of the commands that have them.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = LIMITS_HEADING)]
pub struct LimitArgs {
    /// CPU time of the whole process tree, milliseconds [default: 4000; for tests in the forms of data sets 2500]
    #[arg(long, value_name = "MS", value_parser = number("cpu_ms"))]
    cpu_ms: Option<u64>,

    /// Wall time, milliseconds [default: three times the CPU time plus 2000]
    #[arg(long, value_name = "MS", value_parser = number("wall_ms"))]
    wall_ms: Option<u64>,

    /// Memory of the whole process tree [default: 512MiB]
    #[arg(long, value_name = "SIZE", alias = "memory", value_parser = size_within("memory_bytes"))]
    memory_bytes: Option<u64>,

    /// Standard output, and as much again for standard error [default: 16MiB]
    #[arg(long, value_name = "SIZE", value_parser = size_within("output_bytes"))]
    output_bytes: Option<u64>,

    /// Processes and threads at once [default: 64]
    #[arg(long, value_name = "N", value_parser = number("processes"))]
    processes: Option<u64>,

    /// Largest file, and all files of a test together [default: 64MiB]
    #[arg(long, value_name = "SIZE", value_parser = size_within("file_bytes"))]
    file_bytes: Option<u64>,

    // The former name of --memory-bytes in `filter`, in MiB.
    #[arg(long, hide = true, conflicts_with = "memory_bytes", value_parser = mebibytes)]
    memory_mb: Option<u64>,
}

impl LimitArgs {
    /// The limits that flags give. Each is within its bounds.
    pub fn given(&self) -> GivenLimits {
        GivenLimits {
            cpu_ms: self.cpu_ms,
            wall_ms: self.wall_ms,
            memory_bytes: self.memory_bytes.or(self.memory_mb),
            output_bytes: self.output_bytes,
            processes: self.processes,
            file_bytes: self.file_bytes,
        }
    }
}

fn within(field: &'static str, given: u64) -> Result<u64, String> {
    let bounds = Limits::BOUNDS.into_iter().find(|(name, ..)| *name == field);
    let (_, least, most) = bounds.expect("every limit has bounds");
    match (least..=most).contains(&given) {
        true => Ok(given),
        false => Err(LimitOutOfBounds { field, given, least, most }.to_string()),
    }
}

fn number(field: &'static str) -> impl Fn(&str) -> Result<u64, String> + Clone {
    move |text| within(field, text.parse().map_err(|_| "it is no whole number".to_owned())?)
}

fn size_within(field: &'static str) -> impl Fn(&str) -> Result<u64, String> + Clone {
    move |text| within(field, parse_bytes(text)?)
}

fn mebibytes(text: &str) -> Result<u64, String> {
    let number: u64 = text.parse().map_err(|_| "it is no whole number".to_owned())?;
    within("memory_bytes", number.saturating_mul(1 << 20))
}

/// Reads the size of a bound of proofbox itself, such as the largest body.
pub fn size(text: &str) -> Result<usize, String> {
    usize::try_from(parse_bytes(text)?).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        limits: LimitArgs,
    }

    #[test]
    fn every_limit_has_a_flag_of_the_wires_name_and_says_what_is_wrong() {
        let given = |flags: &[&str]| {
            Command::try_parse_from(std::iter::once(&"proofbox").chain(flags))
                .map(|command| command.limits.given())
                .map_err(|error| error.to_string())
        };
        for (field, ..) in Limits::BOUNDS {
            let flag = format!("--{}", field.replace('_', "-"));
            let size = if field.ends_with("_bytes") { "32MiB" } else { "1000" };
            assert_ne!(given(&[&flag, size]).unwrap(), GivenLimits::default(), "{flag}");
            let refusal = given(&[&flag, "99999999999999"]).unwrap_err();
            assert!(refusal.contains(&flag) && refusal.contains(&format!("limits.{field} is")), "{refusal}");
        }
        let memory = |flags: &[&str]| given(flags).unwrap().memory_bytes;
        assert_eq!(memory(&["--memory-bytes", "64MB"]), Some(64_000_000));
        assert_eq!(memory(&["--memory", "67108864"]), Some(64 << 20));
        assert_eq!(memory(&["--memory-mb", "64"]), Some(64 << 20));
        assert!(given(&["--memory-bytes", "64M"]).unwrap_err().contains("64MB or 64MiB"));
    }
}
