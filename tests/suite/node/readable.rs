//! N58 to N68: how a readable is filled.

use std::sync::atomic::Ordering::SeqCst;

use highwater_core::{HighWaterMark, Readable};

use super::{at_hand, counted, ends};
use crate::buffer::made::settle;
use crate::support::run_woken;

#[test]
fn n063_what_is_pushed_past_the_mark_is_kept() {
    let (writable, mut readable) = ends(2);
    assert_eq!((0..20).filter(|x| writable.write(*x).unwrap().is_full()).count(), 19);
    assert_eq!(writable.buffered(), 20);
    assert!(at_hand(&mut readable).into_iter().eq(0..20));
}

#[tokio::test]
async fn n066_without_a_buffer_nothing_is_read_ahead() {
    let (numbers, made) = counted(10);
    let mut lazy = Readable::from_iter(numbers).map(|x| x + 1);
    for x in 1..=10 {
        assert_eq!(lazy.next().await.unwrap().unwrap(), x);
        settle().await;
        assert_eq!(made.load(SeqCst), x as usize);
    }

    let (numbers, made) = counted(10);
    let mut one_ahead = Readable::from_iter(numbers).buffer(HighWaterMark::items(0));
    for x in 0..9 {
        assert_eq!(one_ahead.next().await.unwrap().unwrap(), x);
        settle().await;
        assert!(made.load(SeqCst) <= x as usize + 2, "the smallest buffer holds one");
    }
}

#[test]
fn n067_a_quarter_of_a_million_reads_in_a_row_leave_the_stack_alone() {
    let swallowed = Readable::from_iter(0..256 * 1024_u32).filter(|_| false).count();
    assert_eq!(run_woken(swallowed).unwrap().output.unwrap(), 0);
    let (writable, readable) = ends(1 << 20);
    assert!((0..256 * 1024).all(|x| !writable.write(x).unwrap().is_full()));
    writable.done();
    assert_eq!(run_woken(readable.count()).unwrap().output.unwrap(), 256 * 1024);
}
