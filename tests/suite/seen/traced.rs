//! The spans and events, as a subscriber prints them.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use highwater_core::{Error, HighWaterMark, Readable, Result, destination_fn, pass_through};
use tokio::time::sleep;
use tracing::Level;
use tracing::callsite::rebuild_interest_cache;
use tracing::subscriber::set_default;

use crate::support::soon;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is traced on this thread while `work` runs, line by line, without times.
///
/// It runs twice, and the second time counts: an event that another thread meets for the first time while the subscriber
/// comes may be taken as one that nobody listens to, until the interests are asked for anew.
async fn traced(level: Level, work: impl AsyncFn() -> Result<()>) -> Result<Vec<String>> {
    let text = Text::default();
    let writer = text.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .without_time()
        .with_writer(move || writer.clone())
        .finish();
    let _subscriber = set_default(subscriber);
    work().await?;
    rebuild_interest_cache();
    text.0.lock().unwrap().clear();
    work().await?;
    let text = String::from_utf8(text.0.lock().unwrap().clone()).unwrap();
    Ok(text.lines().map(|line| line.trim_start().to_owned()).collect())
}

fn has(lines: &[String], begin: &str) {
    assert!(lines.iter().any(|line| line.starts_with(begin)), "no {begin}\n{}", lines.join("\n"));
}

/// Ten thousand chunks through two tasks: nothing at the level of info, the end at that of debug.
#[tokio::test]
async fn nothing_is_traced_per_chunk() -> Result<()> {
    let run = async || {
        let source = Readable::from_iter(0..10_000_u32).buffer(HighWaterMark::items(16));
        let to = destination_fn(|_| async { Ok(()) });
        source.map(|x| x).pipe_to(to).with_name("many").await.map(|_| ())
    };
    assert_eq!(traced(Level::INFO, run).await?, [""; 0]);
    let lines = traced(Level::DEBUG, run).await?;
    assert_eq!(lines.len(), 1, "{lines:?}");
    let span = "pipeline{name=\"many\" source=\"from_iter\" destination=\"destination_fn\"}";
    let begin = "highwater::pipeline: end chunks_in=10000 chunks_out=10000 elapsed=";
    has(&lines, &format!("DEBUG {span}: {begin}"));
    Ok(())
}

/// The task that fills a buffer has a span within that of the pipeline, in which it waits for room and goes on.
#[tokio::test(start_paused = true)]
async fn a_stage_with_a_task_has_its_span() -> Result<()> {
    let lines = traced(Level::TRACE, async || {
        let slow = destination_fn(|_: u32| async {
            sleep(SECOND).await;
            Ok(())
        });
        let ahead = Readable::from_iter(0..10).buffer(HighWaterMark::items(4));
        ahead.pipe_to(slow).await.map(|_| ())
    });
    let lines = lines.await?;
    let span =
        "pipeline{source=\"from_iter\" destination=\"destination_fn\"}:stage{stage=\"buffer\"}";
    for event in ["full", "drain"] {
        has(&lines, &format!("TRACE {span}: highwater::buffer: {event} stage=\"buffer\""));
    }
    Ok(())
}

/// An error is a warning that names its stage; an abort is none.
#[tokio::test(start_paused = true)]
async fn errors_and_aborts() -> Result<()> {
    let lines = traced(Level::TRACE, async || {
        let bad = Readable::from_iter(0..10).try_map(|x: u32| match x {
            7 => Err(Error::corrupt("not this one")),
            x => Ok(x),
        });
        assert!(bad.pipe_to(destination_fn(|_| async { Ok(()) })).with_name("bad").await.is_err());

        let endless = Readable::from_iter(0..).pipe_to(destination_fn(|_: u32| async { Ok(()) }));
        let running = endless.spawn();
        tokio::task::yield_now().await;
        running.abort();
        assert!(soon(running.join()).await.is_err());
        Ok(())
    });
    let lines = lines.await?;
    let span = "pipeline{name=\"bad\" source=\"from_iter\" destination=\"destination_fn\"}";
    let error = "highwater::pipeline: error stage=\"try_map\" error=not this one";
    has(&lines, &format!("WARN {span}: {error}"));
    let span = "pipeline{source=\"from_iter\" destination=\"destination_fn\"}";
    has(&lines, &format!("DEBUG {span}: highwater::pipeline: abort"));
    Ok(())
}

/// The pipeline's pause is told where it halts, that of a buffer where it is asked for.
#[tokio::test(start_paused = true)]
async fn pauses() -> Result<()> {
    let lines = traced(Level::DEBUG, async || {
        let (writable, readable) = pass_through(HighWaterMark::items(4));
        let control = readable.control();
        let to = destination_fn(|_: u32| async { Ok(()) });
        let running = readable.pipe_to(to).with_name("p").spawn();
        control.pause();
        control.pause();
        control.resume();
        running.pause();
        writable.send(1).await?;
        sleep(SECOND).await;
        running.resume();
        writable.end();
        soon(running.join()).await.map(|_| ())
    });
    let span = "pipeline{name=\"p\" source=\"pass_through\" destination=\"destination_fn\"}";
    let lines: Vec<_> = lines.await?.iter().map(|line| line.replace(span, "p")).collect();
    let expected = [
        "DEBUG highwater::buffer: pause stage=\"pass_through\"",
        "DEBUG highwater::buffer: resume stage=\"pass_through\"",
        "DEBUG p: highwater::pipeline: pause",
        "DEBUG p: highwater::pipeline: resume",
    ];
    assert_eq!(lines[..4], expected, "{lines:?}");
    assert!(lines[4].starts_with("DEBUG p: highwater::pipeline: end chunks_in=1 chunks_out=1"));
    assert_eq!(lines.len(), 5, "{lines:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn stalls_and_destroyed_buffers() -> Result<()> {
    let lines = traced(Level::DEBUG, async || {
        let (writable, readable) = pass_through::<u32>(HighWaterMark::items(4));
        let pipeline = readable.pipe_to(destination_fn(|_| async { Ok(()) })).with_name("still");
        let running = pipeline.stall_after(SECOND, |_| {}).spawn();
        sleep(2 * SECOND).await;
        writable.destroy(Error::msg("given up"));
        assert!(soon(running.join()).await.is_err());
        Ok(())
    });
    let lines = lines.await?;
    let span = "pipeline{name=\"still\" source=\"pass_through\" destination=\"destination_fn\"}";
    let stall = "highwater::pipeline: stall holder=\"pass_through\" lasted=1s stall=still: nothing";
    has(&lines, &format!("WARN {span}: {stall}"));
    has(&lines, "DEBUG highwater::buffer: destroy stage=\"pass_through\" error=given up");
    Ok(())
}
