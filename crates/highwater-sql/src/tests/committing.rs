//! An abort beside a commit: what is committed is told as that.

use std::pin::pin;

use futures_util::poll;
use highwater_core::{CancellationToken, Destination, Error, Readable};
use tokio::task::yield_now;

use super::support::Temp;
use crate::{Table, TableWriter, table_writer};

const ALL: &str = "SELECT n FROM t ORDER BY n";

fn writer(temp: &Temp) -> TableWriter<(i64,)> {
    table_writer(&temp.database(), Table::new("t", ["n"]).unwrap())
}

/// A COMMIT that waits for somebody who reads is under way: it cannot be stopped.
#[tokio::test]
async fn an_abort_waits_for_a_commit_that_is_under_way() {
    let temp = Temp::new("CREATE TABLE t (n)");
    let mut writer = writer(&temp).one_transaction();
    writer.open().await.unwrap();
    writer.write(vec![(1,), (2,)]).await.unwrap();
    let reader = temp.connection();
    reader.execute_batch("BEGIN; SELECT count(*) FROM t").unwrap();
    {
        let mut finish = pin!(writer.finish());
        // A commit that waits for a reader lets no other one in.
        while temp.connection().execute_batch(ALL).is_ok() {
            assert!(poll!(finish.as_mut()).is_pending(), "it cannot commit");
            yield_now().await;
        }
    }
    reader.execute_batch("COMMIT").unwrap();
    let told = writer.abort(&Error::aborted()).await.unwrap_err();
    assert!(told.is_committed(), "{told:?}");
    assert_eq!(temp.numbers_of(ALL), [1, 2]);
    assert_eq!(writer.counts().written(), 2);
    // It was told; there is nothing left to be undone.
    writer.abort(&Error::aborted()).await.unwrap();
}

/// Aborted after any number of steps, a pipeline has succeeded with all rows in the table, or was aborted with none.
#[tokio::test]
async fn an_aborted_transaction_has_left_nothing() {
    let (mut whole, mut none) = (0, 0);
    let mut steps = 0;
    while whole < 20 {
        let temp = Temp::new("CREATE TABLE t (n)");
        let token = CancellationToken::new();
        let rows = Readable::from_iter(0..10).map(|n| (n,)).chunks(5);
        let loading = rows.pipe_to(writer(&temp).one_transaction()).abort_on(token.clone()).run();
        let aborting = async {
            for _ in 0..steps {
                yield_now().await;
            }
            token.cancel();
        };
        let (result, ()) = tokio::join!(loading, aborting);
        let there = temp.numbers_of(ALL).len();
        match result {
            Ok(report) => assert_eq!((there, report.chunks_out()), (10, 2), "{steps} steps"),
            Err(error) => {
                assert!(error.is_aborted() && error.suppressed().is_empty(), "{error:?}");
                assert_eq!(there, 0, "{steps} steps");
            }
        }
        (whole, none) = (whole + usize::from(there > 0), none + usize::from(there == 0));
        steps = steps * 9 / 8 + 1;
    }
    assert!(none > 10, "{none} runs were aborted");
}

/// With a transaction per batch nothing is left to be undone once the last batch is written.
#[tokio::test]
async fn an_abort_at_the_end_finds_all_batches_committed() {
    let temp = Temp::new("CREATE TABLE t (n)");
    let mut writer = writer(&temp);
    writer.open().await.unwrap();
    writer.write(vec![(1,)]).await.unwrap();
    // It waits for the batch, or closes.
    assert!(poll!(pin!(writer.finish())).is_pending());
    assert!(writer.abort(&Error::aborted()).await.unwrap_err().is_committed());
    assert_eq!(temp.numbers_of(ALL), [1]);

    // Without an end of the input, it is not known whether this was all.
    let mut writer = self::writer(&temp);
    writer.open().await.unwrap();
    writer.write(vec![(2,)]).await.unwrap();
    writer.abort(&Error::aborted()).await.unwrap();
}
