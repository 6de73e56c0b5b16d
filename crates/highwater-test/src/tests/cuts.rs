//! The ways to cut.

use bytes::Bytes;

use crate::{Cut, Seed, cuts};

/// Each gives the same bytes; small inputs are cut in every way into two and into three.
/// Shows I4.
#[test]
fn every_cut_gives_the_same_bytes() {
    for length in [0, 1, 2, 3, 17, 64, 65, 1024, 1025, 4097, 100_000, 3_000_000] {
        let input: Bytes = (0..=250).cycle().take(length).collect();
        let seed = Seed::fresh();
        let mut twos = 0;
        let mut threes = 0;
        for cut in cuts(length, seed) {
            let chunks = cut.chunks(&input);
            assert_eq!(chunks.concat(), input, "{cut}, seed {seed}");
            twos += usize::from(chunks.len() == 2);
            threes += usize::from(chunks.len() == 3);
        }
        assert!(twos >= length.min(16), "{twos} of {length}");
        assert!(length > 1024 || twos > length, "{twos} of {length}");
        let all = (length + 1) * length / 2;
        assert!(length > 64 || threes >= all, "{threes} of {all}");
    }
}

#[test]
fn the_same_seed_gives_the_same_cuts() {
    let all = |seed| cuts(1000, Seed(seed)).collect::<Vec<_>>();
    assert_eq!(all(7), all(7));
    assert_ne!(all(7), all(8));
}

#[test]
fn two_equal_places_make_an_empty_chunk() {
    let input = Bytes::from("abc");
    assert_eq!(Cut::at([1, 1]).chunks(&input), ["a", "", "bc"]);
    assert_eq!(
        (Cut::at([1, 1]).to_string(), Cut::at([]).to_string()),
        ("cut at [1, 1]".into(), "not cut".into())
    );
}

#[test]
#[should_panic(expected = "the places of a cut ascend")]
fn places_that_do_not_ascend() {
    Cut::at([2, 1]);
}
