//! says: expected `Bytes`, found `u32`
//! errors: 2

use highwater::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let lines = Readable::from_iter(0..10_u32).lines().to_vec().await?;
    println!("{}", lines.len());
    Ok(())
}
