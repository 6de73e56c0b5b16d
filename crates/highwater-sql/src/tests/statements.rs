//! Statements that are run one after the other.

use super::support::{Temp, whole};

/// It says which statement it was, and where it is in the text.
#[tokio::test]
async fn a_statement_that_fails_is_named_by_number_and_place() {
    let temp = Temp::new("CREATE TABLE t (n UNIQUE)");
    for (sql, place) in [
        ("INSERT INTO t VALUES (1);\n  SELCT 1", "statement 2, line 2, column 3: "),
        (
            "PRAGMA user_version;\n\n INSERT INTO nowhere VALUES (1);",
            "statement 2, line 3, column ",
        ),
        ("INSERT INTO t VALUES (2); -- two\nINSERT INTO t VALUES (2)", "statement 2, line "),
        ("INSERT INTO t VALUES (3);\nINSERT INTO t VALUES (3);", "statement 2, line 2, column 1: "),
    ] {
        let said = whole(&temp.database().execute(sql).await.unwrap_err());
        let begin = format!("cannot run the statements: {place}");
        assert!(said.starts_with(&begin), "{sql}: {said}");
    }
    // Those before it have been run.
    assert_eq!(temp.numbers_of("SELECT n FROM t ORDER BY n"), [1, 2, 3]);
    let missing = temp.database().execute("").await;
    assert!(missing.is_ok(), "{missing:?}");
}
