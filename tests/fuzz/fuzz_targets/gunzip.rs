//! Gunzip of any chunks gives what it gives of the whole, and accepts what flate2 accepts: F39, F40, I53, I58.
#![no_main]

use std::io::Read;

use flate2::bufread::MultiGzDecoder;
use highwater::gzip::{Gunzip, Gzip};
use highwater_fuzz::{cut, joined};
use libfuzzer_sys::fuzz_target;

/// A fuzzer does not guess a CRC-32, so it is given members: a level and a text for each, and what is done to them.
type Members = (Vec<(u8, Vec<u8>)>, Vec<Damage>);

/// How, where, and with what.
type Damage = (u8, u16, u8);

fuzz_target!(|input: (Members, Vec<u16>, Vec<u8>)| {
    let (members, places, behind) = input;
    let packed = [packed(&members), behind].concat();
    let machine = || Gunzip::new().with_max_output(MOST);
    let ours = joined(machine(), cut(&(places, packed.clone())));
    assert_eq!(ours, joined(machine(), vec![packed.clone().into()]));
    match &ours.1 {
        None => assert_eq!(without_padding(&packed), Some(ours.0)),
        // It has no limits, and does not look at reserved flags.
        Some((text, _)) if text.contains("allowed") || text.contains("reserved") => {}
        Some((text, _)) if text.contains("fields of the gzip header") => {}
        Some(error) => assert_eq!(theirs(&packed), None, "{error:?}"),
    }
});

fn packed((members, damages): &Members) -> Vec<u8> {
    let mut packed = Vec::new();
    for (level, text) in members {
        let gzip = Gzip::new(u32::from(level % 10));
        let (member, error) = joined(gzip, vec![text.clone().into()]);
        assert_eq!(error, None);
        packed.extend(member);
    }
    for &(how, at, with) in damages {
        let at = usize::from(at) % (packed.len() + 1);
        match how % 4 {
            0 => packed.insert(at, with),
            1 => packed.truncate(at),
            _ if at == packed.len() => {}
            2 => packed[at] ^= with,
            _ => drop(packed.remove(at)),
        }
    }
    packed
}

/// What flate2 makes of it.
fn theirs(packed: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    MultiGzDecoder::new(packed).read_to_end(&mut text).ok().map(|_| text)
}

/// It knows no padding, and the last bytes of a length may be zeros as well.
fn without_padding(packed: &[u8]) -> Option<Vec<u8>> {
    let zeros = packed.iter().rev().take_while(|byte| **byte == 0).count();
    (0..=zeros).find_map(|zeros| theirs(&packed[..packed.len() - zeros]))
}

/// The most bytes that come out: a bomb is not what is looked for here.
const MOST: u64 = 1 << 20;
