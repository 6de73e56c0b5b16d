//! Statements that are run one after the other.

use highwater::sql::rows;

use super::whole;
use crate::support::services::postgres;

/// It says which statement it was, and where it is in the text if the server says so.
#[tokio::test]
async fn a_statement_that_fails_is_named_by_number_and_place() {
    let Some(server) = postgres() else { return };
    let database = server.database();
    for (sql, place) in [
        ("CREATE TABLE t (n int UNIQUE);\n  SELCT 1", "statement 1, line 2, column 3: "),
        (
            "CREATE TABLE t (n int);\nSELECT 1, \u{27}\u{fc}\u{27}, x FROM t",
            "statement 2, line 2, column 16: ",
        ),
        ("SELECT 1; SELECT 2; SELECT 1 / 0", "statement 3: "),
    ] {
        let said = whole(&database.execute(sql).await.unwrap_err());
        assert!(said.starts_with(&format!("cannot run the statements: {place}")), "{sql}: {said}");
    }
    // All statements of a text are one transaction.
    assert!(rows::<i64>(&database, "SELECT n FROM t").to_vec().await.is_err());
}

/// `IF NOT EXISTS` does not see a table that another transaction has not committed yet.
#[tokio::test]
async fn a_table_that_two_make_at_once_is_there_for_both() {
    let Some(server) = postgres() else { return };
    let other = server.session().await;
    other.run("BEGIN; CREATE TABLE t (n int)").await;
    let making = highwater_core::task::spawn({
        let database = server.database();
        async move { database.execute("CREATE TABLE IF NOT EXISTS t (n int)").await }
    });
    let watching = server.session().await;
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'CREATE TABLE IF NOT EXISTS t %'";
    while watching.numbers(waits).await != [1] {
        tokio::task::yield_now().await;
    }
    other.run("COMMIT").await;
    making.await.unwrap().unwrap();
}

/// All codes by which PostgreSQL tells of that race. A sequence keeps its number though the first attempt is rolled back.
#[tokio::test]
async fn a_statement_that_loses_a_race_is_tried_once_more() {
    let Some(server) = postgres() else { return };
    let database = server.database();
    database.execute("CREATE SEQUENCE attempts").await.unwrap();
    let raise = |when: &str, what: &str| {
        format!(
            "DO $$ BEGIN IF nextval('attempts') {when} THEN \
             RAISE EXCEPTION 'race' USING {what}; END IF; END $$"
        )
    };
    let (at_first, always) = ("% 2 = 1", "> 0");
    let codes = [
        "ERRCODE = 'duplicate_object'",
        "ERRCODE = 'duplicate_table'",
        "ERRCODE = 'unique_violation', SCHEMA = 'pg_catalog'",
    ];
    for what in codes {
        database.execute(&raise(at_first, what)).await.unwrap();
        database.execute(&raise(always, what)).await.unwrap_err();
    }
    database.execute(&raise(always, "ERRCODE = 'unique_violation'")).await.unwrap_err();
    let attempts = rows::<i64>(&database, "SELECT last_value FROM attempts").to_vec().await;
    assert_eq!(attempts.unwrap(), [3 * (2 + 2) + 1]);
}
