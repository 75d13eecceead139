//! Merging seccomp programs: several long ones into one that gives the same answers sooner.
//!
//! A program's cost at its installation grows faster than its length, and every run installs one. So the
//! programs are carried out here, for every number of a call. For most calls the number decides. Where
//! arguments count, every question that a program asks of them is followed both ways, and what is
//! known by then answers later ones. Neighbouring numbers with the same end become one range, and a search tree
//! over the ranges becomes the program. `assembler.rs` lays it out.

mod assembler;

use self::assembler::{
    AND, Assembler, Branch, JUMP, JUMP_ANY_BIT, JUMP_EQUAL, JUMP_GREATER, JUMP_GREATER_OR_EQUAL, LOAD, Label,
    Question, RETURN,
};
use crate::sandbox::sys::SockFilter;

#[cfg(target_arch = "x86_64")]
pub const NATIVE_ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
pub const NATIVE_ARCH: u32 = 0xc000_00b7;

/// Numbers at or beyond this are not assigned; x32 calls are among them.
const NUMBERS: u32 = 1024;
/// Ends that the rules for one call may have. More would not fit into a program.
const MOST_ENDS: usize = 1024;
/// Calls that a leaf of the search tree looks for one after another.
const MOST_SINGLES: usize = 4;

const OFFSET_NUMBER: u32 = 0;
const OFFSET_ARCH: u32 = 4;
#[cfg(test)]
const OFFSET_ARGS: u32 = 16;

/// One program for several: the strictest answer of all; of equally strict ones that of the first.
pub fn merge(programs: &[Vec<SockFilter>]) -> Result<Vec<SockFilter>, &'static str> {
    let mut assembler = Assembler::default();
    let mut ranges: Vec<(u32, Label)> = Vec::new();
    let mut last = None;
    for number in 0..=NUMBERS {
        let call = CallRules { programs, number };
        let decision = call.decide(Position::start(), libc::SECCOMP_RET_ALLOW, &[], &mut { MOST_ENDS })?;
        if last.as_ref() != Some(&decision) {
            ranges.push((number, assembler.decision(&decision, None)));
            last = Some(decision);
        }
    }
    let tree = search(&mut assembler, &leaves(&ranges));
    let by_number = assembler.load(OFFSET_NUMBER, tree);
    let kill = assembler.answer(libc::SECCOMP_RET_KILL_PROCESS);
    let by_arch = assembler.jump(JUMP_EQUAL, NATIVE_ARCH, by_number, kill);
    assembler.load(OFFSET_ARCH, by_arch);
    Ok(assembler.finish())
}

impl Question {
    /// The answer, where others and theirs leave no choice.
    fn known_by(self, facts: &[(Question, bool)]) -> Option<bool> {
        let (mut mask, mut value) = (0, 0);
        let here = || facts.iter().filter(|(fact, _)| fact.offset == self.offset);
        for (fact, _) in here().filter(|(_, holds)| *holds) {
            mask |= fact.mask;
            value |= fact.value;
        }
        if self.value & !self.mask != 0 || (value ^ self.value) & mask & self.mask != 0 {
            return Some(false);
        }
        if self.mask & !mask == 0 {
            return Some(true);
        }
        // If it held, so would one that does not.
        let (mask, value) = (mask | self.mask, value | self.value);
        here()
            .any(|(fact, holds)| !holds && fact.mask & !mask == 0 && value & fact.mask == fact.value)
            .then_some(false)
    }
}

/// Where the carrying out stands.
#[derive(Debug, Clone, Copy)]
struct Position {
    program: usize,
    instruction: usize,
    accumulator: Accumulator,
}

#[derive(Debug, Clone, Copy)]
enum Accumulator {
    Known(u32),
    /// Half of an argument, masked.
    Argument {
        offset: u32,
        mask: u32,
    },
}

impl Position {
    fn start() -> Position {
        Position { program: 0, instruction: 0, accumulator: Accumulator::Known(0) }
    }
}

/// What programs do with the calls of one number.
struct CallRules<'a> {
    programs: &'a [Vec<SockFilter>],
    number: u32,
}

impl CallRules<'_> {
    /// Goes on to the end of the last program. `strictest`: the answer so far. `facts`: what is known of the arguments.
    /// `ends`: how many more may be found.
    fn decide(
        &self,
        mut place: Position,
        mut strictest: u32,
        facts: &[(Question, bool)],
        ends: &mut usize,
    ) -> Result<Branch, &'static str> {
        while let Some(program) = self.programs.get(place.program) {
            let SockFilter { code, jt, jf, k } =
                *program.get(place.instruction).ok_or("a program without an end")?;
            place.instruction += 1;
            match (code, place.accumulator) {
                (LOAD, _) => place.accumulator = self.load(k),
                (AND, Accumulator::Known(value)) => place.accumulator = Accumulator::Known(value & k),
                (AND, Accumulator::Argument { offset, mask }) => {
                    place.accumulator = Accumulator::Argument { offset, mask: mask & k };
                }
                (JUMP, _) => place.instruction += k as usize,
                (RETURN, _) => {
                    let is_stricter = precedence(k) < precedence(strictest);
                    strictest = if is_stricter { k } else { strictest };
                    place = Position { program: place.program + 1, ..Position::start() };
                }
                (_, Accumulator::Known(value)) => {
                    let is_taken = compare(code, value, k).ok_or("an instruction of an unknown kind")?;
                    place.instruction += usize::from(if is_taken { jt } else { jf });
                }
                (JUMP_EQUAL, Accumulator::Argument { offset, mask }) => {
                    let question = Question { offset, mask, value: k };
                    let after = |holds: bool| usize::from(if holds { jt } else { jf });
                    if let Some(holds) = question.known_by(facts) {
                        place.instruction += after(holds);
                        continue;
                    }
                    let mut follow = |holds: bool| {
                        let place = Position { instruction: place.instruction + after(holds), ..place };
                        let facts = [facts, &[(question, holds)]].concat();
                        self.decide(place, strictest, &facts, ends)
                    };
                    let (yes, no) = (follow(true)?, follow(false)?);
                    return Ok(match yes == no {
                        true => yes,
                        false => Branch::Ask { question, yes: Box::new(yes), no: Box::new(no) },
                    });
                }
                _ => return Err("a question about arguments of an unknown kind"),
            }
        }
        *ends = ends.checked_sub(1).ok_or("rules for one call that have too many ends")?;
        Ok(Branch::Answer(strictest))
    }

    fn load(&self, offset: u32) -> Accumulator {
        match offset {
            OFFSET_NUMBER => Accumulator::Known(self.number),
            OFFSET_ARCH => Accumulator::Known(NATIVE_ARCH),
            _ => Accumulator::Argument { offset, mask: u32::MAX },
        }
    }
}

/// Whether a conditional jump is taken. `None`: it is none that is used here.
fn compare(code: u16, accumulator: u32, k: u32) -> Option<bool> {
    Some(match code {
        JUMP_EQUAL => accumulator == k,
        JUMP_GREATER => accumulator > k,
        JUMP_GREATER_OR_EQUAL => accumulator >= k,
        JUMP_ANY_BIT => accumulator & k != 0,
        _ => return None,
    })
}

/// The kernel's order of answers, strictest first.
pub fn precedence(answer: u32) -> u32 {
    match answer & 0xffff_0000 {
        libc::SECCOMP_RET_KILL_PROCESS => 0,
        libc::SECCOMP_RET_KILL_THREAD => 1,
        libc::SECCOMP_RET_TRAP => 2,
        libc::SECCOMP_RET_ERRNO => 3,
        libc::SECCOMP_RET_USER_NOTIF => 4,
        libc::SECCOMP_RET_TRACE => 5,
        libc::SECCOMP_RET_LOG => 6,
        _ => 7,
    }
}

/// Numbers from one on that end at the same place, but for single ones among them.
struct Leaf {
    first: u32,
    usual: Label,
    singles: Vec<(u32, Label)>,
}

/// `ranges`: the first number of each, and where it ends.
fn leaves(mut ranges: &[(u32, Label)]) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    while let [(first, usual), rest @ ..] = ranges {
        let mut leaf = Leaf { first: *first, usual: *usual, singles: Vec::new() };
        ranges = rest;
        while let [(number, single), (next, again), rest @ ..] = ranges
            && *next == number + 1
            && again == usual
            && leaf.singles.len() < MOST_SINGLES
        {
            leaf.singles.push((*number, *single));
            ranges = rest;
        }
        leaves.push(leaf);
    }
    leaves
}

/// A search tree, the number being loaded.
fn search(assembler: &mut Assembler, leaves: &[Leaf]) -> Label {
    if let [Leaf { usual, singles, .. }] = leaves {
        let or_single = |otherwise, (number, single): &(u32, Label)| {
            assembler.jump(JUMP_EQUAL, *number, *single, otherwise)
        };
        return singles.iter().fold(*usual, or_single);
    }
    let (lower, upper) = leaves.split_at(leaves.len() / 2);
    let (below, above) = (search(assembler, lower), search(assembler, upper));
    assembler.jump(JUMP_GREATER_OR_EQUAL, upper[0].first, above, below)
}

/// What a program is asked: the kernel's `struct seccomp_data` without the instruction pointer.
#[cfg(test)]
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub number: u32,
    pub arch: u32,
    pub args: [u64; 6],
}

/// Carries a program out for a call, as the kernel does.
#[cfg(test)]
pub fn run(program: &[SockFilter], call: &Call) -> u32 {
    carry_out(program, |offset| match offset {
        OFFSET_NUMBER => call.number,
        OFFSET_ARCH => call.arch,
        _ => (call.args[(offset - OFFSET_ARGS) as usize / 8] >> (offset % 8 * 8)) as u32,
    })
}

/// Whether a program looks at the arguments of calls of a number.
#[cfg(test)]
pub fn looks_at_arguments(program: &[SockFilter], number: u32) -> bool {
    let mut looks = false;
    carry_out(program, |offset| match offset {
        OFFSET_NUMBER => number,
        OFFSET_ARCH => NATIVE_ARCH,
        _ => {
            looks = true;
            0
        }
    });
    looks
}

#[cfg(test)]
fn carry_out(program: &[SockFilter], mut load: impl FnMut(u32) -> u32) -> u32 {
    let (mut accumulator, mut place) = (0, 0);
    loop {
        let SockFilter { code, jt, jf, k } = program[place];
        place += 1;
        match code {
            LOAD => accumulator = load(k),
            AND => accumulator &= k,
            JUMP => place += k as usize,
            RETURN => return k,
            _ => {
                let is_taken = compare(code, accumulator, k).expect("a conditional jump");
                place += usize::from(if is_taken { jt } else { jf });
            }
        }
    }
}

/// Arguments around every value and mask that programs compare arguments with, in either half, and every single bit.
#[cfg(test)]
pub fn compared_with(programs: &[Vec<SockFilter>]) -> Vec<u64> {
    let mut words = Vec::new();
    for program in programs {
        for three in program.windows(3).filter(|three| three[0].code == LOAD && three[0].k >= OFFSET_ARGS) {
            let (mask, value) =
                if three[1].code == AND { (three[1].k, three[2].k) } else { (!0, three[1].k) };
            for word in [value, value | !mask, mask, !mask] {
                words.extend([word.wrapping_sub(1), word, word.wrapping_add(1)]);
            }
        }
    }
    let halves = |word: u32| [u64::from(word), u64::from(word) | 1 << 32, u64::from(word) << 32];
    let mut values: Vec<u64> =
        words.into_iter().flat_map(halves).chain((0..64).map(|bit| 1 << bit)).collect();
    values.sort_unstable();
    values.dedup();
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instruction(code: u16, k: u32, jt: u8, jf: u8) -> SockFilter {
        SockFilter { code, jt, jf, k }
    }

    const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

    /// Refuses, with a number of the error's own, each call of an even number whose first argument is that number.
    fn long_program() -> Vec<SockFilter> {
        let mut program = Vec::new();
        for number in (0..600).step_by(2) {
            program.extend([
                instruction(LOAD, OFFSET_NUMBER, 0, 0),
                instruction(JUMP_EQUAL, number, 0, 3),
                instruction(LOAD, OFFSET_ARGS, 0, 0),
                instruction(JUMP_EQUAL, number, 0, 1),
                instruction(RETURN, libc::SECCOMP_RET_ERRNO | number, 0, 0),
            ]);
        }
        program.push(instruction(RETURN, ALLOW, 0, 0));
        program
    }

    #[test]
    fn a_program_beyond_the_reach_of_jumps_answers_the_same() {
        let program = long_program();
        let merged = merge(std::slice::from_ref(&program)).unwrap();
        assert!(merged.len() > 600);
        for number in 0..700 {
            for argument in [0, 1, u64::from(number), 598] {
                let call = Call { number, arch: NATIVE_ARCH, args: [argument; 6] };
                assert_eq!(run(&merged, &call), run(&program, &call), "{number} {argument}");
            }
        }
    }

    #[test]
    fn what_cannot_be_followed_is_an_error() {
        let returns = instruction(RETURN, ALLOW, 0, 0);
        let load = instruction(LOAD, OFFSET_ARGS, 0, 0);
        assert!(merge(&[vec![load]]).is_err(), "no end");
        assert!(merge(&[vec![load, instruction(JUMP_GREATER, 5, 0, 0), returns]]).is_err());
        assert!(merge(&[vec![instruction(0x07, 0, 0, 0), returns]]).is_err());
    }
}
