//! Panics as errors.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::Readable;
use crate::error::{Error, Result};
use crate::readable::Source;
use crate::stage::{Plan, StageInfo};

impl<S: Source> Readable<S> {
    /// Turns a panic of the source or of a stage into an [`is_panic`](Error::is_panic) error of that stage, in its place.
    ///
    /// A pipeline and everything that spawns a task do so anyway; `next`, `to_vec` and the like, on the caller's
    /// task do not, and unwind. It catches what is before it. Put it before a stage that keeps chunks, such as `chunks`,
    /// which then gives them before the error; behind such a stage they are lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_core::Readable;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # std::panic::set_hook(Box::new(|_| {}));
    /// let mut halves = Readable::from_iter([2, 1, 0]).map(|n: u32| 2 / n).catch_unwind();
    /// assert_eq!(halves.next().await.unwrap().unwrap(), 1);
    /// assert_eq!(halves.next().await.unwrap().unwrap(), 2);
    /// let error = halves.next().await.unwrap().unwrap_err();
    /// assert!(error.is_panic());
    /// assert_eq!(error.stage(), Some("map"));
    /// assert!(halves.next().await.is_none());
    /// # }
    /// ```
    pub fn catch_unwind(self) -> Readable<CatchUnwind<S>> {
        let plan = self.plan().clone();
        let info = StageInfo::new("catch_unwind").with_max_bytes(0).passing();
        self.stage(info, |source| CatchUnwind { source, plan })
    }
}

pin_project! {
    /// The source made by [`Readable::catch_unwind`].
    pub struct CatchUnwind<S> {
        #[pin]
        source: S,
        plan: Plan,
    }
}

impl<S: Source> Stream for CatchUnwind<S> {
    type Item = Result<S::Chunk>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        catch_unwind(AssertUnwindSafe(|| this.source.poll_next(cx))).unwrap_or_else(|payload| {
            Poll::Ready(Some(Err(Error::panic(&*payload).in_stage(this.plan.panicked()))))
        })
    }
}

impl<S: Source> Source for CatchUnwind<S> {
    type Chunk = S::Chunk;
}

debug_fields!(CatchUnwind<S>);
