//! What rules about system calls say of arguments, and how such a rule is put to seccompiler.

use serde::Deserialize;
use serde_json::{Value, json};

use super::policy::PolicyError;

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
