//! Many streams over a connection of the real kind: a TCP socket, and a duplex of ours.

use std::io::ErrorKind;

use bytes::Bytes;
use highwater::mux::session::{Opener, Session, SessionConfig};
use highwater::net::{self, Socket};
use highwater::source::BufferedDuplex;
use highwater::{
    CancellationToken, HighWaterMark, Readable, Result, destination_fn, duplex_pair, task,
};
use highwater_test::Seed;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, join};

/// Both ends of a TCP connection over loopback.
async fn sockets() -> (Socket, Socket) {
    let mut listening = net::listen("127.0.0.1:0").await.unwrap();
    let address = listening.address();
    tokio::try_join!(Socket::connect(address), listening.accept()).unwrap()
}

async fn sessions() -> (Session, Session) {
    let (near, far) = sockets().await;
    (SessionConfig::new().client(near), SessionConfig::new().server(far))
}

/// A duplex of ours as what a session takes.
fn whole(duplex: BufferedDuplex<Bytes>) -> impl AsyncRead + AsyncWrite + Send + Unpin + 'static {
    let (readable, writable) = duplex.split();
    join(readable.into_async_read(), writable)
}

/// Sends back what comes on every stream, until the peer goes away.
async fn echo(mut session: Session) -> Result<()> {
    let mut streams = Vec::new();
    while let Some(stream) = session.next().await {
        let (request, answer) = stream?.split();
        streams.push(task::spawn(request.pipe_to(answer).run()));
    }
    for stream in streams {
        stream.await??;
    }
    session.finish().await
}

async fn ask(opener: Opener, bytes: Bytes) -> Result<Bytes> {
    let (answer, request) = opener.open().await?.split();
    let chunks: Vec<Bytes> = bytes.chunks(5000).map(Bytes::copy_from_slice).collect();
    let sent = Readable::from_iter(chunks).pipe_to(request);
    let (_, answer) = tokio::try_join!(sent.run(), answer.to_bytes())?;
    Ok(answer)
}

/// I63: 200 streams at once, of random sizes; all come back as they were sent, and both sides go in peace.
#[expect(clippy::print_stdout, reason = "shown when the test fails")]
async fn come_and_go(client: Session, server: Session) {
    let echo = task::spawn(echo(server));
    let mut seed = Seed::fresh();
    println!("HIGHWATER_TEST_SEED={seed}");
    let asked = (0..200).map(|n| {
        let bytes = Bytes::from(vec![n; seed.below(100_000)]);
        task::spawn(ask_for_the_same(client.opener(), bytes))
    });
    for asked in asked.collect::<Vec<_>>() {
        asked.await.unwrap();
    }
    client.finish().await.unwrap();
    echo.await.unwrap().unwrap();
}

async fn ask_for_the_same(opener: Opener, bytes: Bytes) {
    assert_eq!(ask(opener, bytes.clone()).await.unwrap(), bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_over_tcp() {
    let (client, server) = sessions().await;
    come_and_go(client, server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_over_a_duplex() {
    for bytes in [1000, 100_000] {
        let (near, far) = duplex_pair(HighWaterMark::bytes(bytes));
        come_and_go(
            SessionConfig::new().client(whole(near)),
            SessionConfig::new().server(whole(far)),
        )
        .await;
    }
}

/// F69, C94: three streams, one of which is never read: it stops, and the others go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_three_is_never_read() {
    let (client, mut server) = sessions().await;
    let (_, writable) = client.open().await.unwrap().split();
    let unread = server.next().await.unwrap().unwrap();
    let endless = Readable::from_iter(std::iter::repeat_with(|| Bytes::from(vec![0; 4096])));
    let stuck = endless.pipe_to(writable).spawn();
    let echo = task::spawn(echo(server));
    for _ in 0..2 {
        let bytes = Bytes::from(vec![1; 8_000_000]);
        assert_eq!(ask(client.opener(), bytes.clone()).await.unwrap(), bytes);
    }
    let sent = stuck.stats().weight_out();
    assert!(sent < 400_000, "{sent} bytes that nobody reads");
    drop(unread);
    let error = stuck.join().await.unwrap_err();
    assert_eq!(error.io_kind(), Some(ErrorKind::ConnectionReset));
    client.finish().await.unwrap();
    echo.await.unwrap().unwrap();
}

/// F70: a connection that is gone, without a word or with a reset, is an error for every stream that has not ended.
#[tokio::test]
async fn a_connection_that_is_gone_is_no_end() {
    for in_peace in [false, true] {
        let (near, mut far) = sockets().await;
        let mut client = SessionConfig::new().client(near);
        let streams = [client.open().await.unwrap(), client.open().await.unwrap()];
        if in_peace {
            // The end of a connection is none of its streams.
            far.shutdown().await.unwrap();
        }
        drop(far);
        for stream in streams {
            let error = stream.readable.to_bytes().await.unwrap_err();
            assert!(error.is_premature_close() || error.is_io(), "{error:?}");
        }
        assert!(client.next().await.unwrap().is_err());
        assert!(client.finish().await.is_err());
    }
}

/// I42: a pipeline that is aborted resets its stream, and only that.
#[tokio::test]
async fn a_pipeline_that_is_aborted_resets_its_stream() {
    let (client, mut server) = sessions().await;
    let near = client.open().await.unwrap();
    let mut far = server.next().await.unwrap().unwrap();
    let stop = CancellationToken::new();
    let first = Readable::once(Bytes::from("first"));
    let never = Readable::from_stream(futures::stream::pending::<Bytes>());
    let sending = first.chain(never).pipe_to(near.writable).abort_on(stop.clone()).spawn();
    assert_eq!(far.readable.next().await.unwrap().unwrap(), "first");
    stop.cancel();
    assert!(sending.join().await.unwrap_err().is_aborted());
    let error = far.readable.next().await.unwrap().unwrap_err();
    assert_eq!(error.io_kind(), Some(ErrorKind::ConnectionReset));
    let echo = task::spawn(echo(server));
    ask_for_the_same(client.opener(), Bytes::from("the next")).await;
    drop((near.readable, far));
    client.finish().await.unwrap();
    echo.await.unwrap().unwrap();
}

/// What is written is told in the report of a pipeline, and what comes, too.
#[tokio::test]
async fn bytes_are_counted() {
    let (client, mut server) = sessions().await;
    let near = client.open().await.unwrap();
    let far = server.next().await.unwrap().unwrap();
    let sent = Readable::from_iter(vec![Bytes::from(vec![0; 1000]); 10]).pipe_to(near.writable);
    let mut sum = 0;
    let came = far.readable.pipe_to(destination_fn(|chunk: Bytes| {
        sum += chunk.len();
        async { Ok(()) }
    }));
    let (sent, came) = tokio::try_join!(sent.run(), came.run()).unwrap();
    assert_eq!((sent.weight_out(), sum), (10_000, 10_000));
    // The marks of the records count on their way.
    assert_eq!(came.weight_in(), 10_000 + 4);
}
