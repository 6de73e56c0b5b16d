//! Listings that are strange.

use highwater::object::IdOptions;

use super::*;

/// A listing as S3 gives it.
fn page(ids: &[&str], token: Option<&str>) -> Answer {
    let contents: String = ids
        .iter()
        .map(|id| {
            format!("<Contents><Key>of/tests/users/{id}.json</Key><Size>1</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>")
        })
        .collect();
    let next = token.map_or(String::new(), |token| {
        format!("<NextContinuationToken>{token}</NextContinuationToken>")
    });
    Answer::new(
        200,
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult>{contents}{next}</ListBucketResult>"
        ),
    )
}

async fn ids(rig: &Rig) -> (Vec<String>, Option<Error>) {
    let mut readable = users(&rig.store).ids_with(&IdOptions::new().with_batch_size(at_once(2)));
    let mut all = Vec::new();
    while let Some(batch) = readable.next().await {
        match batch {
            Ok(batch) => {
                assert!(!batch.is_empty());
                all.extend(batch);
            }
            Err(error) => return (all, Some(error)),
        }
    }
    (all, None)
}

/// F102: no ids and more to come, short pages, and ids in no order.
#[tokio::test]
async fn pages_of_any_kind() {
    let rig = Rig::start().await;
    rig.break_each(kind::list, |n| {
        Fault::Instead(match n {
            0 => page(&[], Some("one")),
            1 => page(&["z"], Some("two")),
            2 => page(&[], Some("three")),
            3 => page(&["a", "m"], Some("four")),
            4 => page(&["b"], Some("")),
            n => panic!("page {n} was asked for"),
        })
    });
    let (ids, error) = ids(&rig).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(ids, ["z", "a", "m", "b"]);
    let tokens: Vec<bool> =
        rig.chaos.requests().iter().map(|request| request.asks("continuation-token")).collect();
    assert_eq!(tokens, [false, true, true, true, true]);
}

/// F102: a token that comes again, at once or after some others, is an error; what was listed before is given.
#[tokio::test]
async fn a_listing_that_goes_round_in_circles() {
    let rig = Rig::start().await;
    for length in [1, 2, 5] {
        rig.break_each(kind::list, move |n| {
            let (id, token) = (format!("id-{n}"), format!("token-{}", n % length));
            Fault::Instead(page(&[&id], Some(&token)))
        });
        let (ids, error) = ids(&rig).await;
        let error = error.unwrap();
        assert!(error.is_corrupt() && error.to_string().contains("round in circles"), "{error}");
        assert_eq!(error.stage(), Some("object::ids"));
        assert!(ids.len() > length - 1 && ids.len() <= 3 * length, "{length}: {ids:?}");
    }
}

/// F102: a page that breaks off for good: the ids before it are given, then the error.
#[tokio::test]
async fn a_page_that_cannot_be_read_comes_behind_the_others() {
    let rig = Rig::with(|options| options.with_retries(1)).await;
    let bad: [fn() -> Fault; 3] = [
        || Fault::Drop(Ending::Reset),
        || Fault::Instead(Answer::new(200, "<ListBucketResult><Contents><Key>")),
        || Fault::Instead(Answer::new(200, "not XML")),
    ];
    for (number, bad) in bad.into_iter().enumerate() {
        rig.break_each(kind::list, move |n| match n {
            0 => Fault::Instead(page(&["a", "b"], Some("next"))),
            _ => bad(),
        });
        let (ids, error) = ids(&rig).await;
        assert_eq!(ids, ["a", "b"], "{number}");
        assert!(error.unwrap().to_string().starts_with("cannot list `of/tests/users`"), "{number}");
    }
}

/// One page is listed ahead, and no more.
/// Shows F102.
#[tokio::test]
async fn listing_ahead_is_bounded() {
    let rig = Rig::start().await;
    rig.break_each(kind::list, |n| {
        let (id, token) = (format!("id-{n}"), format!("token-{n}"));
        Fault::Instead(page(&[&id], Some(&token)))
    });
    let mut readable = users(&rig.store).ids();
    for taken in 1..=10 {
        assert_eq!(readable.next().await.unwrap().unwrap(), [format!("id-{}", taken - 1)]);
        while rig.count(kind::list) < taken + 1 {
            tokio::task::yield_now().await;
        }
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        assert_eq!(rig.count(kind::list), taken + 1);
    }
}
