//! What does not happen on the pool behind a failure.

use std::sync::mpsc;

use futures::FutureExt as _;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use super::*;

/// A runtime of this thread and so many for blocking calls.
fn runtime(blocking: usize) -> Runtime {
    Builder::new_current_thread().max_blocking_threads(blocking).build().unwrap()
}

/// C34: the function is not called behind an item that has failed, whether its batch was handed out before or not.
#[test]
fn the_function_is_not_called_behind_an_item_that_has_failed() {
    let (runtime, (go, wait)) = (runtime(1), mpsc::channel());
    let (tell, begun) = oneshot::channel();
    let (first, called) = (Mutex::new(Some((tell, wait))), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&called);
    let mut mapped = Readable::from_iter(0..1000_u64).parallel_map_cpu(1, move |_| {
        count.fetch_add(1, SeqCst);
        if let Some((tell, wait)) = first.lock().unwrap().take() {
            tell.send(()).unwrap();
            wait.recv()?;
        }
        Err::<u64, _>(Error::msg("as it should"))
    });
    runtime.block_on(async {
        assert!(mapped.next().now_or_never().is_none());
        begun.await.unwrap();
        // More is handed out by now. The only thread of the pool does that before this; meanwhile nobody sees the failure.
        let (idle, is_idle) = mpsc::channel();
        drop(tokio::task::spawn_blocking(move || idle.send(())));
        go.send(()).unwrap();
        is_idle.recv_timeout(AT_MOST).unwrap();
        assert_eq!(mapped.next().await.unwrap().unwrap_err().chunk(), Some(0));
        assert_eq!(called.load(SeqCst), 1);
    });
}

/// C34: an error comes when no job runs any more.
#[test]
fn an_error_comes_when_no_job_runs_any_more() {
    let (runtime, (go, wait)) = (runtime(2), mpsc::channel::<()>());
    let (fail, may_fail) = mpsc::channel::<()>();
    let (may_fail, wait) = (Mutex::new(may_fail), Mutex::new(wait));
    let (tell, mut begun) = tokio::sync::mpsc::channel(2);
    let mut mapped = Readable::from_iter(0..2_u64).parallel_map_cpu(2, move |x| {
        tell.try_send(())?;
        if x == 0 {
            may_fail.lock().unwrap().recv()?;
            return Err(Error::msg("as it should"));
        }
        wait.lock().unwrap().recv()?;
        Ok(x)
    });
    runtime.block_on(async {
        assert!(mapped.next().now_or_never().is_none());
        begun.recv().await.unwrap();
        begun.recv().await.unwrap();
        // Runs on the first thread that is free: that of the job that fails.
        let failed = tokio::task::spawn_blocking(|| ());
        fail.send(()).unwrap();
        failed.await.unwrap();
        settle().await;
        assert!(mapped.next().now_or_never().is_none(), "the other job runs");
        go.send(()).unwrap();
        assert_eq!(mapped.next().await.unwrap().unwrap_err().chunk(), Some(0));
    });
}

const AT_MOST: Duration = Duration::from_secs(60);
