//! Duplexes: two buffers whose ends are tied together.

use highwater_core::{Duplex, Error, HighWaterMark, duplex_pair, pass_through};
use highwater_test::poll_once;

/// N112, N115, N116: the sides of a pair are crossed and independent; dropping one end is seen by the other.
#[tokio::test]
async fn the_ends_of_a_duplex_pair_are_crossed() {
    let (client, mut server) = duplex_pair(HighWaterMark::items(4));
    client.writable.send(1).await.unwrap();
    client.writable.end();
    assert_eq!(server.readable.next().await.unwrap().unwrap(), 1);
    assert!(server.readable.next().await.is_none());
    server.writable.send(2).await.unwrap();
    let (mut readable, _writable) = client.split();
    assert_eq!(readable.next().await.unwrap().unwrap(), 2);
    server.destroy(Error::msg("gone"));
    assert_eq!(
        readable.next().await.unwrap().unwrap_err().to_string().split(' ').next(),
        Some("gone")
    );
}

/// N113: without half-open, the end of the reading side ends the writing side, behind what was written.
#[tokio::test]
async fn without_half_open_the_end_of_reading_ends_writing() {
    for allowed in [true, false] {
        let (there, here) = pass_through::<u32>(HighWaterMark::items(4));
        let (out, mut sent) = pass_through(HighWaterMark::items(4));
        let mut duplex = Duplex::new(here, out).with_half_open(allowed);
        duplex.writable.send('a').await.unwrap();
        there.end();
        assert!(duplex.readable.next().await.is_none());
        assert_eq!(duplex.writable.is_ended(), !allowed);
        assert_eq!(sent.next().await.unwrap().unwrap(), 'a');
    }
}

/// N114: an error on either side destroys both.
#[tokio::test]
async fn an_error_on_either_side_of_a_duplex_destroys_both() {
    let sides = || {
        let (there, here) = pass_through::<u32>(HighWaterMark::items(4));
        let (out, sent) = pass_through::<u32>(HighWaterMark::items(4));
        (there, Duplex::new(here, out), sent)
    };
    let (there, mut duplex, _sent) = sides();
    there.fail(Error::msg("read"));
    assert!(duplex.readable.next().await.unwrap().is_err());
    assert!(duplex.writable.error().unwrap().to_string().starts_with("read"));

    let (_there, mut duplex, sent) = sides();
    let mut next = Box::pin(duplex.readable.next());
    assert!(poll_once(next.as_mut()).is_pending());
    sent.destroy(Error::msg("written"));
    assert!(next.await.unwrap().unwrap_err().to_string().starts_with("written"));
}
