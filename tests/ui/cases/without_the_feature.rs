//! says: the item is gated behind the `csv` feature
//! errors: 1

use highwater::csv::CsvExt;
use highwater::prelude::*;

fn main() {
    let _ = Readable::from_iter(["a"]);
}
