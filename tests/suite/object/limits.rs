//! Answers that are too large, and secrets that do not get out.

use std::cell::RefCell;

use highwater::object::StoreError;

use super::*;

fn text(error: &Error) -> String {
    let store = error.downcast_ref::<StoreError>().unwrap();
    store.to_string()
}

/// F103: of an answer that says what is wrong, little is kept, whatever its length and its bytes; the status counts.
#[tokio::test]
async fn an_error_of_any_size() {
    let rig = Rig::start().await;
    let huge = || [b"\x1b[31m\xff<Code>X</Code>".repeat(100), vec![b'x'; 3 << 20]].concat();
    rig.break_each(kind::any, move |_| Fault::Instead(Answer::new(400, huge())));
    let (_, error) = read(&rig.store, "a").await;
    let said = text(&error.unwrap());
    assert!(said.contains("400") && said.contains(": X"), "{said}");
    assert!(said.len() < 64 << 10 && !said.contains('\x1b'), "{} bytes", said.len());

    // It is tried again, and is one that never ends.
    rig.break_first(kind::any, move || Fault::Instead(Answer::endless(503)));
    let (_, error) = read(&rig.store, "a").await;
    assert!(error.unwrap().downcast_ref::<StoreError>().unwrap().is_not_found());
}

/// F103: an answer that counts has at most 8 MiB, and entities in it are not replaced.
#[tokio::test]
async fn a_listing_of_any_size() {
    let rig = Rig::start().await;
    rig.break_each(kind::list, |_| Fault::Instead(Answer::endless(200)));
    let error = users(&rig.store).ids().to_vec().await.unwrap_err();
    assert!(text(&error).contains("longer than 8 MiB"), "{error:?}");
    assert_eq!(rig.count(kind::list), 1);

    let bomb = "<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]><ListBucketResult><Contents><Key>of/tests/users/&c;.json</Key><Size>1</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents></ListBucketResult>";
    rig.break_each(kind::list, move |_| Fault::Instead(Answer::new(200, bomb)));
    let ids = users(&rig.store).ids().to_vec().await;
    assert!(!ids.is_ok_and(|ids| ids.concat().iter().any(|id| id.len() > 100)));
    let deep = format!("<ListBucketResult>{}", "<a>".repeat(1 << 20));
    rig.break_each(kind::list, move |_| Fault::Instead(Answer::new(200, deep.clone())));
    assert!(users(&rig.store).ids().to_vec().await.is_err());
}

/// F104: neither an error nor a log at the finest level has the secret, the session token or a signature in it.
#[tokio::test]
async fn secrets_stay_in() {
    const TOKEN: &str = "t0ken-of-the-session";
    let rig =
        Rig::with(|options| options.with_option("aws_session_token", TOKEN).with_retries(1)).await;
    let logs = capture();
    let mut said = format!("{:?}", rig.store);
    let mut note = |error: &Error| said += &format!("{error}{error:?}");
    for fault in [
        || Fault::Instead(Answer::new(500, "broken")),
        || Fault::Instead(Answer::new(403, "<Code>SignatureDoesNotMatch</Code>")),
        || Fault::Drop(Ending::Reset),
        || Fault::Instead(Answer::new(200, "nonsense")),
    ] {
        rig.break_each(kind::any, move |_| fault());
        note(&read(&rig.store, "a").await.1.unwrap());
        note(&users(&rig.store).ids().to_vec().await.unwrap_err());
        note(
            &Readable::once(user(1))
                .pipe_to(users(&rig.store).writer())
                .await
                .err()
                .unwrap_or_else(Error::aborted),
        );
    }
    // The server takes no session tokens: its refusal is one more error.
    rig.chaos.play(|_| Fault::None);
    note(&read(&rig.store, "a").await.1.unwrap());
    for url in [
        "s3://AKIA:hunter2@bucket/a",
        "s3://bucket/a?X-Amz-Signature=hunter2",
        "s3://bucket/#hunter2",
        "s3://buck et/hunter2",
    ] {
        let error = Store::open(url).unwrap_err();
        assert!(!format!("{error}{error:?}").contains("hunter2"), "{url}: {error:?}");
    }
    let settings = || S3::options(rig.chaos.address());
    note(&settings().with_option("aws_no_such_thing", S3::SECRET).open(&S3::url()).unwrap_err());
    let endpoint = settings().with_option("aws_endpoint", format!("http://u:{TOKEN}@127.0.0.1:1"));
    note(&endpoint.open(&S3::url()).unwrap_err());
    said += &format!("{endpoint:?}");
    drop(logs);

    let logged = LOGGED.take();
    assert!(
        logged.contains("object_store") && logged.contains("hyper"),
        "nothing was logged: {logged}"
    );
    for secret in [S3::SECRET, TOKEN, "Signature=", "AWS4-HMAC"] {
        for (place, text) in [("an error", &said), ("the log", &logged)] {
            let found =
                text.find(secret).map(|at| &text[at.saturating_sub(200)..at + secret.len()]);
            assert!(found.is_none(), "`{secret}` is in {place}: {found:?}");
        }
    }
}

thread_local! {
    static LOGGED: RefCell<String> = const { RefCell::new(String::new()) };
    static CAPTURING: RefCell<bool> = const { RefCell::new(false) };
}

/// Writes down, until it is dropped, what this thread logs at any level, by way of `tracing` and of `log`. The server
/// logs on the same thread, and is left out.
fn capture() -> impl Drop {
    static LOGGER: Logger = Logger;
    drop(log::set_logger(&LOGGER));
    log::set_max_level(log::LevelFilter::Trace);
    CAPTURING.set(true);
    Capture(tracing::subscriber::set_default(Subscriber))
}

struct Capture(#[expect(dead_code, reason = "ends with it")] tracing::subscriber::DefaultGuard);

impl Drop for Capture {
    fn drop(&mut self) {
        CAPTURING.set(false);
    }
}

fn write_down(target: &str, what: &dyn std::fmt::Debug) {
    if CAPTURING.with_borrow(|on| *on) && !target.starts_with("s3s") {
        LOGGED.with_borrow_mut(|text| *text += &format!("{target}: {what:?}\n"));
    }
}

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        write_down(record.target(), record.args());
    }

    fn flush(&self) {}
}

struct Subscriber;

impl tracing::Subscriber for Subscriber {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        write_down(span.metadata().target(), span);
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        write_down(event.metadata().target(), event);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}
