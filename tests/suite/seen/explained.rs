//! What `explain` says before the start is true when it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use highwater::prelude::*;
use highwater_core::stage::RunsOn;
use highwater_core::{Destination, HighWaterMark, Readable, Result, destination_fn};
use tokio::time::sleep;

/// How many bytes of a source are alive, and the most that were.
#[derive(Default)]
struct Alive {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// Bytes that are counted as long as anything of them is held.
struct Counted(Vec<u8>, Arc<Alive>);

impl Counted {
    fn bytes(length: usize, alive: &Arc<Alive>) -> Bytes {
        let now = alive.now.fetch_add(length, SeqCst) + length;
        alive.most.fetch_max(now, SeqCst);
        let text = b"what a line is\n".repeat(length / 15 + 1);
        Bytes::from_owner(Self(text[..length].to_vec(), Arc::clone(alive)))
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.now.fetch_sub(self.0.len(), SeqCst);
    }
}

/// Takes its time, and says that it holds nothing.
struct Slow;

impl Destination for Slow {
    type Chunk = Bytes;

    async fn write(&mut self, _: Bytes) -> Result<()> {
        sleep(Duration::from_secs(1)).await;
        Ok(())
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(0)
    }
}

/// With a slow destination the buffers are full, and all the bytes that are alive are fewer than `explain` said, and the
/// chunks in work: one in each stage.
#[tokio::test(start_paused = true)]
async fn a_slow_destination_stays_under_the_worst_case() -> Result<()> {
    const CHUNK: usize = 16 * 1024;
    let alive = Arc::new(Alive::default());
    let counted = Arc::clone(&alive);
    let pipeline = Readable::from_iter((0..200).map(move |_| Counted::bytes(CHUNK, &counted)))
        .buffer(HighWaterMark::bytes(256 * 1024))
        .line_blocks()
        .buffer(HighWaterMark::bytes(512 * 1024))
        .pipe_to(Slow)
        .with_name("slow");
    let explained = pipeline.explain();
    let stages = explained.stages().len();
    let worst = explained.worst_case().expect("every stage says how much it holds");
    let report = pipeline.await?;
    assert!(report.chunks_out() >= 200, "{report}");
    let most = alive.most.load(SeqCst);
    assert!(most <= worst + stages * CHUNK, "{most} were alive of {worst}: {explained}");
    // The number is not larger than it has to be: the marks were reached, and a line may be as long as a machine allows.
    assert!(most >= 768 * 1024, "{most}");
    let line = 1 << 20;
    assert!(worst <= 768 * 1024 + line + CHUNK, "{worst}: {explained}");
    for stage in report.stages() {
        if let Some(buffer) = stage.buffer() {
            assert!(buffer.peak < buffer.high_water_mark + CHUNK, "{}: {buffer:?}", stage.name());
            assert_eq!(buffer.buffered, 0);
        }
    }
    assert_eq!(alive.now.load(SeqCst), 0);
    Ok(())
}

/// A buffer of items cannot say bytes: its mark is told instead.
#[tokio::test]
async fn a_buffer_of_items_tells_its_mark() {
    let numbers = Readable::from_iter(0..10).buffer(HighWaterMark::items(64)).map(|x: u32| x);
    let explained = numbers.pipe_to(destination_fn(|_| async { Ok(()) })).explain();
    let buffer = &explained.stages()[1];
    assert_eq!(
        (buffer.runs_on(), buffer.max_bytes(), buffer.mark()),
        (RunsOn::Task, None, Some(64))
    );
    assert_eq!(explained.worst_case(), None);
    let text = explained.to_string();
    assert!(text.contains("buffer          own task       a mark of 64\n"), "{text}");
}
