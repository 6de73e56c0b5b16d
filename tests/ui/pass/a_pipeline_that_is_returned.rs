//! A function gives a pipeline that somebody else runs.

use highwater::prelude::*;
use highwater::{Joint, Pipeline, destination_fn};

fn numbers() -> Pipeline<impl Joint> {
    Readable::from_iter(0..10_u32).pipe_to(destination_fn(|_| async { Ok(()) }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    numbers().run().await?;
    Ok(())
}
