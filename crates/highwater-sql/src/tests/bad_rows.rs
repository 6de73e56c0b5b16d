//! Rows that a table does not take.

use highwater_core::Readable;
use highwater_core::record::{Failed, OnFailure};
use proptest::prelude::*;

use super::support::{Temp, error, whole};
use crate::{Table, TableWriter, table_writer};

type Pair = (i64, &'static str);

fn table() -> Table {
    Table::new("t", ["a", "b"]).unwrap()
}

fn temp() -> Temp {
    Temp::new("CREATE TABLE t (a INTEGER PRIMARY KEY CHECK (a <> 13), b TEXT NOT NULL)")
}

fn writer(temp: &Temp) -> TableWriter<Pair> {
    table_writer(&temp.database(), table())
}

const ALL: &str = "SELECT a FROM t ORDER BY a";

/// F108: the index and the row are told, and the batch is not there.
#[tokio::test]
async fn a_bad_row_fails_its_batch() {
    let temp = temp();
    let failed =
        Readable::from_iter(0..40).map(|n| (n, "x")).chunks(10).pipe_to(writer(&temp)).await;
    let failed = error(failed);
    let bad = failed.downcast_ref::<Failed<String>>().unwrap();
    assert_eq!((bad.index(), bad.item().as_str()), (Some(13), r#"{"a":13,"b":"x"}"#));
    assert!(bad.error().to_string().contains("CHECK constraint failed"));
    assert_eq!(failed.chunk(), Some(1));
    let said = whole(&failed);
    assert!(
        said.starts_with(
            "row 13 cannot be written: {\"a\":13,\"b\":\"x\"} (in table_writer, chunk 1): CHECK"
        ),
        "{said}"
    );
    assert_eq!(temp.numbers_of(ALL), (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn bad_rows_are_left_out_and_counted() {
    let temp = temp();
    let writer = writer(&temp).on_failure(OnFailure::Skip);
    let counts = writer.counts();
    let given = (0..100).chain([5, 200]).map(|n| (n, "x"));
    Readable::from_iter(given).chunks(30).pipe_to(writer).await.unwrap();
    let there: Vec<i64> = (0..100).filter(|n| *n != 13).chain([200]).collect();
    assert_eq!(temp.numbers_of(ALL), there);
    assert_eq!((counts.written(), counts.skipped(), counts.batches()), (100, 2, 4));
}

/// F108: a handler gets the row and its index, and its error is the end.
#[tokio::test]
async fn a_handler_gets_bad_rows_and_decides() {
    let temp = temp();
    let (letters, dead) = std::sync::mpsc::channel();
    let policy = OnFailure::handle(move |failed| Ok(letters.send(failed)?));
    let writer_with = writer(&temp).on_failure(policy);
    Readable::once(vec![(12, "x"), (13, "y"), (12, "z")]).pipe_to(writer_with).await.unwrap();
    assert_eq!(temp.numbers_of(ALL), [12]);
    let told: Vec<_> = dead.iter().map(|bad| (bad.index(), bad.into_parts().0)).collect();
    let rows = [r#"{"a":13,"b":"y"}"#, r#"{"a":12,"b":"z"}"#].map(str::to_owned);
    assert!(told.into_iter().eq([Some(1), Some(2)].into_iter().zip(rows)));

    let refuse = OnFailure::handle(|failed| Err(failed.into_parts().1.context("enough")));
    let failed = error(
        Readable::once(vec![(1, "x"), (13, "y")]).pipe_to(writer(&temp).on_failure(refuse)).await,
    );
    assert!(failed.to_string().starts_with("enough"), "{failed}");
    assert_eq!(temp.numbers_of(ALL), [12]);
}

#[tokio::test]
async fn bad_rows_are_kept_elsewhere() {
    let temp = temp();
    let writer = writer(&temp).dead_letters("rejected").unwrap();
    let counts = writer.counts();
    let given = [(12, "x"), (13, "unlucky\n\"one\""), (14, "x"), (12, "twice")];
    Readable::from_iter(given).chunks(2).pipe_to(writer).await.unwrap();
    assert_eq!(temp.numbers_of(ALL), [12, 14]);
    assert_eq!((counts.written(), counts.skipped()), (2, 2));
    let connection = temp.connection();
    let mut statement = connection.prepare("SELECT * FROM rejected ORDER BY row_index").unwrap();
    type Letter = (String, i64, String, String);
    let letters = statement.query_map([], |row| row.try_into()).unwrap();
    let letters: Vec<Letter> = letters.map(Result::unwrap).collect();
    let [(table, first, row, why), (_, second, _, unique)] = letters.try_into().unwrap();
    assert_eq!((table.as_str(), first, second), ("t", 1, 3));
    assert_eq!(row, r#"{"a":13,"b":"unlucky\n\"one\""}"#);
    assert!(why.contains("CHECK") && unique.contains("UNIQUE"), "{why}, {unique}");
}

/// In the same transaction: what is taken back is not kept elsewhere either.
#[tokio::test]
async fn dead_letters_are_part_of_the_transaction() {
    let temp = temp();
    let writer = writer(&temp).dead_letters("rejected").unwrap().one_transaction();
    let failing = futures_util::stream::iter([
        Ok(vec![(13, "x"), (14, "x")]),
        Err(highwater_core::Error::msg("unplugged")),
    ]);
    error(Readable::from_results(failing).pipe_to(writer).await);
    assert_eq!(temp.numbers_of(ALL), [0; 0]);
    assert_eq!(temp.numbers_of("SELECT row_index FROM rejected"), [0; 0]);
}

/// Where the failure ends the transaction, no row can be left out of it.
#[tokio::test]
async fn a_failure_that_ends_the_transaction_is_not_that_of_a_row() {
    let temp = temp();
    let trigger = "CREATE TRIGGER strict BEFORE INSERT ON t WHEN new.a = 25 BEGIN SELECT RAISE(ROLLBACK, 'no 25'); END";
    temp.connection().execute_batch(trigger).unwrap();
    let failed = Readable::from_iter(0..40)
        .map(|n| (n, "x"))
        .chunks(10)
        .pipe_to(writer(&temp).on_failure(OnFailure::Skip))
        .await;
    let failed = error(failed);
    assert!(
        whole(&failed).contains("no 25") && failed.downcast_ref::<Failed<String>>().is_none(),
        "{failed}"
    );
    let there: Vec<i64> = (0..20).filter(|n| *n != 13).collect();
    assert_eq!(temp.numbers_of(ALL), there);
}

/// A long row is not all of the message; the whole of it is at hand.
#[tokio::test]
async fn a_long_row_is_cut_in_the_message() {
    let temp = temp();
    let long: &'static str = Box::leak("ü".repeat(1000).into_boxed_str());
    let failed = error(Readable::once(vec![(13, long)]).pipe_to(writer(&temp)).await);
    assert!(failed.to_string().chars().count() < 300);
    assert_eq!(failed.downcast_ref::<Failed<String>>().unwrap().item().chars().count(), 1015);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// F108: however the bad ones lie, all the others are written, and each bad one is counted once.
    #[test]
    fn only_bad_rows_are_left_out(
        given in proptest::collection::vec(0_i64..60, 0..120), size in 1_usize..50
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let temp = temp();
            let writer = writer(&temp).on_failure(OnFailure::Skip);
            let counts = writer.counts();
            let (total, mut good) = (given.len() as u64, given.clone());
            good.retain(|n| *n != 13);
            good.sort_unstable();
            good.dedup();
            Readable::from_iter(given).map(|n| (n, "x")).chunks(size).pipe_to(writer).await.unwrap();
            assert_eq!(temp.numbers_of(ALL), good);
            assert_eq!(counts.written(), good.len() as u64);
            assert_eq!(counts.skipped(), total - good.len() as u64);
        });
    }
}
