//! The program `objects`, run as its users run it, against the real server.

use std::net::SocketAddr;
use std::process::{Output, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::*;
use crate::support::program;

/// The program with credentials for the server at this address, and a store in it.
fn objects(address: SocketAddr) -> Command {
    let mut command = program("objects");
    command
        .env("AWS_ACCESS_KEY_ID", S3::KEY)
        .env("AWS_SECRET_ACCESS_KEY", S3::SECRET)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ENDPOINT", format!("http://{address}"))
        .env("AWS_ALLOW_HTTP", "true");
    let mut command = Command::from(command);
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

fn in_s3(address: SocketAddr) -> Command {
    let mut command = objects(address);
    command.args(["--store", &S3::url()]);
    command
}

async fn run(command: &mut Command) -> Output {
    command.output().await.unwrap()
}

/// It ended well, and said one line.
fn ended_well(output: &Output, said: &str) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.lines().count() == 1 && text.contains(said), "{text}");
}

/// It failed, and said why in one line.
fn failed(output: &Output, parts: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), text.lines().count()), (Some(2), 1), "{text}");
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// JSON Lines of records whose order is that of their ids.
fn lines(records: usize) -> String {
    let line = |n| {
        format!(
            "{{\"id\":\"r-{n:05}\",\"n\":{n}.50,\"text\":\"a \\\"b\\\\ {n}\",\"big\":12345678901234567890}}\n"
        )
    };
    (0..records).map(line).collect()
}

async fn interrupt(mut child: Child) -> Option<i32> {
    let id = child.id().unwrap().to_string();
    let interrupted = Command::new("kill").args(["-INT", &id]).status().await;
    assert!(interrupted.unwrap().success());
    child.wait().await.unwrap().code()
}

/// 10 000 records in and out again: the output is the input, byte by byte.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_records_in_and_out() {
    let s3 = S3::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in"), folder.path().join("out"));
    std::fs::write(&input, lines(10_000)).unwrap();
    let import = run(in_s3(s3.address()).arg("import").arg(&input)).await;
    ended_well(&import, "10,000 records");
    let export = run(in_s3(s3.address()).args(["export", "-o"]).arg(&output)).await;
    ended_well(&export, "10,000 records");
    assert!(export.stdout.is_empty());
    assert!(std::fs::read(&output).unwrap() == lines(10_000).as_bytes());
}

/// In the order of their keys: `%` is before `.`.
#[tokio::test(flavor = "multi_thread")]
async fn ids_one_per_line() {
    let rig = Rig::start().await;
    let ids = ["a", "a/b", "quote\"", "ünï"];
    let texts = rig.store.resource::<u32>("records").unwrap();
    Readable::from_iter(ids).map(|id| Record::new(id, 1)).pipe_to(texts.writer()).await.unwrap();
    let output = run(in_s3(rig.s3.address()).arg("ids")).await;
    ended_well(&output, "4 ids");
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "\"a/b\"\n\"a\"\n\"quote\\\"\"\n\"ünï\"\n"
    );
}

/// From a folder to S3, with other names of fields; what was there is as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_migration_renames_fields() {
    let s3 = S3::start().await;
    let folder = tempfile::tempdir().unwrap();
    let here = Store::folder(folder.path()).unwrap();
    for (id, text) in [
        ("a", "{\"id\": \"a\",\n \"name\": 1.50, \"other\": {\"name\": 2}}"),
        ("b", "{\"id\":\"b\"}"),
    ] {
        write(&here, &format!("records/{id}.json"), text).await;
    }
    let migrate = |to: &str, rename: &str| {
        let mut command = objects(s3.address());
        command.arg("--store").arg(folder.path()).args(["migrate", "--to", to, "--rename", rename]);
        command
    };
    ended_well(&run(&mut migrate(&S3::url(), "name=full_name")).await, "2 records");
    let export = run(in_s3(s3.address()).arg("export")).await;
    let expected = "{\"full_name\":1.50,\"id\":\"a\",\"other\":{\"name\":2}}\n{\"id\":\"b\"}\n";
    assert_eq!(String::from_utf8(export.stdout).unwrap(), expected);
    assert_eq!(
        std::fs::read_to_string(folder.path().join("records/b.json")).unwrap(),
        "{\"id\":\"b\"}"
    );

    failed(
        &run(&mut migrate(&S3::url(), "name=other")).await,
        &["record `a`", "a field `other` already"],
    );
    failed(&run(&mut migrate(folder.path().to_str().unwrap(), "a=b")).await, &["--to-resource"]);
}

/// An object of several parts, to S3 and back.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_large_object() {
    let s3 = S3::start().await;
    let folder = tempfile::tempdir().unwrap();
    let object = bytes(20 << 20);
    std::fs::write(folder.path().join("large"), &object).unwrap();
    let mut there = objects(s3.address());
    there.arg("--store").arg(folder.path()).args(["copy", "large", "--to", &S3::url()]);
    ended_well(&run(&mut there).await, "20,971,520 bytes");
    let mut back = in_s3(s3.address());
    back.args(["copy", "large", "--as", "deep/copy", "--to"]).arg(folder.path());
    ended_well(&run(&mut back).await, "20,971,520 bytes");
    assert!(std::fs::read(folder.path().join("deep/copy")).unwrap() == object);
    failed(&run(in_s3(s3.address()).args(["copy", "large"])).await, &["--to or --as"]);
    failed(
        &run(in_s3(s3.address()).args(["copy", "no", "--as", "x"])).await,
        &["cannot read `of/tests/no`"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_said_in_one_line() {
    let s3 = S3::start().await;
    let folder = tempfile::tempdir().unwrap();
    let input = |text: &str| {
        std::fs::write(folder.path().join("in"), text).unwrap();
        let mut command = in_s3(s3.address());
        command.arg("import").arg(folder.path().join("in"));
        command
    };
    failed(&run(&mut input("{\"id\":1}\n\n{\"x\":1}\n")).await, &["no field `id`", "chunk 1"]);
    failed(&run(&mut input("{\"id\":1}\n{\"id\":\n")).await, &["line 2"]);
    failed(&run(&mut input("{\"id\":\"\"}\n")).await, &["record `` was not written", "empty id"]);
    let mut unknown = objects(s3.address());
    failed(&run(unknown.args(["--store", "ftp://host/a"])).await, &["ftp://host/a"]);
    let mut wrong = in_s3(s3.address());
    let wrong = run(wrong.env("AWS_SECRET_ACCESS_KEY", "wr0ng").arg("ids")).await;
    failed(&wrong, &["cannot list `of/tests/records`", "403"]);
    assert!(!String::from_utf8_lossy(&wrong.stderr).contains("wr0ng"));

    let output = folder.path().join("out");
    write(&s3.store(), "records/zz.json", "no JSON").await;
    let export = run(in_s3(s3.address()).args(["export", "-o"]).arg(&output)).await;
    failed(&export, &["record `zz` is not JSON"]);
    assert!(!output.exists());
}

/// With `--keep-going` records that fail are named and left out, and the end says so.
#[tokio::test(flavor = "multi_thread")]
async fn keeping_going_leaves_records_out() {
    let rig = Rig::start().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in"), lines(30) + "{}\nno JSON\n").unwrap();
    rig.chaos.play(|request| {
        if request.target.contains("r-00007") {
            Fault::Instead(Answer::new(403, "no"))
        } else {
            Fault::None
        }
    });
    let mut import = in_s3(rig.chaos.address());
    let import = run(import.args(["--keep-going", "import"]).arg(folder.path().join("in"))).await;
    let said = String::from_utf8_lossy(&import.stderr);
    assert_eq!((import.status.code(), said.lines().count()), (Some(1), 4), "{said}");
    for why in ["record `r-00007` was not written", "no field `id`", "line 32", "29 records"] {
        assert!(said.contains(why), "{why}: {said}");
    }
    let export = run(in_s3(rig.s3.address()).arg("export")).await;
    let all = lines(30);
    let rest: String = all.split_inclusive('\n').filter(|line| !line.contains("r-00007")).collect();
    assert_eq!(String::from_utf8(export.stdout).unwrap(), rest);
}

/// What cannot be read as a record of JSON is left out as well: of an export, and of a migration that looks into it.
#[tokio::test(flavor = "multi_thread")]
async fn keeping_going_leaves_records_out_that_are_not_json() {
    let folder = tempfile::tempdir().unwrap();
    let here = Store::folder(folder.path()).unwrap();
    for (id, text) in [("a", "{\"old\": 1}"), ("b", "no JSON"), ("c", "{\"old\": 3, \"new\": 4}")] {
        write(&here, &format!("records/{id}.json"), text).await;
    }
    let objects = |arguments: &[&str]| {
        let mut command = Command::from(program("objects"));
        command.arg("--store").arg(folder.path()).arg("--keep-going").args(arguments);
        command
    };
    let export = run(&mut objects(&["export"])).await;
    let said = String::from_utf8_lossy(&export.stderr);
    assert_eq!(export.status.code(), Some(1), "{said}");
    assert!(said.contains("left out: record `b` is not JSON"), "{said}");
    let lines = String::from_utf8(export.stdout).unwrap();
    assert_eq!(lines, "{\"old\":1}\n{\"old\":3,\"new\":4}\n");

    let migrate = ["migrate", "--to-resource", "new", "--rename", "old=new"];
    let migrate = run(&mut objects(&migrate)).await;
    let said = String::from_utf8_lossy(&migrate.stderr);
    assert_eq!(migrate.status.code(), Some(1), "{said}");
    assert!(
        said.contains("left out: record `b`") && said.contains("left out: record `c`"),
        "{said}"
    );
    assert!(said.contains("1 records"), "{said}");
    assert_eq!(read(&here, "new/a.json").await.0, b"{\"new\":1}");
}

/// `objects --keep-going export | head`: the exit code still says that a record was left out.
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_output_hides_no_record_that_was_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let here = Store::folder(folder.path()).unwrap();
    write(&here, "records/a.json", "no JSON").await;
    write(&here, "records/b.json", "{}").await;
    let mut command = Command::from(program("objects"));
    command.arg("--store").arg(folder.path()).args(["--keep-going", "export"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("left out: record `a`"), "{said}");
}

/// An error of the store is its code and its message, not XML with the id of the key and the text that was signed.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_store_is_said_without_markup() {
    let s3 = S3::start().await;
    let mut wrong = in_s3(s3.address());
    let wrong = run(wrong.env("AWS_SECRET_ACCESS_KEY", "wr0ng").arg("ids")).await;
    failed(&wrong, &["403", "SignatureDoesNotMatch"]);
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(!said.contains('<') && !said.contains(S3::KEY), "{said}");
}

/// Ctrl-C: the records that are there are whole, and no output is half-written.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_leaves_nothing_half_written() {
    let rig = Rig::start().await;
    let mut import =
        in_s3(rig.s3.address()).args(["import", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = import.stdin.take().unwrap();
    stdin.write_all(lines(500).as_bytes()).await.unwrap();
    // It reads, and it is not told that this is all.
    let records = rig.s3.store().raw_resource("records").unwrap();
    while records.ids().to_vec().await.unwrap().concat().len() < 100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(interrupt(import).await, Some(130));
    let all = lines(500);
    for record in records.reader().to_vec().await.unwrap() {
        let text = String::from_utf8(record.value.to_vec()).unwrap();
        assert!(all.contains(&(text + "\n")), "{}", record.id);
    }

    // An export whose last records do not come.
    let folder = tempfile::tempdir().unwrap();
    rig.break_each(kind::get, |n| if n < 50 { Fault::None } else { Fault::Drop(Ending::Silence) });
    let mut export = in_s3(rig.chaos.address());
    let export = export.args(["export", "-o"]).arg(folder.path().join("out")).spawn().unwrap();
    while rig.count(kind::get) < 60 {
        tokio::task::yield_now().await;
    }
    assert_eq!(interrupt(export).await, Some(130));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// The reader of the output has stopped reading: a signal ends the program all the same.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_ends_an_export_into_a_pipe_that_is_full() {
    for signal in ["INT", "TERM"] {
        let mut export = Command::from(program("objects"));
        export.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut export = export.spawn().unwrap();
        let mut output = export.stdout.take().unwrap();
        // The sample is larger than a pipe, and its writing has begun.
        output.read_u8().await.unwrap();
        let id = export.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status().await;
        assert!(sent.unwrap().success());
        assert_eq!(export.wait().await.unwrap().code(), Some(130), "{signal}");
        drop(output);
    }
}

/// Ctrl-C in the middle of a multipart upload: it is undone before the program ends.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_undoes_an_upload() {
    let rig = Rig::start().await;
    write(&rig.s3.store(), "large", bytes(30 << 20)).await;
    // The third part of the source does not come.
    rig.chaos.play(|request| {
        let third =
            request.header("range").is_some_and(|range| range.starts_with("bytes=16777216-"));
        if third { Fault::Drop(Ending::Silence) } else { Fault::None }
    });
    let mut copy = in_s3(rig.chaos.address());
    let copy = copy.args(["copy", "large", "--as", "copy"]).spawn().unwrap();
    while rig.count(kind::part) == 0 || rig.s3.uploads().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(interrupt(copy).await, Some(130));
    rig.chaos.idle().await;
    assert_eq!((rig.count(kind::undo), rig.s3.uploads().len()), (1, 0));
    assert_eq!(rig.s3.store().info("copy").await.unwrap(), None);
}

/// Without arguments it works on a sample of its own.
#[tokio::test]
async fn without_a_store_it_makes_a_sample() {
    let output = Command::from(program("objects")).output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("sample of 10000 records"), "{said}");
    let mut lines: Vec<&str> = std::str::from_utf8(&output.stdout).unwrap().lines().collect();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), 10_000);
}
