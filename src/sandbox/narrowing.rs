//! What the seccomp policy refuses beyond [`super::policy`] in tiers without namespaces:
//! `sandbox-images/seccomp-confined.toml` made into filter programs, installed before the policy's.
//! The kernel takes the strictest answer of all, so a call passes only if both let it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    policy::{PolicyError, errno, program},
    sys::SockFilter,
};

const SHIPPED: &str = include_str!("../../sandbox-images/seccomp-confined.toml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Narrowing {
    refuse: Vec<Refuse>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refuse {
    errno: String,
    reason: String,
    syscalls: Vec<String>,
    arch: Option<String>,
    /// All must hold.
    #[serde(default)]
    when: Vec<Condition>,
}

/// One argument must equal a value, or must not. Only a whole one can be asked not to.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    arg: u8,
    mask: Option<u64>,
    equals: Option<u64>,
    not_equals: Option<u64>,
}

/// The shipped refusals, one program per errno.
pub fn shipped() -> Result<Vec<Vec<SockFilter>>, PolicyError> {
    compile(SHIPPED)
}

fn compile(narrowing: &str) -> Result<Vec<Vec<SockFilter>>, PolicyError> {
    let narrowing: Narrowing = toml::from_str(narrowing)?;
    let mut by_errno: Vec<(i32, Vec<Value>)> = Vec::new();
    for group in narrowing.refuse {
        if group.arch.as_deref().is_some_and(|arch| arch != std::env::consts::ARCH) {
            continue;
        }
        let errno = errno(&group.errno)?;
        let conditions: Vec<Value> = group.when.iter().map(condition).collect::<Result<_, _>>()?;
        let rules = group.syscalls.iter().map(|name| {
            let mut rule = json!({ "syscall": name, "comment": group.reason });
            if !conditions.is_empty() {
                rule["args"] = conditions.clone().into();
            }
            rule
        });
        match by_errno.iter_mut().find(|(other, _)| *other == errno) {
            Some((_, already)) => already.extend(rules),
            None => by_errno.push((errno, rules.collect())),
        }
    }
    by_errno
        .into_iter()
        .map(|(errno, rules)| program(json!("allow"), json!({ "errno": errno }), rules))
        .collect()
}

fn condition(condition: &Condition) -> Result<Value, PolicyError> {
    let (op, value) = match (condition.mask, condition.equals, condition.not_equals) {
        (Some(mask), Some(value), None) => (json!({ "masked_eq": mask }), value),
        (None, Some(value), None) => (json!("eq"), value),
        (None, None, Some(value)) => (json!("ne"), value),
        _ => return Err(PolicyError::Filter("a condition says neither equals nor not_equals".to_owned())),
    };
    // The kernel's own arguments of these calls are ints: the upper half is noise.
    Ok(json!({ "index": condition.arg, "type": "dword", "op": op, "val": value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_refusals_compile_and_stay_short() {
        let programs = shipped().unwrap();
        assert_eq!(programs.len(), 2, "one per errno");
        assert!(programs.iter().all(|program| !program.is_empty() && program.len() < 200));
    }

    #[test]
    fn conditions_are_checked() {
        let group =
            |when: &str| format!("[[refuse]]\nerrno='EPERM'\nreason='x'\nsyscalls=['read']\nwhen=[{when}]");
        assert!(compile(&group("{arg=0, equals=1}")).is_ok());
        for bad in
            ["{arg=0}", "{arg=0, equals=1, not_equals=2}", "{arg=0, mask=1, not_equals=2}", "{arg=0, x=1}"]
        {
            assert!(compile(&group(bad)).is_err(), "{bad}");
        }
    }
}
