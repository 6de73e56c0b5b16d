//! says: a predicate answers with `bool` or `Result<bool>`, not `Option<u32>`
//! says: .filter_map
//! errors: 2

use highwater::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let even = Readable::from_iter(0..3_u32).filter(|n| (n % 2 == 0).then_some(*n)).to_vec().await?;
    println!("{even:?}");
    Ok(())
}
