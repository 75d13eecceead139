//! Our own Python: which files each script is made of.
//!
//! A file more is a line more here, and nowhere else.

/// Something of our own that an interpreter runs: files of `sandbox-images/python`, one after the other in one scope.
pub struct Script {
    pub name: &'static str,
    files: &'static [&'static str],
}

impl Script {
    /// The script's text. It is compiled as a whole, so how many files there are costs no run anything.
    pub fn source(&self) -> String {
        self.files.join("\n")
    }
}

macro_rules! script {
    ($name:literal: $($file:literal)+) => {
        Script {
            name: $name,
            files: &[$(include_str!(concat!("../sandbox-images/python/", $file, ".py"))),+],
        }
    };
}

/// The driver, and what it carries tests that hold code out by, in the order in which it loads them.
pub const RUN: [Script; 7] = [
    script!("driver": "run/prelude" "run/code" "run/channels" "run/plain_values" "run/call" "run/program" "run/entry"),
    script!("values": "code_tests/values" "code_tests/link"),
    script!("answering": "code_tests/answering"),
    script!("asking": "code_tests/asking" "code_tests/stand_ins"),
    script!("reading": "code_tests/reading"),
    script!("suites": "code_tests/suites"),
    script!("tests": "code_tests/tests"),
];

/// What an interpreter that is kept loaded has besides.
pub const WARM: [Script; 2] =
    [script!("warm": "warm/warm"), script!("series": "warm/offered" "warm/may_share" "warm/series")];

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use super::*;

    #[test]
    fn no_file_is_left_out() {
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("sandbox-images/python");
        let mut there = BTreeSet::new();
        for folder in ["run", "code_tests", "warm"] {
            for entry in std::fs::read_dir(home.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|extension| extension == "py") {
                    there.insert(std::fs::read_to_string(path).unwrap());
                }
            }
        }
        let listed = RUN.iter().chain(&WARM).flat_map(|script| script.files);
        assert_eq!(listed.map(|text| (*text).to_owned()).collect::<BTreeSet<_>>(), there);
    }
}
