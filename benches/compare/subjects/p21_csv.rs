//! P21: CSV, row by row, to typed structs.

use std::fs;
use std::path::Path;

use anyhow::Result;
use csv::ByteRecord;
use csv_async::AsyncReaderBuilder;
use futures::TryStreamExt as _;
use highwater::prelude::*;
use tokio::fs::File;

use super::{CHUNK, block_on};
use crate::contestant::{Answer, Contestant, Role, Subject, Work};
use crate::entries::{BorrowedEntry, Entry, Form, Tally};
use crate::goal::Goal;

pub(crate) const SUBJECT: Subject = Subject {
    id: "P21",
    title: "csv to typed structs",
    work: Work::Entries(Form::Csv),
    contestants: &[
        Contestant::files(Role::Ours, OURS, ours),
        Contestant::files(Role::Limit, LOOP, blocking_loop),
        Contestant::files(Role::Limit, RECORDS, |input, _| records(input, add_owned)),
        Contestant::files(Role::Aside, BORROWED, |input, _| records(input, add_borrowed)),
        Contestant::files(Role::Peer, ASYNC, async_stream),
        Contestant::files(Role::Peer, ASYNC_RECORDS, async_records),
    ],
    goals: &[
        Goal::Speed { ours: OURS, at_least: 0.9, of_best: &[LOOP, RECORDS] },
        Goal::Speed { ours: OURS, at_least: 1.0, of_best: &[ASYNC, ASYNC_RECORDS] },
        Goal::Memory { ours: OURS, at_most: 8.0 },
    ],
};

const OURS: &str = "highwater csv";
const LOOP: &str = "csv in a blocking loop, deserialize";
const RECORDS: &str = "the same, one ByteRecord used again";
const BORROWED: &str = "the same as the last, borrowing texts";
const ASYNC: &str = "csv-async, stream of values";
const ASYNC_RECORDS: &str = "csv-async, one ByteRecord used again";

fn ours(input: &Path, _: &Path) -> Result<Answer> {
    let entries = highwater::fs::read(input).csv::<Entry>();
    let tally = entries.fold(Tally::default(), |mut tally, entry| {
        tally.add(entry.user, &entry.message);
        tally
    });
    Ok(Answer::of(block_on(tally)?))
}

fn blocking_loop(input: &Path, _: &Path) -> Result<Answer> {
    let mut tally = Tally::default();
    for entry in reader(input)?.into_deserialize() {
        let entry: Entry = entry?;
        tally.add(entry.user, &entry.message);
    }
    Ok(Answer::of(tally))
}

/// Reads each row into the same memory, and leaves it to the fields to be UTF-8.
fn records(
    input: &Path,
    add: fn(&mut Tally, &ByteRecord, &ByteRecord) -> Result<()>,
) -> Result<Answer> {
    let mut rows = reader(input)?;
    let header = rows.byte_headers()?.clone();
    let (mut row, mut tally) = (ByteRecord::new(), Tally::default());
    while rows.read_byte_record(&mut row)? {
        add(&mut tally, &header, &row)?;
    }
    Ok(Answer::of(tally))
}

fn reader(input: &Path) -> Result<csv::Reader<fs::File>> {
    Ok(csv::ReaderBuilder::new().buffer_capacity(CHUNK).from_path(input)?)
}

fn add_owned(tally: &mut Tally, header: &ByteRecord, row: &ByteRecord) -> Result<()> {
    let entry: Entry = row.deserialize(Some(header))?;
    tally.add(entry.user, &entry.message);
    Ok(())
}

fn add_borrowed(tally: &mut Tally, header: &ByteRecord, row: &ByteRecord) -> Result<()> {
    let entry: BorrowedEntry<'_> = row.deserialize(Some(header))?;
    tally.add(entry.user, &entry.message);
    Ok(())
}

fn async_stream(input: &Path, _: &Path) -> Result<Answer> {
    let mut tally = Tally::default();
    block_on(async {
        let file = File::open(input).await?;
        let rows = AsyncReaderBuilder::new().buffer_capacity(CHUNK).create_deserializer(file);
        let mut entries = rows.into_deserialize::<Entry>();
        while let Some(entry) = entries.try_next().await? {
            tally.add(entry.user, &entry.message);
        }
        Ok(Answer::of(tally))
    })
}

fn async_records(input: &Path, _: &Path) -> Result<Answer> {
    let (mut row, mut tally) = (csv_async::ByteRecord::new(), Tally::default());
    block_on(async {
        let file = File::open(input).await?;
        let mut rows = AsyncReaderBuilder::new().buffer_capacity(CHUNK).create_reader(file);
        let header = rows.byte_headers().await?.clone();
        while rows.read_byte_record(&mut row).await? {
            let entry: Entry = row.deserialize(Some(&header))?;
            tally.add(entry.user, &entry.message);
        }
        Ok(Answer::of(tally))
    })
}
