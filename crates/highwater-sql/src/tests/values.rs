//! What serde and rows make of each other.

use std::collections::BTreeMap;

use highwater_core::record::Failed;
use highwater_core::{Readable, Result};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::support::{Temp, error, whole};
use crate::{Position, Row, Table, ToRow, Value, rows, table_writer};

/// One value of every kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct All {
    id: i64,
    small: u8,
    truth: bool,
    real: f64,
    single: f32,
    letter: char,
    text: String,
    maybe: Option<String>,
    kind: Kind,
    wrapped: Wrapped,
    blob: Vec<u8>,
    digest: [u8; 4],
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Kind {
    Plain,
    #[serde(rename = "the other one")]
    Other,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Wrapped(u32);

const COLUMNS: [&str; 12] = [
    "id", "small", "truth", "real", "single", "letter", "text", "maybe", "kind", "wrapped", "blob",
    "digest",
];

fn all() -> impl Strategy<Value = All> {
    let numbers =
        (any::<i64>(), any::<u8>(), any::<bool>(), any::<f64>(), any::<f32>(), any::<u32>());
    let texts =
        (any::<char>(), ".*", proptest::option::of(".*"), any::<Vec<u8>>(), any::<[u8; 4]>());
    (numbers, texts, any::<bool>()).prop_map(|(numbers, texts, other)| {
        let (id, small, truth, real, single, wrapped) = numbers;
        let (letter, text, maybe, blob, digest) = texts;
        let kind = if other { Kind::Other } else { Kind::Plain };
        let wrapped = Wrapped(wrapped);
        All { id, small, truth, real, single, letter, text, maybe, kind, wrapped, blob, digest }
    })
}

fn run<R>(work: impl Future<Output = R>) -> R {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn table() -> Temp {
    Temp::new(&format!("CREATE TABLE t ({})", COLUMNS.join(", ")))
}

async fn write<T: ToRow + Send + 'static>(temp: &Temp, columns: &[&str], row: T) -> Result<()> {
    let table = Table::new("t", columns)?;
    Readable::once(vec![row]).pipe_to(table_writer(&temp.database(), table)).await?;
    Ok(())
}

async fn read<T: DeserializeOwned + Send + 'static>(temp: &Temp, sql: &str) -> Result<Vec<T>> {
    rows::<T>(&temp.database(), sql).to_vec().await
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_kind_of_value_comes_back(value in all()) {
        run(async {
            let temp = table();
            write(&temp, &COLUMNS, value.clone()).await.unwrap();
            let given = read::<All>(&temp, "SELECT * FROM t").await.unwrap();
            assert_eq!(given, [value]);
        });
    }

    /// A checkpoint gives back exactly what it was given.
    #[test]
    fn positions_come_back(
        integer in any::<i64>(), real in any::<f64>(), text in ".*", blob in any::<Vec<u8>>(), truth in any::<bool>()
    ) {
        let values = [integer.into(), real.into(), text.into(), blob.into(), truth.into(), Value::Null];
        let position = Position::from_iter(values);
        prop_assert_eq!(Position::from_text(&position.to_text()).unwrap(), position);
    }
}

#[test]
fn broken_positions_are_refused() {
    for text in [
        "",
        "1",
        "{}",
        "[[]]",
        "[1.5]",
        r#"[{"blob":"0"}]"#,
        r#"[{"blob":"zz"}]"#,
        r#"[{"x":1}]"#,
        "[1",
    ] {
        assert!(error(Position::from_text(text)).is_corrupt(), "{text}");
    }
}

#[tokio::test]
async fn fields_are_found_by_their_names_and_places_by_their_order() {
    let temp = Temp::new("CREATE TABLE t (a, b)");
    #[derive(Serialize)]
    struct Turned {
        b: i64,
        a: i64,
    }
    write(&temp, &["a", "b"], Turned { b: 2, a: 1 }).await.unwrap();
    write(&temp, &["b", "a"], (4, 3)).await.unwrap();
    write(&temp, &["a", "b"], BTreeMap::from([("b", 6), ("a", 5)])).await.unwrap();
    write(&temp, &["a", "b"], vec![7, 8]).await.unwrap();
    let pairs = read::<(i64, i64)>(&temp, "SELECT a, b FROM t ORDER BY a").await.unwrap();
    assert_eq!(pairs, [(1, 2), (3, 4), (5, 6), (7, 8)]);
    let maps =
        read::<BTreeMap<String, i64>>(&temp, "SELECT b AS x FROM t WHERE a = 1").await.unwrap();
    assert_eq!(maps, [BTreeMap::from([("x".to_owned(), 2)])]);
    assert_eq!(read::<Option<i64>>(&temp, "SELECT NULL").await.unwrap(), [None]);
    assert_eq!(read::<Wrapped>(&temp, "SELECT 5").await.unwrap(), [Wrapped(5)]);
    assert_eq!(read::<Kind>(&temp, "SELECT 'Plain'").await.unwrap(), [Kind::Plain]);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Person {
    name: String,
    #[serde(flatten)]
    rest: BTreeMap<String, i64>,
}

#[tokio::test]
async fn flattened_maps_are_columns() {
    let temp = Temp::new("CREATE TABLE t (name, age, size)");
    let rest = BTreeMap::from([("age".to_owned(), 30), ("size".to_owned(), 170)]);
    let person = || Person { name: "Ann".to_owned(), rest: rest.clone() };
    write(&temp, &["name", "age", "size"], person()).await.unwrap();
    assert_eq!(read::<Person>(&temp, "SELECT * FROM t").await.unwrap(), [person()]);
}

/// F108: an error says which row, which column, and what is in it.
#[tokio::test]
async fn what_cannot_be_read_is_said() {
    let temp =
        Temp::new("CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'x'), (2, NULL), (300, 'y')");
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "it is only read")]
    struct Narrow {
        a: u8,
        b: Option<String>,
    }
    let fails = async |sql: &str| whole(&error(read::<Narrow>(&temp, sql).await));
    let said = fails("SELECT a, b FROM t").await;
    assert!(said.contains("row 2: column `a`") && said.contains("300"), "{said}");
    let said = fails("SELECT a FROM t").await;
    assert!(!said.contains("missing field"), "an option may be left out: {said}");
    assert!(fails("SELECT b FROM t").await.contains("row 0: missing field `a`"));
    assert!(
        fails("SELECT 'one' AS a, b FROM t")
            .await
            .contains("column `a`: invalid type: string \"one\"")
    );
    let tuple = whole(&error(read::<(i64,)>(&temp, "SELECT a, b FROM t").await));
    assert!(tuple.contains("row 0: 2 columns for a tuple of 1"), "{tuple}");
    let single = whole(&error(read::<i64>(&temp, "SELECT a, b FROM t").await));
    assert!(single.contains("2 columns, where there should be one"), "{single}");
    let text = whole(&error(read::<String>(&temp, "SELECT CAST(x'ff' AS TEXT) AS t").await));
    assert!(text.contains("row 0: column `t`: invalid utf-8"), "{text}");
    let null = whole(&error(read::<String>(&temp, "SELECT NULL AS t").await));
    assert!(null.contains("row 0: column `t`: invalid type"), "{null}");
}

/// What the row is that cannot be written, and why.
async fn refused<T: ToRow + Send + 'static>(columns: &[&str], row: T) -> String {
    let temp = Temp::new("CREATE TABLE t (a, b)");
    let error = error(write(&temp, columns, row).await);
    let bad = error.downcast_ref::<Failed<String>>().expect("a bad row");
    assert_eq!(bad.index(), Some(0));
    assert_eq!(temp.dump("t"), Vec::<String>::new());
    format!("{}: {}", bad.item(), bad.error())
}

/// F110: what a column cannot hold is an error, never another value.
#[tokio::test]
async fn what_cannot_be_written_is_said() {
    #[derive(Serialize)]
    struct Nested {
        a: (i64, i64),
    }
    let both = ["a", "b"];
    assert!(refused(&["a"], (u64::MAX,)).await.contains("18446744073709551615 is more"));
    assert!(refused(&["a"], (i128::MIN,)).await.contains("is more"));
    assert!(refused(&["a"], (f64::NAN,)).await.contains("no value for NaN"));
    assert!(
        refused(&["a"], Nested { a: (1, 256) }).await.contains("a sequence of anything but bytes")
    );
    assert!(refused(&["a"], (BTreeMap::from([(1, 2)]),)).await.contains("a map does not fit"));
    assert!(
        refused(&both, (1,))
            .await
            .starts_with(r#"{"a":1}: the row has nothing for the column `b`"#)
    );
    assert!(refused(&["a"], (1, 2)).await.contains("more than 1 values"));
    let unknown = BTreeMap::from([("a", 1), ("b", 2), ("c", 3)]);
    assert!(refused(&both, unknown).await.contains("`c` is none of the columns of `t`"));
    let twice = Row::from_iter([("a", Value::from(1)), ("a", Value::from(2)), ("b", Value::Null)]);
    assert!(refused(&both, twice).await.contains("two values for `a`"));
    assert!(
        refused(&["a"], BTreeMap::from([(1, 2)])).await.contains("the name of a column is text")
    );
}

/// A row in an error is text that can be shown: it has no control characters.
#[test]
fn a_row_is_shown_as_json() {
    let row = Row::from_iter([
        ("a", Value::Null),
        ("b", Value::from("x\u{1b}[31m\n\"")),
        ("c", Value::from(&[1_u8, 171][..])),
        ("d", Value::from(f64::INFINITY)),
        ("e", Value::from(true)),
        ("f", Value::from(1.0)),
    ]);
    let text = r#"{"a":null,"b":"x\u001b[31m\n\"","c":"\\x01ab","d":"inf","e":true,"f":1.0}"#;
    assert_eq!(row.to_string(), text);
    assert_eq!(Row::from_iter(Vec::<(&str, Value)>::new()).to_string(), "{}");
}
