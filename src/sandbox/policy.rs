//! The seccomp policy: `sandbox-images/seccomp.toml` made into a filter program.
//!
//! Three steps. The groups become rules for seccompiler, one program per answer: what is refused
//! with which errno, and what is allowed. As the kernel would take the strictest answer of several
//! installed programs, so does `filter.rs`, which merges them into one short program: a
//! filter's cost at installation grows with the square of its length, and every run installs it.
//! A foreign architecture (32-bit) kills; x32 calls meet the default.

use std::collections::HashMap;

use nix::errno::Errno;
use seccompiler::{BpfProgram, TargetArch};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{filter, sys::SockFilter};

/// The policy that ships with proofbox.
pub const SHIPPED: &str = include_str!("../../sandbox-images/seccomp.toml");

#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    #[error("seccomp policy: {0}")]
    Syntax(#[from] toml::de::Error),
    #[error("seccomp policy: unknown errno {0}")]
    Errno(String),
    #[error("seccomp policy: {0} stands in more than one group")]
    Twice(String),
    #[error("seccomp policy: {0}")]
    Filter(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    default_errno: String,
    #[serde(default)]
    allow: Vec<Allow>,
    #[serde(default)]
    refuse: Vec<Refuse>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Allow {
    reason: String,
    syscalls: Vec<String>,
    arch: Option<String>,
    #[serde(default)]
    when: Vec<Condition>,
    #[serde(default)]
    when_any: Vec<Vec<Condition>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refuse {
    errno: String,
    reason: String,
    syscalls: Vec<String>,
    arch: Option<String>,
}

/// One argument, optionally masked, must equal a value.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    arg: u8,
    mask: Option<u64>,
    equals: u64,
}

/// Compiles a policy for this machine into one program.
pub fn compile(policy: &str) -> Result<Vec<SockFilter>, PolicyError> {
    let Programs { answers, conditional } = programs(policy)?;
    filter::merge(&answers, &conditional).map_err(|problem| PolicyError::Filter(problem.to_owned()))
}

/// A policy as seccompiler builds it.
struct Programs {
    /// The strictest answer of all of these is the policy's.
    answers: Vec<Vec<SockFilter>>,
    /// A program for the calls whose arguments count, and only for those.
    conditional: Vec<SockFilter>,
}

fn programs(policy: &str) -> Result<Programs, PolicyError> {
    let policy: Policy = toml::from_str(policy)?;
    let mut seen = std::collections::HashSet::new();
    let (mut allowed, mut conditional) = (Vec::new(), Vec::new());
    // Refused calls by errno: one program each, since a program has one answer.
    let mut refused: Vec<(i32, Vec<Value>)> = Vec::new();
    let here = |arch: &Option<String>| arch.as_deref().is_none_or(|arch| arch == std::env::consts::ARCH);
    for group in policy.allow.iter().filter(|group| here(&group.arch)) {
        for name in &group.syscalls {
            once(&mut seen, name)?;
            let rules = rules(name, &group.reason, &group.when, &group.when_any);
            if !(group.when.is_empty() && group.when_any.is_empty()) {
                conditional.extend(rules.clone());
            }
            allowed.extend(rules);
        }
    }
    for group in policy.refuse.iter().filter(|group| here(&group.arch)) {
        let errno = errno(&group.errno)?;
        let index = refused.iter().position(|(other, _)| *other == errno).unwrap_or_else(|| {
            refused.push((errno, Vec::new()));
            refused.len() - 1
        });
        for name in &group.syscalls {
            once(&mut seen, name)?;
            refused[index].1.extend(rules(name, &group.reason, &[], &[]));
            allowed.extend(rules(name, &group.reason, &[], &[]));
        }
    }
    let mut answers = Vec::new();
    for (errno, rules) in refused {
        answers.push(program(json!("allow"), json!({ "errno": errno }), rules)?);
    }
    let default = json!({ "errno": errno(&policy.default_errno)? });
    answers.push(program(default.clone(), json!("allow"), allowed)?);
    Ok(Programs { answers, conditional: program(default, json!("allow"), conditional)? })
}

fn once(seen: &mut std::collections::HashSet<String>, name: &str) -> Result<(), PolicyError> {
    match seen.insert(name.to_owned()) {
        true => Ok(()),
        false => Err(PolicyError::Twice(name.to_owned())),
    }
}

/// The rules for one call, in seccompiler's own JSON, which resolves names.
fn rules(name: &str, reason: &str, when: &[Condition], when_any: &[Vec<Condition>]) -> Vec<Value> {
    let rule = |conditions: &[Condition]| {
        let mut rule = json!({ "syscall": name, "comment": reason });
        if !conditions.is_empty() {
            rule["args"] = conditions.iter().map(condition).collect();
        }
        rule
    };
    match when_any.is_empty() {
        true => vec![rule(when)],
        false => when_any.iter().map(|conditions| rule(conditions)).collect(),
    }
}

fn condition(condition: &Condition) -> Value {
    let op = match condition.mask {
        Some(mask) => json!({ "masked_eq": mask }),
        None => json!("eq"),
    };
    json!({ "index": condition.arg, "type": "qword", "op": op, "val": condition.equals })
}

pub fn errno(name: &str) -> Result<i32, PolicyError> {
    [Errno::EPERM, Errno::EACCES, Errno::ENOSYS, Errno::EAFNOSUPPORT]
        .into_iter()
        .find(|errno| format!("{errno:?}") == name)
        .map(|errno| errno as i32)
        .ok_or_else(|| PolicyError::Errno(name.to_owned()))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel's rule for several installed programs: kill before errno before allow.
    fn strictest(programs: &[Vec<SockFilter>], call: &filter::Call) -> u32 {
        let answers = programs.iter().map(|program| filter::run(program, call).unwrap());
        answers.min_by_key(|answer| filter::precedence(*answer)).unwrap()
    }

    #[test]
    fn merged_program_gives_every_answer_of_the_programs_it_replaces() {
        let Programs { answers, .. } = programs(SHIPPED).unwrap();
        let merged = compile(SHIPPED).unwrap();
        assert!(merged.len() < 512, "{} instructions", merged.len());
        // Arguments around every value that the policy names, in either half of the register.
        let values = [
            0,
            1,
            2,
            0x11,
            0x5401,
            0x5413,
            0x541b,
            0x5421,
            0x5450,
            0x5451,
            0x1200011,
            0x3d0f00,
            0x10000000,
            0x20000,
            0x2000000,
            0x40000000,
            0x7e020000,
            1 << 32,
            (1 << 32) | 1,
            (1 << 32) | 0x5401,
            u64::MAX,
        ];
        let numbers = (0..1024).chain(0x4000_0000..0x4000_0400).chain([u32::MAX]);
        for number in numbers {
            for value in values {
                let call = filter::Call { number, arch: filter::NATIVE_ARCH, args: Some([value; 6]) };
                assert_eq!(
                    filter::run(&merged, &call),
                    Some(strictest(&answers, &call)),
                    "{number} {value:#x}"
                );
            }
        }
        let foreign = filter::Call { number: 0, arch: 0x4000_0003, args: Some([0; 6]) };
        assert_eq!(filter::run(&merged, &foreign), Some(strictest(&answers, &foreign)));
    }

    #[test]
    fn unknown_names_and_repeats_are_errors() {
        let bad = "default_errno='ENOSYS'\n[[allow]]\nreason='x'\nsyscalls=['no_such_call']";
        assert!(compile(bad).is_err());
        let twice = "default_errno='ENOSYS'\n[[allow]]\nreason='x'\nsyscalls=['read','read']";
        assert!(matches!(compile(twice), Err(PolicyError::Twice(_))));
        let field = "default_errno='ENOSYS'\nunknown=1";
        assert!(matches!(compile(field), Err(PolicyError::Syntax(_))));
        let errno = "default_errno='EWHAT'";
        assert!(matches!(compile(errno), Err(PolicyError::Errno(_))));
    }
}
