//! Readers that stop before the end.

use std::time::Duration;

use futures_util::FutureExt as _;
use highwater_core::{Readable, destination_fn};
use tokio::time::Instant;

use super::support::Temp;
use crate::{Query, rows};

/// Without an end.
const ENDLESS: &str =
    "WITH RECURSIVE c(i) AS (SELECT n FROM n UNION ALL SELECT i + 1 FROM c) SELECT i FROM c";

/// Whether nobody reads any more: a reader of a file without a log keeps others from committing.
fn is_free(temp: &Temp) -> bool {
    temp.connection().execute_batch("BEGIN EXCLUSIVE; COMMIT").is_ok()
}

/// C101: the pipeline ends when it has what it wants, and by then the database is free.
#[tokio::test]
async fn a_pipeline_that_stops_early_leaves_the_database_free() {
    let temp = Temp::numbers(1000);
    let endless = Query::new(ENDLESS);
    let by_key = Query::new("SELECT n FROM n").by_key(["n"]).unwrap().with_batch_size(5);
    for query in [endless, by_key] {
        assert!(is_free(&temp));
        let take = rows::<i64>(&temp.database(), query).take(20);
        let report = take.pipe_to(destination_fn(|_: i64| async { Ok(()) })).await.unwrap();
        assert_eq!(report.chunks_out(), 20);
        assert!(is_free(&temp));
    }
}

/// F106: a query that has not given a row yet ends with its reader.
#[tokio::test]
async fn a_query_under_way_is_interrupted() {
    let temp = Temp::numbers(1);
    // Counting up to the largest number would take years.
    let mut given =
        rows::<i64>(&temp.database(), Query::new(format!("SELECT count(*) FROM ({ENDLESS})")));
    assert!(given.next().now_or_never().is_none());
    while is_free(&temp) {
        tokio::task::yield_now().await;
    }
    drop(given);
    let start = Instant::now();
    while !is_free(&temp) {
        assert!(start.elapsed() < Duration::from_secs(60), "it goes on");
        tokio::task::yield_now().await;
    }
}

/// F106: dropped at any poll, and the next query is right.
#[tokio::test]
async fn dropped_at_any_poll_the_next_query_is_right() {
    let temp = Temp::numbers(300);
    for polls in 0..60 {
        let query = Query::new("SELECT n FROM n").with_batch_size(4).with_read_ahead(1);
        let query = if polls % 2 == 0 { query } else { query.by_key(["n"]).unwrap() };
        let mut given = rows::<i64>(&temp.database(), query.clone());
        for _ in 0..polls {
            drop(given.next().now_or_never());
            tokio::task::yield_now().await;
        }
        drop(given);
        let all = rows::<i64>(&temp.database(), query).to_vec().await.unwrap();
        assert_eq!(all, (0..300).collect::<Vec<_>>());
    }
}

/// A1: nothing is opened by making it.
#[tokio::test]
async fn nothing_happens_before_the_first_row_is_asked_for() {
    let temp = Temp::numbers(1);
    let held = temp.connection();
    held.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let given = rows::<i64>(&temp.database(), "SELECT n FROM n");
    let explained = given.pipe_to(destination_fn(|_: i64| async { Ok(()) })).explain().to_string();
    assert!(explained.contains("sql::rows"), "{explained}");
    held.execute_batch("COMMIT").unwrap();
    let empty: Readable<_> = rows::<i64>(&temp.database(), "SELECT n FROM n");
    drop(empty);
    assert!(is_free(&temp));
}
