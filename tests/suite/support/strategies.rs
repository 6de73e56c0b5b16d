//! What property tests are fed with.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{Behaviour, Point, Step, Trouble};

/// Scripts of small chunks with pauses anywhere, that end well.
pub(crate) fn scripts() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![3 => (0..20_u32).prop_map(Step::Chunk), 2 => Just(Step::Pending)];
    vec(step, 0..24)
}

/// The same, of which some fail at their end.
pub(crate) fn failing_scripts() -> impl Strategy<Value = Vec<Step>> {
    (scripts(), any::<bool>()).prop_map(|(mut steps, fails)| {
        if fails {
            steps.push(Step::Error);
        }
        steps
    })
}

/// Machines that may fail anywhere.
pub(crate) fn behaviours() -> impl Strategy<Value = Behaviour> {
    let point = prop_oneof![
        (0..8_usize).prop_map(Point::Write),
        (0..8_usize).prop_map(Point::Given),
        Just(Point::End),
        Just(Point::Release),
    ];
    let trouble = option::of(point.prop_map(|point| (point, Trouble::Error)));
    (0..4_usize, 0..4_usize, any::<bool>(), option::weighted(0.3, 0..8_usize), trouble).prop_map(
        |(holds, copies, eager, stops_after, trouble)| Behaviour {
            holds,
            copies,
            eager,
            stops_after,
            trouble,
        },
    )
}
