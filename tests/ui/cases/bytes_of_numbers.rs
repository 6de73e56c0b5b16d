//! says: the trait `AsRef<[u8]>` is not implemented for `u32`
//! errors: 1

use highwater::pass_through;
use highwater::prelude::*;

fn main() {
    let (writable, _readable) = pass_through::<u32>(HighWaterMark::bytes(1024));
    drop(writable.write(1));
}
