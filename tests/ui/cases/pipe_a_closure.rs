//! says: a closure goes through `.map`
//! errors: 2

use highwater::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let doubled = Readable::from_iter(0..3_u32).pipe(|n: u32| n * 2).to_vec().await?;
    println!("{doubled:?}");
    Ok(())
}
