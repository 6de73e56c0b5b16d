//! says: does not take chunks of type `u32`
//! says: `.for_each(
//! errors: 2

use highwater::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let more = Readable::from_iter(0..3_u32);
    Readable::from_iter(0..3_u32).pipe_to(more).await?;
    Ok(())
}
