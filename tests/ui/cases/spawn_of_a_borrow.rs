//! says: argument requires that `text` is borrowed for `'static`
//! errors: 1

use highwater::destination_fn;
use highwater::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let text = String::from("a b c");
    let words = Readable::from_iter(text.split(' '));
    let running = words.pipe_to(destination_fn(|_: &str| async { Ok(()) })).spawn();
    running.join().await?;
    Ok(())
}
