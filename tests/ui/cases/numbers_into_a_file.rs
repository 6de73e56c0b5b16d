//! says: `FileWrite<u32>` does not take chunks of type `u32`
//! says: .map(|n| Bytes::from(format!
//! errors: 2

use highwater::prelude::*;
use highwater::fs;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    Readable::from_iter(0..10_u32).pipe_to(fs::write("numbers")).await?;
    Ok(())
}
