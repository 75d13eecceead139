//! Rules about system calls: what they say of arguments, and how they become a filter program by seccompiler.

use std::collections::HashMap;

use nix::errno::Errno;
use seccompiler::{BpfProgram, TargetArch};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::sys::SockFilter;

#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    #[error("seccomp policy: {0}")]
    Syntax(#[from] toml::de::Error),
    #[error("seccomp policy: unknown errno {0}")]
    Errno(String),
    #[error("seccomp policy: {0} stands in more than one group")]
    Twice(String),
    #[error("seccomp policy: {0} is refused by it, which an image's manifest cannot change")]
    Refused(String),
    #[error("seccomp policy: {0}")]
    Filter(String),
}

/// One argument, optionally masked, must equal a value; or a whole one must not.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    arg: u8,
    mask: Option<u64>,
    equals: Option<u64>,
    not_equals: Option<u64>,
}

/// Whether a group for that architecture, or for all, holds on this machine.
pub fn is_here(arch: &Option<String>) -> bool {
    arch.as_deref().is_none_or(|arch| arch == std::env::consts::ARCH)
}

/// One call whose arguments meet all conditions, in seccompiler's own JSON, which resolves names.
/// `width`: how much of an argument counts, `qword` or `dword`.
pub fn rule(name: &str, reason: &str, conditions: &[Condition], width: &str) -> Result<Value, PolicyError> {
    let mut rule = json!({ "syscall": name, "comment": reason });
    if !conditions.is_empty() {
        rule["args"] =
            conditions.iter().map(|condition| condition.to_json(width)).collect::<Result<_, _>>()?;
    }
    Ok(rule)
}

impl Condition {
    fn to_json(self, width: &str) -> Result<Value, PolicyError> {
        let (op, value) = match (self.mask, self.equals, self.not_equals) {
            (Some(mask), Some(value), None) => (json!({ "masked_eq": mask }), value),
            (None, Some(value), None) => (json!("eq"), value),
            (None, None, Some(value)) => (json!("ne"), value),
            _ => {
                let problem = "a condition says one of equals and not_equals, and a mask only with equals";
                return Err(PolicyError::Filter(problem.to_owned()));
            }
        };
        Ok(json!({ "index": self.arg, "type": width, "op": op, "val": value }))
    }
}

/// The errors that rules may answer with, by name.
pub fn errno(name: &str) -> Result<i32, PolicyError> {
    [Errno::EPERM, Errno::EACCES, Errno::ENOSYS, Errno::EAFNOSUPPORT]
        .into_iter()
        .find(|errno| format!("{errno:?}") == name)
        .map(|errno| errno as i32)
        .ok_or_else(|| PolicyError::Errno(name.to_owned()))
}

/// A program that answers `matched` to the calls that a rule holds for, and `default` to all others.
pub fn program(default: Value, matched: Value, rules: Vec<Value>) -> Result<Vec<SockFilter>, PolicyError> {
    let filters = json!({
        "cell": { "default_action": default, "filter_action": matched, "filter": rules }
    });
    let arch = TargetArch::try_from(std::env::consts::ARCH)
        .map_err(|error| PolicyError::Filter(error.to_string()))?;
    let mut programs: HashMap<String, BpfProgram> =
        seccompiler::compile_from_json(filters.to_string().as_bytes(), arch)
            .map_err(|error| PolicyError::Filter(error.to_string()))?;
    let program = programs.remove("cell").unwrap_or_default();
    Ok(program
        .into_iter()
        .map(|instruction| SockFilter {
            code: instruction.code,
            jt: instruction.jt,
            jf: instruction.jf,
            k: instruction.k,
        })
        .collect())
}
