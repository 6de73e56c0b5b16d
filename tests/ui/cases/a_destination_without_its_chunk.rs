//! says: implement the missing item: `type Chunk = /* Type */;`
//! errors: 1

use highwater::prelude::*;

struct Discard;

impl Destination for Discard {
    async fn write(&mut self, _: u32) -> Result<()> {
        Ok(())
    }
}

fn main() {
    let _ = Readable::from_iter(0..3_u32).pipe_to(Discard);
}
