//! says: put `.pinned()` before it
//! errors: 1

use highwater::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let slow = futures_util::stream::unfold(0, |n| async move { Some((n, n + 1)) });
    let mut numbers = Readable::from_stream(slow);
    while let Some(n) = numbers.next().await {
        println!("{}", n?);
    }
    Ok(())
}
