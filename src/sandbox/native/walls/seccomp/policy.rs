//! The seccomp policy: `sandbox-images/seccomp.toml` made into a filter program.
//!
//! Three steps. The groups become rules for seccompiler, one program per answer: what is refused
//! with which errno, and what is allowed. What a tier adds joins them: the calls that the cell's init is asked
//! about (`call_gate.rs`), and without namespaces further refusals (`confined_policy.rs`). As the kernel would take
//! the strictest answer of several installed programs, so does `merge.rs`, which merges them into one short program.
//! A foreign architecture (32-bit) kills; x32 calls meet the default.
//!
//! An image's manifest may add to what is allowed, for a language whose runtime needs more: calls
//! that the policy does not name, or further conditions for calls that it allows with some. What it
//! refuses no manifest can allow.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

pub use super::rules::PolicyError;
use super::{
    confined_policy, merge,
    rules::{self, Condition, errno, program},
};
use crate::sandbox::{
    native::walls::call_gate::{self, Asks},
    sys::SockFilter,
    tier::Tier,
};

/// The policy that ships with proofbox.
const SHIPPED: &str = include_str!("../../../../../sandbox-images/seccomp.toml");
/// That of the process that compiles modules of WebAssembly.
#[cfg(feature = "wasm")]
const COMPILER: &str = include_str!("../../../../../sandbox-images/seccomp-compiler.toml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    default_errno: String,
    #[serde(default)]
    allow: Vec<Allow>,
    #[serde(default)]
    refuse: Vec<Refuse>,
}

/// A group of calls that go through.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allow {
    reason: String,
    syscalls: Vec<String>,
    arch: Option<String>,
    /// All must hold.
    #[serde(default)]
    when: Vec<Condition>,
    /// All of one of these must hold.
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

/// What an image's manifest adds to the policy: its table `seccomp`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Additions {
    #[serde(default)]
    allow: Vec<Allow>,
}

/// All that holds for a tier's runs: the shipped policy, an image's additions, and what the tier adds, compiled for
/// this machine into one program.
pub fn compile_for(additions: &Additions, tier: Tier) -> Result<Vec<SockFilter>, PolicyError> {
    merged(&parts(additions, tier)?)
}

/// Its parts. Where two are equally strict the first answers.
fn parts(additions: &Additions, tier: Tier) -> Result<Vec<Vec<SockFilter>>, PolicyError> {
    let mut parts = programs(SHIPPED, additions)?;
    if tier != Tier::Namespaces {
        parts.extend(confined_policy::shipped()?);
    }
    parts.push(call_gate::filter(Asks::of(tier)));
    Ok(parts)
}

/// The policy of a process that compiles a module of WebAssembly, which is no cell.
#[cfg(feature = "wasm")]
pub fn compile_for_compiler() -> Result<Vec<SockFilter>, PolicyError> {
    merged(&programs(COMPILER, &Additions::default())?)
}

fn merged(programs: &[Vec<SockFilter>]) -> Result<Vec<SockFilter>, PolicyError> {
    merge::merge(programs).map_err(|problem| PolicyError::Filter(problem.to_owned()))
}

/// A policy as seccompiler builds it: the strictest answer of all of these is the policy's.
fn programs(policy: &str, additions: &Additions) -> Result<Vec<Vec<SockFilter>>, PolicyError> {
    let policy: Policy = toml::from_str(policy)?;
    let mut named = HashMap::new();
    let mut allowed = Vec::new();
    // Refused calls by errno: one program each, since a program has one answer.
    let mut refused: Vec<(i32, Vec<Value>)> = Vec::new();
    for group in policy.allow.iter().filter(|group| rules::is_here(&group.arch)) {
        for name in &group.syscalls {
            once(&mut named, name, group.answer())?;
        }
    }
    for group in policy.refuse.iter().filter(|group| rules::is_here(&group.arch)) {
        let errno = errno(&group.errno)?;
        let index = refused.iter().position(|(other, _)| *other == errno).unwrap_or_else(|| {
            refused.push((errno, Vec::new()));
            refused.len() - 1
        });
        for name in &group.syscalls {
            once(&mut named, name, Treatment::Refused)?;
            let rule = rules::rule(name, &group.reason, &[], "qword")?;
            refused[index].1.push(rule.clone());
            allowed.push(rule);
        }
    }
    for group in additions.allow.iter().filter(|group| rules::is_here(&group.arch)) {
        for name in &group.syscalls {
            match (named.get(name.as_str()), group.answer()) {
                (None, answer) => once(&mut named, name, answer)?,
                (Some(Treatment::Conditional), Treatment::Conditional) => {}
                (Some(Treatment::Refused), _) => return Err(PolicyError::Refused(name.clone())),
                (Some(_), _) => return Err(PolicyError::Twice(name.clone())),
            }
        }
    }
    let groups = policy.allow.iter().chain(&additions.allow);
    for group in groups.filter(|group| rules::is_here(&group.arch)) {
        for name in &group.syscalls {
            allowed.extend(group.rules(name)?);
        }
    }
    let mut answers = Vec::new();
    for (errno, rules) in refused {
        answers.push(program(json!("allow"), json!({ "errno": errno }), rules)?);
    }
    let default = json!({ "errno": errno(&policy.default_errno)? });
    answers.push(program(default, json!("allow"), allowed)?);
    Ok(answers)
}

/// What a policy says of a call that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Treatment {
    Allowed,
    /// Its arguments count.
    Conditional,
    Refused,
}

impl Allow {
    fn answer(&self) -> Treatment {
        match self.when.is_empty() && self.when_any.is_empty() {
            true => Treatment::Allowed,
            false => Treatment::Conditional,
        }
    }

    /// The rules for one of its calls: one of them must hold.
    fn rules(&self, name: &str) -> Result<Vec<Value>, PolicyError> {
        let rule = |conditions: &Vec<Condition>| rules::rule(name, &self.reason, conditions, "qword");
        match (self.when_any.is_empty(), self.when.is_empty()) {
            (true, _) => Ok(vec![rule(&self.when)?]),
            (false, true) => self.when_any.iter().map(rule).collect(),
            (false, false) => Err(PolicyError::Filter(format!("{name}: when and when_any in one group"))),
        }
    }
}

fn once<'a>(
    named: &mut HashMap<&'a str, Treatment>,
    name: &'a str,
    answer: Treatment,
) -> Result<(), PolicyError> {
    match named.insert(name, answer) {
        None => Ok(()),
        Some(_) => Err(PolicyError::Twice(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::native::messages::set_up;

    /// The kernel's rule for several installed programs: kill before errno before allow.
    fn strictest(programs: &[Vec<SockFilter>], call: &merge::Call) -> u32 {
        let answers = programs.iter().map(|program| merge::run(program, call));
        answers.min_by_key(|answer| merge::precedence(*answer)).unwrap()
    }

    #[test]
    fn merged_program_gives_every_answer_of_the_programs_it_replaces() {
        for tier in Tier::ALL {
            for added in ["", ADDED] {
                let additions = toml::from_str(added).unwrap();
                compare_merged(&parts(&additions, tier).unwrap(), &compile_for(&additions, tier).unwrap());
            }
        }
    }

    #[cfg(feature = "wasm")]
    #[test]
    fn so_does_that_of_a_compiler_of_modules() {
        let parts = programs(COMPILER, &Additions::default()).unwrap();
        compare_merged(&parts, &merged(&parts).unwrap());
    }

    /// A call that the policy does not name, and more of one that it allows with conditions.
    const ADDED: &str = "
        [[allow]]
        reason = 'x'
        syscalls = ['mlockall']
        [[allow]]
        reason = 'y'
        syscalls = ['ioctl']
        when = [{ arg = 1, equals = 0x5412 }]
    ";

    fn compare_merged(parts: &[Vec<SockFilter>], merged: &[SockFilter]) {
        assert!(merged.len() < 256, "{} instructions", merged.len());
        let numbers = (0..1024).chain(0x4000_0000..0x4000_0400).chain([u32::MAX]);
        let compare = |number: u32, args: [u64; 6]| {
            let call = merge::Call { number, arch: merge::NATIVE_ARCH, args };
            assert_eq!(merge::run(merged, &call), strictest(parts, &call), "{number} {args:#x?}");
        };
        let compared = merge::compared_with(parts);
        for number in numbers {
            compare(number, [0; 6]);
            if !parts.iter().any(|part| merge::looks_at_arguments(part, number)) {
                assert!(!merge::looks_at_arguments(merged, number), "{number}");
                continue;
            }
            for value in &compared {
                for other in [0, 1, 2, 3, 512, u64::from(u32::MAX)] {
                    compare(number, [*value, other, other, *value, other, other]);
                    compare(number, [other, *value, *value, other, *value, *value]);
                }
            }
        }
        let foreign = merge::Call { number: 0, arch: 0x4000_0003, args: [0; 6] };
        assert_eq!(merge::run(merged, &foreign), strictest(parts, &foreign));
    }

    #[cfg(feature = "wasm")]
    #[test]
    fn a_compiler_of_modules_computes_reads_and_writes_and_that_is_all() {
        let program = compile_for_compiler().unwrap();
        let answer = |number: libc::c_long, value: u64| {
            let call = merge::Call { number: number as u32, arch: merge::NATIVE_ARCH, args: [value; 6] };
            merge::run(&program, &call)
        };
        let allowed: Vec<libc::c_long> =
            (0..1024).filter(|number| answer(*number, 0) == libc::SECCOMP_RET_ALLOW).collect();
        for number in [libc::SYS_read, libc::SYS_write, libc::SYS_mmap, libc::SYS_exit_group] {
            assert!(allowed.contains(&number), "{number}");
        }
        for number in [
            libc::SYS_openat,
            libc::SYS_openat2,
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_clone,
            libc::SYS_clone3,
            libc::SYS_socket,
            libc::SYS_connect,
            libc::SYS_sendmsg,
            libc::SYS_recvmsg,
            libc::SYS_kill,
            libc::SYS_tgkill,
            libc::SYS_ptrace,
            libc::SYS_process_vm_writev,
            libc::SYS_pidfd_getfd,
            libc::SYS_prlimit64,
            libc::SYS_setrlimit,
            libc::SYS_memfd_create,
            libc::SYS_io_uring_setup,
            libc::SYS_fcntl,
            libc::SYS_close,
            libc::SYS_dup,
            libc::SYS_ioctl,
            libc::SYS_prctl,
            libc::SYS_bpf,
        ] {
            assert!(!allowed.contains(&number), "{number}");
        }
        assert!(allowed.len() <= 25, "{allowed:?}");
        // Nothing that it makes can be executed there.
        for number in [libc::SYS_mmap, libc::SYS_mprotect] {
            assert_ne!(answer(number, libc::PROT_EXEC as u64), libc::SECCOMP_RET_ALLOW);
            assert_eq!(answer(number, libc::PROT_WRITE as u64), libc::SECCOMP_RET_ALLOW);
        }
    }

    #[test]
    fn descriptors_go_only_where_init_awaits_them() {
        for tier in [Tier::Slot, Tier::Restricted] {
            let program = compile_for(&Additions::default(), tier).unwrap();
            for number in 0..1024 {
                let call = merge::Call {
                    number: libc::SYS_sendmsg as u32,
                    arch: merge::NATIVE_ARCH,
                    args: [number; 6],
                };
                let passes = merge::run(&program, &call) == libc::SECCOMP_RET_ALLOW;
                assert_eq!(passes, number == set_up::NUMBER as u64, "{number}");
            }
        }
    }

    #[test]
    fn unknown_names_and_repeats_are_errors() {
        let compile = |policy: &str| programs(policy, &Additions::default());
        let bad = "default_errno='ENOSYS'\n[[allow]]\nreason='x'\nsyscalls=['no_such_call']";
        assert!(compile(bad).is_err());
        let twice = "default_errno='ENOSYS'\n[[allow]]\nreason='x'\nsyscalls=['read','read']";
        assert!(matches!(compile(twice), Err(PolicyError::Twice(_))));
        let field = "default_errno='ENOSYS'\nunknown=1";
        assert!(matches!(compile(field), Err(PolicyError::Syntax(_))));
        let errno = "default_errno='EWHAT'";
        assert!(matches!(compile(errno), Err(PolicyError::Errno(_))));
    }

    #[test]
    fn no_thread_has_descriptors_of_its_own_in_any_tier() {
        const UNSHARE: u64 = 0x2;
        let thread = (libc::CLONE_VM | libc::CLONE_SIGHAND | libc::CLONE_THREAD) as u64;
        for tier in Tier::ALL {
            let program = compile_for(&Additions::default(), tier).unwrap();
            let passes = |number: libc::c_long, args: [u64; 6]| {
                let call = merge::Call { number: number as u32, arch: merge::NATIVE_ARCH, args };
                merge::run(&program, &call) == libc::SECCOMP_RET_ALLOW
            };
            assert!(passes(libc::SYS_close_range, [3, 1 << 20, 0, 0, 0, 0]), "{tier:?}");
            assert!(!passes(libc::SYS_close_range, [700, u64::from(u32::MAX), UNSHARE, 0, 0, 0]), "{tier:?}");
            assert!(!passes(libc::SYS_clone, [thread, 0, 0, 0, 0, 0]), "{tier:?}");
        }
        let program = compile_for(&Additions::default(), Tier::Namespaces).unwrap();
        let args = [thread | libc::CLONE_FILES as u64, 0, 0, 0, 0, 0];
        let call = merge::Call { number: libc::SYS_clone as u32, arch: merge::NATIVE_ARCH, args };
        assert_eq!(merge::run(&program, &call), libc::SECCOMP_RET_ALLOW);
    }

    #[test]
    fn additions_allow_what_the_policy_does_not_name_and_nothing_that_it_refuses() {
        let answer = |additions: &str, number: libc::c_long, value: u64| {
            let program = compile_for(&toml::from_str(additions).unwrap(), Tier::Namespaces).unwrap();
            let call = merge::Call { number: number as u32, arch: merge::NATIVE_ARCH, args: [value; 6] };
            merge::run(&program, &call) == libc::SECCOMP_RET_ALLOW
        };
        assert!(!answer("", libc::SYS_mlockall, 0));
        assert!(answer(ADDED, libc::SYS_mlockall, 0));
        assert!(!answer("", libc::SYS_ioctl, 0x5412));
        assert!(answer(ADDED, libc::SYS_ioctl, 0x5412) && answer(ADDED, libc::SYS_ioctl, 0x5401));
        assert!(!answer(ADDED, libc::SYS_ioctl, 0x541c));
        let error = |names: &str, when: &str| {
            let text = format!("[[allow]]\nreason='x'\nsyscalls=[{names}]\n{when}");
            compile_for(&toml::from_str(&text).unwrap(), Tier::Namespaces).unwrap_err()
        };
        assert!(matches!(error("'ptrace'", ""), PolicyError::Refused(_)));
        assert!(matches!(error("'socket'", "when=[{arg=0, equals=1}]"), PolicyError::Refused(_)));
        assert!(matches!(error("'read'", ""), PolicyError::Twice(_)));
        // All of a call of which the policy lets a part through.
        assert!(matches!(error("'clone'", ""), PolicyError::Twice(_)));
        assert!(matches!(error("'no_such_call'", ""), PolicyError::Filter(_)));
    }
}
