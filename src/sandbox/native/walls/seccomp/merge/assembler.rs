//! Laying a program out, from its end to its beginning: whoever jumps somewhere finds it there.

use std::collections::HashMap;

use crate::sandbox::sys::SockFilter;

pub const LOAD: u16 = 0x20;
pub const AND: u16 = 0x54;
pub const JUMP: u16 = 0x05;
pub const JUMP_EQUAL: u16 = 0x15;
pub const JUMP_GREATER: u16 = 0x25;
pub const JUMP_GREATER_OR_EQUAL: u16 = 0x35;
pub const JUMP_ANY_BIT: u16 = 0x45;
pub const RETURN: u16 = 0x06;

/// What becomes of a call: an answer, or a question about its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Branch {
    Answer(u32),
    Ask { question: Question, yes: Box<Branch>, no: Box<Branch> },
}

/// Whether the bits of a mask have a certain value, in the half of an argument that lies at an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    pub offset: u32,
    pub mask: u32,
    pub value: u32,
}

/// A place in the program, counted from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label(usize);

/// How far a conditional jump is let reach. The kernel's limit is 255; one jump may need two helpers.
const REACH: usize = 250;

#[derive(Debug, Default)]
pub struct Assembler {
    reversed: Vec<SockFilter>,
    /// Each answer stands once, and what is nearer to it than a jump's reach shares it.
    answers: HashMap<u32, Label>,
}

impl Assembler {
    pub fn answer(&mut self, answer: u32) -> Label {
        if let Some(label) = self.answers.get(&answer) {
            return *label;
        }
        let label = self.push(RETURN, answer);
        self.answers.insert(answer, label);
        label
    }

    /// Loads a word and goes on with what was laid out last.
    pub fn load(&mut self, offset: u32, next: Label) -> Label {
        self.before(LOAD, offset, next)
    }

    /// A conditional jump: where it goes if it is taken, and where if not.
    pub fn jump(&mut self, code: u16, k: u32, taken: Label, otherwise: Label) -> Label {
        let (taken, otherwise) = (self.within_reach(taken), self.within_reach(otherwise));
        let here = self.reversed.len();
        let distance = |to: Label| (here - to.0 - 1) as u8;
        let (jt, jf) = (distance(taken), distance(otherwise));
        self.reversed.push(SockFilter { code, jt, jf, k });
        Label(here)
    }

    /// `held`: the half of an argument that the accumulator holds by then.
    pub fn decision(&mut self, decision: &Branch, held: Option<u32>) -> Label {
        let (question, yes, no) = match decision {
            Branch::Answer(answer) => return self.answer(*answer),
            Branch::Ask { question, yes, no } => (*question, yes, no),
        };
        let test = Test::of(question);
        let holds_after = (!matches!(test, Test::Masked)).then_some(question.offset);
        let (no, yes) = (self.decision(no, holds_after), self.decision(yes, holds_after));
        let Question { offset, mask, value } = question;
        let label = match test {
            Test::Equal => self.jump(JUMP_EQUAL, value, yes, no),
            Test::AllClear => self.jump(JUMP_ANY_BIT, mask, no, yes),
            Test::Range { last: u32::MAX } => self.jump(JUMP_GREATER_OR_EQUAL, value, yes, no),
            Test::Range { last } => {
                let from_first = self.jump(JUMP_GREATER_OR_EQUAL, value, yes, no);
                self.jump(JUMP_GREATER, last, no, from_first)
            }
            Test::Masked => {
                let label = self.jump(JUMP_EQUAL, value, yes, no);
                self.before(AND, mask, label)
            }
        };
        if held == Some(offset) { label } else { self.load(offset, label) }
    }

    pub fn finish(mut self) -> Vec<SockFilter> {
        self.reversed.reverse();
        self.reversed
    }

    fn push(&mut self, code: u16, k: u32) -> Label {
        self.reversed.push(SockFilter { code, jt: 0, jf: 0, k });
        Label(self.reversed.len() - 1)
    }

    /// An instruction that goes on with the next.
    fn before(&mut self, code: u16, k: u32, next: Label) -> Label {
        let next = if next.0 + 1 == self.reversed.len() { next } else { self.jump_to(next) };
        debug_assert_eq!(next.0 + 1, self.reversed.len());
        self.push(code, k)
    }

    fn jump_to(&mut self, label: Label) -> Label {
        self.push(JUMP, (self.reversed.len() - label.0 - 1) as u32)
    }

    fn within_reach(&mut self, label: Label) -> Label {
        if self.reversed.len() - label.0 <= REACH {
            return label;
        }
        match self.reversed[label.0] {
            SockFilter { code: RETURN, k, .. } => {
                let copy = self.push(RETURN, k);
                self.answers.insert(k, copy);
                copy
            }
            _ => self.jump_to(label),
        }
    }
}

/// How a question is put, by the fewest instructions.
enum Test {
    Equal,
    AllClear,
    /// From the value to this.
    Range {
        last: u32,
    },
    /// After which the accumulator holds the masked bits alone.
    Masked,
}

impl Test {
    fn of(question: Question) -> Test {
        let Question { mask, value, .. } = question;
        match mask {
            u32::MAX => Test::Equal,
            _ if value == 0 => Test::AllClear,
            // The upper bits and no others.
            _ if mask.leading_ones() + mask.trailing_zeros() == u32::BITS => {
                Test::Range { last: value | !mask }
            }
            _ => Test::Masked,
        }
    }
}
