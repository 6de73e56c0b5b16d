//! Where two tasks meet: the one concurrent structure, and what is made of it.

mod after;
mod budget;
mod buffered;
mod bytes;
mod charge;
mod controlled;
mod duplex;
mod feed;
mod fill;
mod ledger;
mod mark;
mod offload;
mod outcome;
mod reading;
mod shared;
mod sink;
mod state;
mod subscribers;
mod turns;
mod waiters;
mod wakes;
mod writable;
mod write_error;
mod writer;

pub use budget::Budget;
pub use buffered::Buffered;
pub use duplex::{BufferedDuplex, Duplex, TiedReadable, duplex_pair};
pub use ledger::Room;
pub use mark::HighWaterMark;
pub use writable::{Cork, Permit, Writable};
pub use write_error::WriteError;

use std::sync::Arc;

use crate::readable::Readable;
use crate::stage::{Control, Plan, StageInfo};
use shared::Shared;

/// Both ends of one buffer: Node's `PassThrough`. Nothing is spawned.
///
/// # Backpressure
///
/// What is written and not read is counted in the mark's unit; see [`HighWaterMark`].
///
/// # Examples
///
/// ```
/// use highwater_core::{HighWaterMark, Room, pass_through};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
/// let (writable, mut readable) = pass_through(HighWaterMark::items(2).with_low(0));
/// assert_eq!(writable.write("a")?, Room::Free);
/// assert_eq!(writable.write("b")?, Room::Full);
/// assert!(writable.needs_drain());
///
/// assert_eq!(readable.next().await.transpose()?, Some("a"));
/// assert_eq!(readable.read(), Some("b"));
/// writable.drain().await?;
///
/// writable.end();
/// assert_eq!(readable.next().await.transpose()?, None);
/// # Ok(()) }
/// ```
pub fn pass_through<T>(mark: HighWaterMark<T>) -> (Writable<T>, Readable<Buffered<T>>)
where
    T: Send + 'static,
{
    let info = StageInfo::new("pass_through").with_max_bytes(mark.max_bytes());
    let shared = Shared::new(mark, &info, None);
    let mut plan = Plan::default();
    plan.push(info.with_buffer(Control::new(Arc::clone(&shared))));
    let readable = Readable::from_parts(Buffered::new(Arc::clone(&shared), None), plan);
    (Writable::of(shared), readable)
}
