//! says: let mut numbers
//! errors: 1

use highwater::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let numbers = Readable::from_iter(0..3_u32);
    while let Some(n) = numbers.next().await {
        println!("{}", n?);
    }
    Ok(())
}
