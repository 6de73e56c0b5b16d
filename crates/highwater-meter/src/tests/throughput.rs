//! `Throughput`, under paused time.

use super::{ms, steady};
use crate::{MeterExt, Throughput};

#[tokio::test(start_paused = true)]
async fn the_speed_is_that_of_the_window() {
    let mut fast_then_slow = Vec::new();
    let throughput = Throughput::bytes().with_window(ms(1000));
    let samples = throughput.handle().samples(ms(500));
    // 400 bytes per second for two seconds, then 40.
    let source = steady("abcd", 200, ms(10)).chain(steady("abcd", 20, ms(100)));
    let read = source.throughput(throughput).count();
    let keep = samples.for_each(|sample| {
        fast_then_slow.push(sample.per_second());
        async { Ok(()) }
    });
    let (read, kept) = tokio::join!(read, keep);
    assert_eq!(read.unwrap(), 220);
    kept.unwrap();
    let near = |index: usize, speed: f64| (fast_then_slow[index] - speed).abs() <= 0.05 * speed;
    assert!(near(0, 400.0) && near(3, 400.0), "{fast_then_slow:?}");
    assert!(near(4, 220.0) && near(6, 40.0), "{fast_then_slow:?}");
}

/// The last sample comes when the stream is over, whichever way, and is exact.
#[tokio::test(start_paused = true)]
async fn the_last_sample_is_exact() {
    let throughput = Throughput::items();
    let handle = throughput.handle();
    let (read, samples) = tokio::join!(
        steady("a", 5, ms(10)).throughput(throughput).count(),
        handle.samples(ms(1000)).to_vec()
    );
    read.unwrap();
    let samples = samples.unwrap();
    assert_eq!(samples.len(), 1);
    assert_eq!((samples[0].done(), handle.done()), (5, 5));
    assert!((samples[0].per_second() - 100.0).abs() < 1e-9);

    let throughput = Throughput::weighed(|chunk: &&str| chunk.len());
    let samples = throughput.handle().samples(ms(1000));
    drop(throughput);
    assert_eq!(samples.to_vec().await.unwrap().len(), 1);
}

#[test]
#[should_panic = "at most 10,000 samples in a window"]
fn too_many_samples_in_a_window_are_a_mistake() {
    drop(Throughput::<()>::items().handle().samples(ms(1) / 1000));
}

#[test]
#[should_panic = "a speed needs some time"]
fn no_time_to_be_fast_in_is_a_mistake() {
    drop(Throughput::<()>::items().with_window(ms(0)));
}

#[test]
fn as_many_samples_as_are_allowed() {
    drop(Throughput::<()>::items().handle().samples(ms(1)));
    drop(Throughput::<()>::items().handle().samples(std::time::Duration::MAX));
}
