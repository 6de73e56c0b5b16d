//! Borrowed literals in a spawned pipeline: `.await` and `.spawn()`; only `.run()` in a task of one's own is beyond the
//! compiler ("`FnOnce` is not general enough").

use bytes::Bytes;
use highwater::fs;
use highwater::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let words = || Readable::from_iter(["a", "b"]).map(Bytes::from).pipe_to(fs::replace("words"));
    words().spawn().join().await?;
    tokio::spawn(async move { words().await }).await?.map(drop)
}
