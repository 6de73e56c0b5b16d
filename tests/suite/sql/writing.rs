//! Writing PostgreSQL.

use std::task::Poll;

use futures::{FutureExt as _, stream};
use highwater::sql::{Database, Row, Table, Value, rows, table_writer};
use highwater::{Destination as _, Error, Readable};
use highwater_test::{Moment, conformance_destination};

use super::{first_text, whole};
use crate::support::services::{aside, postgres};

type Pair = (i64, i64);

fn table() -> Table {
    Table::new("t", ["batch", "n"]).unwrap()
}

/// Everything that a pipeline may do to a destination.
#[test]
fn it_keeps_to_the_protocol_of_destinations() {
    let Some(server) = postgres() else { return };
    let server = &server;
    let sizes = [3, 1, 40, 16];
    let batches = (0..).zip(sizes).map(|(batch, size)| (0..size).map(|n| (batch, n)).collect());
    let batches: Vec<Vec<Pair>> = batches.collect();
    for (one, upsert) in [(false, false), (true, false), (true, true)] {
        let make = || {
            // Whoever was dropped in the middle is waited for.
            let create =
                "DROP TABLE IF EXISTS t; CREATE TABLE t (batch int8, n int8, UNIQUE (batch, n))";
            aside(async { server.session().await.run(create).await });
            let table = if upsert { table().upsert(["n", "batch"]).unwrap() } else { table() };
            let writer = table_writer::<Pair>(&server.database(), table);
            (if one { writer.one_transaction() } else { writer }, ())
        };
        let arrived = |_: &mut (), moment: Moment| {
            let rows = aside(async {
                let session = server.session().await;
                session.text("SELECT batch, n FROM t ORDER BY batch, n").await
            });
            let numbers = |row: &String| {
                row.split_once('|').map(|(a, b)| (a.parse().unwrap(), b.parse().unwrap()))
            };
            let rows: Vec<Pair> = rows.iter().filter_map(numbers).collect();
            let batches: Vec<Vec<Pair>> =
                rows.chunk_by(|a, b| a.0 == b.0).map(<[Pair]>::to_vec).collect();
            if one && moment == Moment::Flushed {
                assert!(batches.is_empty(), "nothing is there before the commit");
                return None;
            }
            Some(batches)
        };
        conformance_destination(make, batches.clone(), arrived);
    }
}

/// Rows of many copies, and what is left of it: nothing.
#[tokio::test]
async fn many_rows_in_one_transaction() {
    let Some(server) = postgres() else { return };
    let session = server.session().await;
    session.run("CREATE TABLE t (batch int8, n int8 PRIMARY KEY, filler text)").await;
    let pool = server.pool(1);
    let table = || Table::new("t", ["n", "batch", "filler"]).unwrap();
    for table in [table(), table().upsert(["n"]).unwrap()] {
        let writer = table_writer(&Database::postgres(pool.clone()), table).one_transaction();
        let counts = writer.counts();
        // More than 3 MiB.
        let given = Readable::from_iter(0..20_000_i64).map(|n| (n, n / 500, "x".repeat(150)));
        given.chunks(500).pipe_to(writer).await.unwrap();
        assert_eq!((counts.written(), counts.batches()), (20_000, 40));
        let sums = session.text("SELECT count(*), sum(n), count(DISTINCT batch) FROM t").await;
        assert_eq!(sums, ["20000|199990000|40"]);
        // The connection is as it was: in no transaction, and without the temporary table.
        let one = pool.get().await.unwrap();
        let clean = "SELECT now() = statement_timestamp() AND to_regclass('pg_temp.highwater_staging') IS NULL";
        assert_eq!(first_text(&one, clean).await, "t");
    }
}

#[tokio::test]
async fn one_transaction_for_all() {
    let Some(server) = postgres() else { return };
    let session = server.session().await;
    session.run("CREATE TABLE t (batch int8, n int8)").await;
    let pool = server.pool(1);
    let writer =
        || table_writer::<Pair>(&Database::postgres(pool.clone()), table()).one_transaction();
    let batch = |n: i64| (0..10).map(|i| (n, i)).collect::<Vec<_>>();
    let count = "SELECT count(*) FROM t";

    let failing = stream::iter([Ok(batch(0)), Ok(batch(1)), Err(Error::msg("unplugged"))]);
    Readable::from_results(failing).pipe_to(writer()).await.unwrap_err();
    assert_eq!(session.numbers(count).await, [0]);

    let mut dropped = writer();
    dropped.open().await.unwrap();
    dropped.write(batch(0)).await.unwrap();
    dropped.flush().await.unwrap();
    dropped.flush().await.unwrap();
    assert_eq!(session.numbers(count).await, [0]);
    drop(dropped);

    // The same connection, or a new one: nothing of the others is on it.
    let mut finished = writer();
    finished.open().await.unwrap();
    finished.write(batch(0)).await.unwrap();
    finished.write(batch(1)).await.unwrap();
    finished.finish().await.unwrap();
    assert_eq!((session.numbers(count).await, finished.counts().written()), (vec![20], 20));
}

#[tokio::test]
async fn an_upsert_replaces_rows_and_the_last_one_counts() {
    let Some(server) = postgres() else { return };
    let session = server.session().await;
    session
        .run("CREATE TABLE t (k int, l text, v json, kept text DEFAULT 'kept', UNIQUE (k, l))")
        .await;
    session.run("INSERT INTO t VALUES (1, 'a', '\"old\"', 'mine')").await;
    let table = || Table::new("t", ["k", "l", "v"]).unwrap().upsert(["k", "l"]).unwrap();
    let write = async |table: Table, rows: Vec<(i64, Option<&'static str>, String)>, one: bool| {
        let writer = table_writer(&server.database(), table);
        let writer = if one { writer.one_transaction() } else { writer };
        Readable::from_iter(rows).chunks(20).pipe_to(writer).await
    };
    for one in [false, true] {
        let many = (0..50).map(|n| (1, Some("a"), format!("{n}"))).collect();
        write(table(), many, one).await.unwrap();
        write(table(), vec![(2, None, "1".to_owned()), (2, None, "2".to_owned())], one)
            .await
            .unwrap();
    }
    let there = session.text("SELECT k, l, v, kept FROM t ORDER BY k, v::text").await;
    assert_eq!(there, ["1|a|49|mine", "2|-|1|kept", "2|-|1|kept", "2|-|2|kept", "2|-|2|kept"]);
    let keys = Table::new("t", ["k", "l"]).unwrap().upsert(["l", "k"]).unwrap();
    let same = Readable::once(vec![(1, "a"), (1, "a"), (7, "b")]);
    same.pipe_to(table_writer(&server.database(), keys)).await.unwrap();
    assert_eq!(session.numbers("SELECT count(*) FROM t").await, [6]);
}

/// A1: what is not there is found before anything is read.
#[tokio::test]
async fn nothing_is_read_if_the_table_is_not_as_it_should_be() {
    let Some(server) = postgres() else { return };
    server.session().await.run("CREATE TABLE t (a int, b int)").await;
    let unread = || {
        Readable::from_stream(stream::poll_fn(|_| -> Poll<Option<Vec<(i64,)>>> {
            panic!("it is read")
        }))
    };
    let fails = async |table: Table| {
        let failed = unread().pipe_to(table_writer(&server.database(), table)).await.unwrap_err();
        assert_eq!(failed.stage(), Some("table_writer"));
        whole(&failed)
    };
    let table = |name, column| Table::new(name, [column]).unwrap();
    assert!(fails(table("nope", "a")).await.contains("relation \"nope\" does not exist"));
    assert!(fails(table("t", "nope")).await.contains("column t.nope does not exist"));
    assert!(fails(table("t", "a").upsert(["a"]).unwrap()).await.contains("ON CONFLICT"));
    let elsewhere = table(&format!("{}.t", server.schema()), "a");
    let written =
        Readable::once(vec![(5,)]).pipe_to(table_writer(&server.database(), elsewhere)).await;
    assert_eq!(written.unwrap().weight_out(), 1);
}

/// F110: whatever is in a text, it comes back as it was, or is refused.
#[tokio::test]
async fn texts_are_only_texts() {
    let Some(server) = postgres() else { return };
    let session = server.session().await;
    session.run("CREATE TABLE t (n int8, v text)").await;
    let texts = [
        "'; DROP TABLE t; --",
        "\\.",
        "\\N",
        "\\",
        "a\tb",
        "a\nb",
        "a\r\nb",
        "\"",
        "'",
        "",
        " ",
        "\u{1}\u{7f}",
        "ä\u{1f600}",
        "\\x00",
        "a\\",
        "\\\\.\n",
        "END\n\\.\n",
    ];
    let given =
        texts.iter().zip(0_i64..).map(|(text, n)| (n, (*text).to_owned())).collect::<Vec<_>>();
    let table = Table::new("t", ["n", "v"]).unwrap();
    Readable::once(given.clone())
        .pipe_to(table_writer(&server.database(), table.clone()))
        .await
        .unwrap();
    let there = rows::<(i64, String)>(&server.database(), "SELECT n, v FROM t ORDER BY n")
        .to_vec()
        .await
        .unwrap();
    assert_eq!(there, given);
    let nul = Row::from_iter([("n", Value::from(99)), ("v", Value::from("a\0b"))]);
    let refused = Readable::once(vec![nul])
        .pipe_to(table_writer(&server.database(), table))
        .await
        .unwrap_err();
    assert!(whole(&refused).contains("invalid byte sequence"), "{}", whole(&refused));
    assert_eq!(
        session.numbers("SELECT count(*) FROM t").await,
        [i64::try_from(texts.len()).unwrap()]
    );
}

/// F107: a connection that is lost fails the pipeline; nothing of its transaction counts, and the pool goes on.
#[tokio::test]
async fn a_lost_connection_fails_the_batch() {
    let Some(server) = postgres() else { return };
    let session = server.session().await;
    session.run("CREATE TABLE t (batch int8, n int8)").await;
    let database = Database::postgres(server.pool(1));
    for one in [false, true] {
        session.run("TRUNCATE t").await;
        let writer = table_writer::<Pair>(&database, table());
        let mut writer = if one { writer.one_transaction() } else { writer };
        writer.open().await.unwrap();
        writer.write(vec![(0, 0)]).await.unwrap();
        writer.flush().await.unwrap();
        writer.flush().await.unwrap();
        let end = format!(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = '{}' AND pid <> pg_backend_pid()",
            server.schema()
        );
        assert_eq!(session.text(&end).await, ["t"]);
        let written = writer.write(vec![(1, 1)]).await;
        let failed = match written {
            Ok(()) => writer.finish().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(failed.stage(), Some("table_writer"));
        writer.abort(&failed).await.unwrap();
        let kept = u64::from(!one);
        assert_eq!(writer.counts().written(), kept);
        assert_eq!(session.numbers("SELECT count(*) FROM t").await, [i64::try_from(kept).unwrap()]);
        assert_eq!(rows::<i64>(&database, "SELECT 1").to_vec().await.unwrap(), [1]);
    }
}

/// An abort takes back what is not committed, and gives the connection back; so does a drop, which closes it.
#[tokio::test]
async fn an_abort_frees_the_connection() {
    let Some(server) = postgres() else { return };
    let session = server.session().await;
    session.run("CREATE TABLE t (batch int8, n int8)").await;
    let database = Database::postgres(server.pool(1));
    let mut writer = table_writer::<Pair>(&database, table()).one_transaction();
    writer.open().await.unwrap();
    writer.write(vec![(0, 0)]).await.unwrap();
    writer.abort(&Error::aborted()).await.unwrap();
    assert_eq!(rows::<i64>(&database, "SELECT count(*) FROM t").to_vec().await.unwrap(), [0]);
    let mut busy = table_writer::<Pair>(&database, table()).one_transaction();
    busy.open().await.unwrap();
    assert!(busy.write(vec![(0, 0)]).now_or_never().is_some());
    drop(busy);
    assert_eq!(rows::<i64>(&database, "SELECT count(*) FROM t").to_vec().await.unwrap(), [0]);
}

/// A COMMIT that the server works on cannot be stopped: its outcome is told.
/// Shows F107.
#[tokio::test]
async fn an_abort_waits_for_a_commit_that_is_under_way() {
    let Some(server) = postgres() else { return };
    let (session, lock) = (server.session().await, std::process::id());
    let waits = format!(
        "CREATE TABLE t (batch int8, n int8); \
         CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN PERFORM pg_advisory_xact_lock({lock}); RETURN NULL; END'; \
         CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION wait(); SELECT pg_advisory_lock({lock})"
    );
    session.run(&waits).await;
    let mut writer = table_writer::<Pair>(&server.database(), table()).one_transaction();
    writer.open().await.unwrap();
    writer.write(vec![(0, 0)]).await.unwrap();
    let waiting = format!(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {lock} AND NOT granted"
    );
    {
        let mut finish = std::pin::pin!(writer.finish());
        while session.numbers(&waiting).await != [1] {
            assert!(futures::poll!(finish.as_mut()).is_pending(), "it cannot commit");
        }
    }
    session.run(&format!("SELECT pg_advisory_unlock({lock})")).await;
    assert!(writer.abort(&Error::aborted()).await.unwrap_err().is_committed());
    assert_eq!(session.numbers("SELECT n FROM t").await, [0]);
}
