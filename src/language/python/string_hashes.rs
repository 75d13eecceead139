//! Whether a program can tell which seed its string hashes have.
//!
//! Dictionaries keep the order of insertion, so only sets and hashes themselves show it, and what leads to them
//! by no name that stands in the source. A program that may show it has a seed of its own in every cell, which costs
//! some three milliseconds; for others it makes no difference whose seed it is. So the answer may be yes too often.

use super::tokens::{Token, tokens};

/// What makes sets and hashes, or gives access to what has no name in the source.
const SHOWING: [&str; 29] = [
    "set",
    "frozenset",
    "hash",
    "Set",
    "FrozenSet",
    "AbstractSet",
    "MutableSet",
    "KeysView",
    "ItemsView",
    "hashvalue",
    "stdlib_module_names",
    "eval",
    "exec",
    "compile",
    "getattr",
    "globals",
    "locals",
    "vars",
    "attrgetter",
    "methodcaller",
    "builtins",
    "importlib",
    "mro",
    "f_globals",
    "f_locals",
    "f_builtins",
    "gi_frame",
    "supports_fd",
    "sizeof",
];
/// Modules that use no sets in the open.
const MODULES: [&str; 36] = [
    "__future__",
    "abc",
    "array",
    "bisect",
    "calendar",
    "cmath",
    "collections",
    "collections.abc",
    "contextlib",
    "copy",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "fractions",
    "functools",
    "heapq",
    "io",
    "itertools",
    "json",
    "math",
    "numbers",
    "numpy",
    "operator",
    "os",
    "queue",
    "random",
    "re",
    "statistics",
    "string",
    "struct",
    "sys",
    "textwrap",
    "threading",
    "time",
    "typing",
];
/// Names with two underscores that classes define and programs use, and that show nothing.
const SPECIAL: &str = " name main file doc module qualname annotations slots class future init new repr str format bytes \
    bool len iter next reversed contains getitem setitem delitem missing call enter exit lt le eq ne gt ge add radd iadd \
    sub rsub isub mul rmul imul truediv rtruediv itruediv floordiv rfloordiv ifloordiv mod rmod imod divmod rdivmod \
    pow rpow ipow lshift rlshift ilshift rshift rrshift irshift and rand iand or ror ior xor rxor ixor matmul rmatmul \
    imatmul neg pos abs invert int float complex index round trunc floor ceil copy deepcopy post_init all version \
    author match_args ";
/// Functions that take a view of a dictionary's keys for what comes in its order.
const IN_ORDER: [&str; 21] = [
    "list",
    "sorted",
    "max",
    "min",
    "sum",
    "len",
    "enumerate",
    "tuple",
    "dict",
    "iter",
    "zip",
    "any",
    "all",
    "reversed",
    "print",
    "join",
    "extend",
    "Counter",
    "OrderedDict",
    "deque",
    "chain",
];
/// Functions and methods that make sets of such views, beside the operators.
const SET_OPERATIONS: [&str; 12] =
    ["and_", "or_", "xor", "sub", "iand", "ior", "isub", "ixor", "__and__", "__or__", "__xor__", "__sub__"];

/// Tokens that are looked at before or behind one. What takes more may show anything.
const FARTHEST: usize = 400;

/// Whether a run of it might come out otherwise with another seed. Takes time in proportion to the source.
pub fn may_show(source: &[u8]) -> bool {
    let Some(tokens) = std::str::from_utf8(source).ok().and_then(tokens) else { return true };
    let operates = tokens.iter().enumerate().any(|(at, _)| operates_on_sets(&tokens, at));
    (0..tokens.len()).any(|at| match tokens[at] {
        Token::Nested => true,
        Token::Name("import") => imports_others(&tokens, at),
        Token::Name("keys" | "items") => operates && !is_used_in_order(&tokens, at),
        Token::Name(name) => SHOWING.contains(&name) || is_special(name),
        Token::Mark(b'{') => is_set(&tokens[at + 1..]),
        Token::Mark(_) | Token::Literal | Token::LineEnd => false,
    })
}

fn is_special(name: &str) -> bool {
    let Some(inner) = name.strip_prefix("__") else { return false };
    let inner = inner.strip_suffix("__").unwrap_or(inner);
    !SPECIAL.contains(&format!(" {inner} "))
}

/// Whether the display whose content this begins with is a set's.
pub fn is_set(content: &[Token<'_>]) -> bool {
    if matches!(content, [Token::Mark(b'}'), ..] | [Token::Mark(b'*'), Token::Mark(b'*'), ..]) {
        return false;
    }
    let mut depth = 0;
    for (at, token) in content.iter().enumerate() {
        match token {
            Token::Mark(b'(' | b'[' | b'{') => depth += 1,
            Token::Mark(b'}') if depth == 0 => return true,
            Token::Mark(b')' | b']' | b'}') => depth -= 1,
            // Its own colon is no dictionary's.
            Token::Name("lambda") if depth == 0 => return true,
            Token::Mark(b':') if depth == 0 => return content.get(at + 1) == Some(&Token::Mark(b'=')),
            _ => {}
        }
    }
    true
}

/// Whether a module is imported that is not known to be harmless. `at`: where `import` stands.
fn imports_others(tokens: &[Token<'_>], at: usize) -> bool {
    let near = &tokens[at.saturating_sub(FARTHEST)..at];
    let Some(begins) = near.iter().rposition(is_end).map(|end| end + 1).or((near.len() == at).then_some(0))
    else {
        return true;
    };
    if let Some(from) = near[begins..].iter().position(|token| *token == Token::Name("from")) {
        return !is_known(&near[begins + from + 1..]);
    }
    let line = &tokens[at + 1..];
    let line = &line[..line.iter().take(FARTHEST).position(is_end).unwrap_or(line.len())];
    if line.len() > FARTHEST {
        return true;
    }
    let modules = line.split(|token| *token == Token::Mark(b','));
    modules.into_iter().any(|module| {
        let name_ends = module.iter().position(|token| *token == Token::Name("as")).unwrap_or(module.len());
        !is_known(&module[..name_ends])
    })
}

fn is_end(token: &Token<'_>) -> bool {
    matches!(token, Token::LineEnd | Token::Mark(b';' | b':'))
}

/// Whether a dotted name is that of a harmless module; of numpy's any.
fn is_known(name: &[Token<'_>]) -> bool {
    let parts = name.iter().map(|token| match token {
        Token::Name(part) => part,
        Token::Mark(b'.') => ".",
        _ => "?",
    });
    let name: String = parts.collect();
    MODULES.contains(&name.as_str()) || name.starts_with("numpy.")
}

/// Whether something stands there that makes a set of two views of keys.
fn operates_on_sets(tokens: &[Token<'_>], at: usize) -> bool {
    let is_behind_operand = || match at.checked_sub(1).map(|before| tokens[before]) {
        Some(Token::Name(name)) => !is_keyword(name),
        Some(Token::Literal | Token::Mark(b')' | b']' | b'}')) => true,
        _ => false,
    };
    match tokens[at] {
        // Not the arrow before the type that a function returns.
        Token::Mark(b'-') => tokens.get(at + 1) != Some(&Token::Mark(b'>')) && is_behind_operand(),
        Token::Mark(b'&' | b'|' | b'^') => true,
        Token::Name(name) => SET_OPERATIONS.contains(&name),
        _ => false,
    }
}

fn is_keyword(name: &str) -> bool {
    matches!(
        name,
        "return"
            | "in"
            | "and"
            | "or"
            | "not"
            | "if"
            | "else"
            | "elif"
            | "while"
            | "yield"
            | "lambda"
            | "is"
            | "print"
    )
}

/// Whether a view of a dictionary's keys goes into a loop, or into a function that takes what is in it. `at`: where
/// `keys` or `items` stands.
fn is_used_in_order(tokens: &[Token<'_>], at: usize) -> bool {
    // Else it is a name of the program's own.
    let Some(dot) = at.checked_sub(1).filter(|dot| tokens[*dot] == Token::Mark(b'.')) else { return true };
    let [Some(Token::Mark(b'(')), Some(Token::Mark(b')')), Some(after)] =
        [1, 2, 3].map(|ahead| tokens.get(at + ahead))
    else {
        return false;
    };
    let Some(before) = before_operand(tokens, dot) else { return false };
    match tokens[before] {
        Token::Name("in") => matches!(
            after,
            Token::Mark(b':' | b']' | b')' | b'}' | b',')
                | Token::LineEnd
                | Token::Name("if" | "for" | "and" | "or" | "else")
        ),
        Token::Mark(b'(') => {
            let calls = before.checked_sub(1).map(|function| tokens[function]);
            let is_known = matches!(calls, Some(Token::Name(name)) if IN_ORDER.contains(&name));
            is_known && matches!(after, Token::Mark(b')' | b','))
        }
        _ => false,
    }
}

/// The token before the operand that ends before `end`: names, calls and indices with dots between them.
fn before_operand(tokens: &[Token<'_>], end: usize) -> Option<usize> {
    let mut at = end.checked_sub(1)?;
    while end - at < FARTHEST {
        while let Token::Mark(b')' | b']') = tokens[at] {
            let mut depth = 0;
            let near = (at + 1).saturating_sub(FARTHEST);
            at = near
                + tokens[near..=at].iter().rposition(|token| {
                    depth += match token {
                        Token::Mark(b')' | b']' | b'}') => 1,
                        Token::Mark(b'(' | b'[' | b'{') => -1,
                        _ => 0,
                    };
                    depth == 0
                })?;
            at = at.checked_sub(1)?;
        }
        match tokens[at] {
            Token::Name(name) if !is_keyword(name) => at = at.checked_sub(1)?,
            Token::Literal => at = at.checked_sub(1)?,
            // A bracket with nothing in front of it.
            _ => return Some(at),
        }
        if tokens[at] != Token::Mark(b'.') {
            return Some(at);
        }
        at = at.checked_sub(1)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::may_show;

    #[test]
    fn programs_that_may_show_their_seed() {
        for source in [
            "print({1, 2})",
            "x = {a for a in b}",
            "x = {*a}",
            "x = {(a, b): 1}, {a[1:2]}",
            "x = {lambda: 1}",
            "x = {y := 1}",
            "print(set(x))",
            "frozenset()",
            "print(hash('a'))",
            "class A:\n    def __hash__(self):\n        return 1\n",
            "x = a.keys() & b.keys()",
            "x = a.keys()\ny = x - z",
            "for x in a.keys() - b: pass",
            "import operator\noperator.and_(a.keys(), b)",
            "print(f(a.keys()), x | y)",
            "print(f'{ {1, 2} }')",
            "print(f'{a.keys() & b}')",
            "print(f'{hash(1)}')",
            "eval(input())",
            "import ast",
            "from pickle import *",
            "import sys, gc",
            "import os.path as path, inspect as x",
            "if x: import gc",
            "().__class__.__base__.__subclasses__()",
            "\u{ff53}et('abc')",
            "# -*- coding: utf-7 -*-\nprint(1)",
            "x = 'no end",
            "print(f'\u{3b1} {x}')",
        ] {
            assert!(may_show(source.as_bytes()), "{source}");
        }
        assert!(may_show(b"print('\xff')"));
    }

    #[test]
    fn large_sources_take_linear_time() {
        let many = 200_000;
        let nested = "{(".repeat(90) + &"1,".repeat(many) + &"):1}".repeat(90);
        for source in [
            "x = y & z\nx".to_owned() + &".keys()".repeat(many),
            "x = y & z\nx = ".to_owned() + &"(".repeat(many) + &").keys()".repeat(many),
            "import sys ".repeat(many),
            "(".to_owned() + &"import sys, ".repeat(many),
            "from . ".repeat(many) + "import sys",
            "{".repeat(many),
            "x = {1: ".repeat(many),
            nested + "\nx = y & z\n" + &"for x in y.items():\n  pass\n".repeat(many / 10),
            "f'{x}' ".repeat(many),
        ] {
            let begun = std::time::Instant::now();
            may_show(source.as_bytes());
            assert!(begun.elapsed().as_secs() < 20, "{}", &source[..40]);
        }
    }

    #[test]
    fn nothing_that_calls_itself_source_ends_it() {
        let pieces = [
            "'", "\"", "\"\"\"", "\\", "f'", "rb\"", "{", "}", "(", ")", "[", "]", ".keys()", ".items()",
            "&", "-", "->", ":", ":=", "import ", "from ", " as ", "lambda", "in ", "x", "1", "\n", "\r\n",
            "#", "\u{e9}", ",", ";", "*", "**", "coding:",
        ];
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as usize % below
        };
        for _ in 0..20_000 {
            let source: String = (0..next(30)).map(|_| pieces[next(pieces.len())]).collect();
            may_show(source.as_bytes());
        }
    }

    #[test]
    fn programs_that_cannot() {
        for source in [
            "print(int(input()) * 2)",
            "x = {}\ny = {'a': 1, **x}\nz = {**y}\nw = {a: {b: 1} for a in b}",
            "print({1: 2}[1], f'{x:>10}'.strip())",
            "import sys, math as m\nfrom collections import deque, defaultdict\nimport numpy as np\nimport numpy.linalg\n",
            "for k, v in d.items():\n    x = k - v\n",
            "x = sorted(d.items(), key=lambda kv: -kv[1])\ny = x[0] - 1\nz = list(self.d[1].keys())\n",
            "x = [k for k in d.keys() if k - 1]\nif a in f(b).keys() and c & 1: pass\n",
            "items = [1]\nitems.append(2 - 1)\n",
            "class A:\n    def __init__(self) -> None:\n        self.x = 'set of {1}'  # a set, hash\n",
            "x = '''set\nhash(1) {1}'''\ny = \"\\\"{1}\"\nz = ''\n",
            "if __name__ == '__main__':\n    main()\n",
            "s = '\u{3b1}'  # \u{3b1}\n",
            "raise ValueError from error\nyield from x\n",
            "x = 0x1e-5, 1.5e-3, 2j\n",
        ] {
            assert!(!may_show(source.as_bytes()), "{source}");
        }
    }
}
