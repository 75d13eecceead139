//! Whether the order of a set may decide what a program prints: by the words of its source, as is looked for
//! randomness. That order follows from the seed of string hashes, so such a program is right by chance at best.
//!
//! What hides a set, or takes one from elsewhere, is not found. Sets that are seen to hold integers only have one order.

use super::{
    string_hashes::is_set,
    tokens::{Token, tokens},
};

/// What takes items in the order in which they come.
const IN_ORDER: [&str; 17] = [
    "list",
    "tuple",
    "iter",
    "enumerate",
    "str",
    "repr",
    "print",
    "join",
    "fromkeys",
    "zip",
    "Counter",
    "deque",
    "extend",
    "format",
    "next",
    "reversed",
    "filter",
];
/// What does so where several items come out equal by a key.
const BY_KEY: [&str; 3] = ["max", "min", "sorted"];
/// Tokens that are looked at behind one.
const FARTHEST: usize = 400;

/// Whether it may.
pub fn may_decide(source: &[u8]) -> bool {
    let Some(tokens) = std::str::from_utf8(source).ok().and_then(tokens) else { return false };
    let named: Vec<&str> = (0..tokens.len()).filter_map(|at| name_of_set(&tokens, at)).collect();
    let set_at = |at: usize| is_set_at(&tokens, at, &named);
    (0..tokens.len()).any(|at| match tokens[at] {
        Token::Name("for") => {
            let behind = tokens[at..].iter().take(FARTHEST);
            let place = behind.into_iter().position(|token| *token == Token::Name("in"));
            place.is_some_and(|place| set_at(at + place + 1))
        }
        Token::Mark(b'*') => {
            let before = at.checked_sub(1).map(|before| tokens[before]);
            matches!(before, Some(Token::Mark(b'(' | b',' | b'['))) && set_at(at + 1)
        }
        Token::Name(name) if tokens.get(at + 1) == Some(&Token::Mark(b'(')) => {
            (IN_ORDER.contains(&name) && set_at(at + 2))
                || (BY_KEY.contains(&name) && set_at(at + 2) && has_key(&tokens[at + 2..]))
        }
        Token::Name(name) => {
            let behind = tokens.get(at + 1..at + 5);
            let pops = [Token::Mark(b'.'), Token::Name("pop"), Token::Mark(b'('), Token::Mark(b')')];
            named.contains(&name) && behind == Some(&pops)
        }
        _ => false,
    })
}

/// The name, if one begins there that is bound to a set.
fn name_of_set<'a>(tokens: &[Token<'a>], at: usize) -> Option<&'a str> {
    match tokens.get(at..at + 2)? {
        [Token::Name(name), Token::Mark(b'=')] if is_set_at(tokens, at + 2, &[]) => Some(name),
        _ => None,
    }
}

/// Whether a set begins there.
fn is_set_at(tokens: &[Token<'_>], at: usize, named: &[&str]) -> bool {
    match tokens.get(at..) {
        Some([Token::Name("set" | "frozenset"), Token::Mark(b'('), content @ ..]) => !holds_integers(content),
        Some([Token::Mark(b'{'), content @ ..]) => is_set(content),
        // The set as a whole, and nothing of it.
        Some([Token::Name(name), rest @ ..]) => {
            named.contains(name) && !matches!(rest, [Token::Mark(b'.' | b'[' | b'('), ..])
        }
        _ => false,
    }
}

fn holds_integers(content: &[Token<'_>]) -> bool {
    matches!(
        content,
        [Token::Name("range"), ..]
            | [Token::Name("map"), Token::Mark(b'('), Token::Name("int" | "ord" | "len"), ..]
    )
}

/// Whether a call whose arguments these begin is given a key.
fn has_key(arguments: &[Token<'_>]) -> bool {
    let mut depth = 0;
    for pair in arguments.windows(2).take(FARTHEST) {
        match pair {
            [Token::Mark(b'(' | b'[' | b'{'), _] => depth += 1,
            [Token::Mark(b')' | b']' | b'}'), _] if depth == 0 => return false,
            [Token::Mark(b')' | b']' | b'}'), _] => depth -= 1,
            [Token::Name("key"), Token::Mark(b'=')] if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::may_decide;

    #[test]
    fn what_takes_a_set_in_its_order_is_found() {
        for source in [
            "print(*{'a', 'b'})",
            "print(list(set(input().split())))",
            "s = set(input())\nfor c in s:\n    print(c)",
            "for i, c in enumerate(set(input())): print(c)",
            "words = {w for w in input().split()}\nprint(words.pop())",
            "w = input().split()\nprint(max(set(w), key=w.count))",
            "print(' '.join(set(input())))",
            "seen = set()\nfor c in 'ab': seen.add(c)\nprint([c for c in seen])",
            "print(sorted(frozenset(input()), key=len))",
            "d = dict.fromkeys(set('ab'))",
        ] {
            assert!(may_decide(source.as_bytes()), "{source}");
        }
    }

    #[test]
    fn what_does_not_is_not() {
        for source in [
            "print(len(set(input())))",
            "print(*sorted(set(input())))",
            "seen = set()\nfor c in input():\n    if c in seen: print(c)\n    seen.add(c)",
            "for x in set(map(int, input().split())): print(x)",
            "d = {'a': 1}\nfor k in d: print(k)",
            "s = set()\nprint(max(s))",
            "items = [1]\nitems.pop()\nprint(*items)",
            "s = set('ab')\nt = list(s.copy() and 'x')",
            "x = {}\nprint(list(x))",
        ] {
            assert!(!may_decide(source.as_bytes()), "{source}");
        }
    }
}
