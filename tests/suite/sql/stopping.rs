//! Readers of PostgreSQL that stop before the end.

use std::time::Duration;

use futures::FutureExt as _;
use highwater::destination_fn;
use highwater::sql::{Database, Query, rows};
use tokio::time::{Instant, timeout};

use super::{first_text, whole};
use crate::support::services::postgres;

/// 100 million rows, made as they are asked for: to read them all would take minutes.
const LONG: &str = "SELECT generate_series(1, 100000000) AS n";
/// Much shorter than that.
const SOON: Duration = Duration::from_secs(30);

/// C101: with a pool of one, the connection is there for the next query, and that one is right.
#[tokio::test]
async fn an_early_stop_leaves_a_pool_of_one_usable() {
    let Some(server) = postgres() else { return };
    let pool = server.pool(1);
    let database = Database::postgres(pool.clone());
    for rows_taken in [0, 1, 16, 600, 5000] {
        let all = rows::<i64>(&database, LONG).take(rows_taken);
        let report = all.pipe_to(destination_fn(|_: i64| async { Ok(()) })).await.unwrap();
        assert_eq!(report.chunks_out(), rows_taken as u64);
        let next = timeout(SOON, rows::<i64>(&database, "SELECT 42").to_vec()).await;
        assert_eq!(next.expect("the rest is being read").unwrap(), [42]);
        let one = timeout(SOON, pool.get()).await.expect("the connection is held").unwrap();
        assert_eq!(one.query_one("SELECT 43", &[]).await.unwrap().get::<_, i32>(0), 43);
    }
}

/// C101, F106: so does one that is dropped at any poll, and one whose query has not given anything yet.
#[tokio::test]
async fn dropped_at_any_poll_the_next_query_is_right() {
    let Some(server) = postgres() else { return };
    let database = Database::postgres(server.pool(1));
    for polls in 0..25 {
        let query = Query::new(LONG).with_batch_size(4);
        let by_key =
            Query::new("SELECT n FROM generate_series(1, 100) AS n").by_key(["n"]).unwrap();
        let query = if polls % 2 == 0 { query } else { by_key.with_batch_size(4) };
        let mut given = rows::<i64>(&database, query);
        for _ in 0..polls {
            drop(given.next().now_or_never());
            tokio::task::yield_now().await;
        }
        drop(given);
        let next = timeout(SOON, rows::<i64>(&database, "SELECT 42").to_vec()).await;
        assert_eq!(next.expect("the connection is held").unwrap(), [42]);
    }
}

/// F106: a query that has not given anything yet is not waited for either, and the server gives it up.
#[tokio::test]
async fn a_query_under_way_is_given_up() {
    let Some(server) = postgres() else { return };
    let database = Database::postgres(server.pool(1));
    let watch = server.session().await;
    let sleeping = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{}' AND wait_event = 'PgSleep'",
        server.schema()
    );
    let mut slow = rows::<i64>(&database, "SELECT 1 FROM pg_sleep(600)");
    while watch.numbers(&sleeping).await == [0] {
        assert!(slow.next().now_or_never().is_none());
    }
    drop(slow);
    let next = timeout(SOON, rows::<i64>(&database, "SELECT 42").to_vec()).await;
    assert_eq!(next.expect("it is waited for").unwrap(), [42]);
    let checks = "SELECT (current_setting('client_connection_check_interval', true) IS NOT NULL AND version() LIKE '%linux%')::int";
    let start = Instant::now();
    while watch.numbers(checks).await == [1] && watch.numbers(&sleeping).await != [0] {
        assert!(start.elapsed() < SOON, "the server goes on");
    }
}

/// A connection that was read to the end goes back, and one that was not is closed, here and on the server.
#[tokio::test]
async fn connections_go_back_or_are_closed() {
    let Some(server) = postgres() else { return };
    let pool = server.pool(1);
    let database = Database::postgres(pool.clone());
    let pid = "SELECT pg_backend_pid()";
    let first = rows::<i64>(&database, pid).to_vec().await.unwrap();
    rows::<i64>(
        &database,
        Query::new("SELECT n FROM generate_series(1, 2000) AS n").by_key(["n"]).unwrap(),
    )
    .to_vec()
    .await
    .unwrap();
    assert_eq!(rows::<i64>(&database, pid).to_vec().await.unwrap(), first);
    // It is in no transaction: there this would be the time of its begin.
    let one = pool.get().await.unwrap();
    assert_eq!(first_text(&one, "SELECT now() = statement_timestamp()").await, "t");
    drop(one);

    let mut stopped = rows::<i64>(&database, LONG);
    stopped.next().await.unwrap().unwrap();
    drop(stopped);
    assert_ne!(rows::<i64>(&database, pid).to_vec().await.unwrap(), first);
    let watch = server.session().await;
    let left = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {}", first[0]);
    let start = Instant::now();
    while watch.numbers(&left).await != [0] {
        assert!(start.elapsed() < SOON, "the server goes on");
    }
}

/// A pool that is too small for what is to be done is an error, and not a wait without an end.
#[tokio::test]
async fn a_pool_that_is_too_small_is_an_error() {
    let Some(server) = postgres() else { return };
    let database = Database::postgres(server.pool(1)).with_wait_timeout(Duration::from_millis(50));
    let mut first = rows::<i64>(&database, LONG);
    first.next().await.unwrap().unwrap();
    let error = rows::<i64>(&database, "SELECT 1").to_vec().await.unwrap_err();
    assert!(error.is_timeout() && whole(&error).contains("the pool has 1"), "{}", whole(&error));
    // Between the pages of a query by key, the connection is free.
    drop(first);
    let pages = Query::new("SELECT n FROM generate_series(1, 100) AS n")
        .by_key(["n"])
        .unwrap()
        .with_batch_size(10);
    let mut by_key = rows::<i64>(&database, pages);
    by_key.next().await.unwrap().unwrap();
    assert_eq!(rows::<i64>(&database, "SELECT 1").to_vec().await.unwrap(), [1]);
    assert_eq!(by_key.to_vec().await.unwrap().len(), 99);
}
