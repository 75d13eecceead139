//! Fenced code blocks in model prose, read as CommonMark reads them where models follow it, and
//! as a person would where they do not.

/// A fenced block. `code` has LF line ends and the opening fence's indentation removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// First word after the opening fence, lower case; empty if there is none.
    pub tag: String,
    pub code: String,
    /// False if the text ends, or another block opens, before a closing fence.
    pub closed: bool,
}

struct Fence<'a> {
    indent: usize,
    mark: char,
    length: usize,
    info: &'a str,
}

struct OpenFence {
    indent: usize,
    mark: char,
    length: usize,
    tag: String,
    lines: Vec<String>,
}

impl OpenFence {
    fn finish(self, closed: bool) -> Block {
        let mut code = self.lines.join("\n");
        if !code.is_empty() {
            code.push('\n');
        }
        Block { tag: self.tag, code, closed }
    }
}

/// All fenced blocks of `text`, in order.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<OpenFence> = None;
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let fence = fence_line(line);
        let Some(mut block) = open.take() else {
            open = fence.map(opened).or_else(|| opened_after_prose(line));
            continue;
        };
        match fence {
            Some(fence) if closes(&fence, &block) => found.push(block.finish(true)),
            // The author forgot to close one block and began the next.
            Some(fence) if reopens(&fence, &block) => {
                found.push(block.finish(false));
                open = Some(opened(fence));
            }
            _ => {
                block.lines.push(strip_indent(line, block.indent).to_owned());
                open = Some(block);
            }
        }
    }
    if let Some(block) = open {
        found.push(closed_in_its_last_line(block));
    }
    found
}

fn opened(fence: Fence<'_>) -> OpenFence {
    OpenFence {
        indent: fence.indent,
        mark: fence.mark,
        length: fence.length,
        tag: tag_of(fence.info),
        lines: Vec::new(),
    }
}

/// Whether a line closes a block: it has the opening mark, at least as long, nothing after it, and no deeper indentation
/// than Markdown allows. A fence inside a docstring does not close the block.
fn closes(fence: &Fence<'_>, block: &OpenFence) -> bool {
    fence.mark == block.mark
        && fence.length >= block.length
        && fence.info.is_empty()
        && fence.indent <= block.indent + 3
}

fn reopens(fence: &Fence<'_>, block: &OpenFence) -> bool {
    fence.mark == block.mark
        && fence.length >= block.length
        && fence.indent <= block.indent + 3
        && is_python_tag(&tag_of(fence.info))
}

fn fence_line(line: &str) -> Option<Fence<'_>> {
    let rest = line.trim_start_matches([' ', '\t']);
    let indent = line.len() - rest.len();
    let mark = rest.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let info = rest.trim_start_matches(mark);
    let length = rest.len() - info.len();
    // A backtick later in the line means inline code, not a fence.
    if length < 3 || (mark == '`' && info.contains('`')) {
        return None;
    }
    Some(Fence { indent, mark, length, info: info.trim() })
}

/// `Here is the code: ```python` opens a block although the fence does not begin the line.
fn opened_after_prose(line: &str) -> Option<OpenFence> {
    let (prose, info) = line.rsplit_once("```")?;
    let tag = tag_of(info.trim());
    let opens = !prose.contains('`') && is_python_tag(&tag);
    opens.then(|| OpenFence { indent: 0, mark: '`', length: 3, tag, lines: Vec::new() })
}

/// Some answers put the closing fence behind the last statement: `    return x` and three backticks.
fn closed_in_its_last_line(mut block: OpenFence) -> Block {
    let fence: String = std::iter::repeat_n(block.mark, block.length).collect();
    let at = block.lines.iter().position(|line| line.trim_end().ends_with(&fence));
    if let Some(at) = at {
        block.lines.truncate(at + 1);
        if let Some(last) = block.lines.last_mut() {
            let code = last.trim_end().trim_end_matches(block.mark).to_owned();
            *last = code;
        }
        return block.finish(true);
    }
    block.finish(false)
}

fn strip_indent(line: &str, indent: usize) -> &str {
    let blank = line.bytes().take(indent).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    &line[blank..]
}

/// `Python3`, `{.python .numberLines}`, `py title=x` and `python:main.py` name the same language.
fn tag_of(info: &str) -> String {
    let word = info.trim_start_matches(['{', '.', ' ']);
    let end = word
        .find(|c: char| c.is_whitespace() || matches!(c, '}' | ':' | ',' | '{' | '='))
        .unwrap_or(word.len());
    word[..end].to_lowercase()
}

/// Whether a tag, in lower case, says that the block is Python.
pub fn is_python_tag(tag: &str) -> bool {
    let name = tag.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    matches!(name, "py" | "python" | "pypy" | "cpython" | "ipython")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, String, bool)> {
        blocks(text).into_iter().map(|block| (block.tag, block.code, block.closed)).collect()
    }

    fn one(tag: &str, code: &str, closed: bool) -> Vec<(String, String, bool)> {
        vec![(tag.to_owned(), code.to_owned(), closed)]
    }

    #[test]
    fn tags_are_read_in_any_case_and_dress() {
        for (info, tag) in [
            ("python", "python"),
            ("Python3", "python3"),
            (" py ", "py"),
            ("{.python .numberLines}", "python"),
            ("python:main.py", "python"),
            ("c++", "c++"),
            ("", ""),
        ] {
            assert_eq!(found(&format!("```{info}\nx = 1\n```\n")), one(tag, "x = 1\n", true), "{info}");
        }
        for tag in ["py", "python", "python3", "python3.11", "pypy3", "python2"] {
            assert!(is_python_tag(tag), "{tag}");
        }
        for tag in ["", "text", "c++", "pyret", "output"] {
            assert!(!is_python_tag(tag), "{tag}");
        }
    }

    #[test]
    fn line_ends_become_lf() {
        assert_eq!(
            found("a\r\n```python\r\nx = 1\r\ny = 2\r\n```\r\n"),
            one("python", "x = 1\ny = 2\n", true)
        );
    }

    #[test]
    fn an_indented_fence_takes_its_indentation_from_the_code() {
        let text = "1. Do:\n    ```py\n    if x:\n        y()\n\n  z()\n    ```\n";
        assert_eq!(found(text), one("py", "if x:\n    y()\n\nz()\n", true));
    }

    #[test]
    fn tilde_and_long_fences_hold_shorter_ones() {
        assert_eq!(found("~~~python\n```\n~~~\n"), one("python", "```\n", true));
        assert_eq!(found("````\n```python\nx\n```\n````\n"), one("", "```python\nx\n```\n", true));
    }

    #[test]
    fn a_fence_inside_a_docstring_does_not_end_the_block() {
        let text =
            "```python\ndef f():\n    \"\"\"\n    ```\n    f()\n    ```\n    \"\"\"\n    return 1\n```\n";
        let blocks = blocks(text);
        assert_eq!(blocks.len(), 1);
        assert!(blocks[0].code.ends_with("    return 1\n"), "{blocks:?}");
    }

    #[test]
    fn an_unclosed_block_runs_to_the_end_or_to_the_next() {
        assert_eq!(found("```python\nx = 1\n"), one("python", "x = 1\n\n", false));
        let two = found("```\nsample\n```python\nx = 1\n```\n");
        assert_eq!(two, [one("", "sample\n", false), one("python", "x = 1\n", true)].concat());
    }

    #[test]
    fn fences_in_the_middle_of_a_line() {
        assert_eq!(found("Code: ```python\nx = 1\n```"), one("python", "x = 1\n", true));
        assert_eq!(found("```python\nx = 1```"), one("python", "x = 1\n", true));
        assert_eq!(found("use ```x``` inline"), vec![]);
    }
}
