//! Going on where it stopped.

use highwater_core::record::OnFailure;
use highwater_core::{Destination as _, Error, Readable, Result};
use proptest::prelude::*;

use super::support::{Temp, error, whole};
use crate::{Checkpoint, Database, Position, Query, Table, TableWriter, Value, rows, table_writer};

type Pair = (i64, String);

fn target() -> Temp {
    // Without a unique key, so that a row that comes twice is there twice.
    Temp::new("CREATE TABLE t (a INTEGER, b TEXT)")
}

async fn writer(to: &Database) -> Result<(Option<Position>, TableWriter<Pair>)> {
    let checkpoint = Checkpoint::load(to, "test").await?;
    let table = Table::new("t", ["a", "b"])?;
    let position = checkpoint.position().cloned();
    let key = |row: &Pair| Position::from_iter([Value::from(row.0), Value::from(row.1.as_str())]);
    Ok((position, table_writer(to, table).checkpoint(checkpoint, key)))
}

/// Copies from where it stopped, and stops after so many rows with an error.
async fn copy(from: &Database, to: &Database, batch: usize, one: bool, stop: usize) -> Result<()> {
    let (position, writer) = writer(to).await?;
    let writer = if one { writer.one_transaction() } else { writer };
    let query =
        Query::new("SELECT a, b FROM t").by_key(["a", "b"])?.after(position).with_batch_size(7);
    let unplugged = (stop < 1000).then(|| Err(Error::msg("unplugged")));
    let unplugged = Readable::from_results(futures_util::stream::iter(unplugged));
    let given = rows::<Pair>(from, query).take(stop).chain(unplugged);
    given.chunks(batch).pipe_to(writer).await?;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// F109: wherever it stops, and however often, each row is there exactly once in the end.
    #[test]
    fn what_is_stopped_and_resumed_is_there_once(
        keys in proptest::collection::btree_set((0_i64..9, "[a-c]{1,2}"), 1..60),
        stops in proptest::collection::vec(0_usize..40, 0..6),
        batch in 1_usize..10,
        one in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (from, to) = (target(), target());
            let connection = from.connection();
            for (a, b) in &keys {
                connection.execute("INSERT INTO t VALUES (?1, ?2)", (a, b)).unwrap();
            }
            for stop in stops {
                error(copy(&from.database(), &to.database(), batch, one, stop).await);
                let there = to.dump("t");
                assert_eq!(there, from.dump("t")[..there.len()]);
                assert!(!one || there.is_empty());
            }
            copy(&from.database(), &to.database(), batch, one, usize::MAX).await.unwrap();
            assert_eq!(to.dump("t"), from.dump("t"));
            copy(&from.database(), &to.database(), batch, one, usize::MAX).await.unwrap();
            assert_eq!(to.dump("t"), from.dump("t"), "there was nothing left to do");
        });
    }
}

/// Two that write from one checkpoint: the second to commit fails, and no row is there twice.
#[tokio::test]
async fn a_checkpoint_that_somebody_else_has_moved_is_an_error() {
    let to = target();
    let (_, mut first) = writer(&to.database()).await.unwrap();
    let (_, mut second) = writer(&to.database()).await.unwrap();
    let row = || vec![(1, "x".to_owned())];
    first.open().await.unwrap();
    second.open().await.unwrap();
    first.write(row()).await.unwrap();
    first.finish().await.unwrap();
    second.write(row()).await.unwrap();
    let moved = error(second.finish().await);
    assert!(whole(&moved).contains("the checkpoint `test` was moved by somebody else"), "{moved}");
    assert_eq!((to.dump("t").len(), second.counts().written()), (1, 0));
}

/// Bad rows at the end of a batch are behind the checkpoint, too: they are not met again.
#[tokio::test]
async fn bad_rows_are_not_met_again() {
    let to = Temp::new("CREATE TABLE t (a INTEGER CHECK (a < 2), b TEXT)");
    let (_, writer_with) = writer(&to.database()).await.unwrap();
    let given = (0..4).map(|n| (n, "x".to_owned()));
    Readable::from_iter(given)
        .chunks(2)
        .pipe_to(writer_with.on_failure(OnFailure::Skip))
        .await
        .unwrap();
    let (position, _) = writer(&to.database()).await.unwrap();
    assert_eq!(position.unwrap().values(), [Value::from(3), Value::from("x")]);
}

#[tokio::test]
async fn checkpoints_have_names() {
    let to = target();
    assert_eq!(Checkpoint::load(&to.database(), "a").await.unwrap().position(), None);
    let (_, writer) = writer(&to.database()).await.unwrap();
    Readable::once(vec![(7, "x".to_owned())]).pipe_to(writer).await.unwrap();
    assert_eq!(Checkpoint::load(&to.database(), "a").await.unwrap().position(), None);
    assert!(Checkpoint::load(&to.database(), "test").await.unwrap().position().is_some());
    assert!(
        Checkpoint::load(&to.database(), "'; DROP TABLE t; --").await.unwrap().position().is_none()
    );
    to.connection()
        .execute_batch("UPDATE highwater_checkpoints SET position = 'x' WHERE name = 'a'")
        .unwrap();
    let broken = error(Checkpoint::load(&to.database(), "a").await);
    assert!(
        whole(&broken).starts_with("cannot load the checkpoint `a`: the checkpoint \"x\""),
        "{broken}"
    );
}
