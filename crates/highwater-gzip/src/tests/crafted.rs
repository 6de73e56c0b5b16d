//! Data that no compressor makes: F45.

use super::{pieces, run};
use crate::{Format, Gunzip};

/// Bits, least significant first (RFC 1951, 3.1.1).
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        for index in 0..count {
            if self.used % 8 == 0 {
                self.bytes.push(0);
            }
            if value >> index & 1 == 1 {
                *self.bytes.last_mut().unwrap() |= 1 << (self.used % 8);
            }
            self.used += 1;
        }
    }

    fn align(&mut self) {
        self.used = self.used.next_multiple_of(8);
    }

    /// An empty block of the fixed codes.
    fn fixed(&mut self, last: bool) {
        self.push(u32::from(last) | 1 << 1, 3);
        self.push(0, 7);
    }

    /// An empty stored block.
    fn stored(&mut self) {
        self.push(0, 3);
        self.align();
        self.push(0xffff_0000, 32);
    }

    /// A block with codes of its own and nothing but its end.
    fn dynamic(&mut self) {
        self.push(2 << 1, 3);
        // 257 literals and lengths, 1 distance, 18 lengths of code lengths.
        self.push(0, 5);
        self.push(0, 5);
        self.push(14, 4);
        // In the order 16, 17, 18, 0, 8, …, 2, 14, 1: "18" takes one bit, "1" takes one bit.
        for index in 0..18 {
            self.push(u32::from(index == 2 || index == 17), 3);
        }
        // Codes: symbol 1 is 0, symbol 18 is 1. 138 and 118 zeros, then the end of the block and the distance.
        for zeros in [138, 118] {
            self.push(1, 1);
            self.push(zeros - 11, 7);
        }
        self.push(0, 1);
        self.push(0, 1);
        // The end of the block has the only code.
        self.push(0, 1);
    }
}

/// F45: some decoders called themselves for every block, and overflowed the stack (zlib-rs up to 0.3.1). Here twenty
/// thousand empty blocks of each kind, and all kinds in turn, are decompressed on a stack of 128 KiB.
#[test]
fn many_empty_blocks_need_no_stack() {
    let kinds: [fn(&mut Bits); 4] = [
        |bits| bits.fixed(false),
        Bits::stored,
        Bits::dynamic,
        |bits| {
            bits.fixed(false);
            bits.stored();
            bits.dynamic();
        },
    ];
    for kind in kinds {
        let mut bits = Bits::default();
        (0..20_000).for_each(|_| kind(&mut bits));
        bits.fixed(true);
        let small_stack = std::thread::Builder::new().stack_size(128 * 1024);
        let work = move || {
            for size in [bits.bytes.len(), 1] {
                let outcome =
                    run(Gunzip::new().with_format(Format::Deflate), pieces(&bits.bytes, size));
                assert_eq!(outcome.whole(), b"");
            }
        };
        small_stack.spawn(work).unwrap().join().unwrap();
    }
}
