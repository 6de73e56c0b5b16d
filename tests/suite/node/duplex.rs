//! N112 to N116: duplexes.

use bytes::Bytes;
use futures::FutureExt;
use highwater_core::{Error, HighWaterMark, duplex_pair};

#[tokio::test]
async fn n115_a_write_of_nothing_needs_no_reader() {
    let (client, mut server) = duplex_pair(HighWaterMark::<Bytes>::bytes(4));
    client.writable.send(Bytes::new()).now_or_never().expect("there is room").unwrap();
    client.writable.send(Bytes::from("abcd")).now_or_never().expect("there is room").unwrap();
    assert!(client.writable.send(Bytes::new()).now_or_never().is_none(), "until it is full");
    assert!(server.readable.next().await.unwrap().unwrap().is_empty());
    assert_eq!(server.readable.next().await.unwrap().unwrap(), "abcd");
}

#[tokio::test]
async fn n116_the_other_end_sees_how_an_end_goes() {
    let ends = || duplex_pair::<u32>(HighWaterMark::items(4));
    let (client, mut server) = ends();
    client.writable.end();
    drop(client);
    assert!(server.readable.next().await.is_none(), "ended");
    assert!(server.writable.write(1).is_err(), "nobody reads");

    let (client, mut server) = ends();
    drop(client);
    let error = server.readable.next().await.unwrap().unwrap_err();
    assert!(error.is_premature_close(), "an end is never guessed");

    let (client, mut server) = ends();
    client.destroy(Error::msg("broken"));
    let error = server.readable.next().await.unwrap().unwrap_err();
    assert!(error.to_string().starts_with("broken"));
}
