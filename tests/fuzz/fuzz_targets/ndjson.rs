//! NDJSON, cut anywhere, beside serde_json line by line.
#![no_main]

use bytes::Bytes;
use highwater::record::OnFailure;
use highwater::json::Ndjson;
use highwater_fuzz::{Input, cut, run};
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde_json::Value;

/// Some fields are read, some are not.
#[derive(Debug, PartialEq, Deserialize)]
struct Typed {
    a: Option<f64>,
    #[serde(default)]
    b: Vec<String>,
}

/// Few enough that inputs are above it.
const MAX: usize = 64;

fuzz_target!(|input: Input| {
    let (chunks, input) = (cut(&input), &input.1);
    let whole = || vec![Bytes::copy_from_slice(input)];

    let strict = || Ndjson::<Value>::new().with_max_length(MAX);
    assert_eq!(run(strict(), chunks.clone()), run(strict(), whole()));
    let typed = || Ndjson::<Typed>::new().on_failure(OnFailure::Skip);
    assert_eq!(run(typed(), chunks.clone()), run(typed(), whole()));

    let lenient = strict().on_failure(OnFailure::Skip);
    let counts = lenient.counts();
    let (values, error) = run(lenient, chunks);
    let lines: Vec<&[u8]> = lines(input).collect();
    let good: Vec<Value> =
        lines.iter().filter_map(|line| serde_json::from_slice(line).ok()).collect();
    assert_eq!(values, good);
    // Every line is a good record, a bad one, blank, or the one that the input ends in.
    let open = "the input ends inside a record";
    assert!(error.as_ref().is_none_or(|(text, _)| text.starts_with(open)));
    let seen = usize::try_from(counts.succeeded() + counts.failed()).unwrap();
    let blank = lines.iter().filter(|line| line.iter().all(|b| b" \t\r\n".contains(b))).count();
    assert_eq!(seen + blank + usize::from(error.is_some()), lines.len());
});

/// The lines as they are read: without their ends, without the mark, and those that are too long as something bad.
fn lines(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    input.split_inclusive(|&byte| byte == b'\n').enumerate().map(|(index, line)| {
        let line = match line.strip_suffix(b"\n") {
            Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
            None => line,
        };
        match line {
            _ if line.len() > MAX => b"too long",
            _ if index == 0 => line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line),
            _ => line,
        }
    })
}
