//! Bars, hidden ones: what they would show.

use indicatif::{ProgressBar, ProgressFinish};
use tokio::time::sleep;

use super::{failing, ms, steady};
use crate::{MeterExt, Progress};

#[tokio::test(start_paused = true)]
async fn a_bar_is_where_the_stream_is() {
    let progress = Progress::bytes();
    let handle = progress.handle();
    let bar = ProgressBar::hidden().with_finish(ProgressFinish::WithMessage("done".into()));
    let drawn = handle.clone().draw(bar.clone());
    let look = async {
        sleep(ms(510)).await;
        assert_eq!((bar.position(), bar.length()), (56, None));
        handle.set_total(80);
        sleep(ms(100)).await;
        assert_eq!((bar.position(), bar.length(), bar.is_finished()), (68, Some(80), false));
    };
    let source = steady("abcd", 20, ms(35)).progress(progress);
    let (read, (), ()) = tokio::join!(source.count(), drawn, look);
    assert_eq!((read.unwrap(), bar.position()), (20, 80));
    assert!(bar.is_finished());
    assert_eq!(bar.message(), "done");
}

/// A bar of a stream that failed does not look as if all was done.
#[tokio::test(start_paused = true)]
async fn a_bar_of_a_stream_that_failed_stays_where_it_is() {
    let progress = Progress::bytes().with_total(12);
    let bar = ProgressBar::hidden().with_finish(ProgressFinish::WithMessage("done".into()));
    let drawn = progress.handle().draw(bar.clone());
    let (read, ()) = tokio::join!(failing().progress(progress).count(), drawn);
    assert!(read.is_err());
    assert_eq!((bar.position(), bar.length(), bar.is_finished()), (8, Some(12), true));
    assert_eq!(bar.message(), "");
}
