//! A JSON array, cut anywhere, beside serde_json on the whole.
#![no_main]

use bytes::Bytes;
use highwater::record::OnFailure;
use highwater::json::JsonArray;
use highwater_fuzz::{Input, cut, run};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|input: Input| {
    let (chunks, input) = (cut(&input), &input.1);
    let whole = || vec![Bytes::copy_from_slice(input)];

    let strict = JsonArray::<Value>::new;
    let given = run(strict(), chunks.clone());
    assert_eq!(given, run(strict(), whole()));
    // It passes over a mark, and counts no level for the array itself.
    let text = input.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(input);
    match serde_json::from_slice::<Vec<Value>>(text) {
        Ok(values) => assert_eq!(given, (values, None)),
        Err(error) if error.to_string().starts_with("recursion limit") => {}
        Err(_) => assert!(given.1.is_some()),
    }

    // With a policy that goes on, whatever the limit: the same for every cut.
    let max = input.last().map_or(0, |&byte| usize::from(byte / 8));
    let lenient = || JsonArray::<Vec<u8>>::new().with_max_length(max).on_failure(OnFailure::Skip);
    assert_eq!(run(lenient(), chunks), run(lenient(), whole()));
});
