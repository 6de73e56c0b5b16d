//! says: a readable does nothing unless it is read
//! errors: 1

#![deny(unused_must_use)]

use highwater::prelude::*;

fn main() {
    Readable::from_iter(0..3_u32).map(|n| n + 1);
}
