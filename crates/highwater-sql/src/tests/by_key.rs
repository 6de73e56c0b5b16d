//! Reading page by page.

use proptest::prelude::*;

use super::support::{Temp, error, whole};
use crate::{Position, Query, Value, row_batches, rows};

const ALL: &str = "SELECT n FROM n";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// The pages, put together, are what `ORDER BY` gives: for every key, every size of a page, every start.
    #[test]
    fn pages_are_the_rows_in_order(
        keys in proptest::collection::btree_set((0_i64..6, "[a-c]{0,2}"), 0..60),
        page in 1_usize..12,
        start in 0_usize..60,
    ) {
        let temp = Temp::new("CREATE TABLE t (a INTEGER NOT NULL, b TEXT NOT NULL, UNIQUE (b, a))");
        let connection = temp.connection();
        for (a, b) in &keys {
            connection.execute("INSERT INTO t VALUES (?1, ?2)", (a, b)).unwrap();
        }
        let keys: Vec<(i64, String)> = keys.into_iter().collect();
        let after = keys.get(start).map(|(a, b)| Position::from_iter([Value::from(*a), Value::from(b.as_str())]));
        let expected = if after.is_some() { &keys[start + 1..] } else { &keys[..] };
        let query = Query::new("SELECT a, b FROM t -- all").by_key(["a", "b"]).unwrap().after(after).with_batch_size(page);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let batches = row_batches::<(i64, String)>(&temp.database(), query).to_vec();
        let batches = runtime.block_on(batches).unwrap();
        prop_assert!(batches.iter().rev().skip(1).all(|batch| batch.len() == page));
        prop_assert_eq!(batches.concat(), expected);
    }
}

#[tokio::test]
async fn bound_values_and_a_position_do_not_get_mixed_up() {
    let temp = Temp::numbers(100);
    let query = Query::new("SELECT n FROM n WHERE n % ?2 = ?1;").bind(1).bind(3);
    let query = query.by_key(["n"]).unwrap().after(Position::from(50)).with_batch_size(4);
    let given = rows::<i64>(&temp.database(), query).to_vec().await.unwrap();
    assert_eq!(given, (52..100).step_by(3).collect::<Vec<_>>());
}

/// The text of the key need not be that of the column, but it must be there.
#[tokio::test]
async fn keys_that_do_not_work_are_errors() {
    let temp = Temp::new(
        "CREATE TABLE t (k, v); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (2, 'c'), (3, 'd')",
    );
    let query = |sql: &str| Query::new(sql).by_key(["k"]).unwrap();
    let given = async |query: Query| rows::<(i64, String)>(&temp.database(), query).to_vec().await;
    let all = "SELECT k, v FROM t";
    // The two rows are on one page, and then they are not.
    assert_eq!(given(query(all).with_batch_size(3)).await.unwrap().len(), 4);
    let twice = error(given(query(all).with_batch_size(2)).await);
    assert!(twice.is_corrupt() && whole(&twice).contains("two rows have the key [2]"), "{twice}");
    let missing = whole(&error(given(query("SELECT v FROM t")).await));
    assert!(missing.contains("no such column: highwater_page.k"), "{missing}");
    let wide = query(all).after(Position::from_iter([Value::from(1), Value::from(2)]));
    assert!(whole(&error(given(wide).await)).contains("a position of 2 values for a key of 1"));
    let keyless = Query::new(all).after(Position::from(1));
    assert!(whole(&error(given(keyless).await)).contains("a key of 0 columns"));
    temp.connection().execute_batch("INSERT INTO t VALUES (NULL, 'lost')").unwrap();
    let null = error(given(query(all).after(Position::from(2))).await);
    assert!(null.is_corrupt() && whole(&null).contains("the key (k) of a row is null"), "{null}");
}

/// C104: slow readers hold no thread, so they cannot take all there are.
#[test]
fn slow_readers_do_not_exhaust_the_pool() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let temp = Temp::numbers(500);
    runtime.block_on(async {
        let query =
            || Query::new(ALL).by_key(["n"]).unwrap().with_batch_size(10).with_read_ahead(2);
        let mut readers: Vec<_> = (0..20).map(|_| rows::<i64>(&temp.database(), query())).collect();
        // All have begun, and none has finished.
        for reader in &mut readers {
            assert_eq!(reader.next().await.unwrap().unwrap(), 0);
        }
        tokio::task::spawn_blocking(|| ()).await.unwrap();
        for n in 1..500 {
            for reader in &mut readers {
                assert_eq!(reader.next().await.unwrap().unwrap(), n);
            }
        }
        for reader in &mut readers {
            assert!(reader.next().await.is_none());
        }
    });
}
