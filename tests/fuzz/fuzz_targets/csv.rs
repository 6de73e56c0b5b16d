//! CSV, cut anywhere, beside the crate `csv` on the whole; written and read again.
#![no_main]

use bytes::Bytes;
use highwater::record::OnFailure;
use highwater::csv::{Csv, Format, Record, ToCsv};
use highwater::test::{Cue, drive};
use highwater_fuzz::{Input, cut, run};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: Input| {
    let (chunks, input) = (cut(&input), &input.1);
    let whole = || vec![Bytes::copy_from_slice(input)];

    let format = Format::new().no_header().flexible();
    let (rows, error) = run(Csv::<Record>::with_format(format), chunks.clone());
    match error {
        // The crate `csv` takes what is there for a row.
        Some((text, _)) => assert!(text.starts_with("the input ends in quotes"), "{text}"),
        None => assert_eq!(rows, theirs(input)),
    }

    let mut writer = ToCsv::with_format(format);
    let written = drive(&mut writer, Cue::chunks(rows.iter().cloned())).outputs;
    assert_eq!(run(Csv::<Record>::with_format(format), written), (rows, None));

    // With a header, limits and a policy: the same for every cut.
    let max = input.last().map_or(0, |&byte| usize::from(byte / 8));
    for policy in [|| OnFailure::Fail, || OnFailure::Skip] {
        let typed = || {
            let machine = Csv::<(String, Option<u8>)>::new().on_failure(policy());
            machine.with_max_length(max).with_max_fields(max / 4)
        };
        assert_eq!(run(typed(), chunks.clone()), run(typed(), whole()));
    }
});

fn theirs(input: &[u8]) -> Vec<Record> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input);
    reader.byte_records().map(|row| row.expect("memory cannot fail").iter().collect()).collect()
}
