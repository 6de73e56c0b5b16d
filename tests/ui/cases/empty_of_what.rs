//! says: type annotations needed
//! errors: 1

use highwater::prelude::*;

fn main() {
    let nothing = Readable::empty();
    drop(nothing);
}
