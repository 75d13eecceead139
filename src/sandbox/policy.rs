//! The seccomp policy: `sandbox-images/seccomp.toml` made into filter programs.
//!
//! Two programs are stacked. The first answers refused calls with their errno and lets the rest
//! pass; the second lets allowed and refused calls pass and answers everything else with the
//! default errno. The kernel takes the stricter answer, so each call gets the one that its list
//! says. The second is installed last and does not contain `seccomp` itself, so a program in the
//! cell cannot add filters. A foreign architecture (32-bit, x32) kills or meets the default.

use std::collections::HashMap;

use nix::errno::Errno;
use seccompiler::{BpfProgram, TargetArch};
use serde::Deserialize;
use serde_json::{Value, json};

use super::sys::SockFilter;

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

/// Compiles a policy for this machine, in the order of installation.
pub fn compile(policy: &str) -> Result<Vec<Vec<SockFilter>>, PolicyError> {
    let policy: Policy = toml::from_str(policy)?;
    let mut seen = std::collections::HashSet::new();
    let mut allowed = Vec::new();
    // Refused calls by errno: one program each, since a program has one answer.
    let mut refused: Vec<(i32, Vec<Value>)> = Vec::new();
    let here = |arch: &Option<String>| arch.as_deref().is_none_or(|arch| arch == std::env::consts::ARCH);
    for group in policy.allow.iter().filter(|group| here(&group.arch)) {
        for name in &group.syscalls {
            once(&mut seen, name)?;
            allowed.extend(rules(name, &group.reason, &group.when, &group.when_any));
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
    let mut programs = Vec::new();
    for (errno, rules) in refused {
        programs.push(program(json!("allow"), json!({ "errno": errno }), rules)?);
    }
    programs.push(program(json!({ "errno": errno(&policy.default_errno)? }), json!("allow"), allowed)?);
    Ok(programs)
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

fn errno(name: &str) -> Result<i32, PolicyError> {
    [Errno::EPERM, Errno::EACCES, Errno::ENOSYS, Errno::EAFNOSUPPORT]
        .into_iter()
        .find(|errno| format!("{errno:?}") == name)
        .map(|errno| errno as i32)
        .ok_or_else(|| PolicyError::Errno(name.to_owned()))
}

fn program(default: Value, matched: Value, rules: Vec<Value>) -> Result<Vec<SockFilter>, PolicyError> {
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

    #[test]
    fn shipped_policy_compiles_within_the_kernel_bound() {
        let programs = compile(SHIPPED).unwrap();
        assert_eq!(programs.len(), 3, "one per refusal errno, then the allow list");
        // BPF_MAXINSNS
        assert!(programs.iter().all(|program| !program.is_empty() && program.len() <= 4096));
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
