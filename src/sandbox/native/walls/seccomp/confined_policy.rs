//! What the seccomp policy refuses beyond [`super::policy`] in tiers without namespaces:
//! `sandbox-images/seccomp-confined.toml` made into filter programs, which are merged with the policy's. The
//! strictest answer of all counts, so a call passes only if both let it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::rules::{self, Condition, PolicyError, errno, program, rule};
use crate::sandbox::sys::SockFilter;

const SHIPPED: &str = include_str!("../../../../../sandbox-images/seccomp-confined.toml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Narrowing {
    refuse: Vec<ConfinedRefusal>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfinedRefusal {
    errno: String,
    reason: String,
    syscalls: Vec<String>,
    arch: Option<String>,
    /// All must hold.
    #[serde(default)]
    when: Vec<Condition>,
}

/// The shipped refusals, one program per errno.
pub fn shipped() -> Result<Vec<Vec<SockFilter>>, PolicyError> {
    compile(SHIPPED)
}

fn compile(narrowing: &str) -> Result<Vec<Vec<SockFilter>>, PolicyError> {
    let narrowing: Narrowing = toml::from_str(narrowing)?;
    let mut by_errno: Vec<(i32, Vec<Value>)> = Vec::new();
    for group in narrowing.refuse {
        if !rules::is_here(&group.arch) {
            continue;
        }
        let errno = errno(&group.errno)?;
        // The kernel's own arguments of these calls are ints: the upper half is noise.
        let rules = group.syscalls.iter().map(|name| rule(name, &group.reason, &group.when, "dword"));
        let rules: Vec<Value> = rules.collect::<Result<_, _>>()?;
        match by_errno.iter_mut().find(|(other, _)| *other == errno) {
            Some((_, already)) => already.extend(rules),
            None => by_errno.push((errno, rules)),
        }
    }
    by_errno
        .into_iter()
        .map(|(errno, rules)| program(json!("allow"), json!({ "errno": errno }), rules))
        .collect()
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
