//! Child processes as duplexes.

use std::path::PathBuf;
use std::time::Duration;

use highwater::Readable;
use highwater::process::{self, Failed};
use tokio::process::Command;

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// More than both pipes hold goes through: input is written while output is read.
#[tokio::test]
async fn more_than_the_pipes_hold_goes_through() {
    let cat = process::spawn(&mut Command::new("cat")).unwrap();
    let input = Readable::from_iter((0..100).map(|_| vec![b'x'; 10_000])).pipe_to(cat.input);
    let (written, read) = tokio::join!(input.run(), cat.output.to_bytes());
    written.unwrap();
    assert_eq!(read.unwrap().len(), 1_000_000);
}

/// C12: a program that fails has not ended: the error comes behind all of its output, and has its status.
#[tokio::test]
async fn a_program_that_fails_has_not_ended() {
    for (script, code) in [("printf half; exit 3", Some(3)), ("printf half; kill -9 $$", None)] {
        let mut output = process::spawn(&mut shell(script)).unwrap().output;
        assert_eq!(output.next().await.unwrap().unwrap(), "half");
        let error = output.next().await.unwrap().unwrap_err();
        let failed: &Failed = error.downcast_ref().expect("it says how the program ended");
        assert_eq!(failed.status().code(), code, "{error}");
        assert!(output.next().await.is_none());
    }
}

/// A program ends with the handle of its output.
#[tokio::test]
async fn a_program_ends_with_its_output() {
    let child = process::spawn(&mut shell("echo begun; exec sleep 1000")).unwrap();
    let status = PathBuf::from(format!("/proc/{}/stat", child.id().expect("it runs")));
    let mut output = child.output;
    assert_eq!(output.next().await.unwrap().unwrap(), "begun\n");
    drop(output);
    let gone = async {
        // It is gone, or waits to be buried by the runtime.
        while std::fs::read_to_string(&status).is_ok_and(|stat| !stat.contains(") Z ")) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.expect("it is killed");
}

/// A program that is not there is named.
#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let error = process::spawn(&mut Command::new("no-such-program")).unwrap_err();
    assert!(error.to_string().contains("no-such-program"), "{error}");
}
