//! Large objects, read by ranges.

use highwater::object::GetOptions;

use super::*;

/// Parts of 1000 bytes, three at once.
fn small_parts() -> GetOptions {
    GetOptions::new().with_part_size(at_once(1000)).with_concurrency(at_once(3))
}

#[tokio::test]
async fn any_length_and_any_range() {
    let rig = Rig::start().await;
    for length in [0, 1, 999, 1000, 1001, 3000, 4321] {
        let object = bytes(length);
        write(&rig.store, "a", object.clone()).await;
        for store in [&rig.store, &rig.s3.store()] {
            let whole = store.get_with("a", &small_parts()).unwrap();
            assert!(is_whole(read_all(whole).await, &object), "{length}");
        }
        for (start, end) in
            [(0, 1), (1, 2500), (999, 1001), (1000, 2000), (4320, 9000), (5000, 6000), (7, 7)]
        {
            let part = rig.store.get_with("a", &small_parts().with_range(start..end)).unwrap();
            let clip = |at: u64| usize::try_from(at).unwrap().min(length);
            let expected = &object[clip(start)..clip(end)];
            assert!(is_whole(read_all(part).await, expected), "{start}..{end} of {length}");
        }
    }
    rig.chaos.play(|_| Fault::None);
    let (read, error) = read(&rig.store, "missing").await;
    assert!(read.is_empty());
    assert!(error.unwrap().to_string().contains("cannot read `of/tests/missing`"));
    assert_eq!(rig.count(kind::any), 1);
}

/// A consumer that takes its time is no reason for a time-out: the parts ahead are taken off the network while it does
/// something else, and no more than were said.
#[tokio::test]
async fn no_answer_waits_for_the_consumer() {
    // More than what the sockets in between hold.
    const PART: usize = 8 << 20;
    let rig = Rig::start().await;
    let object = bytes(6 * PART);
    write(&rig.s3.store(), "a", object.clone()).await;
    rig.chaos.play(|_| Fault::None);
    let mut reader = rig.store.get("a").unwrap();
    let first = reader.next().await.unwrap().unwrap();
    rig.chaos.delivered(5).await;
    assert_eq!(rig.count(kind::get), 5, "the one in work and four ahead");
    let (rest, error) = read_all(reader).await;
    assert!(error.is_none() && [&first[..], &rest].concat() == object);
    assert_eq!(rig.count(kind::get), 6);
}
