//! Random damage, beside another decoder.

use std::io::Read;

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use proptest::prelude::*;

use super::{Random, pack, run, unpack};
use crate::{Gunzip, Gzip, Header};

/// What flate2 makes of it.
fn theirs(packed: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    MultiGzDecoder::new(packed).read_to_end(&mut text).ok().map(|_| text)
}

/// Some members, and what is in them.
fn members() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let member = (any::<u64>(), 0..=9_u32, 0..3000_usize, any::<bool>());
    proptest::collection::vec(member, 1..4).prop_map(|members| {
        let (mut packed, mut text) = (Vec::new(), Vec::new());
        for (seed, level, length, named) in members {
            let mut random = Random(seed | 1);
            let part = if seed % 3 == 0 { random.bytes(length) } else { random.text(length) };
            let name = named.then(|| Bytes::from("a name"));
            let header = Header { name, ..Header::default() };
            packed.extend(pack(Gzip::new(level).with_header(header).unwrap(), part.clone()));
            text.extend(part);
        }
        (packed, text)
    })
}

#[derive(Debug, Clone)]
enum Damage {
    Flip { at: prop::sample::Index, bit: u8 },
    Cut { at: prop::sample::Index },
    Insert { at: prop::sample::Index, byte: u8 },
    Append { bytes: Vec<u8> },
}

impl Damage {
    fn any() -> impl Strategy<Value = Self> {
        let at = any::<prop::sample::Index>;
        prop_oneof![
            (at(), 0..8_u8).prop_map(|(at, bit)| Self::Flip { at, bit }),
            at().prop_map(|at| Self::Cut { at }),
            (at(), any::<u8>()).prop_map(|(at, byte)| Self::Insert { at, byte }),
            proptest::collection::vec(prop::sample::select(b"\0\x1f\x8b\x08g".as_slice()), 1..12)
                .prop_map(|bytes| Self::Append { bytes }),
        ]
    }

    fn apply(&self, packed: &mut Vec<u8>) {
        match self {
            Self::Flip { at, bit } => {
                let at = at.index(packed.len().max(1));
                if let Some(byte) = packed.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Self::Cut { at } => packed.truncate(at.index(packed.len() + 1)),
            Self::Insert { at, byte } => packed.insert(at.index(packed.len() + 1), *byte),
            Self::Append { bytes } => packed.extend_from_slice(bytes),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// I53, I58: whatever is done to it and however it is cut, the outcome is the same; and where it is accepted, the
    /// other decoder accepts it and gives the same.
    #[test]
    fn damage_is_seen_alike(
        (mut packed, text) in members(),
        damages in proptest::collection::vec(Damage::any(), 0..3),
        sizes in proptest::collection::vec(1..400_usize, 1..5),
    ) {
        damages.iter().for_each(|damage| damage.apply(&mut packed));
        let outcome = unpack(Gunzip::new(), &packed);
        let mut rest = Bytes::from(packed.clone());
        let mut sizes = sizes.into_iter().cycle();
        let chunks = std::iter::from_fn(|| {
            let size = sizes.next()?.min(rest.len());
            (size > 0).then(|| rest.split_to(size))
        });
        prop_assert_eq!(&run(Gunzip::new(), chunks), &outcome);
        let padding = packed.iter().rev().take_while(|byte| **byte == 0).count();
        match outcome.error {
            None => {
                // It does not know padding, and the last bytes of a length may be zeros as well.
                let known = (0..=padding).find_map(|zeros| theirs(&packed[..packed.len() - zeros]));
                prop_assert_eq!(known.as_ref(), Some(&outcome.output));
                prop_assert!(!damages.is_empty() || outcome.output == text);
            }
            // It does not look at reserved flags.
            Some(failure) if !failure.text.contains("reserved") => {
                prop_assert_eq!(theirs(&packed), None, "{:?}", failure);
            }
            Some(_) => {}
        }
    }
}
