//! CSV, cut anywhere, beside the crate `csv` on the whole; written and read again.
#![no_main]

mod records;

use bytes::Bytes;
use highwater::OnBadRecord;
use highwater::csv::{Csv, Format, Record, ToCsv};
use highwater::test::{Cue, drive};
use libfuzzer_sys::fuzz_target;
use records::{cut, run};

fuzz_target!(|data: &[u8]| {
    let (chunks, input) = cut(data);
    let whole = || [Bytes::copy_from_slice(input)];

    let format = Format::new().no_header().flexible();
    let (rows, error) = run(Csv::<Record>::with_format(format), chunks.clone());
    match error {
        // The crate `csv` takes what is there for a row.
        Some(error) => assert!(error.is_truncated),
        None => assert_eq!(rows, theirs(input)),
    }

    let mut writer = ToCsv::with_format(format);
    let written = drive(&mut writer, rows.iter().cloned().map(Cue::Chunk)).outputs;
    assert_eq!(run(Csv::<Record>::with_format(format), written), (rows, None));

    // With a header, limits and a policy: the same for every cut.
    let max = data.first().map_or(0, |&byte| usize::from(byte / 8));
    for policy in [|| OnBadRecord::Fail, || OnBadRecord::Skip] {
        let typed = || {
            let machine = Csv::<(String, Option<u8>)>::new().on_bad_record(policy());
            machine.max_length(max).max_fields(max / 4)
        };
        assert_eq!(run(typed(), chunks.clone()), run(typed(), whole()));
    }
});

fn theirs(input: &[u8]) -> Vec<Record> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input);
    reader.byte_records().map(|row| row.expect("memory cannot fail").iter().collect()).collect()
}
