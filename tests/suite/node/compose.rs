//! N150 to N153: composing.

use std::pin::pin;
use std::task::Poll;

use highwater_core::operators::Chain;
use highwater_core::operators::{Map, TryMap};
use highwater_core::{Duplex, Error, HighWaterMark, Readable, pass_through};
use highwater_test::poll_once;

#[tokio::test]
async fn n150_written_at_the_head_and_read_at_the_tail() {
    let (head, tail) = pass_through(HighWaterMark::items(4));
    let composed = Duplex::new(tail.map(|text: &str| text.len()).filter(|n| *n > 1), head);
    let (readable, writable) = composed.split();
    for text in ["one", "", "three"] {
        writable.send(text).await.unwrap();
    }
    writable.end();
    assert_eq!(readable.to_vec().await.unwrap(), [3, 5]);
}

#[test]
fn n151_an_error_inside_closes_both_ends() {
    let (head, tail) = pass_through::<u32>(HighWaterMark::items(4));
    let odd = tail.try_map(|n| if n % 2 == 1 { Ok(n) } else { Err(Error::msg("even")) });
    let (mut readable, writable) = Duplex::new(odd, head).split();
    assert!((1..3).all(|n| !writable.write(n).unwrap().is_full()));
    assert!(matches!(poll_once(pin!(readable.next())), Poll::Ready(Some(Ok(1)))));
    let Poll::Ready(Some(Err(error))) = poll_once(pin!(readable.next())) else {
        panic!("no error")
    };
    assert!(error.to_string().starts_with("even"));
    let refused = writable.write(3).unwrap_err();
    assert!(refused.error().to_string().starts_with("even"), "the writer learns why");

    let (head, tail) = pass_through::<u32>(HighWaterMark::items(4));
    let (readable, writable) = Duplex::new(tail.map(|n| n + 1), head).split();
    drop(readable);
    assert!(writable.write(1).unwrap_err().error().is_premature_close());
}

#[tokio::test]
async fn n153_an_error_of_a_composition_in_a_composition_comes_out() {
    let fails = TryMap::new(|n: u32| if n < 2 { Ok(n) } else { Err(Error::msg("deep")) });
    let inner = Chain::new(Map::new(|n: u32| n), fails);
    let outer = Chain::new(Chain::new(inner, Map::new(|n: u32| n * 10)), Map::new(|n: u32| n + 1));
    let run = Readable::from_iter(0..9).pipe(outer).through(
        HighWaterMark::items(2),
        async |mut input, output| {
            while let Some(n) = input.next().await.transpose()? {
                output.send(n).await?;
            }
            Ok(())
        },
    );
    let mut run = Box::pin(run);
    assert_eq!(run.next().await.unwrap().unwrap(), 1);
    assert_eq!(run.next().await.unwrap().unwrap(), 11);
    let error = run.next().await.unwrap().unwrap_err();
    assert!(error.to_string().starts_with("deep"), "{error}");
    assert_eq!((error.stage(), error.chunk()), (Some("try_map"), Some(2)));
    assert!(run.next().await.is_none());
}
