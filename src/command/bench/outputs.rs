//! Pairs of outputs of a megabyte: usual ones, and ones that are dear to compare. The second of a pair is changed in
//! several ways, so that a rule finds a difference early, late or not at all.

use super::spread::Seeded;

pub const OUTPUT_BYTES: usize = 1 << 20;

/// A printed output and the expected one.
#[derive(Debug, Clone)]
pub struct Pair {
    pub name: String,
    pub actual: Vec<u8>,
    pub expected: Vec<u8>,
}

/// Units of one kind, separated.
#[derive(Debug)]
pub struct OutputKind {
    name: &'static str,
    unit: fn(&mut Seeded) -> Vec<u8>,
    separator: &'static [u8],
}

const fn kind(name: &'static str, separator: &'static [u8], unit: fn(&mut Seeded) -> Vec<u8>) -> OutputKind {
    OutputKind { name, unit, separator }
}

/// Usual outputs of programs.
pub const USUAL: [OutputKind; 10] = [
    kind("letters", b" ", |draws| letters(draws, 1)),
    kind("short numbers", b" ", |draws| draws.below(1000).to_string().into_bytes()),
    kind("numbers", b"\n", |draws| draws.below(1 << 40).to_string().into_bytes()),
    kind("decimals", b" ", |draws| format!("{:.6}", draws.below(1 << 30) as f64 / 1e3).into_bytes()),
    kind("words", b"\n", |draws| {
        let length = 3 + draws.below(12);
        letters(draws, length)
    }),
    kind("numbered lines", b"\n", |draws| {
        let mut line = format!("Case #{}: ", draws.below(100_000)).into_bytes();
        line.extend(letters(draws, 4));
        line
    }),
    kind("short words on lines", b"\n", |draws| letters(draws, 4)),
    kind("pairs of short words", b"\n", |draws| words(draws, 2, 4)),
    kind("lines of twelve words", b"\n", |draws| words(draws, 12, 4)),
    kind("lines of a thousand words", b"\n", |draws| words(draws, 1_000, 5)),
];

/// Outputs that are dear to compare, made on purpose or because the whole answer is on one line.
pub const HARD: [OutputKind; 10] = [
    kind("short words on one line", b" ", |draws| letters(draws, 4)),
    kind("letters on lines", b"\n", |draws| words(draws, 6, 1)),
    kind("one word", b" ", |_| b"ab".to_vec()),
    kind("one long word", b"", |draws| letters(draws, 1)),
    kind("one long number", b"", |draws| draws.below(10).to_string().into_bytes()),
    kind("empty lines", b"\r\n", |_| Vec::new()),
    kind("numbers in every form", b" ", number_in_any_form),
    kind("numbers halfway between thousandths", b" ", |draws| {
        format!("{}.{:03}5", draws.below(100), draws.below(1000)).into_bytes()
    }),
    kind("large decimals", b"\n", |draws| format!("{}.0625", draws.below(1 << 43)).into_bytes()),
    kind("accents and ideographs", b" ", |draws| {
        let character = |draws: &mut Seeded| {
            let first = [0xe0, 0x391, 0x4e00][draws.below(3)];
            char::from_u32(first + draws.below(24) as u32 * 7).unwrap_or('x')
        };
        (0..1 + draws.below(4)).map(|_| character(draws)).collect::<String>().into_bytes()
    }),
];

fn number_in_any_form(draws: &mut Seeded) -> Vec<u8> {
    let digits = draws.below(100_000);
    match draws.below(10) {
        0 => format!("{digits:e}"),
        1 => format!("+{digits}.5"),
        2 => format!("1_{digits}"),
        3 => format!("-.{digits}"),
        4 => format!("{digits}."),
        5 => format!("{}e300", digits % 10),
        6 => format!("{digits}E-7"),
        7 => ["nan", "-Infinity", "inf", "NaN"][digits % 4].to_owned(),
        8 => format!("0.{digits}{digits}{digits}{digits}"),
        _ => format!("{digits}{digits}{digits}{digits}"),
    }
    .into_bytes()
}

/// The kind's outputs, expected ones last.
pub fn pairs_of(kind: &OutputKind) -> Vec<Pair> {
    let mut draws = Seeded(1);
    let mut units = Vec::new();
    let mut length = 0;
    while length < OUTPUT_BYTES {
        let unit = (kind.unit)(&mut draws);
        length += unit.len() + kind.separator.len();
        units.push(unit);
    }
    let expected = units.join(kind.separator);
    let pair = |way: &str, actual: Vec<u8>| Pair {
        name: format!("{}, {way}", kind.name),
        actual,
        expected: expected.clone(),
    };
    let mut near = units.clone();
    near.iter_mut().filter(|unit| unit.contains(&b'.')).for_each(|unit| unit.push(b'1'));
    let with_end = |end: &[u8]| [&expected, end].concat();
    let mut shuffled = units.clone();
    draws.shuffle(&mut shuffled);
    let shuffled_units = shuffled.clone();
    let shuffled = shuffled.join(kind.separator);
    let reversed: Vec<Vec<u8>> = shuffled_units.iter().map(|unit| reversed(unit)).collect();
    let spaced = units.join(&[b" ", kind.separator].concat()[..]);
    vec![
        pair("blanks added", spaced),
        pair("blanks left out", expected.iter().copied().filter(|byte| *byte != b' ').collect()),
        pair("numbers changed in the last place", near.join(kind.separator)),
        pair("the last token wrong", with_end(b" x")),
        pair("the last number wrong", with_end(b" 7.25")),
        pair(
            "no text",
            expected
                .iter()
                .map(|byte| if byte.is_ascii_alphanumeric() { byte | 0x80 } else { *byte })
                .collect(),
        ),
        pair("in capitals", expected.to_ascii_uppercase()),
        pair("shuffled, in capitals", shuffled.to_ascii_uppercase()),
        pair("shuffled, the last number wrong", [&shuffled, &b" 7.25"[..]].concat()),
        pair("shuffled, words of a line, too", reversed.join(kind.separator)),
        pair("shuffled", shuffled),
    ]
}

/// The words of a line in the other order.
fn reversed(line: &[u8]) -> Vec<u8> {
    let mut words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    words.reverse();
    words.join(&b' ')
}

fn letters(draws: &mut Seeded, count: usize) -> Vec<u8> {
    (0..count).map(|_| b'a' + draws.below(26) as u8).collect()
}

fn words(draws: &mut Seeded, count: usize, length: usize) -> Vec<u8> {
    let words: Vec<Vec<u8>> = (0..count).map(|_| letters(draws, length)).collect();
    words.join(&b' ')
}
