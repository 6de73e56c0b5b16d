//! What fails for now is done again; what fails for good is an error; nothing is lost, doubled or mixed.

use std::time::Duration;

use highwater::object::{GetOptions, RequestCounts, StoreError};

use super::*;

type Change = fn(&mut Answer);

/// F96: answers that say to try again, and connections that end without one, anywhere in the work.
#[tokio::test]
async fn what_fails_for_now_is_done_again() {
    let rig = Rig::start().await;
    let faults: [fn() -> Fault; 7] = [
        || Fault::Instead(Answer::new(500, "<Error><Code>InternalError</Code></Error>")),
        || Fault::Instead(Answer::new(503, "<Error><Code>SlowDown</Code></Error>")),
        || Fault::Instead(Answer::new(429, "slow")),
        || Fault::Instead(Answer::new(408, "")),
        || Fault::Drop(Ending::Reset),
        || Fault::Drop(Ending::Close),
        || Fault::Cut(40, Ending::Reset),
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        rig.break_each(kind::any, move |n| if n % 3 == 0 { fault() } else { Fault::None });
        let before = rig.store.requests();
        let users = rig.store.resource::<User>(&format!("users-{number}")).unwrap();
        let all = fill(&users, 100).await;
        assert!(users.reader().to_vec().await.unwrap() == all, "fault {number}");
        let RequestCounts { sent, failed, .. } = rig.store.requests();
        assert_eq!(sent - before.sent, rig.count(kind::any) as u64, "fault {number}");
        // A broken answer to a get is mended without being sent again as a whole.
        assert!(failed > before.failed || number == 6, "fault {number}");
    }
}

/// F96: ten tries more, and then the answer is the error.
#[tokio::test]
async fn tries_are_counted() {
    let rig = Rig::start().await;
    rig.chaos.play(|_| Fault::Instead(Answer::new(503, "<Code>SlowDown</Code>")));
    let (read, error) = read(&rig.store, "a").await;
    let error = error.unwrap();
    assert!(read.is_empty());
    assert_eq!(rig.count(kind::any), 11);
    let error = error.downcast_ref::<StoreError>().unwrap().to_string();
    assert!(error.contains("503") && error.contains("SlowDown"), "{error}");

    // What says that it is of no use is not tried again.
    rig.chaos.play(|_| Fault::Instead(Answer::new(403, "<Code>AccessDenied</Code>")));
    let error = users(&rig.store).ids().to_vec().await.unwrap_err();
    assert!(error.downcast_ref::<StoreError>().unwrap().to_string().contains("AccessDenied"));
    let error = rig.store.info("a").await.unwrap_err();
    assert!(error.downcast_ref::<StoreError>().unwrap().is_permission_denied());
    assert_eq!(rig.count(kind::any), 2);
}

/// F96: a server that says nothing is given up after `read_idle`; one that only pauses in between is not.
#[tokio::test]
async fn silence_is_a_time_out() {
    let idle = Duration::from_millis(400);
    let rig = Rig::with(|options| options.with_read_idle(idle).with_retries(2)).await;
    write(&rig.store, "a", bytes(1000)).await;
    // In front of the answer, and inside of it: done again.
    for cut in [0, 700] {
        rig.break_first(kind::get, move || Fault::Cut(cut, Ending::Silence));
        assert!(is_whole(read(&rig.store, "a").await, &bytes(1000)), "{cut}");
        assert!(rig.count(kind::get) >= 2);
    }
    rig.break_each(kind::any, |_| Fault::Drop(Ending::Silence));
    let (_, error) = read(&rig.store, "a").await;
    assert!(error.is_some());
    assert_eq!(rig.count(kind::get), 3);
}

/// F97: the answer to a get ends after k bytes, for all k, with FIN and with RST.
#[tokio::test]
async fn an_object_whose_answer_is_cut_at_any_byte() {
    let rig = Rig::start().await;
    let object = bytes(300);
    write(&rig.store, "a", object.clone()).await;
    let length = rig.length_of_answer(kind::get, async { drop(read(&rig.store, "a").await) }).await;
    for ending in [Ending::Close, Ending::Reset] {
        for cut in 0..length {
            rig.break_first(kind::get, move || Fault::Cut(cut, ending));
            let (read, error) = read(&rig.store, "a").await;
            assert!(
                error.is_none() && read == object,
                "{ending:?} after {cut} of {length}: {error:?}"
            );
        }
    }
}

/// F97: the same for a record, which is read without a range.
#[tokio::test]
async fn a_record_whose_answer_is_cut_at_any_byte() {
    let rig = Rig::start().await;
    let users = users(&rig.store);
    let all = fill(&users, 1).await;
    let length =
        rig.length_of_answer(kind::get, async { drop(users.reader().to_vec().await) }).await;
    for cut in 0..length {
        rig.break_first(kind::get, move || Fault::Cut(cut, Ending::Close));
        let read = users.reader().to_vec().await;
        assert!(read.as_ref().is_ok_and(|read| *read == all), "after {cut} of {length}: {read:?}");
    }
}

/// F97, F102: the same for a listing and for the answer to a put.
#[tokio::test]
async fn a_listing_or_a_put_whose_answer_is_cut_at_any_byte() {
    let rig = Rig::start().await;
    let users = users(&rig.store);
    let all = fill(&users, 2).await;
    let length = rig.length_of_answer(kind::list, async { drop(users.ids().to_vec().await) }).await;
    for cut in (0..length).step_by(2) {
        let ending = if cut % 4 == 0 { Ending::Close } else { Ending::Reset };
        rig.break_first(kind::list, move || Fault::Cut(cut, ending));
        let ids = users.ids().to_vec().await.map(|pages| pages.concat());
        let expected: Vec<String> = all.iter().map(|record| record.id.clone()).collect();
        assert!(ids.as_ref().is_ok_and(|ids| *ids == expected), "after {cut} of {length}: {ids:?}");
    }
    let length = rig.length_of_answer(kind::put, async { drop(fill(&users, 1).await) }).await;
    for cut in 0..length {
        rig.break_first(kind::put, move || Fault::Cut(cut, Ending::Close));
        fill(&users, 1).await;
    }
    assert!(users.reader().to_vec().await.unwrap() == all);
}

/// F97: an answer that says less or more than it has. Of too much, the rest is not looked at; of too little, nothing is
/// given.
#[tokio::test]
async fn a_length_that_lies() {
    let rig =
        Rig::with(|options| options.with_read_idle(Duration::from_millis(300)).with_retries(2))
            .await;
    let object = bytes(900);
    write(&rig.store, "a", object.clone()).await;
    let lies: [(bool, Change); 4] = [
        (true, |answer| answer.body.extend_from_slice(b"more")),
        (false, |answer| answer.body.truncate(100)),
        (false, |answer| answer.set_header("content-length", Some("100"))),
        (false, |answer| answer.set_header("content-length", Some("901"))),
    ];
    for (number, (harmless, lie)) in lies.into_iter().enumerate() {
        rig.break_each(kind::get, move |_| Fault::Change(Box::new(lie)));
        let (read, error) = read(&rig.store, "a").await;
        assert_eq!(error.is_none(), harmless, "lie {number}: {error:?}");
        assert!(read == if harmless { &object[..] } else { &[] }, "lie {number}");
    }
}

/// F98, F99: answers to a get that are not what was asked for: nothing of them is given.
#[tokio::test]
async fn answers_that_are_something_else() {
    let rig = Rig::start().await;
    let object = bytes(3000);
    write(&rig.store, "a", object.clone()).await;
    let others: [(&str, Change); 8] = [
        ("the range was ignored", |answer| {
            answer.set_status(200);
            answer.set_header("content-range", None);
            answer.set_body(bytes(3000));
        }),
        ("no range is said", |answer| answer.set_header("content-range", None)),
        ("nonsense is said", |answer| answer.set_header("content-range", Some("bytes x-y/z"))),
        ("another range", |answer| answer.set_header("content-range", Some("bytes 0-999/3000"))),
        ("another total", |answer| {
            let range = answer.header("content-range").map(|range| range.replace("/3000", "/3001"));
            answer.set_header("content-range", range.as_deref());
        }),
        ("another version", |answer| answer.set_header("etag", Some("\"other\""))),
        ("no version", |answer| answer.set_header("etag", None)),
        ("the condition failed", |answer| answer.set_status(412)),
    ];
    for (name, change) in others {
        // The first part is right, the second is not.
        rig.break_each(kind::get, move |n| {
            if n == 1 { Fault::Change(Box::new(change)) } else { Fault::None }
        });
        let options = GetOptions::new().with_part_size(at_once(1000)).with_concurrency(at_once(1));
        let (read, error) = read_all(rig.store.get_with("a", &options).unwrap()).await;
        let error = error.expect(name);
        assert!(read == object[..1000], "{name}");
        assert_eq!((error.stage(), error.offset()), (Some("object::get"), Some(1000)), "{name}");
        let changed =
            name.contains("version") || name.contains("total") || name.contains("condition");
        assert_eq!(
            error.to_string().contains("was changed while it was read"),
            changed,
            "{name}: {error}"
        );
    }
}

/// F98, F99: an answer breaks off, and what comes when the rest is asked for is not the rest.
#[tokio::test]
async fn rests_that_are_something_else() {
    let rig = Rig::start().await;
    let object = bytes(3000);
    write(&rig.store, "a", object.clone()).await;
    let whole = rig.length_of_answer(kind::get, async { drop(read(&rig.store, "a").await) }).await;
    let others: [(&str, Change); 4] = [
        ("the range was ignored", |answer| {
            answer.set_status(200);
            answer.set_header("content-range", None);
            answer.set_body(bytes(3000));
        }),
        ("another range", |answer| answer.set_header("content-range", Some("bytes 9-2999/3000"))),
        ("another version", |answer| answer.set_header("etag", Some("\"other\""))),
        ("the condition failed", |answer| answer.set_status(412)),
    ];
    for (name, change) in others {
        rig.break_each(kind::get, move |n| match n {
            0 => Fault::Cut(whole - 1000, Ending::Close),
            1 => Fault::Change(Box::new(change)),
            _ => Fault::None,
        });
        let (read, error) = read(&rig.store, "a").await;
        assert!(error.is_some() && read.is_empty(), "{name}");
    }
    // And the one that is the rest, from where it broke off.
    rig.break_first(kind::get, move || Fault::Cut(whole - 1000, Ending::Close));
    assert!(is_whole(read(&rig.store, "a").await, &object));
    let rest = &rig.chaos.requests()[1];
    assert_eq!(rest.header("range"), Some("bytes=2000-2999"));
}

/// F99: somebody writes the object while it is read: the parts of two versions are never put together.
#[tokio::test]
async fn an_object_that_is_changed_while_it_is_read() {
    let rig = Rig::start().await;
    let (first, second) = (bytes(3000), bytes(6000).split_off(3000));
    write(&rig.store, "a", first.clone()).await;
    let options = GetOptions::new().with_part_size(at_once(1000)).with_concurrency(at_once(1));
    let mut reader = rig.store.get_with("a", &options).unwrap();
    assert!(reader.next().await.unwrap().unwrap() == first[..1000]);
    // The second part is asked for already. While this server replaces an object, it gives new bytes with the old version
    // for a moment, which no reader can see: the write begins when it has answered.
    while rig.count(kind::get) < 2 {
        tokio::task::yield_now().await;
    }
    rig.chaos.idle().await;
    write(&rig.s3.store(), "a", second).await;
    let (rest, error) = read_all(reader).await;
    assert!(error.unwrap().to_string().contains("was changed while it was read"));
    assert!(first[1000..].starts_with(&rest) && rest.len() < 2000);
    // Every part behind the first asked for the version that it began with.
    let conditions: Vec<bool> = rig
        .chaos
        .requests()
        .iter()
        .filter(|r| kind::get(r))
        .map(|r| r.header("if-match").is_some())
        .collect();
    assert!(!conditions[0] && conditions[1..].iter().all(|condition| *condition));
}

/// A store that says no versions: then the time of the last change has to do.
#[tokio::test]
async fn a_store_without_versions() {
    let rig = Rig::start().await;
    write(&rig.store, "a", bytes(3000)).await;
    let options = GetOptions::new().with_part_size(at_once(1000)).with_concurrency(at_once(1));
    rig.break_each(kind::get, |_| {
        Fault::Change(Box::new(|answer| answer.set_header("etag", None)))
    });
    let reader = rig.store.get_with("a", &options).unwrap();
    assert!(is_whole(read_all(reader).await, &bytes(3000)));
    rig.break_each(kind::get, |n| {
        Fault::Change(Box::new(move |answer| {
            answer.set_header("etag", None);
            let time = format!("Mon, 01 Jan 2024 00:00:0{n} GMT");
            answer.set_header("last-modified", Some(&time));
        }))
    });
    let (read, error) = read_all(rig.store.get_with("a", &options).unwrap()).await;
    assert!(read == bytes(1000));
    assert!(error.unwrap().to_string().contains("was changed while it was read"));
}
