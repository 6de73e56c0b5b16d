//! Child processes as duplexes.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use highwater::process::{self, Failed};
use highwater::{CancellationToken, Error, Readable};
use tokio::process::Command;

use crate::support::soon;

/// The result of what must not hang. The clock runs, for a program does.
async fn in_a_minute<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it hangs")
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// More than both pipes hold goes through: input is written while output is read.
#[tokio::test]
async fn more_than_the_pipes_hold_goes_through() {
    let cat = process::spawn(&mut Command::new("cat")).unwrap();
    let input =
        Readable::from_iter((0..100).map(|_| Bytes::from(vec![b'x'; 10_000]))).pipe_to(cat.input);
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

/// The output ends with the exit of the program, although a process that it left behind holds the pipe: after the grace
/// period, which is counted from the last byte of the program. From the exit on the clock is paused, so that the grace
/// period passes as soon as nothing else happens.
#[tokio::test]
async fn output_ends_with_the_exit_and_not_with_the_last_process() {
    let script = "sleep 60 & printf own; printf bad >&2; exit 3";
    let child = process::spawn(shell(script).stderr(std::process::Stdio::piped())).unwrap();
    let child = child.with_grace(Duration::from_secs(3600));
    let (cut_off, exit) = (child.cut_off(), child.exit());
    let status = in_a_minute(exit.clone()).await.unwrap();
    tokio::time::pause();
    assert_eq!((status.code(), exit.await.unwrap().code()), (Some(3), Some(3)));
    let mut output = child.output;
    assert_eq!(soon(output.next()).await.unwrap().unwrap(), "own");
    let error = soon(output.next()).await.unwrap().unwrap_err();
    assert!(error.downcast_ref::<Failed>().is_some(), "{error}");
    assert!(output.next().await.is_none());
    assert_eq!(soon(child.errors.unwrap().to_bytes()).await.unwrap(), "bad");
    assert_eq!((cut_off.is_cut_off(), cut_off.bytes()), (true, 0));
}

/// A process that is left behind and writes without end: all that the program wrote comes, however slowly it is read, and
/// the rest is counted.
#[tokio::test]
async fn output_of_a_process_left_behind_is_cut_off_and_counted() {
    let script = "head -c 50000 /dev/zero; yes & exit 0";
    let child = process::spawn(&mut shell(script)).unwrap().with_grace(Duration::from_millis(10));
    let (cut_off, exit, mut output) = (child.cut_off(), child.exit(), child.output);
    in_a_minute(exit).await.unwrap();
    tokio::time::pause();
    let mut zeros = 0;
    while let Some(chunk) = soon(output.next()).await {
        zeros += chunk.unwrap().iter().filter(|byte| **byte == 0).count();
        tokio::time::advance(Duration::from_secs(60)).await;
    }
    assert_eq!(zeros, 50_000);
    assert!(cut_off.is_cut_off());
}

/// A program whose pipes all close with its exit is not cut off.
#[tokio::test]
async fn output_of_a_program_alone_is_not_cut_off() {
    let child = process::spawn(&mut shell("head -c 300000 /dev/zero")).unwrap();
    let (cut_off, exit) = (child.cut_off(), child.exit());
    let both = async { tokio::join!(child.output.to_bytes(), exit) };
    let (output, status) = in_a_minute(both).await;
    assert_eq!((output.unwrap().len(), status.unwrap().success()), (300_000, true));
    assert!(!cut_off.is_cut_off());
}

/// The exit is told to all that wait for it, also after the output was dropped, which kills the program.
#[tokio::test]
async fn a_program_that_is_killed_tells_its_exit() {
    let child = process::spawn(&mut shell("exec sleep 1000")).unwrap();
    let (one, two) = (child.exit(), child.exit());
    let waiting = highwater::task::spawn(one);
    tokio::task::yield_now().await;
    drop(child.output);
    let (one, two) = in_a_minute(async { tokio::join!(waiting, two) }).await;
    for status in [one.unwrap().unwrap(), two.unwrap()] {
        assert_eq!(status.code(), None, "a signal ended it");
    }
}

/// An input that was only lent is closed by the end of the pipeline, and by its failure: `cat` waits for that.
#[tokio::test]
async fn a_lent_input_is_closed_by_an_end_and_by_an_abort() {
    for fails in [false, true] {
        let mut cat = process::spawn(&mut Command::new("cat")).unwrap();
        let last = if fails { Err(Error::msg("lost")) } else { Ok("b") };
        let source = Readable::from_stream(futures::stream::iter([Ok("a"), last]));
        let fed =
            source.try_map(|chunk| chunk.map(Bytes::from)).pipe_to(&mut cat.input).run().await;
        assert_eq!(fed.is_err(), fails);
        let output = in_a_minute(cat.output.to_bytes()).await.unwrap();
        assert_eq!(output, if fails { "a" } else { "ab" });
        let again = Readable::once(Bytes::from("c")).pipe_to(&mut cat.input).run().await;
        assert!(again.unwrap_err().is_write_after_end());
    }
}

/// An abort ends pipelines whose program neither reads its input nor has its output read.
#[tokio::test]
async fn an_abort_ends_pipelines_with_blocked_pipes() {
    let stop = CancellationToken::new();
    let child = process::spawn(&mut shell("yes & exec sleep 1000")).unwrap();
    let exit = child.exit();
    let endless = Readable::from_iter(std::iter::repeat_with(|| Bytes::from(vec![0; 10_000])));
    let fed = endless.pipe_to(child.input).abort_on(stop.clone()).spawn();
    let stuck = highwater::destination_fn(|_: Bytes| std::future::pending());
    let read = child.output.pipe_to(stuck).abort_on(stop.clone()).spawn();
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    assert!(in_a_minute(fed.join()).await.unwrap_err().is_aborted());
    assert!(in_a_minute(read.join()).await.unwrap_err().is_aborted());
    assert!(!in_a_minute(exit).await.unwrap().success());
}
