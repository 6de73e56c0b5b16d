//! says: expected `&str`, found `Bytes`
//! errors: 2

use highwater::gzip::Gunzip;
use highwater::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let text = Readable::from_iter(["a", "b"]).pipe(Gunzip::new()).to_bytes().await?;
    println!("{}", text.len());
    Ok(())
}
