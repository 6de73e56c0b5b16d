//! says: a pipeline does nothing unless it is awaited, run or spawned
//! errors: 1

#![deny(unused_must_use)]

use highwater::destination_fn;
use highwater::prelude::*;

fn main() {
    Readable::from_iter(0..3_u32).pipe_to(destination_fn(|_: u32| async { Ok(()) }));
}
