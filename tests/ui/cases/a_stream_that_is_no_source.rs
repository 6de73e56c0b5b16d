//! says: is not a source of chunks
//! says: `Readable::from_stream`
//! errors: 2

use highwater::stage::StageInfo;
use highwater::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let stream = futures_util::stream::iter([1, 2, 3]);
    let sum = Readable::from_source(StageInfo::new("mine"), stream).fold(0, |a, b| a + b).await?;
    println!("{sum}");
    Ok(())
}
