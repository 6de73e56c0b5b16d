//! Going on where it stopped, in PostgreSQL.

use futures::{FutureExt as _, stream};
use highwater::sql::{Checkpoint, Position, Query, Table, TableWriter, Value, rows, table_writer};
use highwater::{Destination as _, Error, Readable, Result};
use proptest::prelude::*;

use super::whole;
use crate::support::services::{Postgres, postgres};

type Pair = (i64, String);

async fn writer(to: &Postgres) -> Result<(Option<Position>, TableWriter<Pair>)> {
    let checkpoint = Checkpoint::load(&to.database(), "test").await?;
    let table = Table::new("target", ["a", "b"])?;
    let position = checkpoint.position().cloned();
    let key = |row: &Pair| Position::from_iter([Value::from(row.0), Value::from(row.1.as_str())]);
    Ok((position, table_writer(&to.database(), table).checkpoint(checkpoint, key)))
}

/// Copies from where it stopped, and stops after so many rows with an error.
async fn copy(server: &Postgres, batch: usize, one: bool, stop: usize) -> Result<()> {
    let (position, writer) = writer(server).await?;
    let writer = if one { writer.one_transaction() } else { writer };
    let query = Query::new("SELECT a, b FROM source")
        .by_key(["a", "b"])?
        .after(position)
        .with_batch_size(7);
    let unplugged = (stop < 1000).then(|| Err(Error::msg("unplugged")));
    let unplugged = Readable::from_results(stream::iter(unplugged));
    let given = rows::<Pair>(&server.database(), query).take(stop).chain(unplugged);
    given.chunks(batch).pipe_to(writer).await?;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    /// F109: wherever it stops, and however often, each row is there exactly once in the end.
    #[test]
    fn what_is_stopped_and_resumed_is_there_once(
        keys in proptest::collection::btree_set((0_i64..9, "[a-c]{1,2}"), 1..60),
        stops in proptest::collection::vec(0_usize..40, 0..4),
        batch in 1_usize..10,
        one in any::<bool>(),
    ) {
        let Some(server) = postgres() else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let session = server.session().await;
            // The target has no key: a row that comes twice is there twice.
            session.run("CREATE TABLE source (a int, b text COLLATE \"C\", PRIMARY KEY (a, b)); CREATE TABLE target (a int, b text)").await;
            for (a, b) in &keys {
                session.run(&format!("INSERT INTO source VALUES ({a}, '{b}')")).await;
            }
            let all = |table: &str| format!("SELECT a, b FROM {table} ORDER BY a, b COLLATE \"C\"");
            let source = session.text(&all("source")).await;
            for stop in stops {
                copy(&server, batch, one, stop).await.unwrap_err();
                let there = session.text(&all("target")).await;
                assert_eq!(there, source[..there.len()]);
                assert!(!one || there.is_empty());
            }
            for _ in 0..2 {
                copy(&server, batch, one, usize::MAX).await.unwrap();
                assert_eq!(session.text(&all("target")).await, source);
            }
        });
    }
}

/// Two that write from one checkpoint: the second to commit fails, and no row is there twice.
#[tokio::test]
async fn a_checkpoint_that_somebody_else_has_moved_is_an_error() {
    let Some(server) = postgres() else { return };
    let session = server.session().await;
    session.run("CREATE TABLE target (a int, b text)").await;
    let row = || vec![(1, "x".to_owned())];
    for one in [false, true] {
        let (_, first) = writer(&server).await.unwrap();
        let (_, second) = writer(&server).await.unwrap();
        let (mut first, second) =
            if one { (first.one_transaction(), second.one_transaction()) } else { (first, second) };
        let counts = second.counts();
        first.open().await.unwrap();
        first.write(row()).await.unwrap();
        first.finish().await.unwrap();
        let moved = Readable::once(row()).pipe_to(second).await.unwrap_err();
        assert!(
            whole(&moved).contains("the checkpoint `test` was moved by somebody else"),
            "{}",
            whole(&moved)
        );
        assert_eq!(
            (session.numbers("SELECT count(*) FROM target").await, counts.written()),
            (vec![1], 0)
        );
        session.run("TRUNCATE target, highwater_checkpoints").await;
    }
}

/// F109: the server may still be committing for a process that is gone. Whoever loads the checkpoint waits for that.
#[tokio::test]
async fn a_commit_under_way_is_waited_for() {
    let Some(server) = postgres() else { return };
    let session = server.session().await;
    session.run("CREATE TABLE target (a int, b text)").await;
    let (_, mut old) = writer(&server)
        .await
        .map(|(position, writer)| (position, writer.one_transaction()))
        .unwrap();
    old.open().await.unwrap();
    old.write(vec![(1, "x".to_owned())]).await.unwrap();
    old.flush().await.unwrap();
    old.flush().await.unwrap();
    let database = server.database();
    let mut load = std::pin::pin!(Checkpoint::load(&database, "test"));
    // It waits for the lock of the row before it goes on.
    while session.numbers("SELECT count(*) FROM pg_locks WHERE NOT granted").await == [0] {
        assert!(load.as_mut().now_or_never().is_none(), "it does not wait");
        tokio::task::yield_now().await;
    }
    old.finish().await.unwrap();
    let position = load.await.unwrap().position().cloned().unwrap();
    assert_eq!(position.values(), [Value::from(1), Value::from("x")]);
}

/// Two that make the table of checkpoints at once do not get into each other's way.
#[tokio::test]
async fn checkpoints_can_be_loaded_at_once() {
    let Some(server) = postgres() else { return };
    let databases: Vec<_> = (0..6).map(|_| server.database()).collect();
    let loads = databases.iter().map(|database| Checkpoint::load(database, "same"));
    let loaded = futures::future::join_all(loads).await;
    for checkpoint in loaded {
        assert_eq!(checkpoint.unwrap().position(), None);
    }
}
