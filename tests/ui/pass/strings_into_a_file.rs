//! Text of any kind goes into a file.

use highwater::fs;
use highwater::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    Readable::from_iter(["a", "b"]).pipe_to(fs::replace("names")).await?;
    Readable::from_iter(["a".to_owned()]).pipe_to(fs::append("names")).await?;
    Readable::from_iter([vec![1, 2, 3]]).pipe_to(fs::write("names")).await?;
    Ok(())
}
