//! Writing, and what is there when something goes wrong.

use std::future::poll_fn;
use std::task::Poll;

use futures_util::FutureExt as _;
use futures_util::stream;
use highwater_core::{Destination as _, Error, Readable};
use highwater_test::{Moment, conformance_destination};
use proptest::prelude::*;

use super::support::{Temp, error, numbers, whole};
use crate::{Database, Table, row_batches, rows, table_writer};

const ALL: &str = "SELECT n FROM n ORDER BY n";

fn batches(sizes: &[usize]) -> Vec<Vec<(i64,)>> {
    let mut next = 0..;
    sizes.iter().map(|size| next.by_ref().take(*size).map(|n| (n,)).collect()).collect()
}

fn empty() -> Temp {
    Temp::new("CREATE TABLE n (n INTEGER PRIMARY KEY)")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// However rows are cut into batches, and whatever a transaction is, the same rows are there.
    #[test]
    fn rows_are_there_once_and_in_order(sizes in proptest::collection::vec(0_usize..40, 0..12), one in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let temp = empty();
            let writer = table_writer::<(i64,)>(&temp.database(), numbers());
            let writer = if one { writer.one_transaction() } else { writer };
            let counts = writer.counts();
            let report = Readable::from_iter(batches(&sizes)).pipe_to(writer).await.unwrap();
            let total: usize = sizes.iter().sum();
            assert_eq!(temp.numbers_of(ALL), (0..i64::try_from(total).unwrap()).collect::<Vec<_>>());
            assert_eq!((counts.written(), counts.skipped()), (total as u64, 0));
            assert_eq!(counts.batches(), sizes.iter().filter(|size| **size > 0).count() as u64);
            assert_eq!(report.weight_out(), total as u64);
        });
    }
}

/// Everything that a pipeline may do to a destination.
#[test]
fn it_keeps_to_the_protocol_of_destinations() {
    type Pair = (i64, i64);
    let sizes = [3, 1, 40, 16];
    let batches = (0..).zip(sizes).map(|(batch, size)| (0..size).map(|n| (batch, n)).collect());
    let batches: Vec<Vec<Pair>> = batches.collect();
    for one in [false, true] {
        let make = || {
            let temp = Temp::new("CREATE TABLE t (batch INTEGER, n INTEGER)");
            let table = Table::new("t", ["batch", "n"]).unwrap();
            let writer = table_writer::<Pair>(&temp.database(), table);
            (if one { writer.one_transaction() } else { writer }, temp)
        };
        let arrived = |temp: &mut Temp, moment: Moment| {
            let rows = temp.pairs_of("SELECT batch, n FROM t ORDER BY batch, n");
            let batches: Vec<Vec<Pair>> =
                rows.chunk_by(|a, b| a.0 == b.0).map(<[Pair]>::to_vec).collect();
            match moment {
                Moment::Flushed if one => {
                    assert!(batches.is_empty(), "nothing is there before the commit");
                    None
                }
                _ => Some(batches),
            }
        };
        conformance_destination(make, batches.clone(), arrived);
    }
}

/// F110: as many columns as there can be: an insert has no more values than there are places for.
#[tokio::test]
async fn wide_tables_are_written() {
    for width in [1, 1999, 2000] {
        let names: Vec<String> = (0..width).map(|n| format!("c{n}")).collect();
        let temp = Temp::new(&format!("CREATE TABLE t ({})", names.join(",")));
        let writer = table_writer(&temp.database(), Table::new("t", &names).unwrap());
        let rows = (0..40).map(|row| vec![row; width]).collect::<Vec<_>>();
        Readable::once(rows).pipe_to(writer).await.unwrap();
        let last = width - 1;
        let sum = temp.numbers_of(&format!("SELECT sum(c{last}) FROM t"));
        assert_eq!(sum, [780]);
    }
}

#[tokio::test]
async fn a_table_is_copied_as_it_is() {
    let from = Temp::new(
        "CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'x'), (2.5, NULL), (x'00ff', ''), ('ä\u{1f600}', -9223372036854775808)",
    );
    let to = Temp::new("CREATE TABLE t (a, b)");
    let table = Table::new("t", ["a", "b"]).unwrap();
    let given = row_batches::<crate::Row>(&from.database(), &table);
    given.pipe_to(table_writer(&to.database(), table)).await.unwrap();
    assert_eq!(to.dump("t"), from.dump("t"));
    assert_eq!(to.dump("t").len(), 4);
}

#[tokio::test]
async fn an_upsert_replaces_rows_and_the_last_one_counts() {
    let temp = Temp::new(
        "CREATE TABLE t (k INTEGER, l TEXT, v TEXT, kept TEXT DEFAULT 'kept', UNIQUE (k, l))",
    );
    temp.connection().execute_batch("INSERT INTO t VALUES (1, 'a', 'old', 'mine')").unwrap();
    let table = || Table::new("t", ["k", "l", "v"]).unwrap();
    let write = async |table: Table, rows: Vec<(i64, Option<&'static str>, String)>| {
        Readable::once(rows).pipe_to(table_writer(&temp.database(), table)).await
    };
    // Enough for inserts of many rows, all with one key.
    let many = (0..50).map(|n| (1, Some("a"), format!("v{n}"))).collect();
    write(table().upsert(["k", "l"]).unwrap(), many).await.unwrap();
    let nulls = vec![(2, None, "x".to_owned()), (2, None, "y".to_owned())];
    write(table().upsert(["k", "l"]).unwrap(), nulls).await.unwrap();
    let there = temp.dump("t");
    assert_eq!(there.len(), 3, "{there:?}");
    assert!(
        there
            .iter()
            .any(|row| row.contains("Text([118, 52, 57])") && row.contains("109, 105, 110, 101")),
        "{there:?}"
    );
    // Without a key to replace it by, such a row is a bad one.
    let again = vec![(1, Some("a"), "again".to_owned())];
    assert!(whole(&error(write(table(), again).await)).contains("UNIQUE constraint failed"));
    // With nothing but the key there is nothing to set.
    let keys = Table::new("t", ["k", "l"]).unwrap().upsert(["l", "k"]).unwrap();
    let same = Readable::once(vec![(1, "a"), (1, "a"), (7, "b")]);
    same.pipe_to(table_writer(&temp.database(), keys)).await.unwrap();
    assert_eq!(temp.dump("t").len(), 4);
}

/// A1: what is not there is found before anything is read.
#[tokio::test]
async fn nothing_is_read_if_the_table_is_not_as_it_should_be() {
    let temp = Temp::new("CREATE TABLE t (a, b)");
    let unread = || {
        Readable::from_stream(stream::poll_fn(|_| -> Poll<Option<Vec<(i64,)>>> {
            panic!("it is read")
        }))
    };
    let fails = async |database: &Database, table: Table| {
        let failed = error(unread().pipe_to(table_writer(database, table)).await);
        assert_eq!(failed.stage(), Some("table_writer"));
        whole(&failed)
    };
    let table = |name, column| Table::new(name, [column]).unwrap();
    let said = fails(&temp.database(), table("nope", "a")).await;
    assert!(
        said.starts_with("cannot write to `nope` (in table_writer): no such table: nope"),
        "{said}"
    );
    assert!(fails(&temp.database(), table("t", "nope")).await.contains("no column named nope"));
    let keyless = table("t", "a").upsert(["a"]).unwrap();
    assert!(fails(&temp.database(), keyless).await.contains("ON CONFLICT"));
    let folder = tempfile::tempdir().unwrap();
    let nowhere = Database::sqlite(folder.path().join("nope.db"));
    assert!(fails(&nowhere, table("t", "a")).await.contains("cannot open"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Each batch is in the table as a whole, or not at all.
#[tokio::test]
async fn a_transaction_per_batch() {
    let temp = empty();
    let failing =
        stream::iter(batches(&[10, 20]).into_iter().map(Ok).chain([Err(Error::msg("unplugged"))]));
    let failed =
        Readable::from_results(failing).pipe_to(table_writer(&temp.database(), numbers())).await;
    assert!(error(failed).to_string().contains("unplugged"));
    // What was read before the error has been written.
    assert_eq!(temp.numbers_of(ALL).len(), 30);
}

/// All is there in the end, or nothing.
#[tokio::test]
async fn one_transaction_for_all() {
    let temp = empty();
    let writer = || table_writer::<(i64,)>(&temp.database(), numbers()).one_transaction();
    let failing =
        stream::iter(batches(&[10, 20]).into_iter().map(Ok).chain([Err(Error::msg("unplugged"))]));
    let (aborted, counts) = (writer(), writer().counts());
    error(Readable::from_results(failing).pipe_to(aborted).await);
    assert_eq!(temp.numbers_of(ALL), [0; 0]);
    assert_eq!(counts.written(), 0);

    let mut dropped = writer();
    dropped.open().await.unwrap();
    for batch in batches(&[10, 20]) {
        dropped.write(batch).await.unwrap();
    }
    dropped.flush().await.unwrap();
    dropped.flush().await.unwrap();
    assert_eq!((temp.numbers_of(ALL), dropped.counts().written()), (vec![], 0));
    drop(dropped);
    // It is taken back off the runtime.
    while temp.connection().execute_batch("BEGIN IMMEDIATE; COMMIT").is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(temp.numbers_of(ALL), [0; 0]);

    let mut finished = writer();
    finished.open().await.unwrap();
    for batch in batches(&[10, 20]) {
        finished.write(batch).await.unwrap();
    }
    finished.finish().await.unwrap();
    assert_eq!((temp.numbers_of(ALL).len(), finished.counts().written()), (30, 30));
}

#[tokio::test]
async fn several_pipelines_into_one_writer() {
    let temp = empty();
    let mut writer = table_writer::<(i64,)>(&temp.database(), numbers()).one_transaction();
    let [first, second] = batches(&[10, 20]).try_into().unwrap();
    Readable::once(first).pipe_to(&mut writer).keep_open().run().await.unwrap();
    assert_eq!(temp.numbers_of(ALL), [0; 0]);
    Readable::once(second).pipe_to(&mut writer).run().await.unwrap();
    assert_eq!(temp.numbers_of(ALL).len(), 30);
    let late = error(writer.write(vec![(99,)]).await);
    assert!(late.is_write_after_end() && late.stage() == Some("table_writer"));
    assert!(error(writer.open().await).is_write_after_end());
    writer.abort(&Error::aborted()).await.unwrap();
    let mut unopened = table_writer::<(i64,)>(&temp.database(), numbers());
    assert!(error(unopened.write(vec![(1,)]).await).to_string().contains("write before open"));
}

/// The error of a batch is told by the next call, and names the batch it is of.
#[tokio::test]
async fn an_error_names_the_batch_it_is_of() {
    let temp = empty();
    let mut writer = table_writer::<(i64,)>(&temp.database(), numbers());
    writer.open().await.unwrap();
    writer.write(vec![(1,)]).await.unwrap();
    writer.write(vec![(2,), (1,)]).await.unwrap();
    let failed = error(writer.write(vec![(3,)]).await);
    assert_eq!((failed.stage(), failed.chunk()), (Some("table_writer"), Some(1)));
    writer.abort(&failed).await.unwrap();
    assert_eq!(temp.numbers_of(ALL), [1]);
    assert_eq!(writer.counts().batches(), 1);
}

/// A `write` that is dropped has taken its batch all the same, once.
#[tokio::test]
async fn a_write_that_is_dropped_is_not_lost_and_not_doubled() {
    for polls in 0..4 {
        let temp = empty();
        let mut writer = table_writer::<(i64,)>(&temp.database(), numbers());
        writer.open().await.unwrap();
        writer.write(vec![(1,)]).await.unwrap();
        {
            let mut write = std::pin::pin!(writer.write(vec![(2,)]));
            for _ in 0..polls {
                let done = poll_fn(|cx| Poll::Ready(write.as_mut().poll(cx).is_ready())).await;
                if done {
                    break;
                }
            }
        }
        writer.write(vec![(3,)]).await.unwrap();
        writer.finish().await.unwrap();
        let there = temp.numbers_of(ALL);
        // A future that was never polled has taken nothing.
        let expected: &[i64] = if polls == 0 { &[1, 3] } else { &[1, 2, 3] };
        assert_eq!(there, expected, "after {polls} polls");
    }
}

/// An idle source only starts to send what is held; a flush waits until it has arrived.
#[tokio::test]
async fn a_flush_waits_for_what_an_idle_source_only_sends() {
    let temp = empty();
    let mut writer = table_writer::<(i64,)>(&temp.database(), numbers());
    writer.open().await.unwrap();
    writer.write(vec![(1,)]).await.unwrap();
    assert!(writer.on_idle().now_or_never().is_some());
    writer.flush().await.unwrap();
    assert_eq!((temp.numbers_of(ALL), writer.counts().written()), (vec![1], 1));
}

/// From a database into itself, with a log: reading and writing do not get into each other's way.
#[tokio::test]
async fn a_database_is_read_and_written_at_once() {
    let temp = Temp::numbers(5000);
    temp.connection()
        .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE copy (n INTEGER)")
        .unwrap();
    let copy = Table::new("copy", ["n"]).unwrap();
    let given = rows::<(i64,)>(&temp.database(), "SELECT n FROM n").chunks(100);
    given.pipe_to(table_writer(&temp.database(), copy)).await.unwrap();
    assert_eq!(temp.numbers_of("SELECT n FROM copy ORDER BY n"), temp.numbers_of(ALL));
}
