//! Copies what has `ERROR` in it from one file to another, to see that it links.

use highwater::prelude::*;
use highwater::{Error, Result, fs};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [log, found] = &arguments[..] else { return Err(Error::msg("usage: LOG FOUND")) };
    let report = fs::read(log).grep("ERROR").pipe_to(fs::replace(found)).await?;
    println!("{report}");
    Ok(())
}
