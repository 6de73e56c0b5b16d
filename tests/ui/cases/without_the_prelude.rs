//! says: no method named `grep`
//! says: LinesExt
//! errors: 1

use highwater::{Result, fs};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let count = fs::read("log").grep("ERROR").count().await?;
    println!("{count}");
    Ok(())
}
