//! From one database into the other, and back.

use highwater::sql::{Database, Query, Row, Table, row_batches, rows, table_writer};
use tempfile::TempDir;

use crate::support::services::postgres;

/// Some rows of every kind that both databases have.
async fn sqlite(folder: &TempDir, name: &str) -> Database {
    let database = Database::sqlite(folder.path().join(name));
    database
        .execute("CREATE TABLE t (id INTEGER PRIMARY KEY, r REAL, s TEXT, b BLOB)")
        .await
        .unwrap();
    database
}

/// From SQLite to PostgreSQL and back, in both ways of reading: the tables are equal.
#[tokio::test]
async fn a_table_goes_over_and_comes_back() {
    let Some(server) = postgres() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (sqlite(&folder, "from.db").await, sqlite(&folder, "to.db").await);
    let fill = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 5000) \
         INSERT INTO t SELECT i, i / 7.0, CASE WHEN i % 5 THEN 'text ' || char(i % 50 + 1, i, 92, 39) END, \
         CASE WHEN i % 3 THEN randomblob(i % 40) END FROM c";
    from.execute(fill).await.unwrap();
    let session = server.session().await;
    session.run("CREATE TABLE t (id int8 PRIMARY KEY, r float8, s text, b bytea)").await;
    let table = Table::new("t", ["id", "r", "s", "b"]).unwrap();
    let over = row_batches::<Row>(&from, Query::from(&table).by_key(["id"]).unwrap());
    over.pipe_to(table_writer(&server.database(), table.clone())).await.unwrap();
    assert_eq!(
        session.numbers("SELECT count(*) FROM t WHERE s IS NOT NULL OR id % 5 = 0").await,
        [5000]
    );
    let back = rows::<Row>(&server.database(), &table).chunks(300);
    back.pipe_to(table_writer(&to, table.clone()).one_transaction()).await.unwrap();
    let all = "SELECT id, r, s, b FROM t ORDER BY id";
    let given = rows::<Row>(&from, all).to_vec().await.unwrap();
    assert_eq!(rows::<Row>(&to, all).to_vec().await.unwrap(), given);
    assert_eq!(rows::<Row>(&server.database(), all).to_vec().await.unwrap(), given);
    assert_eq!(given.len(), 5000);
}
