//! What borrows is run on the caller's task.

use highwater::destination_fn;
use highwater::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut sum = 0;
    let add = destination_fn(|n: u32| {
        sum += n;
        async { Ok(()) }
    });
    Readable::from_iter(0..10_u32).pipe_to(add).run().await?;
    println!("{sum}");
    Ok(())
}
