//! Names of tables and columns.

use proptest::prelude::*;

use super::support::{Temp, error};
use crate::{Query, Row, Table, Value, rows, table_writer};
use highwater_core::Readable;

/// F110, D.2: nothing that could end a name gets into a statement.
#[test]
fn names_with_other_letters_are_refused() {
    let injections = [
        "users; DROP TABLE users",
        "users\"",
        "users\" (id) VALUES (1); --",
        "users--",
        "users/*",
        "us'ers",
        "us\0ers",
        "us ers",
        "us\ners",
        "a.b.c",
        ".users",
        "users.",
        "1users",
        "",
        "[users]",
        "`users`",
        "$1",
        "users\u{202e}",
    ];
    for name in injections {
        assert!(error(Table::new(name, ["id"])).is_corrupt(), "{name:?} as a table");
        if !name.contains('.') {
            assert!(error(Table::new("t", [name])).is_corrupt(), "{name:?} as a column");
            assert!(error(Query::new("SELECT 1").by_key([name])).is_corrupt(), "{name:?} as a key");
        }
        let writer =
            table_writer::<Row>(&Temp::new("").database(), Table::new("t", ["a"]).unwrap());
        assert!(error(writer.dead_letters(name)).is_corrupt(), "{name:?} for dead letters");
    }
}

/// PostgreSQL would cut it off, and take another table.
#[test]
fn names_that_are_too_long_are_refused() {
    assert!(Table::new(&"n".repeat(63), ["id"]).is_ok());
    assert!(error(Table::new(&"n".repeat(64), ["id"])).is_limit());
    assert!(error(Table::new(&"ä".repeat(32), ["id"])).is_limit());
}

#[test]
fn tables_and_keys_without_sense_are_refused() {
    let table = || Table::new("t", ["a", "b"]).unwrap();
    assert_eq!(table().columns().collect::<Vec<_>>(), ["a", "b"]);
    let none: [&str; 0] = [];
    error(Table::new("t", none));
    error(Table::new("t", ["a", "a"]));
    error(table().upsert(none));
    error(table().upsert(["c"]));
    error(table().upsert(["a", "a"]));
    error(Query::new("SELECT 1").by_key(none));
}

/// Words of SQL are names like any other, for names are quoted.
#[tokio::test]
async fn words_of_sql_are_names() {
    let temp = Temp::new(
        r#"CREATE TABLE "select" ("order" INTEGER PRIMARY KEY, "from" TEXT, "größe" REAL)"#,
    );
    let table = Table::new("main.select", ["order", "from", "größe"]).unwrap();
    let row = |n: i64| {
        Row::from_iter([
            ("order", Value::from(n)),
            ("from", Value::from("x")),
            ("größe", Value::from(0.5)),
        ])
    };
    let writer = table_writer(&temp.database(), table.clone().upsert(["order"]).unwrap());
    Readable::once(vec![row(1), row(2), row(1)]).pipe_to(writer).await.unwrap();
    let query = Query::from(&table).by_key(["order"]).unwrap();
    let given = rows::<Row>(&temp.database(), query).to_vec().await.unwrap();
    assert_eq!(given, [row(1), row(2)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// F110: a name is either refused, or it is the name of one table with one column, whatever is in it.
    #[test]
    fn a_name_that_is_taken_is_only_a_name(name in ".{0,20}", other in "[a-zA-Z_$0-9äß]{1,20}") {
        for name in [name, other] {
            let Ok(table) = Table::new(&name, [&name]) else { continue };
            if name.contains('.') || name.to_lowercase().starts_with("sqlite_") {
                continue;
            }
            let temp = Temp::new("");
            let connection = temp.connection();
            connection.execute_batch(&format!("CREATE TABLE {} (x)", table.quoted())).unwrap();
            let names: Vec<String> = connection
                .prepare("SELECT name FROM sqlite_schema")
                .and_then(|mut all| all.query_map([], |row| row.get(0))?.collect())
                .unwrap();
            prop_assert_eq!(names, vec![name]);
        }
    }
}
