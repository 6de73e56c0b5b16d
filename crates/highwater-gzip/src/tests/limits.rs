//! How much may come out: I55, F37, F38, C65.

use bytes::Bytes;
use highwater_core::Transform;
use highwater_core::operators::Chain;

use super::{Kind, Random, SEED, drive, pack, run, unpack, unpack_all_ways};
use crate::{Gunzip, Gzip};

fn zeros(count: usize) -> Vec<u8> {
    pack(Gzip::new(9), vec![0; count])
}

/// I55, F37: 64 MiB of zeros in 64 KiB, given one output at a time.
#[test]
fn a_bomb_is_given_piece_by_piece() {
    let bomb = zeros(64 << 20);
    assert!(bomb.len() < 66_000, "{} bytes", bomb.len());
    let (mut length, mut gunzip) = (0, Gunzip::new());
    drive(&mut gunzip, [Bytes::from(bomb)], |given| length += given.len()).unwrap();
    assert_eq!(length, 64 << 20);
    assert!(gunzip.max_bytes().unwrap() < 512 * 1024);
}

/// F37, C65: the output limit is exact, whatever the chunks and the members.
#[test]
fn no_more_comes_out_than_is_allowed() {
    let text = Random(SEED).text(150_000);
    let parts =
        [&text[..70_000], &[], &text[70_000..]].map(|part| pack(Gzip::new(6), part.to_vec()));
    let packed = parts.concat();
    for limit in [0, 1, 65_535, 65_536, 65_537, 70_000, 131_072, 149_999] {
        let gunzip = || Gunzip::new().with_max_output(limit);
        let outcome = unpack(gunzip(), &packed);
        for size in [1, 7, 1000, 65_536] {
            assert_eq!(run(gunzip(), super::pieces(&packed, size)), outcome, "{limit}, cut {size}");
        }
        let (output, kind, _) = outcome.failed();
        assert_eq!((output.len() as u64, kind), (limit, Kind::Limit));
        assert!(text.starts_with(&output));
    }
    for limit in [150_000, 150_001, u64::MAX] {
        assert_eq!(unpack(Gunzip::new().with_max_output(limit), &packed).whole(), text);
    }
    // Nothing is allowed, and nothing comes.
    assert_eq!(unpack_all_ways(|| Gunzip::new().with_max_output(0), &zeros(0)).whole(), b"");
}

/// F37, C65: the ratio is looked at after 1 MiB, in the same place however the input is cut.
#[test]
fn no_more_comes_out_of_a_byte_than_is_allowed() {
    let bomb = zeros(64 << 20);
    let gunzip = || Gunzip::new().with_max_ratio(200);
    let outcome = unpack(gunzip(), &bomb);
    for size in [1, 13, 1000] {
        assert_eq!(run(gunzip(), super::pieces(&bomb, size)), outcome, "cut {size}");
    }
    let (output, kind, offset) = outcome.failed();
    assert_eq!((output.len(), kind), (1 << 20, Kind::Limit));
    assert!(offset < 2000, "at byte {offset}");
    // Up to 1 MiB everything may shrink as it likes.
    assert_eq!(unpack(gunzip(), &zeros(1 << 20)).whole().len(), 1 << 20);
    assert_eq!(unpack(Gunzip::new().with_max_ratio(1100), &bomb).whole().len(), 64 << 20);
}

/// Of what was taken, all members and headers count.
#[test]
fn the_ratio_is_that_of_all_members_together() {
    let noise = pack(Gzip::new(6), Random(SEED).bytes(200_000));
    let zeros = zeros(4 << 20);
    let ratio = 20;
    let first = [noise.clone(), zeros.clone()].concat();
    assert_eq!(unpack(Gunzip::new().with_max_ratio(ratio), &zeros).failed().1, Kind::Limit);
    let (output, kind, _) = unpack(Gunzip::new().with_max_ratio(ratio), &first).failed();
    assert_eq!(kind, Kind::Limit);
    assert!(output.len() > 200_000 * 20 && output.len() < 200_000 * 21 + 65_536);
}

/// C65: the preset for data from strangers, and how to lift each limit of it.
#[test]
fn the_network_preset_stops_bombs() {
    let bomb = zeros(64 << 20);
    assert_eq!(unpack(Gunzip::network(), &bomb).failed().0.len(), 1 << 20);
    let lifted = Gunzip::network().unlimited_ratio();
    assert_eq!(unpack(lifted, &bomb).whole().len(), 64 << 20);
    let twice = [&bomb[..], &bomb].concat();
    let (output, kind, _) = unpack(Gunzip::network().unlimited_ratio(), &twice).failed();
    assert_eq!((output.len(), kind), (100 << 20, Kind::Limit));
    let lifted = Gunzip::network().unlimited_ratio().unlimited_output();
    assert_eq!(unpack(lifted, &twice).whole().len(), 128 << 20);
    let text = Random(SEED).text(3 << 20);
    assert_eq!(unpack(Gunzip::network(), &pack(Gzip::new(9), text.clone())).whole(), text);
}

/// F38: a bomb in a bomb: each layer holds one output, and each has its own limit.
#[test]
fn a_nested_bomb_is_bounded_in_each_layer() {
    let nested = pack(Gzip::new(9), zeros(256 << 20));
    assert!(nested.len() < 4000, "{} bytes", nested.len());
    let mut outcome = 0;
    let mut both = Chain::new(Gunzip::new(), Gunzip::network());
    let error = drive(&mut both, [Bytes::from(nested.clone())], |given| outcome += given.len());
    assert!(error.unwrap_err().is_limit());
    assert_eq!(outcome, 1 << 20);

    let mut both = Chain::new(Gunzip::new().with_max_output(1000), Gunzip::new());
    let error = drive(&mut both, [Bytes::from(nested)], |_| {}).unwrap_err();
    assert!(error.is_limit(), "{error}");
}

#[test]
#[should_panic = "a ratio of 0 lets nothing come out"]
fn a_ratio_of_0_is_refused() {
    drop(Gunzip::new().with_max_ratio(0));
}
