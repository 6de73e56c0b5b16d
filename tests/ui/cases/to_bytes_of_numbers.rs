//! says: the trait `AsRef<[u8]>` is not implemented for `u32`
//! errors: 3

use highwater::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let all = Readable::from_iter(0..3_u32).to_bytes().await?;
    println!("{}", all.len());
    Ok(())
}
