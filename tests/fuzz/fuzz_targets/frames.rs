//! Frames in any chunks are those of the whole, and written again they are the same bytes: F63, F65, I53.
#![no_main]

use highwater_fuzz::{Input, cut, joined, run};
use highwater_text::{Frames, Prefix, ToFrames};
use libfuzzer_sys::fuzz_target;

const PREFIXES: [Prefix; 8] = [
    Prefix::U8,
    Prefix::U16Be,
    Prefix::U16Le,
    Prefix::U32Be,
    Prefix::U32Le,
    Prefix::U64Be,
    Prefix::U64Le,
    Prefix::Varint,
];

fuzz_target!(|input: (u8, u16, Input)| {
    let (prefix, most, input) = input;
    let prefix = PREFIXES[usize::from(prefix) % PREFIXES.len()];
    let machine = || Frames::new(prefix).with_max_length(most.into());
    let (frames, error) = run(machine(), cut(&input));
    assert_eq!((frames.clone(), error.clone()), run(machine(), vec![input.1.clone().into()]));
    assert!(frames.iter().all(|frame| frame.len() <= most.into()));

    let (written, failure) = joined(ToFrames::new(prefix), frames.clone());
    assert_eq!(failure, None);
    if prefix != Prefix::Varint {
        assert!(input.1.starts_with(&written));
        assert!(error.is_some() || written.len() == input.1.len());
    }
    assert_eq!(run(machine(), vec![written.into()]), (frames, None));
});
