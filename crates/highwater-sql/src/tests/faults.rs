//! Faults of the database, and pipelines that are dropped.

use std::future::poll_fn;
use std::task::Poll;

use highwater_core::record::Failed;
use highwater_core::{Destination as _, Report, Result};
use tokio::runtime::Runtime;

use super::support::{Temp, error, numbers, whole};
use crate::{Checkpoint, Query, rows, table_writer};

const ALL: &str = "SELECT n FROM n ORDER BY n";

async fn copy(from: &Temp, to: &Temp) -> Result<Report> {
    let checkpoint = Checkpoint::load(&to.database(), "n").await?;
    let query = Query::new("SELECT n FROM n").by_key(["n"])?.with_batch_size(10);
    let given = rows::<(i64,)>(&from.database(), query.after(checkpoint.position().cloned()));
    let writer =
        table_writer(&to.database(), numbers()).checkpoint(checkpoint, |row: &(i64,)| row.0);
    given.chunks(10).pipe_to(writer).run().await
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// F106: dropped at any poll, there are whole batches, the checkpoint says which, and going on gives the rest.
#[test]
fn a_pipeline_that_is_dropped_at_any_poll_can_be_resumed() {
    let from = Temp::numbers(100);
    let mut dropped_inside = 0;
    for polls in 0..60 {
        let to = Temp::new("CREATE TABLE n (n INTEGER)");
        let first = runtime();
        // It is polled when something has happened, and dropped at the next poll.
        let mut left = polls;
        let mut copying = Box::pin(copy(&from, &to));
        let done = first.block_on(poll_fn(|cx| {
            if left == 0 {
                return Poll::Ready(false);
            }
            left -= 1;
            copying.as_mut().poll(cx).map(|copied| copied.is_ok())
        }));
        drop(copying);
        // A job that is under way ends its batch.
        drop(first);
        let there = to.numbers_of(ALL);
        dropped_inside += u32::from(!done && !there.is_empty());
        assert_eq!(there, (0..i64::try_from(there.len()).unwrap()).collect::<Vec<_>>());
        assert_eq!(there.len() % 10, 0);
        if !done {
            runtime().block_on(copy(&from, &to)).unwrap();
        }
        assert_eq!(to.numbers_of(ALL), (0..100).collect::<Vec<_>>());
    }
    assert!(dropped_inside > 0, "it was never dropped in the middle");
}

/// F107: a lock of somebody else fails the batch; nothing of it counts, and it can be tried again.
#[tokio::test]
async fn a_locked_database_fails_the_batch() {
    let from = Temp::numbers(20);
    let to = Temp::new("CREATE TABLE n (n INTEGER)");
    let copy = async || {
        let checkpoint = Checkpoint::load(&to.impatient(), "n").await.unwrap();
        let query = Query::new("SELECT n FROM n")
            .by_key(["n"])
            .unwrap()
            .after(checkpoint.position().cloned());
        let writer =
            table_writer(&to.impatient(), numbers()).checkpoint(checkpoint, |row: &(i64,)| row.0);
        let counts = writer.counts();
        let mut rows = rows::<(i64,)>(&from.database(), query).chunks(5);
        let mut writer = writer;
        writer.open().await.unwrap();
        // One batch is written, and then somebody takes the lock.
        writer.write(rows.next().await.unwrap().unwrap()).await.unwrap();
        writer.flush().await.unwrap();
        writer.flush().await.unwrap();
        let lock = to.connection();
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        let failed = error(rows.pipe_to(&mut writer).run().await);
        assert!(whole(&failed).contains("database is locked"), "{failed}");
        assert!(failed.downcast_ref::<Failed<String>>().is_none());
        assert_eq!((counts.written(), counts.batches()), (5, 1));
        lock.execute_batch("COMMIT").unwrap();
    };
    for done in [5, 10, 15] {
        copy().await;
        assert_eq!(to.numbers_of(ALL), (0..done).collect::<Vec<_>>());
    }
}

/// F107: a commit that fails has written nothing.
#[tokio::test]
async fn a_commit_that_fails_counts_for_nothing() {
    let to = Temp::new("CREATE TABLE n (n INTEGER)");
    to.connection().execute_batch("INSERT INTO n VALUES (-1)").unwrap();
    let writer = table_writer::<(i64,)>(&to.impatient(), numbers()).one_transaction();
    let counts = writer.counts();
    let mut writer = writer;
    writer.open().await.unwrap();
    writer.write(vec![(1,), (2,)]).await.unwrap();
    // A reader keeps it from committing, but not from writing.
    let reader = to.connection();
    let mut statement = reader.prepare("SELECT n FROM n").unwrap();
    let mut held = statement.query([]).unwrap();
    held.next().unwrap();
    let failed = error(writer.finish().await);
    assert!(whole(&failed).contains("database is locked"), "{failed}");
    writer.abort(&failed).await.unwrap();
    drop(held);
    drop(statement);
    assert_eq!((to.numbers_of(ALL), counts.written()), (vec![-1], 0));
}
