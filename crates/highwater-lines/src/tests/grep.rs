//! `Grep` against a search line by line: I53, F31, F32, C51.

use bytes::Bytes;
use highwater_core::Transform;
use proptest::prelude::*;
use regex::bytes::{Regex, RegexBuilder};

use super::oracle::{POLICIES, split};
use super::{CORPUS, all_cuts, cut, cut_bytes, drive};
use crate::{Grep, LongLine, grep};

/// True for a line, without `\n`, that matches.
type Predicate = Box<dyn Fn(&[u8]) -> bool>;

/// A pattern both ways.
enum Pattern {
    Texts(&'static [&'static str]),
    Expression(&'static str),
    Built(&'static str),
}

impl Pattern {
    fn machine(&self) -> Grep {
        match self {
            Self::Texts([text]) => grep(*text),
            Self::Texts(texts) => Grep::literals(*texts),
            Self::Expression(pattern) => Grep::regex(pattern).unwrap(),
            Self::Built(pattern) => Grep::from(Regex::new(pattern).unwrap()),
        }
    }

    /// On one line alone, without `\n`.
    fn matcher(&self) -> Predicate {
        match *self {
            Self::Texts(texts) => Box::new(move |line| {
                let mut texts = texts.iter().flat_map(|text| text.split('\n'));
                texts.any(|text| {
                    text.is_empty() || line.windows(text.len()).any(|part| part == text.as_bytes())
                })
            }),
            Self::Expression(pattern) => {
                let regex = RegexBuilder::new(pattern).multi_line(true).build().unwrap();
                Box::new(move |line| regex.is_match(line))
            }
            Self::Built(pattern) => {
                let regex = Regex::new(pattern).unwrap();
                Box::new(move |line| regex.is_match(line))
            }
        }
    }
}

const PATTERNS: &[Pattern] = &[
    Pattern::Texts(&[]),
    Pattern::Texts(&[""]),
    Pattern::Texts(&["a"]),
    Pattern::Texts(&["ab"]),
    Pattern::Texts(&["\r"]),
    Pattern::Texts(&["b\r"]),
    Pattern::Texts(&["ba\naa"]),
    Pattern::Texts(&["a\n"]),
    Pattern::Texts(&["ab", "ba", "."]),
    Pattern::Texts(&["aaa", "a\r", "bb"]),
    Pattern::Texts(&["a", ""]),
    Pattern::Expression(""),
    Pattern::Expression("^$"),
    Pattern::Expression("$"),
    Pattern::Expression("^"),
    Pattern::Expression(r"\s"),
    Pattern::Expression(r"\s+a"),
    Pattern::Expression(r"a\s*b"),
    Pattern::Expression(r"^\s*$"),
    Pattern::Expression("a[^x]*b"),
    Pattern::Expression("[^a]*"),
    Pattern::Expression("[^a]$"),
    Pattern::Expression("a\n"),
    Pattern::Expression("(?i)AB"),
    Pattern::Expression("(?s)a.b"),
    Pattern::Expression("(?s)^.*b$"),
    Pattern::Expression(r"\bab\b"),
    Pattern::Expression(r"\Bb"),
    Pattern::Expression(r"\B"),
    Pattern::Expression(r"a\b"),
    Pattern::Expression(r"\b{start}a"),
    Pattern::Expression(r"\b{end-half}"),
    Pattern::Expression(r"\Aa"),
    Pattern::Expression(r"b\z"),
    Pattern::Expression("(?-m)^a"),
    Pattern::Expression("(?-m:b$)"),
    Pattern::Expression("(?R)a$"),
    Pattern::Expression(r"(?R)\r$"),
    Pattern::Expression("(?sR)a.*$"),
    Pattern::Expression("(?P<name>a)b"),
    Pattern::Expression(r"a\r$"),
    Pattern::Expression("a|b$"),
    Pattern::Expression("(?-u)[^\\n]{3}"),
    Pattern::Built("^a"),
    Pattern::Built("a$"),
    Pattern::Built("[^a]"),
];

#[derive(Debug, Clone, Copy)]
struct Options {
    invert: bool,
    count: bool,
    numbers: bool,
    max: usize,
    policy: LongLine,
}

impl Options {
    fn apply(self, mut machine: Grep) -> Grep {
        machine = machine.with_max_length(self.max).on_long_line(self.policy);
        if self.invert {
            machine = machine.invert();
        }
        if self.count {
            machine = machine.count();
        }
        if self.numbers {
            machine = machine.line_numbers();
        }
        machine
    }

    /// Everything but limits, in 2³ ways.
    fn all(max: usize, policy: LongLine) -> impl Iterator<Item = Self> {
        (0..8).map(move |bits| Self {
            invert: bits & 1 != 0,
            count: bits & 2 != 0,
            numbers: bits & 4 != 0,
            max,
            policy,
        })
    }
}

/// Output, lines, matched, and line and offset of the error.
type Outcome = (Vec<u8>, u64, u64, Option<(u64, u64)>);

fn run(machine: Grep, options: Options, chunks: &[Bytes]) -> Outcome {
    let mut machine = options.apply(machine);
    let counts = machine.counts();
    let (outputs, error) = drive(&mut machine, chunks);
    assert!(outputs.iter().all(|output| output.ends_with(b"\n")), "not whole lines");
    let place = error.map(|error| (error.line().unwrap(), error.offset().unwrap()));
    (outputs.concat(), counts.lines(), counts.matched(), place)
}

fn expected(matches: &dyn Fn(&[u8]) -> bool, options: Options, input: &[u8]) -> Outcome {
    let lines = split(input, options.max, options.policy);
    let (mut output, mut matched) = (Vec::new(), 0);
    for line in &lines.lines {
        let whole = line.whole();
        let text = whole.strip_suffix(b"\n").unwrap_or(&whole);
        if matches(text) == options.invert {
            continue;
        }
        matched += 1;
        if !options.count {
            let number = if options.numbers { format!("{}:", line.number) } else { String::new() };
            output.extend([number.as_bytes(), text, b"\n"].concat());
        }
    }
    if options.count && lines.error.is_none() {
        output = format!("{matched}\n").into_bytes();
    }
    (output, lines.total, matched, lines.error)
}

#[test]
fn every_cut_gives_what_a_search_line_by_line_gives() {
    for pattern in PATTERNS {
        let (matches, machine) = (pattern.matcher(), pattern.machine());
        for input in CORPUS {
            let cuts = all_cuts(input);
            for options in Options::all(usize::MAX, LongLine::Fail) {
                let want = expected(&matches, options, input);
                // All cuts for the plain form, some of them for the others.
                let step = match (options.invert, options.count || options.numbers) {
                    (false, false) => 1,
                    (true, false) => 5,
                    (_, true) => 11,
                };
                for chunks in cuts.iter().step_by(step) {
                    let got = run(machine.fresh(), options, chunks);
                    assert_eq!(got, want, "{machine:?} {options:?} {chunks:?}");
                }
            }
        }
    }
}

/// C51, F31: lines that are too long, for every policy.
#[test]
fn every_cut_treats_long_lines_alike() {
    let pattern = Pattern::Texts(&["a"]);
    let matches = pattern.matcher();
    for (max, policy) in [0, 2, 3, 4].into_iter().flat_map(|max| POLICIES.map(|p| (max, p))) {
        for input in CORPUS {
            for options in Options::all(max, policy) {
                let want = expected(&matches, options, input);
                for chunks in all_cuts(input).iter().step_by(5) {
                    assert_eq!(run(pattern.machine(), options, chunks), want, "{options:?}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn random_cuts_give_what_a_search_line_by_line_gives(
        (input, chunks) in cut_bytes(),
        pattern in 0..PATTERNS.len(),
        max in prop::sample::select(&[0, 1, 2, 5, usize::MAX][..]),
    ) {
        let (matches, machine) = (PATTERNS[pattern].matcher(), PATTERNS[pattern].machine());
        for options in POLICIES.into_iter().flat_map(|policy| Options::all(max, policy)) {
            let want = expected(&matches, options, &input);
            prop_assert_eq!(run(machine.fresh(), options, &chunks), want);
        }
    }
}

/// Long enough for windows to grow and shrink, runs to be slices and buffers to be filled.
#[test]
fn large_blocks_give_what_a_search_line_by_line_gives() {
    let mut input = Vec::new();
    for index in 0..6_000_u32 {
        let text = match index.wrapping_mul(2_654_435_761) >> 28 {
            0 => "ab\r\n",
            1 => "\n",
            2 if index % 1000 > 300 => "xyz x b\n",
            _ if index % 1000 < 300 => "ab ab ab ab ab\n",
            _ => "some text of no interest, long enough to be a line\n",
        };
        input.extend_from_slice(text.as_bytes());
    }
    for pattern in PATTERNS {
        let (matches, machine) = (pattern.matcher(), pattern.machine());
        for options in Options::all(1 << 20, LongLine::Fail).filter(|options| !options.count) {
            let want = expected(&matches, options, &input);
            let chunks = cut(&input, &[30_003, 30_004, 180_000]);
            assert!(run(machine.fresh(), options, &chunks) == want, "{machine:?} {options:?}");
        }
    }
}

#[test]
fn bytes_that_are_not_utf8_are_searched() {
    let chunks = cut(b"a\xFFb\n\xFE\nc\n", &[]);
    let (outputs, _) = drive(&mut Grep::literals([&b"\xFF"[..], b"\xFE"]), &chunks);
    assert_eq!(outputs.concat(), b"a\xFFb\n\xFE\n");
    let (outputs, _) = drive(&mut Grep::literal(b"\xFF"), &chunks);
    assert_eq!(outputs.concat(), b"a\xFFb\n");
}

#[test]
fn many_texts_are_one_pattern() {
    let texts: Vec<String> = (0..5000).map(|number| format!("<{number}>")).collect();
    let (outputs, _) = drive(&mut Grep::from(texts), &cut(b"<4999>\n<5000>\n.<17>.\n", &[3]));
    assert_eq!(outputs.concat(), b"<4999>\n.<17>.\n");
}

/// Nothing of a count is given when the source fails, and nothing of the line it fails in.
#[test]
fn an_error_of_the_source_gives_no_count() {
    let mut machine = Grep::literal("a").count();
    assert!(machine.write(Bytes::from("a\na")).unwrap().is_none());
    machine.release().unwrap();
    assert!(machine.read().unwrap().is_none());
    assert_eq!(machine.counts().matched(), 1);
}

#[test]
fn a_bad_expression_says_what_is_wrong() {
    let error = Grep::regex("a(b").unwrap_err();
    assert!(error.to_string().contains("unclosed group"), "{error}");
    assert!(error.downcast_ref::<regex::Error>().is_some());
}

#[test]
fn converts_from_what_there_is() {
    for machine in [Grep::from("b"), Grep::from(String::from("b")), Grep::from(["b", "c"])] {
        let (outputs, _) = drive(&mut { machine }, &cut(b"a\nb\n", &[]));
        assert_eq!(outputs, ["b\n"]);
    }
    let shown = format!("{:?}", Grep::literal("b").invert());
    assert!(shown.contains(r#"Text("b")"#) && shown.contains("invert: true"), "{shown}");
}
