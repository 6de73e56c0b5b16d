//! An end is an end, and nothing else is.

use std::io::ErrorKind;

use highwater_core::Destination;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

use super::super::{MS, soon};
use super::*;

fn is_reset(error: &Error) -> bool {
    error.io_kind() == Some(ErrorKind::ConnectionReset)
}

/// One side has ended, and reads on.
#[tokio::test]
async fn the_end_of_one_side_leaves_the_other_open() {
    let (client, mut server) = pair(64);
    let (near, far) = stream(&client, &mut server).await;
    Readable::once(Bytes::from("question")).pipe_to(near.writable).run().await.unwrap();
    assert_eq!(far.readable.to_bytes().await.unwrap(), "question");
    let answer = Readable::from_iter(vec![block(3000); 300]).pipe_to(far.writable);
    let (_, came) = tokio::try_join!(answer.run(), near.readable.to_bytes()).unwrap();
    assert_eq!(came, block(900_000));
}

/// I57: a stream that was aborted, dropped, or has lost its session fails behind what came before, and so does who writes
/// to it.
#[tokio::test]
async fn a_reset_is_an_error_and_no_end() {
    let (client, mut server) = pair(64);
    for abort in [true, false] {
        let (near, far) = stream(&client, &mut server).await;
        let (mut readable, mut writable) = near.split();
        writable.write(Bytes::from("half a")).await.unwrap();
        Destination::flush(&mut writable).await.unwrap();
        let (mut came, mut answer) = far.split();
        assert_eq!(came.next().await.unwrap().unwrap(), "half a");
        if abort {
            Destination::abort(&mut writable, &Error::aborted()).await.unwrap();
            let here = readable.next().await.unwrap().unwrap_err();
            assert!(here.is_aborted(), "{here}");
        } else {
            drop((readable, writable));
        }
        let error = came.next().await.unwrap().unwrap_err();
        assert!(is_reset(&error) && error.stage() == Some("session"), "{error:?}");
        assert!(came.next().await.is_none());
        let error = async {
            loop {
                answer.write(block(1000)).await?;
            }
        };
        let error: Result<()> = error.await;
        assert!(is_reset(&error.unwrap_err()));
    }
}

/// N126: what was told to end is not written to.
#[tokio::test]
async fn nothing_is_written_after_the_end() {
    let (client, _server) = pair(64);
    let mut writable = client.open().await.unwrap().writable;
    Destination::finish(&mut writable).await.unwrap();
    let error = writable.write(block(1)).await.unwrap_err();
    assert!(error.is_write_after_end());
    let error = Readable::once(block(1)).pipe_to(&mut writable).run().await.unwrap_err();
    assert!(error.is_write_after_end());
}

/// A writer whose reader has left is told when the other direction is through.
#[tokio::test]
async fn who_writes_to_nobody_is_told() {
    let (client, mut server) = pair(64);
    let (near, far) = stream(&client, &mut server).await;
    drop(near.readable);
    let stuck = Readable::from_iter(vec![block(1000); 1000]).pipe_to(far.writable).spawn();
    Readable::once(Bytes::from("last words")).pipe_to(near.writable).run().await.unwrap();
    assert!(is_reset(&stuck.join().await.unwrap_err()));
    assert_eq!(far.readable.to_bytes().await.unwrap(), "last words");
}

/// A readable that is dropped while its writable stays open: a peer that continues to send is told, rather than left to wait
/// for ever once its window is full; so is the writable.
/// Shows F69.
#[tokio::test(start_paused = true)]
async fn a_writer_whose_reader_was_dropped_fails_although_the_other_side_is_open() {
    for before in ["nothing", "one read", "a full window"] {
        let (client, mut server) = pair(1024);
        let (mut near, far) = stream(&client, &mut server).await;
        let endless = Readable::from_iter(std::iter::repeat_with(|| block(1000)));
        let sending = endless.pipe_to(far.writable).spawn();
        match before {
            "one read" => drop(near.readable.next().await.unwrap().unwrap()),
            // The paused clock moves when nobody has anything to do.
            "a full window" => sleep(MS).await,
            _ => {}
        }
        drop(near.readable);
        assert!(is_reset(&soon(sending.join()).await.unwrap_err()), "{before}");
        let error = near.writable.write(block(20_000)).await.unwrap_err();
        assert!(error.is_limit(), "{error:?}");
        // Other streams are not affected.
        stream(&client, &mut server).await;
    }
}

/// A peer that sends little to a readable that was dropped loses nothing of what it reads.
#[tokio::test]
async fn a_dropped_readable_leaves_the_writable_open() {
    let (client, mut server) = pair(1024);
    let (near, far) = stream(&client, &mut server).await;
    drop(near.readable);
    Readable::from_iter(vec![block(1000); 200]).pipe_to(far.writable).run().await.unwrap();
    let sent = Readable::from_iter(vec![block(1000); 500]).pipe_to(near.writable);
    let (_, came) = tokio::try_join!(sent.run(), far.readable.to_bytes()).unwrap();
    assert_eq!(came.len(), 500_000);
    client.finish().await.unwrap();
}

/// Dropping a session ends its streams with an error on both sides, those that wait included, and all that is asked of it.
#[tokio::test]
async fn a_session_that_is_dropped_fails_its_streams() {
    let (client, mut server) = pair(64);
    let (near, far) = stream(&client, &mut server).await;
    let opener = client.opener();
    let mut readable = near.readable;
    let waiting = task::spawn(async move { readable.next().await.unwrap().unwrap_err() });
    let writing = Readable::from_iter(vec![block(1000); 1000]).pipe_to(near.writable).spawn();
    tokio::task::yield_now().await;
    drop(client);
    assert!(waiting.await.unwrap().is_aborted());
    assert!(writing.join().await.unwrap_err().is_aborted());
    assert!(opener.open().await.unwrap_err().is_aborted());
    let error = far.readable.to_bytes().await.unwrap_err();
    assert!(error.is_premature_close(), "{error:?}");
    assert!(server.next().await.unwrap().unwrap_err().is_premature_close());
    assert!(server.next().await.is_none());
    assert!(server.open().await.unwrap_err().is_premature_close());
    assert!(server.finish().await.unwrap_err().is_premature_close());
}

/// Going away drains: what is open goes on to its end, nothing new is opened, and the peer sees an end.
#[tokio::test(start_paused = true)]
async fn going_away_waits_for_the_streams() {
    let (client, mut server) = pair(64);
    let (near, far) = stream(&client, &mut server).await;
    let opener = server.opener();
    let leaving = task::spawn(server.finish());
    // The session is going away as soon as it opens nothing any more.
    while opener.open().await.is_ok() {}
    let refused = client.open().await.unwrap();
    assert!(is_reset(&refused.readable.to_bytes().await.unwrap_err()));
    let there = Readable::from_iter(vec![block(1000); 1000]).pipe_to(near.writable);
    let back = far.readable.pipe_to(far.writable);
    let answer = near.readable.to_bytes();
    let (_, _, answer) = tokio::try_join!(there.run(), back.run(), answer).unwrap();
    assert_eq!(answer.len(), 1_000_000);
    let mut client = client;
    while let Some(stream) = client.next().await {
        // One that was opened before it was going away.
        drop(stream.unwrap());
    }
    soon(leaving).await.unwrap().unwrap();
    soon(client.finish()).await.unwrap();
}

/// What was sent before a farewell is read behind it.
#[tokio::test(start_paused = true)]
async fn what_was_sent_is_read_after_the_farewell() {
    let (client, mut server) = pair(1 << 20);
    let (near, far) = stream(&client, &mut server).await;
    Readable::once(block(5000)).pipe_to(near.writable).run().await.unwrap();
    drop(near.readable);
    let leaving = task::spawn(client.finish());
    assert!(server.next().await.is_none());
    assert_eq!(far.readable.to_bytes().await.unwrap().len(), 5000);
    soon(leaving).await.unwrap().unwrap();
}

/// F65, I57: an exchange that is cut at every byte, in either direction, is never taken for a whole one.
#[tokio::test(start_paused = true)]
async fn a_cut_at_any_byte_is_no_end() {
    let (there, back) = exchange(None, None).await;
    assert!(there > 50 && back > 50, "{there} {back}");
    for cut in 0..there {
        exchange(Some(cut), None).await;
    }
    for cut in 0..back {
        exchange(None, Some(cut)).await;
    }
}

/// A question and its answer, through something that goes away after so many bytes. How many pass when it does not.
async fn exchange(there: Option<u64>, back: Option<u64>) -> (u64, u64) {
    let ((near, near_relay), (far, far_relay)) = (duplex(4096), duplex(4096));
    let relay = task::spawn(relay(near_relay, far_relay, there, back));
    let client = async {
        let session = SessionConfig::new().client(near);
        let (answer, request) = session.open().await?.split();
        Readable::once(Bytes::from("question")).pipe_to(request).run().await?;
        let answer = answer.to_bytes().await?;
        assert_eq!(answer, "answer", "cut at {there:?} {back:?}");
        session.finish().await
    };
    let server = async {
        let mut session = SessionConfig::new().server(far);
        let (request, answer) = session.next().await.expect("a client comes")?.split();
        let request = request.to_bytes().await?;
        assert_eq!(request, "question", "cut at {there:?} {back:?}");
        Readable::once(Bytes::from("answer")).pipe_to(answer).run().await?;
        match session.next().await {
            Some(next) => next.map(drop),
            None => Ok(()),
        }
    };
    let (client, server) = tokio::join!(client, server);
    let passed = relay.await.unwrap();
    // Without the last byte of the farewell the server does not see the client go in peace.
    assert!(there.is_none() || server.is_err(), "{there:?}");
    if there.or(back).is_none() {
        client.and(server).unwrap();
    }
    passed
}

/// Passes bytes on in both directions, and closes both when one has ended or has had its share.
async fn relay(
    near: DuplexStream,
    far: DuplexStream,
    there: Option<u64>,
    back: Option<u64>,
) -> (u64, u64) {
    let ((mut from_near, mut to_near), (mut from_far, mut to_far)) =
        (tokio::io::split(near), tokio::io::split(far));
    let forth = async {
        let mut part = (&mut from_near).take(there.unwrap_or(u64::MAX));
        let sent = tokio::io::copy(&mut part, &mut to_far).await.unwrap_or_default();
        drop(to_far.shutdown().await);
        sent
    };
    let home = async {
        let mut part = (&mut from_far).take(back.unwrap_or(u64::MAX));
        let answered = tokio::io::copy(&mut part, &mut to_near).await.unwrap_or_default();
        drop(to_near.shutdown().await);
        answered
    };
    if there.or(back).is_none() {
        return tokio::join!(forth, home);
    }
    tokio::select! {
        sent = forth => (sent, 0),
        answered = home => (0, answered),
    }
}
