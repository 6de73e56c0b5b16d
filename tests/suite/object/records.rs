//! Records out and in.

use highwater::object::{IdOptions, ReaderOptions};
use highwater::record::{Failed, OnFailure};

use super::*;

#[tokio::test]
async fn records_come_back_equal_and_in_order() {
    let rig = Rig::start().await;
    let users = users(&rig.store);
    let all = fill(&users, 2_500).await;
    assert!(users.reader().to_vec().await.unwrap() == all);

    let ids = users.ids().to_vec().await.unwrap();
    assert_eq!(ids.iter().map(Vec::len).collect::<Vec<_>>(), [1000, 1000, 500]);
    assert!(ids.concat().iter().eq(all.iter().map(|record| &record.id)));

    let mut any = users.reader_with(ReaderOptions::new().any_order()).to_vec().await.unwrap();
    any.sort_by(|a, b| a.id.cmp(&b.id));
    assert!(any == all);
}

#[tokio::test]
async fn it_goes_on_where_it_stopped() {
    let rig = Rig::start().await;
    let users = users(&rig.store);
    let all = fill(&users, 50).await;
    let rest = users.reader_with(ReaderOptions::new().after("u-00029").with_page_size(at_once(7)));
    assert!(rest.to_vec().await.unwrap() == all[30..]);
    // The id need not be there.
    let rest = users.ids_with(&IdOptions::new().after("u-00029z").with_batch_size(at_once(7)));
    let rest = rest.to_vec().await.unwrap();
    assert!(rest.concat().iter().eq(all[30..].iter().map(|record| &record.id)), "{rest:?}");
}

/// F105: whatever the id, it comes back; what is beside the records is not one.
#[tokio::test]
async fn any_text_is_an_id() {
    let rig = Rig::start().await;
    let strange = [
        "a/b",
        "../../x",
        "..",
        ".",
        "%2e%2e",
        "a b",
        " a ",
        "ü\u{202e}",
        "a+b&c=d?e#f",
        "<&>\"'",
        "CON",
        "a\\b",
        "\u{7f}\n",
    ];
    let records = || strange.map(|id| Record::new(id, id.to_owned()));
    for store in [rig.store.clone(), Store::memory()] {
        let texts = store.resource::<String>("texts").unwrap();
        Readable::from_iter(records()).pipe_to(texts.writer()).await.unwrap();
        for key in ["texts/a.txt", "texts/deep/a.json", "texts/a%2fb.json", "texts.json"] {
            write(&store, key, "\"no record\"").await;
        }
        let mut read = texts.reader().to_vec().await.unwrap();
        let mut all = records().to_vec();
        read.sort_by(|a, b| a.id.cmp(&b.id));
        all.sort_by(|a, b| a.id.cmp(&b.id));
        assert_eq!(read, all);
    }
}

/// The error has the record in it; those before it are written, and what did not get under way is given back.
#[tokio::test]
async fn a_failed_write_gives_the_record_back() {
    let rig = Rig::start().await;
    rig.chaos.play(|request| {
        if request.target.contains("u-00050") {
            Fault::Instead(Answer::new(403, "no"))
        } else {
            Fault::None
        }
    });
    let users = users(&rig.store);
    let mut writer = users.writer().with_concurrency(at_once(4)).with_batch_size(at_once(20));
    let counts = writer.counts();
    let mut taken = 0;
    let source = Readable::from_iter((0..200).map(user)).inspect(|_| taken += 1);
    let error = source.pipe_to(&mut writer).run().await.unwrap_err();
    assert_eq!(error.stage(), Some("object::writer"));
    let failed = error.downcast_ref::<Failed<Record<User>>>().unwrap();
    assert_eq!(failed.item(), &user(50));
    assert!(failed.error().to_string().starts_with("cannot write `of/tests/users/u-00050.json`"));

    let unwritten = writer.take_unwritten();
    assert_eq!(counts.failed(), 1);
    let there = users.reader().to_vec().await.unwrap();
    assert_eq!(there.len() as u64, counts.succeeded());
    let mut all = [there, unwritten, vec![user(50)]].concat();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    // Nothing that was accepted is missing: all up to the last one, which the failure may have met on its way in.
    assert!(all.len() > 50 && all.iter().cloned().eq((0..all.len() as u64).map(user)));
    assert!(taken - all.len() <= 1, "{taken} were taken, {} are known", all.len());
    assert!(writer_is_over(&mut writer).await);
}

async fn writer_is_over(writer: &mut highwater::object::RecordWrite<Json<User>>) -> bool {
    Readable::once(user(0)).pipe_to(writer).run().await.unwrap_err().is_write_after_end()
}

#[tokio::test]
async fn a_policy_lets_the_rest_go_on() {
    let rig = Rig::start().await;
    let is_tenth = |request: &Request| request.target.contains("0.json");
    rig.chaos.play(move |request| {
        if is_tenth(request) { Fault::Instead(Answer::new(403, "no")) } else { Fault::None }
    });
    let users = users(&rig.store);
    let kept = Arc::new(Mutex::new(Vec::new()));
    let given = Arc::clone(&kept);
    let writer = users.writer().on_failure(OnFailure::handle(move |failed| {
        given.lock().unwrap().push(failed.into_parts().0);
        Ok(())
    }));
    let counts = writer.counts();
    Readable::from_iter((0..100).map(user)).pipe_to(writer).await.unwrap();
    assert_eq!((counts.succeeded(), counts.failed()), (90, 10));
    let mut kept = std::mem::take(&mut *kept.lock().unwrap());
    kept.sort_by(|a, b| a.id.cmp(&b.id));
    assert!(kept.into_iter().eq((0..100).step_by(10).map(user)));

    // And the same on reading.
    rig.chaos.play(|_| Fault::None);
    fill(&users, 100).await;
    rig.chaos.play(move |request| {
        if kind::get(request) && is_tenth(request) {
            Fault::Instead(Answer::new(403, "no"))
        } else {
            Fault::None
        }
    });
    let ids = Arc::new(Mutex::new(Vec::new()));
    let missed = Arc::clone(&ids);
    let options = ReaderOptions::new().on_failure(OnFailure::handle(move |failed| {
        missed.lock().unwrap().push(failed.into_parts().0);
        Ok(())
    }));
    let read = users.reader_with(options).to_vec().await.unwrap();
    assert!(read.into_iter().eq((0..100).filter(|n| n % 10 != 0).map(user)));
    assert!(
        ids.lock().unwrap().iter().eq((0..100)
            .step_by(10)
            .map(|n| user(n).id)
            .collect::<Vec<_>>()
            .iter())
    );
}

/// Errors travel in order: all records before the one that cannot be read come first.
#[tokio::test]
async fn a_failed_read_comes_in_its_place() {
    let rig = Rig::start().await;
    let users = users(&rig.store);
    let all = fill(&users, 60).await;
    write(&rig.store, "users/u-00040.json", "{\"name\":\"x\",\n\"logins\":-1}").await;
    let mut reader = users.reader();
    for record in &all[..40] {
        assert_eq!(&reader.next().await.unwrap().unwrap(), record);
    }
    let error = reader.next().await.unwrap().unwrap_err();
    assert_eq!(error.stage(), Some("object::reader"));
    let failed = error.downcast_ref::<Failed<String>>().unwrap();
    assert_eq!(failed.item(), "u-00040");
    assert!(failed.error().is_corrupt());
    assert!(failed.error().to_string().contains("line 2 column"), "{}", failed.error());
    assert!(reader.next().await.is_none());
}

/// A record has at most 1 MiB, on writing as on reading.
#[tokio::test]
async fn a_record_that_is_too_large_is_an_error() {
    let store = Store::memory();
    let texts = store.resource::<String>("texts").unwrap();
    let text = |bytes: usize| "x".repeat(bytes - 2);
    let write_text =
        |bytes| Readable::once(Record::new("a", text(bytes))).pipe_to(texts.writer()).run();
    write_text(1 << 20).await.unwrap();
    assert_eq!(texts.reader().to_vec().await.unwrap()[0].value.len(), (1 << 20) - 2);
    let error = write_text((1 << 20) + 1).await.unwrap_err();
    assert!(error.downcast_ref::<Failed<Record<String>>>().unwrap().error().is_limit());

    write(&store, "texts/a.json", format!("{:?}", text((1 << 20) + 1))).await;
    let error = texts.reader().to_vec().await.unwrap_err();
    assert!(error.downcast_ref::<Failed<String>>().unwrap().error().is_limit());
    let roomy = texts.clone().with_max_record(NonZero::new(2 << 20).unwrap());
    assert_eq!(roomy.reader().to_vec().await.unwrap().len(), 1);
}

/// No more than `concurrency` at once, and all of them while the consumer does something else.
#[tokio::test]
async fn fetching_goes_on_while_the_consumer_is_busy_and_is_bounded() {
    let rig = Rig::start().await;
    let users = users(&rig.store);
    fill(&users, 40).await;
    rig.chaos.play(|_| Fault::None);
    let mut reader = users.reader_with(ReaderOptions::new().with_concurrency(at_once(5)));
    for taken in 1..=20 {
        reader.next().await.unwrap().unwrap();
        // The one taken, and five ahead: as many, and not more, arrive without anybody reading on.
        while rig.count(kind::get) < taken + 5 {
            tokio::task::yield_now().await;
        }
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        assert_eq!(rig.count(kind::get), taken + 5);
    }
    drop(reader);
}
