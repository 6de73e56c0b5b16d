//! Reading as it comes.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use highwater_core::Result;

use super::support::{Temp, error, whole};
use crate::{Database, FromRow, Query, RawRow, Row, ValueRef, row_batches, rows};

const ALL: &str = "SELECT n FROM n ORDER BY n";

#[tokio::test]
async fn all_rows_come_in_order() {
    for count in [0, 1, 15, 16, 17, 511, 512, 513, 5000] {
        let temp = Temp::numbers(count.max(1));
        let query = Query::new("SELECT n FROM n WHERE n < ?1 ORDER BY n").bind(count);
        let given = rows::<i64>(&temp.database(), query.clone()).to_vec().await.unwrap();
        assert_eq!(given, (0..count).collect::<Vec<_>>());
        let batches = row_batches::<i64>(&temp.database(), query).to_vec().await.unwrap();
        assert_eq!(batches.concat(), given);
        let sizes: Vec<usize> = batches.iter().map(Vec::len).collect();
        let (last, full) = sizes.split_last().unwrap_or((&0, &[]));
        assert!(full.iter().all(|size| *size == 512) && *last <= 512, "{sizes:?}");
    }
}

/// Large rows do not add up: a batch ends after 1 MiB.
#[tokio::test]
async fn batches_of_large_rows_are_small() {
    let temp = Temp::new("CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB)");
    let fill = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 40) INSERT INTO t SELECT i, zeroblob(100000) FROM c";
    temp.connection().execute_batch(fill).unwrap();
    let all = "SELECT id, b FROM t";
    for query in [Query::new(all), Query::new(all).by_key(["id"]).unwrap()] {
        let batches = row_batches::<Row>(&temp.database(), query).to_vec().await.unwrap();
        let sizes: Vec<usize> = batches.iter().map(Vec::len).collect();
        assert_eq!(sizes, [11, 11, 11, 7]);
    }
}

/// Whoever wants a few rows does not wait for many.
#[tokio::test]
async fn the_first_rows_do_not_wait_for_the_others() {
    let temp = Temp::new("");
    // Without an end: were all 512 of a batch waited for, nothing would come.
    let sparse = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT i FROM c WHERE i <= 20";
    let mut given = rows::<i64>(&temp.database(), sparse);
    for expected in 1..=16 {
        assert_eq!(given.next().await.unwrap().unwrap(), expected);
    }
}

/// Rows before an error come before it.
#[tokio::test]
async fn an_error_comes_behind_the_rows_before_it() {
    let temp = Temp::numbers(1000);
    let sql = "SELECT CASE n WHEN 700 THEN 'x' ELSE n END AS n FROM n ORDER BY n.n";
    let by_key = Query::new("SELECT n AS k, CASE n WHEN 700 THEN 'x' ELSE n END AS n FROM n")
        .by_key(["k"])
        .unwrap();
    let mut plain = rows::<i64>(&temp.database(), sql);
    for expected in 0..700 {
        assert_eq!(plain.next().await.unwrap().unwrap(), expected);
    }
    let failed = plain.next().await.unwrap().unwrap_err();
    assert!(whole(&failed).contains("row 700: column `n`"), "{}", whole(&failed));
    assert_eq!(failed.stage(), Some("sql::rows"));
    assert!(plain.next().await.is_none());

    let mut keyed = rows::<(i64, i64)>(&temp.database(), by_key);
    for expected in 0..700 {
        assert_eq!(keyed.next().await.unwrap().unwrap(), (expected, expected));
    }
    assert!(whole(&keyed.next().await.unwrap().unwrap_err()).contains("row 700"));
    assert!(keyed.next().await.is_none());
}

/// After a position the number of a row says little: it is counted from there.
#[tokio::test]
async fn an_unreadable_row_behind_a_position_is_named_by_its_key() {
    let temp = Temp::numbers(1000);
    let by_key = Query::new("SELECT n AS k, CASE n WHEN 700 THEN 'x' ELSE n END AS n FROM n")
        .by_key(["k"])
        .unwrap()
        .after(Some(690.into()));
    let failed = rows::<(i64, i64)>(&temp.database(), by_key).to_vec().await.unwrap_err();
    let said = whole(&failed);
    assert!(said.contains("row 9: column `n`") && said.contains("(key [700])"), "{said}");
}

/// B13: a panic in somebody's `FromRow` is an error, behind the rows before it.
#[tokio::test]
async fn a_panic_is_an_error() {
    #[derive(Debug)]
    struct Fussy;
    impl FromRow for Fussy {
        fn from_row(row: &RawRow<'_>) -> Result<Self> {
            assert!(row.get(0)? != ValueRef::Integer(20), "not this one");
            Ok(Self)
        }
    }
    let temp = Temp::numbers(100);
    for query in [Query::new(ALL), Query::new(ALL).by_key(["n"]).unwrap()] {
        let mut given = rows::<Fussy>(&temp.database(), query);
        for _ in 0..20 {
            given.next().await.unwrap().unwrap();
        }
        let failed = given.next().await.unwrap().unwrap_err();
        assert!(failed.is_panic() && failed.to_string().contains("not this one"), "{failed}");
        assert!(given.next().await.is_none());
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_an_error() {
    let temp = Temp::numbers(1);
    let fails = async |query: Query| {
        let mut given = rows::<i64>(&temp.database(), query);
        let failed = given.next().await.unwrap().unwrap_err();
        assert_eq!(failed.stage(), Some("sql::rows"));
        assert!(given.next().await.is_none());
        whole(&failed)
    };
    let nope = fails(Query::new("SELECT n FROM nope")).await;
    assert!(nope.contains("no such table: nope"), "{nope}");
    assert!(fails(Query::new("SELECT ?1")).await.contains("0 values are bound to 1 places"));
    assert!(fails(Query::new(ALL).bind(1)).await.contains("1 values are bound to 0 places"));
    let many = (0..40_000).fold(Query::new("SELECT ?40000"), Query::bind);
    assert!(
        fails(many).await.contains("variable number"),
        "F110: more values than there are places for"
    );
    // A name that is not there is no text, and nothing is changed by reading.
    assert!(fails(Query::new("SELECT \"nope\" FROM n")).await.contains("no such column"));
    let delete = fails(Query::new("DELETE FROM n RETURNING n")).await;
    assert!(delete.contains("readonly"), "{delete}");
    assert_eq!(temp.numbers_of(ALL), [0]);
}

#[tokio::test]
async fn a_database_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nope.db");
    let failed = error(rows::<i64>(&Database::sqlite(&path), ALL).to_vec().await);
    assert!(failed.to_string().contains("cannot open") && failed.to_string().contains("nope.db"));
    assert!(!path.exists());
    let memory = error(rows::<i64>(&Database::sqlite(":memory:"), ALL).to_vec().await);
    assert!(whole(&memory).contains("in memory"));
    for url in ["mysql://x", "users.db", ""] {
        error(Database::open(url));
    }
    let by_url = Database::open(&format!("sqlite:{}", path.display())).unwrap();
    by_url.execute("CREATE TABLE t (a)").await.unwrap();
    assert!(path.exists());
}

static READ: AtomicUsize = AtomicUsize::new(0);

struct Counted;

impl FromRow for Counted {
    fn from_row(_: &RawRow<'_>) -> Result<Self> {
        READ.fetch_add(1, SeqCst);
        Ok(Self)
    }
}

/// I11, A15: no more is read ahead than was said, by a thread and in bursts, however slow the reader is.
#[tokio::test]
async fn a_slow_reader_holds_the_database_back() {
    let temp = Temp::numbers(400);
    for query in [Query::new(ALL), Query::new(ALL).by_key(["n"]).unwrap()] {
        READ.store(0, SeqCst);
        let mut batches =
            row_batches::<Counted>(&temp.database(), query.with_batch_size(10).with_read_ahead(3));
        let mut given = 0;
        while let Some(batch) = batches.next().await {
            given += batch.unwrap().len();
            // The read-ahead fills, if there is so much left: bursts begin when half of it is gone.
            while READ.load(SeqCst) < (given + 20).min(400) {
                tokio::task::yield_now().await;
            }
            let ahead = READ.load(SeqCst) - given;
            assert!(ahead <= 50, "{ahead} rows are read ahead");
        }
        assert_eq!(given, 400);
    }
}

/// A11: a `next` that is dropped loses nothing.
#[tokio::test]
async fn a_next_that_is_dropped_loses_nothing() {
    let temp = Temp::numbers(3000);
    for query in [Query::new(ALL), Query::new(ALL).by_key(["n"]).unwrap()] {
        let mut given = rows::<i64>(&temp.database(), query.with_batch_size(7));
        let (mut all, mut dropped) = (Vec::new(), 0);
        loop {
            match futures_util::FutureExt::now_or_never(given.next()) {
                Some(Some(row)) => all.push(row.unwrap()),
                Some(None) => break,
                None => {
                    dropped += 1;
                    tokio::task::yield_now().await;
                }
            }
        }
        assert_eq!(all, (0..3000).collect::<Vec<_>>());
        assert!(dropped > 0, "nothing was ever waited for");
    }
}
