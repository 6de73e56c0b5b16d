//! What the targets for formats made of records share.

use bytes::Bytes;
use highwater::test::{Cue, Cut, drive};
use highwater::{Error, Transform};

/// Takes an input apart: how it is cut, and the bytes.
pub fn cut(data: &[u8]) -> (Vec<Bytes>, &[u8]) {
    let Some((&count, rest)) = data.split_first() else { return (Vec::new(), data) };
    let (places, input) = rest.split_at(rest.len().min(usize::from(count % 8)));
    // Small numbers, as most inputs are short, and now and then one beyond.
    let mut places: Vec<usize> =
        places.iter().map(|&place| usize::from(place) * (1 + input.len() / 256)).collect();
    places.iter_mut().for_each(|place| *place = (*place).min(input.len()));
    places.sort_unstable();
    (Cut::at(places).chunks(&Bytes::copy_from_slice(input)), input)
}

/// What comes out, and what is known of the error.
pub type Given<T> = (Vec<T>, Option<Place>);

/// An error without the words, which may depend on nothing but the input either; but these are looked at by tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub is_truncated: bool,
    pub is_limit: bool,
    pub offset: Option<u64>,
    pub line: Option<u64>,
}

impl Place {
    pub fn of(error: &Error) -> Self {
        assert!(error.is_truncated() || error.is_limit() || error.is_corrupt(), "{error}");
        let (is_truncated, is_limit) = (error.is_truncated(), error.is_limit());
        Self { is_truncated, is_limit, offset: error.offset(), line: error.line() }
    }
}

/// Drives a machine to the letter of its protocol.
pub fn run<M: Transform<Input = Bytes>>(
    mut machine: M,
    chunks: impl IntoIterator<Item = Bytes>,
) -> Given<M::Output> {
    let outcome = drive(&mut machine, chunks.into_iter().map(Cue::Chunk));
    (outcome.outputs, outcome.error.as_ref().map(Place::of))
}
