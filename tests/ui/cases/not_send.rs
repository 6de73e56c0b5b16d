//! says: `Rc<i32>` cannot be sent between threads safely
//! says: required by a bound in `Pipeline::<J>::spawn`
//! errors: 1

use std::rc::Rc;

use highwater::destination_fn;
use highwater::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let shared = Rc::new(1);
    let numbers = Readable::from_iter(0..3).map(move |n| n + *shared);
    numbers.pipe_to(destination_fn(|_: i32| async { Ok(()) })).spawn().join().await?;
    Ok(())
}
