//! Rows that a table of PostgreSQL does not take.

use highwater::Readable;
use highwater::record::{Failed, OnFailure};
use highwater::sql::{Row, Table, Value, table_writer};
use proptest::prelude::*;

use super::whole;
use crate::support::services::postgres;

const CREATE: &str = "CREATE TABLE t (a int8 PRIMARY KEY CHECK (a <> 13), b text NOT NULL)";

fn table() -> Table {
    Table::new("t", ["a", "b"]).unwrap()
}

/// F108: the index and the row are told, and the batch is not there; in one transaction, nothing is.
#[tokio::test]
async fn a_bad_row_fails_its_batch() {
    let Some(server) = postgres() else { return };
    let session = server.session().await;
    for one in [false, true] {
        session.run(&format!("DROP TABLE IF EXISTS t; {CREATE}")).await;
        let writer = table_writer(&server.database(), table());
        let writer = if one { writer.one_transaction() } else { writer };
        let given = Readable::from_iter(0..40_i64).map(|n| (n, "x")).chunks(10);
        let failed = given.pipe_to(writer).await.unwrap_err();
        let bad = failed.downcast_ref::<Failed<String>>().expect("a bad row");
        assert_eq!((bad.index(), bad.item().as_str()), (Some(13), r#"{"a":13,"b":"x"}"#));
        assert!(bad.error().to_string().contains("db error"), "{}", bad.error());
        assert!(whole(&failed).contains("violates check constraint"), "{}", whole(&failed));
        let there = if one { 0 } else { 10 };
        assert_eq!(session.numbers("SELECT count(*) FROM t").await, [there]);
    }
}

/// What the server refuses for its type is a bad row as well, and so is what cannot even be sent.
#[tokio::test]
async fn bad_rows_are_kept_elsewhere() {
    let Some(server) = postgres() else { return };
    let session = server.session().await;
    session.run(CREATE).await;
    let row = |a: Value, b: Value| Row::from_iter([("a", a), ("b", b)]);
    let given = [
        row(12.into(), "x".into()),
        row("twelve".into(), "x".into()),
        row(14.into(), Value::Null),
        row(15.into(), "a\0b".into()),
        Row::from_iter([("a", Value::from(16))]),
        row(12.into(), "twice".into()),
        row(17.into(), "y".into()),
    ];
    let writer = table_writer(&server.database(), table()).dead_letters("rejected").unwrap();
    let counts = writer.counts();
    Readable::once(given.to_vec()).pipe_to(writer).await.unwrap();
    assert_eq!((counts.written(), counts.skipped()), (2, 5));
    assert_eq!(session.numbers("SELECT a FROM t ORDER BY a").await, [12, 17]);
    let letters = session
        .text("SELECT table_name, row_index, row_json FROM rejected ORDER BY row_index")
        .await;
    let expected = [
        r#"t|1|{"a":"twelve","b":"x"}"#,
        r#"t|2|{"a":14,"b":null}"#,
        r#"t|3|{"a":15,"b":"a\u0000b"}"#,
        r#"t|4|{"a":16}"#,
        r#"t|5|{"a":12,"b":"twice"}"#,
    ];
    assert_eq!(letters, expected);
    let why = session.text("SELECT error FROM rejected ORDER BY row_index").await;
    let parts = [
        "invalid input syntax",
        "null value",
        "invalid byte sequence",
        "nothing for the column `b`",
        "duplicate key",
    ];
    assert!(why.iter().zip(parts).all(|(why, part)| why.contains(part)), "{why:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// F108: however the bad ones lie, all the others are written, and each bad one is counted once.
    #[test]
    fn only_bad_rows_are_left_out(
        given in proptest::collection::vec(0_i64..60, 0..120),
        size in 1_usize..50,
        one in any::<bool>(),
        upsert in any::<bool>(),
    ) {
        let Some(server) = postgres() else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let session = server.session().await;
            session.run(CREATE).await;
            let table = if upsert { table().upsert(["a"]).unwrap() } else { table() };
            let writer = table_writer(&server.database(), table).on_failure(OnFailure::Skip);
            let writer = if one { writer.one_transaction() } else { writer };
            let counts = writer.counts();
            // The server refuses 13, and 14 has a field that is no column, so it cannot even be sent.
            let mut good: Vec<i64> = given.iter().copied().filter(|n| ![13, 14].contains(n)).collect();
            let bad = given.len() - good.len();
            let taken = good.len();
            good.sort_unstable();
            good.dedup();
            let twice = if upsert { 0 } else { taken - good.len() };
            let total = given.len();
            let row = |n: i64| {
                let field = if n == 14 { "c" } else { "b" };
                Row::from_iter([("a", Value::from(n)), (field, Value::from("x"))])
            };
            Readable::from_iter(given).map(row).chunks(size).pipe_to(writer).await.unwrap();
            assert_eq!(session.numbers("SELECT a FROM t ORDER BY a").await, good);
            assert_eq!(counts.skipped(), (bad + twice) as u64);
            assert_eq!(counts.written(), (total - bad - twice) as u64);
        });
    }
}
