//! What is loaded, from wherever to wherever.

use std::process::Command;

use super::{CREATE, Folder, all, copy, etl, failed, loaded, said};
use crate::support::services::{aside, postgres};

fn run(from: &str, to: &str) -> Command {
    let mut command = etl();
    command.args(["--from", from, "--to", to]);
    command
}

/// Every rule of it, on rows that were made by hand.
#[test]
fn users_are_checked_and_enriched() {
    let folder = Folder::new();
    let source = folder.open("from.db");
    source.execute_batch(CREATE).unwrap();
    source
        .execute_batch(
            "INSERT INTO zips VALUES ('8000', 'Zürich'), ('', 'Nowhere');
             INSERT INTO users VALUES
             (1, ' Ada ', 'Lovelace', '  ADA@Example.Com ', 36, '8000'),
             (2, 'Emmy', '', 'emmy@a.b.c', 17, '9999'),
             (3, '', 'Noether', 'e@x.yz', 18, NULL),
             (4, 'Carl', 'G', 'carl@localhost', 40, '8000'),
             (5, 'Carl', 'G', 'carl.g@x@y.z', 40, '8000'),
             (6, 'Carl', 'G', '@x.yz', 40, '8000'),
             (7, 'Carl', 'G', 'c g@x.yz', 40, '8000'),
             (8, 'Carl', 'G', NULL, 40, '8000'),
             (9, 'Carl', 'G', 'c@x..yz', 40, '8000'),
             (10, 'O''Hara', '\"; DROP TABLE users; --', 'o@x.yz', 40, '8000'),
             (-5, 'Old', 'One', 'o@x.yz', 65, ''),
             (12, 'No', 'Age', 'n@x.yz', NULL, '8000')",
        )
        .unwrap();
    let said = said(&run(&folder.url("from.db"), &folder.url("to.db")).output().unwrap());
    assert!(said.starts_with("etl: 12 read, 6 transformed, 6 skipped, 6 written in "), "{said}");
    let expected = [
        r#"{"id":-5,"full_name":"Old One","email":"o@x.yz","city":"Nowhere","age_group":"65+"}"#,
        r#"{"id":1,"full_name":"Ada Lovelace","email":"ada@example.com","city":"Zürich","age_group":"18-39"}"#,
        r#"{"id":2,"full_name":"Emmy","email":"emmy@a.b.c","city":null,"age_group":"0-17"}"#,
        r#"{"id":3,"full_name":"Noether","email":"e@x.yz","city":null,"age_group":"18-39"}"#,
        r#"{"id":10,"full_name":"O'Hara \"; DROP TABLE users; --","email":"o@x.yz","city":"Zürich","age_group":"40-64"}"#,
        r#"{"id":12,"full_name":"No Age","email":"n@x.yz","city":"Zürich","age_group":"unknown"}"#,
    ];
    assert_eq!(loaded(&folder.url("to.db")), expected);
}

/// SQLite to SQLite, SQLite to PostgreSQL, PostgreSQL to SQLite: equal tables, however many lookups run at a time.
#[test]
fn whatever_the_databases_the_result_is_the_same() {
    let folder = Folder::new();
    folder.users("from.db", 3000);
    let from = folder.url("from.db");
    let first = said(&run(&from, &folder.url("a.db")).args(["--parallel", "1"]).output().unwrap());
    assert!(first.contains("3,000 read, 2,700 transformed, 300 skipped, 2,700 written"), "{first}");
    let expected = loaded(&folder.url("a.db"));
    assert_eq!(expected.len(), 2700);
    said(
        &run(&from, &folder.url("b.db"))
            .args(["--parallel", "64", "--batch", "7"])
            .output()
            .unwrap(),
    );
    assert!(loaded(&folder.url("b.db")) == expected);

    let (Some(source), Some(target)) = (postgres(), postgres()) else { return };
    said(&run(&from, &target.url()).output().unwrap());
    assert!(loaded(&target.url()) == expected);
    // And back: the source goes over as it is, and is loaded from there.
    aside(async { source.session().await.run(CREATE).await });
    copy(&from, &source.url(), "users", &["id", "first_name", "last_name", "email", "age", "zip"]);
    copy(&from, &source.url(), "zips", &["zip", "city"]);
    said(&run(&source.url(), &folder.url("c.db")).output().unwrap());
    assert!(loaded(&folder.url("c.db")) == expected);
}

/// Without arguments it makes a sample, and leaves nothing behind.
#[test]
fn without_arguments_it_loads_a_sample() {
    let folder = Folder::new();
    let output = etl().args(["--rows", "5000"]).env("TMPDIR", folder.path("")).output().unwrap();
    let said = said(&output);
    assert!(said.contains("making a sample of 5,000 users"), "{said}");
    assert!(said.contains("5,000 read, 4,945 transformed, 55 skipped, 4,945 written"), "{said}");
    for part in ["peak memory", "held back by"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(std::fs::read_dir(folder.path("")).unwrap().count(), 0);
}

/// A second run goes on, if that is what is wanted.
#[test]
fn it_goes_on_where_it_stopped() {
    let folder = Folder::new();
    folder.users("from.db", 1000);
    let (from, to) = (folder.url("from.db"), folder.url("to.db"));
    said(&run(&from, &to).output().unwrap());
    let again = failed(&run(&from, &to).output().unwrap());
    assert!(again.contains("has rows in `users` already: --resume goes on"), "{again}");
    let nothing = said(&run(&from, &to).arg("--resume").output().unwrap());
    assert!(nothing.contains("0 written"), "{nothing}");
    folder
        .open("from.db")
        .execute_batch("INSERT INTO users VALUES (5000, 'A', 'B', 'a@b.cd', 1, NULL)")
        .unwrap();
    let more = said(&run(&from, &to).arg("--resume").output().unwrap());
    assert!(more.contains("1 written"), "{more}");
    assert_eq!(loaded(&to).len(), 901);
}

/// F108: what the target does not take is kept, and told.
#[test]
fn rejected_rows_are_kept() {
    let folder = Folder::new();
    folder.users("from.db", 100);
    let to = folder.open("to.db");
    to.execute_batch(
        "CREATE TABLE users (id, full_name, email, city, age_group CHECK (age_group <> '65+'))",
    )
    .unwrap();
    let said = said(&run(&folder.url("from.db"), &folder.url("to.db")).output().unwrap());
    let rejected = all(&folder.url("to.db"), "SELECT row_json FROM users_rejected");
    assert!(!rejected.is_empty() && rejected.iter().all(|row| row.contains("65+")), "{rejected:?}");
    let there = loaded(&folder.url("to.db")).len();
    assert_eq!(there + rejected.len(), 90);
    assert!(
        said.contains(&format!("90 transformed, {} skipped, {there} written", 10 + rejected.len())),
        "{said}"
    );
}
