//! Merging seccomp programs: several long ones into one that gives the same answers sooner.
//!
//! For most system calls the answer depends on the number alone. It is found by carrying the
//! programs out here, for every number; neighbouring numbers with the same answer become one range,
//! and a search tree over the ranges becomes the program. The few calls whose arguments count go on
//! to a program that holds only their rules.

use crate::sandbox::sys::SockFilter;

/// What a program is asked: the kernel's `struct seccomp_data` without the instruction pointer.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub number: u32,
    pub arch: u32,
    /// `None`: any.
    pub args: Option<[u64; 6]>,
}

#[cfg(target_arch = "x86_64")]
pub const NATIVE_ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
pub const NATIVE_ARCH: u32 = 0xc000_00b7;

/// Numbers at or beyond this are not assigned; x32 calls are among them.
const NUMBERS: u32 = 1024;

const RETURN_KILL_PROCESS: u32 = 0x8000_0000;
const OFFSET_NUMBER: u32 = 0;
const OFFSET_ARCH: u32 = 4;
const OFFSET_ARGS: u32 = 16;

const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_GREATER: u16 = 0x25;
const JUMP_GREATER_OR_EQUAL: u16 = 0x35;
const RETURN: u16 = 0x06;

/// What a program does with a system call of a certain number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Always(u32),
    /// It looks at the arguments.
    Depends,
}

/// One program for several: the strictest answer of `programs`, taken from `conditional` where the
/// arguments count.
pub fn merge(
    programs: &[Vec<SockFilter>],
    conditional: &[SockFilter],
) -> Result<Vec<SockFilter>, &'static str> {
    let mut ranges: Vec<(u32, Answer)> = Vec::new();
    for number in 0..=NUMBERS {
        let answer = combined(programs, number)?;
        if ranges.last().is_none_or(|(_, last)| *last != answer) {
            ranges.push((number, answer));
        }
    }
    // The tree's leaves for calls that depend jump behind it, where the rest begins.
    let tree = search(&ranges);
    let mut merged = vec![
        instruction(LOAD, OFFSET_ARCH),
        SockFilter { code: JUMP_EQUAL, jt: 1, jf: 0, k: NATIVE_ARCH },
        instruction(RETURN, RETURN_KILL_PROCESS),
        instruction(LOAD, OFFSET_NUMBER),
    ];
    let length = tree.len();
    merged.extend(tree.into_iter().enumerate().map(|(place, leaf)| match leaf {
        Node::Done(instruction) => instruction,
        Node::ToConditional => instruction(JUMP, (length - place - 1) as u32),
    }));
    merged.extend_from_slice(conditional);
    Ok(merged)
}

enum Node {
    Done(SockFilter),
    ToConditional,
}

/// A search tree over ranges that each begin at a number, the number being loaded.
fn search(ranges: &[(u32, Answer)]) -> Vec<Node> {
    if let [(_, answer)] = ranges {
        return vec![match answer {
            Answer::Always(answer) => Node::Done(instruction(RETURN, *answer)),
            Answer::Depends => Node::ToConditional,
        }];
    }
    let (lower, upper) = ranges.split_at(ranges.len() / 2);
    let (below, above) = (search(lower), search(upper));
    let beginning = upper[0].0;
    // Conditional jumps reach 255 instructions, an unconditional one any distance.
    let mut nodes = match u8::try_from(below.len()) {
        Ok(length) => {
            vec![Node::Done(SockFilter { code: JUMP_GREATER_OR_EQUAL, jt: length, jf: 0, k: beginning })]
        }
        Err(_) => vec![
            Node::Done(SockFilter { code: JUMP_GREATER_OR_EQUAL, jt: 0, jf: 1, k: beginning }),
            Node::Done(instruction(JUMP, below.len() as u32)),
        ],
    };
    nodes.extend(below);
    nodes.extend(above);
    nodes
}

fn instruction(code: u16, k: u32) -> SockFilter {
    SockFilter { code, jt: 0, jf: 0, k }
}

/// What all programs together do with a number. Only one of them may look at arguments, and the
/// others must let such a call pass.
fn combined(programs: &[Vec<SockFilter>], number: u32) -> Result<Answer, &'static str> {
    let mut strictest = None;
    let mut depends = false;
    for program in programs {
        match carry_out(program, &Call { number, arch: NATIVE_ARCH, args: None })
            .ok_or("a program that cannot be carried out")?
        {
            Answer::Depends if depends => return Err("two programs look at one call's arguments"),
            Answer::Depends => depends = true,
            Answer::Always(answer) => {
                let stricter = strictest.is_none_or(|other| precedence(answer) < precedence(other));
                strictest = if stricter { Some(answer) } else { strictest };
            }
        }
    }
    match (depends, strictest) {
        (true, None) => Ok(Answer::Depends),
        (true, Some(answer)) if precedence(answer) == LEAST_STRICT => Ok(Answer::Depends),
        (true, Some(_)) => Err("a call is refused by one program and looked at by another"),
        (false, Some(answer)) => Ok(Answer::Always(answer)),
        (false, None) => Err("no program"),
    }
}

const LEAST_STRICT: u32 = 7;

/// The kernel's order of answers, strictest first.
pub fn precedence(answer: u32) -> u32 {
    match answer & 0xffff_0000 {
        0x8000_0000 => 0,
        0x0000_0000 => 1,
        0x0003_0000 => 2,
        0x0005_0000 => 3,
        0x7fc0_0000 => 4,
        0x7ff0_0000 => 5,
        0x7ffc_0000 => 6,
        _ => LEAST_STRICT,
    }
}

/// A program's answer to a call whose arguments are known.
#[cfg(test)]
pub fn run(program: &[SockFilter], call: &Call) -> Option<u32> {
    match carry_out(program, call)? {
        Answer::Always(answer) => Some(answer),
        Answer::Depends => None,
    }
}

/// Carries a program out for a call, as the kernel does. `None` for a program with instructions that
/// seccompiler does not use, or without an end.
fn carry_out(program: &[SockFilter], call: &Call) -> Option<Answer> {
    let mut accumulator = 0;
    let mut place = 0;
    while let Some(instruction) = program.get(place) {
        place += 1;
        let SockFilter { code, jt, jf, k } = *instruction;
        let branch = |taken: bool| usize::from(if taken { jt } else { jf });
        match code {
            LOAD => match load(k, call) {
                Some(word) => accumulator = word,
                None => return Some(Answer::Depends),
            },
            AND => accumulator &= k,
            JUMP => place += k as usize,
            JUMP_EQUAL => place += branch(accumulator == k),
            JUMP_GREATER => place += branch(accumulator > k),
            JUMP_GREATER_OR_EQUAL => place += branch(accumulator >= k),
            RETURN => return Some(Answer::Always(k)),
            _ => return None,
        }
    }
    None
}

fn load(offset: u32, call: &Call) -> Option<u32> {
    match offset {
        OFFSET_NUMBER => Some(call.number),
        OFFSET_ARCH => Some(call.arch),
        _ => {
            let argument = *call.args?.get((offset.checked_sub(OFFSET_ARGS)? / 8) as usize)?;
            let is_upper_half = (offset / 4) % 2 == 1;
            Some(if is_upper_half { (argument >> 32) as u32 } else { argument as u32 })
        }
    }
}
