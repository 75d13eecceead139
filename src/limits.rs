//! What one test run may use. Every field has a unit in its name, a default and a bound.

use std::time::Duration;

/// The limits of one test run. They hold for the whole process tree of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// CPU time of the whole process tree, milliseconds.
    pub cpu_ms: u64,
    /// Wall time, milliseconds: a backstop for sleepers and blocked reads.
    pub wall_ms: u64,
    /// Resident memory of the whole process tree, bytes. The stack may grow as far.
    pub memory_bytes: u64,
    /// Captured standard output, bytes; standard error has the same bound.
    pub output_bytes: u64,
    /// Processes and threads alive at once.
    pub processes: u64,
    /// Largest file that may be written, bytes; also the size of the private tmpfs.
    pub file_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let cpu_ms = 4_000;
        Limits {
            cpu_ms,
            wall_ms: Limits::default_wall_ms(cpu_ms),
            memory_bytes: 512 << 20,
            output_bytes: 16 << 20,
            processes: 64,
            file_bytes: 64 << 20,
        }
    }
}

/// A limit that is outside its bounds.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("limits.{field} {}", self.problem())]
pub struct LimitOutOfBounds {
    pub field: &'static str,
    pub given: u64,
    pub least: u64,
    pub most: u64,
}

impl LimitOutOfBounds {
    /// The complaint without the limit's name.
    pub fn problem(&self) -> String {
        let LimitOutOfBounds { given, least, most, .. } = *self;
        if !self.field.ends_with("_bytes") {
            return format!("is {given}; it must be between {least} and {most}");
        }
        let [least, most] = [least, most].map(show_bytes);
        match show_bytes(given) {
            words if words.starts_with(&format!("{given} ")) => {
                format!("is {words}; it must be between {least} and {most}")
            }
            words => format!("is {given} ({words}); it must be between {least} and {most}"),
        }
    }
}

/// Limits as given by a submission or by flags. Each may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GivenLimits {
    pub cpu_ms: Option<u64>,
    pub wall_ms: Option<u64>,
    pub memory_bytes: Option<u64>,
    pub output_bytes: Option<u64>,
    pub processes: Option<u64>,
    pub file_bytes: Option<u64>,
}

impl GivenLimits {
    /// These limits; those that are left out are taken from `other`.
    pub fn or(self, other: GivenLimits) -> GivenLimits {
        GivenLimits {
            cpu_ms: self.cpu_ms.or(other.cpu_ms),
            wall_ms: self.wall_ms.or(other.wall_ms),
            memory_bytes: self.memory_bytes.or(other.memory_bytes),
            output_bytes: self.output_bytes.or(other.output_bytes),
            processes: self.processes.or(other.processes),
            file_bytes: self.file_bytes.or(other.file_bytes),
        }
    }

    /// Complete limits; those that are left out are taken from `default`. A wall limit that is left out is derived from
    /// the CPU limit.
    ///
    /// # Errors
    /// The first that is out of its bounds.
    pub fn over(self, default: Limits) -> Result<Limits, LimitOutOfBounds> {
        let cpu_ms = self.cpu_ms.unwrap_or(default.cpu_ms);
        let limits = Limits {
            cpu_ms,
            wall_ms: self.wall_ms.unwrap_or_else(|| Limits::default_wall_ms(cpu_ms)),
            memory_bytes: self.memory_bytes.unwrap_or(default.memory_bytes),
            output_bytes: self.output_bytes.unwrap_or(default.output_bytes),
            processes: self.processes.unwrap_or(default.processes),
            file_bytes: self.file_bytes.unwrap_or(default.file_bytes),
        };
        limits.validated()
    }
}

impl Limits {
    /// Default CPU time of one test in a form of data sets, milliseconds.
    ///
    /// Contest problems of these sets state 1 to 2 s, on machines of many speeds. The 4 s of OpenThoughts'
    /// own judge were wall time on a loaded machine and held the interpreter's start and 0.3 s of imports.
    /// Measured on a labelled set of the kind, on a slow machine: the slowest right row takes 2.4 s a test,
    /// the fastest row that is labelled too slow 3.0 s.
    pub const DATA_SET_CPU_MS: u64 = 2_500;

    /// Default limits of tests in the forms of data sets.
    pub fn of_data_sets() -> Limits {
        let cpu_ms = Limits::DATA_SET_CPU_MS;
        Limits { cpu_ms, wall_ms: Limits::default_wall_ms(cpu_ms), ..Limits::default() }
    }

    /// Bounds per field: name, least, most.
    pub const BOUNDS: [(&'static str, u64, u64); 6] = [
        ("cpu_ms", 10, 600_000),
        ("wall_ms", 10, 3_600_000),
        ("memory_bytes", 16 << 20, 64 << 30),
        ("output_bytes", 0, 256 << 20),
        ("processes", 1, 1_024),
        ("file_bytes", 4_096, 4 << 30),
    ];

    /// Time that a run is ready to compute and waits for a core does not count as its wall time. However long it waits, a
    /// run ends after this many times its wall limit.
    pub const MOST_WALL_STRETCH: u32 = 16;

    /// The wall backstop used when none is given: three times the CPU limit and two seconds.
    pub fn default_wall_ms(cpu_ms: u64) -> u64 {
        cpu_ms.saturating_mul(3).saturating_add(2_000)
    }

    /// Returns these limits if every field is within [`Limits::BOUNDS`].
    pub fn validated(self) -> Result<Limits, LimitOutOfBounds> {
        let given = [
            self.cpu_ms,
            self.wall_ms,
            self.memory_bytes,
            self.output_bytes,
            self.processes,
            self.file_bytes,
        ];
        for ((field, least, most), given) in Self::BOUNDS.into_iter().zip(given) {
            if given < least || given > most {
                return Err(LimitOutOfBounds { field, given, least, most });
            }
        }
        Ok(self)
    }

    pub fn wall(&self) -> Duration {
        Duration::from_millis(self.wall_ms)
    }
}

/// Units of sizes: name, bytes.
const UNITS: [(&str, u64); 9] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("B", 1),
];

/// Reads a size: a number of bytes, or one with a unit such as `64MB` (64,000,000) or `64 MiB` (67,108,864).
///
/// # Errors
/// What is wrong with the text.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = (&text[..end], text[end..].trim());
    let wrong = || {
        let instead = match unit.to_ascii_lowercase().as_str() {
            letter @ ("k" | "m" | "g" | "t") => {
                format!(": say {digits}{0}B or {digits}{0}iB", letter.to_uppercase())
            }
            _ => "; give a number of bytes, or a whole number with a unit such as MB or MiB".to_owned(),
        };
        format!("{text:?} is not a size{instead}")
    };
    let factor = match unit {
        "" => 1,
        unit => {
            let known = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
            known.ok_or_else(wrong)?.1
        }
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(factor).ok_or_else(|| format!("{text:?} is more than can be counted"))
}

/// A size for a person: `512 MiB`, `64 MB`, `1.5 GiB`, `700 bytes`.
pub fn show_bytes(bytes: u64) -> String {
    let is_round = |(_, unit): &&(&str, u64)| bytes >= *unit && bytes.is_multiple_of(*unit);
    match UNITS[..4].iter().rev().find(|(_, unit)| bytes >= *unit) {
        None => format!("{bytes} bytes"),
        Some((name, unit)) if bytes.is_multiple_of(*unit) => format!("{} {name}", bytes / unit),
        Some(_) if let Some((name, unit)) = UNITS[5..8].iter().rev().find(is_round) => {
            format!("{} {name}", bytes / unit)
        }
        Some((name, unit)) => format!("{:.1} {name}", bytes as f64 / *unit as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_shown() {
        for (text, bytes, shown) in [
            ("0", 0, "0 bytes"),
            ("700", 700, "700 bytes"),
            ("1KiB", 1_024, "1 KiB"),
            ("64MB", 64_000_000, "64 MB"),
            ("68000001", 68_000_001, "64.8 MiB"),
            ("64 mib", 64 << 20, "64 MiB"),
            ("64MIB", 64 << 20, "64 MiB"),
            ("1536MiB", 1_536 << 20, "1.5 GiB"),
            ("2kb", 2_000, "2.0 KiB"),
            (" 3GiB ", 3 << 30, "3 GiB"),
        ] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
            assert_eq!(show_bytes(bytes), shown);
        }
        for (text, clue) in [
            ("", "not a size"),
            ("MiB", "not a size"),
            ("-1", "not a size"),
            ("64M", "say 64MB or 64MiB"),
            ("64g", "say 64GB or 64GiB"),
            ("1.5GiB", "whole number"),
            ("64 megabytes", "MB or MiB"),
            ("99999999999999999999", "not a size"),
            ("99999999TiB", "more than can be counted"),
        ] {
            let problem = parse_bytes(text).unwrap_err();
            assert!(problem.contains(clue), "{text}: {problem}");
        }
    }

    #[test]
    fn what_is_said_first_counts_and_the_wall_limit_follows_the_cpu_limit() {
        let said = GivenLimits { cpu_ms: Some(100), ..GivenLimits::default() };
        let flags = GivenLimits { cpu_ms: Some(7), processes: Some(3), ..GivenLimits::default() };
        let limits = said.or(flags).over(Limits::default()).unwrap();
        assert_eq!((limits.cpu_ms, limits.wall_ms, limits.processes), (100, 2_300, 3));
        let refusal = |given: GivenLimits| given.over(Limits::default()).unwrap_err().to_string();
        let small = GivenLimits { memory_bytes: Some(1 << 20), ..GivenLimits::default() };
        assert_eq!(
            refusal(small),
            "limits.memory_bytes is 1048576 (1 MiB); it must be between 16 MiB and 64 GiB"
        );
        let odd = GivenLimits { file_bytes: Some(700), ..GivenLimits::default() };
        assert_eq!(refusal(odd), "limits.file_bytes is 700 bytes; it must be between 4 KiB and 4 GiB");
        assert_eq!(
            refusal(GivenLimits { cpu_ms: Some(1), ..GivenLimits::default() }),
            "limits.cpu_ms is 1; it must be between 10 and 600000"
        );
    }
}
