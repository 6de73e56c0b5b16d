//! Reading PostgreSQL.

use highwater::sql::{Database, Position, Query, Row, Value, row_batches, rows};
use proptest::prelude::*;

use super::whole;
use crate::support::services::postgres;

/// One column of many types, with values that are easily got wrong.
const TYPES: [(&str, &str); 24] = [
    ("smallint", "-32768"),
    ("integer", "2147483647"),
    ("bigint", "-9223372036854775808"),
    ("oid", "4294967295"),
    ("real", "1e-30"),
    ("double precision", "0.1"),
    ("double precision", "'NaN'"),
    ("double precision", "'-Infinity'"),
    ("double precision", "1.7976931348623157e308"),
    ("numeric", "12345678901234567890.123456789012345678900"),
    ("boolean", "true"),
    ("text", "E'tab\\t newline\\n return\\r backslash\\\\ \\\\N \\\\. quote'' \u{1f600}'"),
    ("text", "''"),
    ("char(5)", "'ab'"),
    ("bytea", "'\\x00ff5c'"),
    ("bytea", "''"),
    ("timestamptz", "'2024-02-29 23:59:59.999999+05:45'"),
    ("timestamp", "'0044-03-15 12:00:00 BC'"),
    ("date", "'infinity'"),
    ("interval", "'1 year 2 months -3 days 04:05:06.000007'"),
    ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
    ("jsonb", r#"'{"a": [1, null, "\\n"]}'"#),
    ("text[]", r#"'{NULL,"a,b","c\"d","\\"}'"#),
    ("int4range", "'[1,5)'"),
];

fn columns() -> Vec<String> {
    (0..TYPES.len()).map(|n| format!("c{n}")).collect()
}

/// Whatever its type, a value comes over and back as it was, also where the server is set to write it in other ways.
#[tokio::test]
async fn every_type_comes_over_and_back() {
    let Some(server) = postgres() else { return };
    let session = server.session().await;
    let types = columns()
        .iter()
        .zip(TYPES)
        .map(|(name, (kind, _))| format!("{name} {kind}"))
        .collect::<Vec<_>>();
    let values: Vec<&str> = TYPES.iter().map(|(_, value)| *value).collect();
    let nulls = vec!["NULL"; TYPES.len()].join(", ");
    session
        .run(&format!(
            "CREATE TABLE a (id int PRIMARY KEY, {0}); CREATE TABLE b (id int, {0})",
            types.join(", ")
        ))
        .await;
    session.run(&format!("INSERT INTO a VALUES (1, {}), (2, {nulls})", values.join(", "))).await;
    let odd = "-c datestyle=SQL,DMY -c intervalstyle=sql_standard -c bytea_output=escape -c extra_float_digits=-10 -c timezone=Asia/Kathmandu";
    let table = |name| {
        let columns = columns();
        let columns = std::iter::once("id").chain(columns.iter().map(String::as_str));
        highwater::sql::Table::new(name, columns).unwrap()
    };
    for url in [server.url(), server.url_with(odd)] {
        let database = Database::open(&url).unwrap();
        session.run("TRUNCATE b").await;
        let copy = highwater::sql::table_writer(&database, table("b"));
        row_batches::<Row>(&database, &table("a")).pipe_to(copy).await.unwrap();
        assert_eq!(
            session.text("SELECT * FROM b ORDER BY id").await,
            session.text("SELECT * FROM a ORDER BY id").await
        );
    }
    let database = server.database();
    let all = rows::<Row>(&database, "SELECT * FROM a ORDER BY id").to_vec().await.unwrap();
    let [first, second] = <[Row; 2]>::try_from(all).unwrap();
    assert!(second.values()[1..].iter().all(|value| *value == Value::Null));
    assert_eq!(first.get("c2"), Some(&Value::Integer(i64::MIN)));
    assert_eq!(first.get("c3"), Some(&Value::Integer(4_294_967_295)));
    assert_eq!(first.get("c5"), Some(&Value::Real(0.1)));
    assert_eq!(first.get("c10"), Some(&Value::Bool(true)));
    assert_eq!(first.get("c14"), Some(&Value::Blob(vec![0, 255, 92])));
    assert_eq!(first.get("c9"), Some(&Value::from("12345678901234567890.123456789012345678900")));
}

#[tokio::test]
async fn all_rows_come_in_order() {
    let Some(server) = postgres() else { return };
    let database = server.database();
    for count in [0, 1, 15, 16, 17, 511, 512, 513, 1024, 3000] {
        let query = Query::new("SELECT * FROM generate_series(0, $1::int8 - 1) AS n").bind(count);
        let given = rows::<i64>(&database, query.clone()).to_vec().await.unwrap();
        assert_eq!(given, (0..count).collect::<Vec<_>>());
        let batches = row_batches::<i64>(&database, query).to_vec().await.unwrap();
        let sizes: Vec<usize> = batches.iter().map(Vec::len).collect();
        assert_eq!(batches.concat(), given);
        assert!(sizes.iter().rev().skip(1).all(|size| *size == 512), "{sizes:?}");
    }
}

/// I11, A15: the server is never asked for more than two batches ahead. It keeps a lock for each row that it has made.
#[tokio::test]
async fn a_slow_reader_holds_the_server_back() {
    let Some(server) = postgres() else { return };
    let key = i64::from(std::process::id());
    let query = Query::new(
        "SELECT n, pg_advisory_lock_shared($1::int4, n) IS NULL FROM generate_series(1, 2000) AS n",
    );
    let mut given =
        row_batches::<(i64, bool)>(&server.database(), query.bind(key).with_batch_size(50));
    let watch = server.session().await;
    let mut count = 0;
    while let Some(batch) = given.next().await {
        count += batch.unwrap().len();
        let sql = format!(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = {key}"
        );
        let made = usize::try_from(watch.numbers(&sql).await[0]).unwrap();
        // At the end the locks are gone with the connection.
        assert!(made <= count + 100, "{made} rows were made for {count}");
    }
    assert_eq!(count, 2000);
}

#[tokio::test]
async fn large_rows_do_not_add_up() {
    let Some(server) = postgres() else { return };
    let sql = "SELECT n, repeat('x', 100000) AS t FROM generate_series(1, 40) AS n";
    for query in [Query::new(sql), Query::new(sql).by_key(["n"]).unwrap()] {
        let batches =
            row_batches::<(i64, String)>(&server.database(), query).to_vec().await.unwrap();
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [11, 11, 11, 7]);
        assert_eq!(
            batches.concat().iter().map(|row| row.0).collect::<Vec<_>>(),
            (1..=40).collect::<Vec<_>>()
        );
    }
}

/// Rows before an error come before it, and the connection is not used again.
#[tokio::test]
async fn an_error_comes_behind_the_rows_before_it() {
    let Some(server) = postgres() else { return };
    let database = Database::postgres(server.pool(1));
    let fails = async |query: Query| {
        let mut given = rows::<(i64, i64)>(&database, query);
        let mut count = 0;
        let failed = loop {
            match given.next().await.expect("an error before the end") {
                Ok((n, _)) => assert_eq!(n, count),
                Err(error) => break error,
            }
            count += 1;
        };
        assert_eq!(failed.stage(), Some("sql::rows"));
        assert!(given.next().await.is_none());
        (count, whole(&failed))
    };
    let ours =
        "SELECT n, CASE n WHEN 700 THEN NULL ELSE n END AS v FROM generate_series(0, 999) AS n";
    let by_key = Query::new(ours).by_key(["n"]).unwrap();
    for query in [Query::new(ours), by_key] {
        let (count, said) = fails(query).await;
        assert!(count == 700 && said.contains("row 700: column `v`"), "{count} {said}");
    }
    // The server gives all rows of a fetch, or none: those before its error in the same fetch do not come.
    let theirs = "SELECT n, 1000 / (n - 700) FROM generate_series(0, 999) AS n";
    let (count, said) = fails(Query::new(theirs)).await;
    assert!((188..=700).contains(&count) && said.contains("division by zero"), "{count} {said}");
    assert_eq!(rows::<i64>(&database, "SELECT 1").to_vec().await.unwrap(), [1]);
}

#[tokio::test]
async fn what_cannot_be_done_is_an_error() {
    let Some(server) = postgres() else { return };
    let database = Database::postgres(server.pool(1));
    let fails =
        async |query: Query| whole(&rows::<i64>(&database, query).to_vec().await.unwrap_err());
    assert!(
        fails(Query::new("SELECT * FROM nope")).await.contains("relation \"nope\" does not exist")
    );
    assert!(fails(Query::new("SELECT $1::int")).await.contains("0 values are bound to 1 places"));
    assert!(fails(Query::new("SELECT 1").bind(1)).await.contains("1 values are bound to 0 places"));
    assert!(fails(Query::new("SELECT $1::int").bind("x")).await.contains("invalid input syntax"));
    // F110: more values than a message of the protocol can count.
    let many = (0..70_000).fold(Query::new("SELECT 1"), Query::bind);
    assert!(fails(many).await.contains("70000 values are bound to 0 places"));
    let places: Vec<String> = (1..=70_000).map(|n| format!("${n}::int")).collect();
    let many =
        (0..70_000).fold(Query::new(format!("SELECT ARRAY[{}]", places.join(","))), Query::bind);
    fails(many).await;
    // Reading changes nothing.
    server.session().await.run("CREATE TABLE t (n int); INSERT INTO t VALUES (1)").await;
    assert!(!fails(Query::new("DELETE FROM t RETURNING n")).await.is_empty());
    assert!(
        fails(Query::new("SELECT setval('s', 1) FROM t; DELETE FROM t"))
            .await
            .contains("multiple commands")
    );
    assert_eq!(rows::<i64>(&database, "SELECT n FROM t").to_vec().await.unwrap(), [1]);
    let nobody = Database::open("postgres://nobody@127.0.0.1:1/nothing?connect_timeout=5").unwrap();
    let refused = rows::<i64>(&nobody, "SELECT 1").to_vec().await.unwrap_err();
    assert!(whole(&refused).contains("refused"), "{}", whole(&refused));
}

/// F104: a password is in no error and in no `Debug`.
#[tokio::test]
async fn a_password_is_not_told() {
    let secret = "s3cr3t";
    for url in [
        format!("postgres://me:{secret}@127.0.0.1:1/db?connect_timeout=5"),
        format!("postgres://me:{secret}@127.0.0.1:1/db?nonsense={secret}x&sslmode=what"),
        format!("postgres://me:{secret}@127.0.0.1:port/db"),
    ] {
        let said = match Database::open(&url) {
            Ok(database) => {
                let error = rows::<i64>(&database, "SELECT 1").to_vec().await.unwrap_err();
                format!("{database:?} {error:?} {}", whole(&error))
            }
            Err(error) => format!("{error:?} {}", whole(&error)),
        };
        assert!(!said.contains(secret), "{said}");
    }
}

/// Values are bound, so what is in them is no SQL: F110.
#[tokio::test]
async fn bound_values_are_only_values() {
    let Some(server) = postgres() else { return };
    let database = server.database();
    let session = server.session().await;
    session.run("CREATE TABLE t (v text); INSERT INTO t VALUES ('x')").await;
    for text in ["'; DROP TABLE t; --", "$1", "\\'; DROP TABLE t", "\u{0}", "x' OR 'a' = 'a"] {
        let query = Query::new("SELECT v FROM t WHERE v = $1").bind(text);
        match rows::<String>(&database, query).to_vec().await {
            Ok(found) => assert!(found.is_empty()),
            Err(error) => assert!(text.contains('\0'), "{}", whole(&error)),
        }
    }
    type Bound = (bool, i64, f64, String, Vec<u8>, Option<i64>);
    let query = Query::new("SELECT $1::bool, $2::int8, $3::float8, $4::text, $5::bytea, $6::int4");
    let query =
        query.bind(true).bind(-5).bind(0.1).bind("ä\\").bind(&[0_u8, 9][..]).bind(None::<i64>);
    let given = rows::<Bound>(&database, query).to_vec().await.unwrap();
    assert_eq!(given, [(true, -5, 0.1, "ä\\".to_owned(), vec![0, 9], None)]);
    assert_eq!(session.numbers("SELECT count(*) FROM t").await, [1]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// The pages, put together, are what `ORDER BY` gives: for every size of a page, and every start.
    #[test]
    fn pages_are_the_rows_in_order(
        keys in proptest::collection::btree_set((0_i64..6, "[a-c]{0,2}"), 0..50),
        page in 1_usize..12,
        start in 0_usize..50,
    ) {
        let Some(server) = postgres() else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let keys: Vec<(i64, String)> = keys.into_iter().collect();
        let after = keys.get(start).map(|(a, b)| Position::from_iter([Value::from(*a), Value::from(b.as_str())]));
        let expected = if after.is_some() { &keys[start + 1..] } else { &keys[..] };
        let given = runtime.block_on(async {
            let session = server.session().await;
            session.run("CREATE TABLE t (a smallint, b text COLLATE \"C\", UNIQUE (a, b))").await;
            for (a, b) in &keys {
                session.run(&format!("INSERT INTO t VALUES ({a}, '{b}')")).await;
            }
            let query = Query::new("SELECT a, b FROM t -- all").by_key(["a", "b"]).unwrap().after(after);
            row_batches::<(i64, String)>(&server.database(), query.with_batch_size(page)).to_vec().await.unwrap()
        });
        prop_assert!(given.iter().rev().skip(1).all(|batch| batch.len() == page));
        prop_assert_eq!(given.concat(), expected);
    }
}

#[tokio::test]
async fn keys_that_do_not_work_are_errors() {
    let Some(server) = postgres() else { return };
    let database = Database::postgres(server.pool(1));
    server.session().await.run("CREATE TABLE t (k int, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (2, 'c'), (3, 'd')").await;
    let query = |sql: &str| Query::new(sql).by_key(["k"]).unwrap();
    let given = async |query: Query| rows::<(i64, String)>(&database, query).to_vec().await;
    let all = "SELECT k, v FROM t";
    assert_eq!(given(query(all).with_batch_size(3)).await.unwrap().len(), 4);
    assert!(
        whole(&given(query(all).with_batch_size(2)).await.unwrap_err())
            .contains("two rows have the key [2]")
    );
    assert!(
        whole(&given(query("SELECT v FROM t")).await.unwrap_err())
            .contains("highwater_page.k does not exist")
    );
    // They come last here, and would be on no page.
    server.session().await.run("INSERT INTO t VALUES (NULL, 'lost')").await;
    assert!(whole(&given(query(all)).await.unwrap_err()).contains("the key (k) of a row is null"));
}
