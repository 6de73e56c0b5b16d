//! Machines that run in bursts on the blocking pool.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use highwater_core::{Error, HighWaterMark, Readable, Result, Transform, destination_fn};

use super::made::settle;

/// Turns each number into itself and its negative, and holds one back for the end.
#[derive(Default)]
struct Mirror {
    held: Option<i64>,
    last: Option<i64>,
}

impl Transform for Mirror {
    type Input = i64;
    type Output = i64;

    fn write(&mut self, x: i64) -> Result<Option<i64>> {
        if x == 13 {
            return Err(Error::corrupt("unlucky"));
        }
        if x == 17 {
            panic!("a machine");
        }
        self.held = Some(-x);
        self.last = Some(x * 1000);
        Ok(Some(x))
    }

    fn read(&mut self) -> Result<Option<i64>> {
        Ok(self.held.take())
    }

    fn end(&mut self) -> Result<()> {
        self.held = self.last.take();
        Ok(())
    }
}

/// I4: offloaded, a machine gives what it gives in line, its end included, and its errors in their place.
#[tokio::test]
async fn an_offloaded_machine_gives_the_same() {
    for (upto, mark) in [(0, 1), (1, 0), (10, 1), (10, 100), (20, 3), (12, 7)] {
        let fused = Readable::from_iter(0..upto).pipe(Mirror::default());
        let offloaded =
            Readable::from_iter(0..upto).offload(Mirror::default(), HighWaterMark::items(mark));
        let (mut fused, mut offloaded) = (Box::pin(fused), Box::pin(offloaded));
        loop {
            match (fused.next().await, offloaded.next().await) {
                (None, None) => break,
                (Some(Ok(one)), Some(Ok(other))) => assert_eq!(one, other),
                (Some(Err(one)), Some(Err(other))) => {
                    assert_eq!(one.to_string(), other.to_string())
                }
                (one, other) => panic!("{one:?} and {other:?}"),
            }
        }
    }
    let numbers = Readable::from_iter(16..20).offload(Mirror::default(), HighWaterMark::items(4));
    let error = numbers.to_vec().await.unwrap_err();
    assert!(error.is_panic(), "{error}");
    assert_eq!(error.stage(), Some("Mirror"));
}

/// Counts the threads that are in it.
struct Inside(Arc<AtomicUsize>);

impl Transform for Inside {
    type Input = u32;
    type Output = u32;

    fn write(&mut self, x: u32) -> Result<Option<u32>> {
        self.0.fetch_add(1, SeqCst);
        Ok(Some(x))
    }
}

/// C104, pain 28: while the consumer is slow, no thread is held: more machines than there are threads go on.
#[test]
fn an_offloaded_machine_holds_no_thread_while_the_consumer_is_slow() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let worked = Arc::new(AtomicUsize::new(0));
        let mut all: Vec<_> = (0..20)
            .map(|_| {
                let machine = Inside(Arc::clone(&worked));
                Readable::from_iter(0..100).offload(machine, HighWaterMark::items(4))
            })
            .collect();
        for one in &mut all {
            assert_eq!(one.next().await.unwrap().unwrap(), 0);
        }
        for one in all {
            assert_eq!(one.count().await.unwrap(), 99);
        }
        assert_eq!(worked.load(SeqCst), 2000);
    });
}

/// Swallows everything, for ever.
struct Swallow(Arc<AtomicBool>);

impl Transform for Swallow {
    type Input = u32;
    type Output = u32;

    fn write(&mut self, _: u32) -> Result<Option<u32>> {
        Ok(None)
    }
}

impl Drop for Swallow {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// C105: a burst that would go on for as long as there is input ends with the readable.
#[tokio::test]
async fn a_burst_ends_when_the_readable_is_dropped() {
    let gone = Arc::new(AtomicBool::new(false));
    let machine = Swallow(Arc::clone(&gone));
    let endless =
        Readable::from_iter(std::iter::repeat(1)).offload(machine, HighWaterMark::items(4));
    let token = highwater_core::CancellationToken::new();
    let pipeline = endless.pipe_to(destination_fn(|_| async { Ok(()) })).abort_on(token.clone());
    let running = pipeline.spawn();
    settle().await;
    token.cancel();
    assert!(running.join().await.unwrap_err().is_aborted());
    assert!(gone.load(SeqCst), "the pipeline has waited for the burst");
}
