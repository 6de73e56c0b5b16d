//! The ways to cut the same bytes into chunks.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};

use bytes::Bytes;

/// Where random cuts come from. A failure names it, and the environment variable `HIGHWATER_TEST_SEED` repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// The one of `HIGHWATER_TEST_SEED` if that is set, else a new one.
    ///
    /// # Panics
    ///
    /// The variable is set and is not a number.
    pub fn fresh() -> Self {
        match std::env::var("HIGHWATER_TEST_SEED") {
            Ok(text) => Self(text.trim().parse().expect("HIGHWATER_TEST_SEED is a number")),
            Err(_) => Self(RandomState::new().build_hasher().finish()),
        }
    }

    /// The next random number below `below`: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). Print the seed before.
    ///
    /// # Panics
    ///
    /// If `below` is 0.
    pub fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        usize::try_from(z % below as u64).expect("it is below a usize")
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A way to cut bytes into chunks; two equal places make an empty chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    places: Vec<usize>,
}

impl Cut {
    /// At these places, in bytes from the start.
    ///
    /// # Panics
    ///
    /// They do not ascend.
    #[track_caller]
    pub fn at(places: impl Into<Vec<usize>>) -> Self {
        let places = places.into();
        assert!(places.is_sorted(), "the places of a cut ascend: {places:?}");
        Self { places }
    }

    /// The chunks.
    ///
    /// # Panics
    ///
    /// A place is behind the end of the input.
    #[track_caller]
    pub fn chunks(&self, input: &Bytes) -> Vec<Bytes> {
        let ends = self.places.iter().copied().chain([input.len()]);
        let starts = [0].into_iter().chain(self.places.iter().copied());
        starts.zip(ends).map(|(start, end)| input.slice(start..end)).collect()
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.places {
            [] => f.write_str("not cut"),
            places if places.len() > 40 => write!(f, "cut at {:?} …", &places[..40]),
            places => write!(f, "cut at {places:?}"),
        }
    }
}

/// The ways to cut an input of so many bytes that find mistakes: not at all, into single bytes, these with empty chunks
/// between, an empty chunk at either end, every way into two, every way into three up to 64 bytes, and random ones.
///
/// Of more than 1024 bytes, some ways into two are picked: those near either end, and random ones. Of more than 4096,
/// single bytes are left out. Of very many, there are fewer of all, so that a test of them takes no more than a moment.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_test::{Seed, cuts};
///
/// let input = Bytes::from("a line\nand another");
/// for cut in cuts(input.len(), Seed::fresh()) {
///     assert_eq!(cut.chunks(&input).concat(), input, "{cut}");
/// }
/// ```
pub fn cuts(length: usize, seed: Seed) -> impl Iterator<Item = Cut> {
    let (twos, threes) = (twos(length, seed), threes(length));
    plain(length).into_iter().chain(twos).chain(threes).chain(randoms(length, seed))
}

/// The few that everything is run with.
pub(crate) fn plain(length: usize) -> Vec<Cut> {
    let mut cuts = vec![Cut { places: vec![] }, Cut { places: vec![0, length] }];
    if length <= MOST_SINGLE {
        cuts.push(Cut { places: (1..length).collect() });
        cuts.push(Cut { places: (0..=length).flat_map(|place| [place; 2]).collect() });
    }
    cuts
}

fn twos(length: usize, mut seed: Seed) -> impl Iterator<Item = Cut> {
    let picked = runs(length);
    let (near, random) =
        if length <= MOST_FOR_TWO { (length, 0) } else { (picked / 4, picked / 2) };
    let random: Vec<usize> = (0..random).map(|_| seed.below(length)).collect();
    let last = if random.is_empty() { length..length } else { length - near..length };
    (0..near).chain(random).chain(last).chain([length]).map(|place| Cut { places: vec![place] })
}

fn threes(length: usize) -> impl Iterator<Item = Cut> {
    let length = if length <= MOST_FOR_THREE { length } else { 0 };
    (0..length).flat_map(move |one| (one..=length).map(move |two| Cut { places: vec![one, two] }))
}

fn randoms(length: usize, mut seed: Seed) -> impl Iterator<Item = Cut> {
    let count = if length == 0 { 0 } else { runs(length) / 4 };
    (0..count).map(move |_| {
        let most = 2 + seed.below(length.min(MOST_RANDOM_PLACES));
        let mut places: Vec<usize> = (0..most).map(|_| seed.below(length + 1)).collect();
        places.sort_unstable();
        Cut { places }
    })
}

/// The chunks behind which an input is broken off: all of them, or the first, the last and some between.
pub(crate) fn points(chunks: usize) -> impl Iterator<Item = usize> {
    let step = (chunks / MOST_POINTS).max(1);
    (0..=chunks).filter(move |k| k % step == 0 || *k < 8 || chunks - k < 8)
}

/// How many ways are worth their time.
fn runs(length: usize) -> usize {
    (WORK / length.max(1)).clamp(FEWEST, MOST)
}

/// Bytes up to which all are cut off one by one.
const MOST_SINGLE: usize = 4096;
/// Bytes up to which every place is tried.
const MOST_FOR_TWO: usize = 1024;
/// Bytes up to which every pair of places is tried.
const MOST_FOR_THREE: usize = 64;
/// Bytes that the picked ways may come to together, and how many these are at the least and at the most.
const WORK: usize = 16 << 20;
const FEWEST: usize = 16;
const MOST: usize = 256;
/// Places of a random way.
const MOST_RANDOM_PLACES: usize = 32;
/// Points beside the first and the last few.
const MOST_POINTS: usize = 16;
