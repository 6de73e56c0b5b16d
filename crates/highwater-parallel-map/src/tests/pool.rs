//! What a pool promises beside running functions.

use std::pin::pin;
use std::sync::mpsc;

use futures::poll;

use super::*;

/// A job that runs until it is told to end.
fn held(pool: &WorkerPool) -> (impl Future<Output = Result<()>> + use<>, mpsc::Sender<()>) {
    let (release, held) = mpsc::channel();
    let pool = pool.clone();
    let job = async move { pool.run(move || Ok(held.recv()?)).await };
    (job, release)
}

/// Who waits in line is counted, comes in its turn, and runs nothing if it leaves.
#[tokio::test]
async fn who_leaves_the_line_runs_nothing() {
    let pool = WorkerPool::new(1);
    let (first, release) = held(&pool);
    let mut first = pin!(first);
    assert!(poll!(&mut first).is_pending());
    let ran = Arc::new(Mutex::new(Vec::new()));
    let job = |n: u32| {
        let ran = Arc::clone(&ran);
        pool.run(move || {
            ran.lock().unwrap().push(n);
            Ok(())
        })
    };
    let (mut second, mut third) = (Box::pin(job(2)), Box::pin(job(3)));
    let mut fourth = Box::pin(job(4));
    assert!(poll!(&mut second).is_pending());
    assert!(poll!(&mut third).is_pending());
    assert!(poll!(&mut fourth).is_pending());
    assert_eq!(pool.queued(), 3);
    drop(third);
    assert_eq!(pool.queued(), 2);
    release.send(()).unwrap();
    first.await.unwrap();
    second.await.unwrap();
    fourth.await.unwrap();
    assert_eq!(*ran.lock().unwrap(), [2, 4]);
    assert_eq!(pool.queued(), 0);
}

/// `drained` waits for what runs, also if nobody waits for its result any more.
#[tokio::test]
async fn drained_waits_for_what_runs() {
    let pool = WorkerPool::new(2);
    let (job, release) = held(&pool);
    {
        let dropped = pin!(job);
        assert!(poll!(dropped).is_pending());
    }
    let mut drained = Box::pin(pool.drained());
    assert!(poll!(&mut drained).is_pending());
    release.send(()).unwrap();
    drained.await;
    assert_eq!(pool.run(|| Ok(7)).await.unwrap(), 7);
}

/// C105: a map for the processor that is dropped begins no item more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_map_begins_nothing_more() {
    let tasks = Handle::current().metrics().num_alive_tasks();
    let begun = Arc::new(AtomicUsize::new(0));
    let (release, held) = mpsc::channel();
    let (tell, mut reached) = tokio::sync::mpsc::channel(1);
    let (count, held) = (Arc::clone(&begun), Mutex::new(held));
    let mut mapped = Readable::from_iter(0..).parallel_map_cpu(1, move |x: u64| {
        count.fetch_add(1, SeqCst);
        if x == HELD {
            tell.try_send(())?;
            held.lock().unwrap().recv()?;
        }
        Ok(x)
    });
    tokio::select! {
        told = reached.recv() => told.unwrap(),
        () = async { while mapped.next().await.is_some() {} } => unreachable!("it has no end"),
    }
    drop(mapped);
    // The task that drives it ends a moment later.
    let gone = async {
        while Handle::current().metrics().num_alive_tasks() > tasks {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.expect("the driver ends");
    release.send(()).unwrap();
    // When nobody works any more, nobody could tell any more.
    assert!(reached.recv().await.is_none());
    assert_eq!(begun.load(SeqCst) as u64, HELD + 1);
}

/// In a batch with some behind it.
const HELD: u64 = 5;
