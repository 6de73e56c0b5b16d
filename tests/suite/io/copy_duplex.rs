//! Two streams tied together, under errors, cancels and silence.

use std::future::Future;
use std::io::ErrorKind;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use highwater::io::copy_duplex;
use highwater_core::{Error, Readable, task};
use highwater_test::io::{Act, Reader, Writer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufWriter, Join, duplex, join, repeat};
use tokio::time::{Instant, sleep};

use crate::support::soon;

const TEXT: &[u8] = b"sixty-four bytes, of which a cancelled copy of Tokio loses forty-8";

fn source(script: impl IntoIterator<Item = Act>) -> Join<Reader, Writer> {
    join(Reader::new(TEXT, 8, script), Writer::new(8, false, []))
}

fn sink(script: impl IntoIterator<Item = Act>) -> Join<Reader, Writer> {
    join(Reader::new(b"back", 8, []), Writer::new(8, false, script))
}

/// C2, C3, C6: what was read before an error is written and flushed before it; the direction is not shut down, as what was cut
/// off must not look whole; both counts are there, and the error stays.
#[tokio::test(start_paused = true)]
async fn what_was_read_before_an_error_arrives() {
    let cut = [Act::Bytes(5), Act::Pend, Act::Fail(ErrorKind::ConnectionReset)];
    let mut copy = copy_duplex(source(cut), sink([Act::Pend]));
    for _ in 0..2 {
        let error = copy.run().await.unwrap_err();
        assert_eq!(error.io_kind(), Some(ErrorKind::ConnectionReset));
        assert_eq!((error.stage(), error.offset()), (Some("io::copy_duplex"), Some(5)));
        assert!(error.to_string().contains("from a to b"), "{error}");
    }
    assert_eq!((copy.copied().a_to_b, copy.copied().b_to_a), (5, 4));
    let (a, b) = copy.into_inner();
    assert_eq!(a.writer().taken, b"back");
    let written = b.writer();
    assert_eq!((written.taken.as_slice(), written.flushes), (&TEXT[..5], 1));
    assert_eq!(written.shutdowns, 0);
}

/// C2: an error that is the reader's own time limit is an error like any other: the other direction writes what it has read.
#[tokio::test(start_paused = true)]
async fn a_time_limit_of_one_reader_loses_no_byte_of_the_other() {
    let ((taker, mut client), (b, mut server)) = (duplex(4), duplex(64));
    let late = [Err::<Bytes, _>(Error::timeout("late"))];
    let late = Readable::from_stream(futures::stream::iter(late)).try_map(|chunk| chunk);
    let mut copy = copy_duplex(join(late.into_async_read(), taker), b);
    server.write_all(b"0123456789").await.unwrap();
    let talk = async {
        let mut taken = [0; 10];
        client.read_exact(&mut taken).await.unwrap();
        taken
    };
    let (ended, taken) = soon(async { tokio::join!(copy.run(), talk) }).await;
    assert!(ended.unwrap_err().is_timeout());
    assert_eq!(&taken, b"0123456789");
}

/// Both directions may fail, one after the other: the first error has the second.
#[tokio::test(start_paused = true)]
async fn the_error_of_the_second_direction_is_kept() {
    let ((taker, client), (b, mut server)) = (duplex(4), duplex(64));
    let reset = [Act::Pend, Act::Fail(ErrorKind::ConnectionReset)];
    let mut copy = copy_duplex(join(Reader::new(b"", 8, reset), taker), b);
    server.write_all(b"0123456789").await.unwrap();
    let leave = async {
        sleep(Duration::from_secs(1)).await;
        drop(client);
    };
    let (ended, ()) = soon(async { tokio::join!(copy.run(), leave) }).await;
    let error = ended.unwrap_err();
    assert_eq!(error.io_kind(), Some(ErrorKind::ConnectionReset));
    let kinds: Vec<_> = error.suppressed().iter().map(|later| later.io_kind()).collect();
    assert_eq!(kinds, [Some(ErrorKind::BrokenPipe)]);
}

/// An error of one direction leaves the bytes that the other has read but not written: they go out first, and the writer is
/// not shut down. A writer that takes nothing is given up after the linger.
#[tokio::test(start_paused = true)]
async fn an_error_of_one_direction_loses_no_byte_of_the_other() {
    for is_taken in [true, false] {
        let ((taker, mut client), (b, mut server)) = (duplex(4), duplex(64));
        let reset = [Act::Pend, Act::Fail(ErrorKind::ConnectionReset)];
        let mut copy = copy_duplex(join(Reader::new(b"", 8, reset), taker), b);
        server.write_all(b"0123456789").await.unwrap();
        let start = Instant::now();
        let talk = async {
            let mut taken = vec![0; if is_taken { 10 } else { 0 }];
            sleep(Duration::from_secs(20)).await;
            client.read_exact(&mut taken).await.unwrap();
            taken
        };
        let (ended, taken) = soon(async { tokio::join!(copy.run(), talk) }).await;
        assert_eq!(ended.unwrap_err().io_kind(), Some(ErrorKind::ConnectionReset));
        assert!(copy.run().await.is_err(), "it stays");
        let (came, seconds) = if is_taken { (10, 20) } else { (4, 30) };
        assert_eq!((copy.copied().b_to_a, start.elapsed().as_secs()), (came, seconds));
        assert_eq!(taken, if is_taken { &b"0123456789"[..] } else { b"" });
        drop(copy.into_inner());
        // Whatever was left in the pipe, and then no more.
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, if is_taken { &b""[..] } else { b"0123" });
    }
}

/// A direction with nothing to read flushes: a request and its response through two writers that buffer.
#[tokio::test(start_paused = true)]
async fn a_request_and_its_response_pass_writers_that_buffer() {
    let ((mut client, a), (b, mut server)) = (duplex(64), duplex(64));
    let mut copy = copy_duplex(BufWriter::new(a), BufWriter::new(b));
    let talk = async {
        let mut text = [0; 4];
        for _ in 0..2 {
            client.write_all(b"ping").await.unwrap();
            server.read_exact(&mut text).await.unwrap();
            assert_eq!(&text, b"ping");
            server.write_all(b"pong").await.unwrap();
            client.read_exact(&mut text).await.unwrap();
            assert_eq!(&text, b"pong");
        }
    };
    tokio::select! {
        ended = copy.run() => panic!("nobody has ended: {ended:?}"),
        () = soon(talk) => {}
    }
}

/// C4, C45: dropped after every single poll and begun again, it loses nothing and repeats nothing; each side is shut down once,
/// however often it is run afterwards.
#[tokio::test(start_paused = true)]
async fn a_cancelled_copy_goes_on_with_the_next_byte() {
    let waits = || (0..20).flat_map(|n| [Act::Pend, Act::Bytes(1 + n % 7)]);
    let mut copy = copy_duplex(source(waits()), sink(waits()));
    let mut polls = 0;
    let copied = loop {
        polls += 1;
        assert!(polls < 10_000, "it gets nowhere");
        let mut run = pin!(copy.run());
        let polled = run.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let std::task::Poll::Ready(copied) = polled {
            break copied.unwrap();
        }
    };
    assert!(polls > 10, "it was cancelled {polls} times");
    assert_eq!((copied.a_to_b, copied.b_to_a), (TEXT.len() as u64, 4));
    assert_eq!(copy.run().await.unwrap(), copied);
    let (a, b) = copy.into_inner();
    assert_eq!((a.writer().taken.as_slice(), a.writer().shutdowns), (&b"back"[..], 1));
    assert_eq!((b.writer().taken.as_slice(), b.writer().shutdowns), (TEXT, 1));
}

/// F8, F12: a writer that takes nothing, or claims more than there was, is an error.
#[tokio::test(start_paused = true)]
async fn a_writer_that_lies_is_an_error() {
    for (act, kind) in [(Act::Nothing, ErrorKind::WriteZero), (Act::Lie, ErrorKind::InvalidData)] {
        let mut copy = copy_duplex(source([]), sink([act]));
        assert_eq!(copy.run().await.unwrap_err().io_kind(), Some(kind));
        assert_eq!(copy.copied().a_to_b, 0);
    }
}

/// C7: it reads on while the other side takes nothing.
#[tokio::test(start_paused = true)]
async fn it_reads_while_a_write_waits() {
    let ((mut client, a), (b, mut server)) = (duplex(8), duplex(8));
    let mut copy = copy_duplex(a, b);
    let talk = async {
        client.write_all(&[b'x'; 30_000]).await.unwrap();
        client.shutdown().await.unwrap();
        let mut all = Vec::new();
        server.read_to_end(&mut all).await.unwrap();
        server.shutdown().await.unwrap();
        all.len()
    };
    let (copied, length) = tokio::join!(copy.run(), talk);
    assert_eq!((copied.unwrap().a_to_b, length), (30_000, 30_000));
}

/// C5, C8: after one direction has ended the other is given up when it is silent for 30 s, and never while something moves.
#[tokio::test(start_paused = true)]
async fn a_silent_half_is_given_up_and_a_slow_one_is_not() {
    let ((mut client, a), (b, mut server)) = (duplex(64), duplex(64));
    let mut copy = copy_duplex(a, b);
    let start = Instant::now();
    let talk = async {
        client.shutdown().await.unwrap();
        for _ in 0..10 {
            sleep(Duration::from_secs(20)).await;
            server.write_all(b"slow").await.unwrap();
        }
    };
    let (ended, ()) = tokio::join!(copy.run(), talk);
    assert!(ended.unwrap_err().is_timeout());
    assert_eq!(start.elapsed().as_secs(), 230);
    assert_eq!(copy.copied().b_to_a, 40);
}

/// Silence in both directions is a time-out only where a limit was asked for.
#[tokio::test(start_paused = true)]
async fn silence_is_a_time_out_where_that_is_asked_for() {
    let ((_client, a), (b, _server)) = (duplex(64), duplex(64));
    let start = Instant::now();
    let mut copy = copy_duplex(a, b).with_idle_timeout(Duration::from_secs(7));
    assert!(copy.run().await.unwrap_err().is_timeout());
    assert_eq!(start.elapsed().as_secs(), 7);
    let ((_client, a), (b, _server)) = (duplex(64), duplex(64));
    let mut copy = copy_duplex(a, b);
    let day = Duration::from_secs(86_400);
    assert!(tokio::time::timeout(day, copy.run()).await.is_err(), "nothing was asked for");
}

/// A direction that is never idle does not keep the other one from its turn.
#[tokio::test]
async fn a_busy_direction_does_not_hold_up_the_other() {
    let (mut client, side) = duplex(64);
    let mut copy = copy_duplex(join(repeat(7), side), join(&b"answer"[..], tokio::io::sink()));
    let copying = task::spawn(async move { copy.run().await });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let mut answer = [0; 6];
    client.read_exact(&mut answer).now_or_never().expect("it is there").unwrap();
    assert_eq!(&answer, b"answer");
    drop(copying);
}
