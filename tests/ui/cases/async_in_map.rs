//! says: cannot convert from `Vec<{async block
//! errors: 1

use highwater::prelude::*;

async fn double(n: u32) -> u32 {
    n * 2
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let doubled: Vec<u32> = Readable::from_iter(0..10).map(|n| async move { double(n).await }).to_vec().await?;
    println!("{doubled:?}");
    Ok(())
}
