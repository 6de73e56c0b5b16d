//! The writer task chunk by chunk: what counts as written, and who else has a turn meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use highwater_core::{Destination, Error, HighWaterMark, Result, Writable, destination_fn};

const MS: Duration = Duration::from_millis(1);

/// N4, B16: chunks that piled up count as gone one by one, as the destination writes them.
#[tokio::test(start_paused = true)]
async fn chunks_count_as_gone_one_by_one_as_they_are_written() {
    let slow = destination_fn(|_: u32| async {
        tokio::time::sleep(2 * MS).await;
        Ok(())
    });
    let writable = Writable::new(slow, HighWaterMark::items(16));
    assert!((0..4).all(|n| !writable.write(n).unwrap().is_full()));
    tokio::time::sleep(MS).await;
    let mut buffered = Vec::new();
    for _ in 0..5 {
        buffered.push(writable.buffered());
        tokio::time::sleep(2 * MS).await;
    }
    assert_eq!(buffered, [4, 3, 2, 1, 0]);
}

/// Keeps the worker busy for a millisecond with each chunk, and counts them.
struct Busy(Arc<AtomicU32>);

impl Destination for Busy {
    type Chunk = u32;

    async fn write(&mut self, _: u32) -> Result<()> {
        let began = std::time::SystemTime::now();
        while began.elapsed().is_ok_and(|spent| spent < MS) {}
        self.0.fetch_add(1, SeqCst);
        Ok(())
    }
}

/// I37, I45, F24: a destination whose writes never wait leaves the worker to others after about a millisecond, however many
/// chunks have piled up, and a destroy stops it there.
#[tokio::test]
async fn a_pile_of_chunks_shares_the_worker() {
    let written = Arc::<AtomicU32>::default();
    let writable = Writable::new(Busy(Arc::clone(&written)), HighWaterMark::items(4096));
    assert!((0..1000).all(|n| !writable.write(n).unwrap().is_full()));
    tokio::task::yield_now().await;
    writable.destroy(Error::msg("enough"));
    writable.finished().await.unwrap_err();
    assert!(written.load(SeqCst) < 10, "{} chunks written", written.load(SeqCst));
}
