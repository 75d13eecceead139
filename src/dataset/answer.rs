//! The code in an answer: which text is the answer, which block of it is the solution, and why.

use std::fmt;

use super::fence::{self, Block};

/// What the tests need from the code, which decides between several blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// The tests call this function.
    Function(&'a str),
    /// The tests run the code as a program; `reads_input` if any of them has input.
    Program { reads_input: bool },
    /// The tests could not be read, so they say nothing.
    Unknown,
}

/// The block taken from an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extracted {
    pub code: String,
    /// 1-based position among the answer's blocks that are not blank.
    pub number: usize,
    pub total: usize,
    /// Language tag in lower case; may be empty.
    pub tag: String,
    /// False if the closing fence is missing: the answer was probably cut off.
    pub closed: bool,
    pub rule: BlockRule,
}

/// Why this block and not another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockRule {
    Only,
    /// The last block of Python that defines the function that the tests call.
    DefinesFunction,
    /// The last block of Python that reads input, where a later one does not.
    ReadsInput,
    /// The last block of Python; whatever follows it is not Python.
    LastPython,
    /// No block looks like Python.
    Last,
}

impl fmt::Display for BlockRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BlockRule::Only => "the only one",
            BlockRule::DefinesFunction => "last that defines the function",
            BlockRule::ReadsInput => "last that reads input",
            BlockRule::LastPython => "last Python",
            BlockRule::Last => "last",
        })
    }
}

impl Extracted {
    /// What a reader of the verdict table should know of the choice; `None` where there was none.
    pub fn note(&self) -> Option<String> {
        let tag = if self.tag.is_empty() { "untagged" } else { &self.tag };
        match (self.total, self.closed) {
            (1, true) => None,
            (1, false) => Some("code block not closed".to_owned()),
            (_, closed) => {
                let unclosed = if closed { "" } else { ", not closed" };
                Some(format!("block {} of {} ({tag}; {}{unclosed})", self.number, self.total, self.rule))
            }
        }
    }
}

/// Why an answer holds no code. A statement about the answer, shown as the row's reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoCode {
    #[error("the answer is empty")]
    Empty,
    #[error("the answer ends inside its reasoning")]
    OnlyReasoning,
    #[error("the answer has no fenced code block")]
    NoBlock,
    #[error("every code block of the answer is blank")]
    BlankBlocks,
}

/// Ends of a reasoning section: only what follows the last of them is the answer.
const REASONING_ENDS: [&str; 7] = [
    "</think>",
    "</thinking>",
    "</thought>",
    "</reasoning>",
    "<|end_of_thought|>",
    "<|begin_of_solution|>",
    "[/THINK]",
];

/// Begins of a reasoning section that is never ended in a truncated answer.
const REASONING_BEGINS: [&str; 5] =
    ["<think>", "<thinking>", "<reasoning>", "<|begin_of_thought|>", "[THINK]"];

const SOLUTION_END: &str = "<|end_of_solution|>";

/// Takes the solution's code from a model's answer.
///
/// Only text after a reasoning section counts. Among several blocks, Python (by tag, or untagged
/// and looking like it) goes before sample output, and the block that the tests need goes before
/// drafts and example usage; the last one wins otherwise.
pub fn extract(answer: &str, wanted: Wanted<'_>) -> Result<Extracted, NoCode> {
    let text = after_reasoning(answer)?;
    let all = fence::blocks(text);
    if all.is_empty() {
        return Err(NoCode::NoBlock);
    }
    let blocks: Vec<&Block> = all.iter().filter(|block| !block.code.trim().is_empty()).collect();
    let Some((at, rule)) = choose(&blocks, wanted) else {
        return Err(NoCode::BlankBlocks);
    };
    let block = blocks[at];
    Ok(Extracted {
        code: block.code.clone(),
        number: at + 1,
        total: blocks.len(),
        tag: block.tag.chars().take(20).collect(),
        closed: block.closed,
        rule,
    })
}

fn after_reasoning(answer: &str) -> Result<&str, NoCode> {
    if answer.trim().is_empty() {
        return Err(NoCode::Empty);
    }
    let end = REASONING_ENDS.iter().filter_map(|mark| answer.rfind(mark).map(|at| at + mark.len())).max();
    let text = match end {
        Some(end) => &answer[end..],
        None if REASONING_BEGINS.iter().any(|mark| answer.trim_start().starts_with(mark)) => {
            return Err(NoCode::OnlyReasoning);
        }
        None => answer,
    };
    Ok(text.rfind(SOLUTION_END).map_or(text, |at| &text[..at]))
}

fn choose(blocks: &[&Block], wanted: Wanted<'_>) -> Option<(usize, BlockRule)> {
    let last = blocks.len().checked_sub(1)?;
    if last == 0 {
        return Some((0, BlockRule::Only));
    }
    let python: Vec<usize> = (0..blocks.len()).filter(|&at| is_python(blocks[at])).collect();
    let tagged: Vec<usize> = python.iter().copied().filter(|&at| !blocks[at].tag.is_empty()).collect();
    // A tag is better evidence than looks.
    let Some(&last_python) = tagged.last().or(python.last()) else {
        return Some((last, BlockRule::Last));
    };
    let last_that = |holds: fn(&str, &str) -> bool, name: &str| {
        python.iter().rev().copied().find(|&at| holds(&blocks[at].code, name))
    };
    match wanted {
        Wanted::Function(name) => {
            if let Some(at) = last_that(defines, name) {
                return Some((at, BlockRule::DefinesFunction));
            }
        }
        Wanted::Program { reads_input: true } if !reads_input(&blocks[last_python].code) => {
            if let Some(at) = last_that(|code, _| reads_input(code), "") {
                return Some((at, BlockRule::ReadsInput));
            }
        }
        Wanted::Program { .. } | Wanted::Unknown => {}
    }
    Some((last_python, BlockRule::LastPython))
}

fn is_python(block: &Block) -> bool {
    fence::is_python_tag(&block.tag) || (block.tag.is_empty() && looks_like_python(&block.code))
}

/// Whether any line begins as a Python statement does and sample input or output does not.
fn looks_like_python(code: &str) -> bool {
    const BEGINS: [&str; 6] = ["def ", "class ", "import ", "print(", "@", "async def "];
    const HEADS: [&str; 7] = ["for ", "while ", "if ", "try", "with ", "else", "elif "];
    code.lines().map(str::trim).any(|line| {
        BEGINS.iter().any(|begin| line.starts_with(begin))
            || (line.starts_with("from ") && line.contains(" import "))
            || (line.ends_with(':') && HEADS.iter().any(|head| line.starts_with(head)))
            || line.contains("input()")
            || line.contains("sys.stdin")
            || line.split_once(" = ").is_some_and(|(name, _)| is_assignable(name))
    })
}

fn is_assignable(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | ',' | ' ' | '[' | ']'))
}

/// Whether the code has `def NAME` or `NAME = ...` at any depth.
fn defines(code: &str, name: &str) -> bool {
    code.lines().map(str::trim_start).any(|line| {
        let line = line.strip_prefix("async ").unwrap_or(line);
        let after_def = line.strip_prefix("def ").map(str::trim_start);
        let named = |text: &str| text.strip_prefix(name).map(|rest| rest.trim_start().to_owned());
        after_def.and_then(named).is_some_and(|rest| rest.starts_with(['(', '[']))
            || named(line).is_some_and(|rest| rest.starts_with('=') && !rest.starts_with("=="))
    })
}

fn reads_input(code: &str) -> bool {
    ["input(", "input)", "stdin", "open(0", "fileinput", "os.read(0"].iter().any(|word| code.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(answer: &str, wanted: Wanted<'_>) -> (String, usize, BlockRule) {
        let taken = extract(answer, wanted).expect("code");
        (taken.code, taken.number, taken.rule)
    }

    const ANY: Wanted<'_> = Wanted::Unknown;

    #[test]
    fn only_text_after_the_reasoning_counts() {
        let draft = "```python\ndraft\n```\n";
        for end in REASONING_ENDS {
            let answer = format!("{draft}{end}\nSo:\n```python\nfinal\n```\n");
            assert_eq!(code(&answer, ANY), ("final\n".to_owned(), 1, BlockRule::Only), "{end}");
            assert_eq!(extract(&format!("{draft}{end} no code"), ANY), Err(NoCode::NoBlock));
        }
        assert_eq!(extract(&format!("<think>{draft}"), ANY), Err(NoCode::OnlyReasoning));
        let solution = "<|begin_of_solution|>\n```python\nx = 1\n<|end_of_solution|>";
        assert_eq!(extract(solution, ANY).unwrap().code.trim_end(), "x = 1");
    }

    #[test]
    fn answers_without_code_say_what_they_lack() {
        assert_eq!(extract(" \n", ANY), Err(NoCode::Empty));
        assert_eq!(extract("def f(): pass", ANY), Err(NoCode::NoBlock));
        assert_eq!(extract("```python\n\n```", ANY), Err(NoCode::BlankBlocks));
    }

    #[test]
    fn sample_output_after_the_solution_is_not_taken() {
        let answer = "```python\nprint(42)\n```\nThis prints:\n```\n42\n```\n";
        assert_eq!(code(answer, ANY), ("print(42)\n".to_owned(), 1, BlockRule::LastPython));
        let tagged = "```python\nprint(42)\n```\n```text\nfor example 42\n```\n```bash\npython x.py\n```\n";
        assert_eq!(code(tagged, ANY).1, 1);
    }

    #[test]
    fn the_block_that_defines_the_function_goes_before_example_usage() {
        let answer = "```python\ndef draft(): pass\n```\n```python\ndef add(a, b):\n    return a + b\n```\n\
                      ```python\nprint(add(1, 2))\n```\n";
        assert_eq!(code(answer, Wanted::Function("add")).1, 2);
        assert_eq!(code(answer, Wanted::Function("add")).2, BlockRule::DefinesFunction);
        assert_eq!(code(answer, Wanted::Function("ad")).1, 3);
        let method =
            "```python\nclass Solution:\n    def add(self): pass\n```\n```python\nSolution().add()\n```";
        assert_eq!(code(method, Wanted::Function("add")).1, 1);
        let bound = "```python\nadd = lambda a, b: a + b\n```\n```python\nassert add == add\n```";
        assert_eq!(code(bound, Wanted::Function("add")).1, 1);
    }

    #[test]
    fn the_block_that_reads_input_goes_before_one_that_does_not() {
        let answer = "```python\nn = int(input())\nprint(n)\n```\n```python\nprint(solve(3))\n```\n";
        assert_eq!(code(answer, Wanted::Program { reads_input: true }).1, 1);
        assert_eq!(code(answer, Wanted::Program { reads_input: false }).1, 2);
    }

    #[test]
    fn the_last_solution_wins_over_earlier_ones() {
        let answer = "```python\ndef f(): return 1\n```\nBetter:\n```py\ndef f(): return 2\n```\n";
        assert_eq!(code(answer, Wanted::Function("f")).0, "def f(): return 2\n");
        assert_eq!(code("```c++\nint x;\n```\n```rust\nfn main(){}\n```\n", ANY).2, BlockRule::Last);
    }

    #[test]
    fn the_note_names_the_choice_only_where_there_was_one() {
        let note = |answer: &str| extract(answer, ANY).unwrap().note();
        assert_eq!(note("```python\nx = 1\n```"), None);
        assert_eq!(note("```python\nx = 1"), Some("code block not closed".to_owned()));
        assert_eq!(
            note("```python\nx = 1\n```\n```\n1\n```"),
            Some("block 1 of 2 (python; last Python)".to_owned())
        );
    }
}
