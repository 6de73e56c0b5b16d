//! The machines pass the suite that every machine passes: I27, I33, I38, I53, I56, F36.

use bytes::Bytes;
use highwater_core::Error;
use highwater_test::{Case, conformance, conformance_bytes};

use crate::{Limit, Progress, Throughput};

#[test]
fn taps() {
    let bytes =
        || [Case::bytes("").gives_joined(""), Case::bytes("some bytes").gives_joined("some bytes")];
    conformance_bytes(Progress::<Bytes>::bytes, bytes());
    conformance_bytes(Throughput::<Bytes>::bytes, bytes());
    let items = || [Case::new([]), Case::new([1, 2, 3]).gives([1, 2, 3])];
    conformance(Progress::<i32>::items, items());
    conformance(Throughput::<i32>::items, items());
}

/// I53: what passes, and where it fails, does not depend on the cuts.
#[test]
fn limits_of_bytes() {
    let case = || Case::bytes("0123456789ab");
    for most in 0..=13_u8 {
        let at = Some(u64::from(most));
        let passes = &"0123456789ab"[..usize::from(most).min(12)];
        let case = if most < 12 {
            case().gives_joined(passes).fails(move |e: &Error| e.is_limit() && e.offset() == at)
        } else {
            case().gives_joined(passes)
        };
        conformance_bytes(|| Limit::bytes(most.into()), [case]);
    }
}

#[test]
fn limits_of_items() {
    conformance(|| Limit::items(3), [Case::new([]), Case::new([1, 2, 3]).gives([1, 2, 3])]);
    let more = Case::new([1, 2, 3, 4, 5]).gives([1, 2, 3]).fails(Error::is_limit);
    conformance(|| Limit::items(3), [more]);
    let heavy = Case::new([1, 2, 3, 4]).gives([1, 2]).fails(Error::is_limit);
    conformance(|| Limit::weighed(4, |weight: &usize| *weight), [heavy]);
}
