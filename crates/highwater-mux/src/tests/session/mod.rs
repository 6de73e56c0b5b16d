//! Many streams over one connection: contents, ends, limits.

mod ends;
mod limits;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use highwater_core::{Destination, Error, Readable, Result, task};
use highwater_test::{Case, conformance_bytes, conformance_destination_bytes};
use tokio::io::{DuplexStream, duplex};

use super::Random;
use crate::session::{FramedStream, Opener, Outgoing, RecordDecoder, Session, SessionConfig};

/// Two ends of a connection that holds so many bytes in each direction.
fn pair(bytes: usize) -> (Session, Session) {
    let (near, far) = duplex(bytes);
    (SessionConfig::new().client(near), SessionConfig::new().server(far))
}

/// A stream that one opens, from both sides.
async fn stream(opens: &Session, accepts: &mut Session) -> (FramedStream, FramedStream) {
    let near = opens.open().await.unwrap();
    (near, accepts.next().await.unwrap().unwrap())
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
    Ok(())
}

/// What comes back when this is sent.
async fn ask(opener: &Opener, chunks: Vec<Bytes>) -> Result<Bytes> {
    let (answer, request) = opener.open().await?.split();
    let sent = Readable::from_iter(chunks).pipe_to(request);
    let (_, answer) = tokio::try_join!(sent.run(), answer.to_bytes())?;
    Ok(answer)
}

/// So many bytes that differ from stream to stream, in chunks of random sizes.
fn chunks(random: &mut Random, length: u64) -> Vec<Bytes> {
    let start = random.below(251);
    let all: Vec<u8> = (start..start + length).map(|n| (n % 251) as u8).collect();
    let (mut all, mut chunks) = (Bytes::from(all), Vec::new());
    while !all.is_empty() {
        let most = usize::try_from(random.below(40_000)).unwrap();
        chunks.push(all.split_to(most.min(all.len())));
    }
    chunks
}

fn block(bytes: usize) -> Bytes {
    Bytes::from(vec![7; bytes])
}

/// I53, F36: the machine behind every stream, however its bytes are cut.
#[test]
fn marks() {
    conformance_bytes(
        RecordDecoder::default,
        [
            Case::bytes(b"\0\0").takes(2).with_name("an end at once"),
            Case::bytes(b"\0\x02hi\0\x01!\0\0").gives_joined("hi!").takes(9),
            Case::bytes(b"").fails(Error::is_truncated).with_name("nothing"),
            Case::bytes(b"\0").fails(Error::is_truncated),
            Case::bytes(b"\0\x02hi").gives_joined("hi").fails(Error::is_truncated),
            Case::bytes(b"\0\x03hi").gives_joined("hi").fails(Error::is_truncated),
        ],
    );
}

/// A stream of a session as a destination, which is opened when it is.
struct Opened {
    opener: Opener,
    stream: Option<FramedStream>,
}

impl Opened {
    fn to(&mut self) -> &mut Outgoing {
        &mut self.stream.as_mut().expect("opened before").writable
    }
}

impl Destination for Opened {
    type Chunk = Bytes;

    async fn open(&mut self) -> Result<()> {
        self.stream = Some(self.opener.open().await?);
        Destination::open(self.to()).await
    }

    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.to().write(chunk).await
    }

    async fn flush(&mut self) -> Result<()> {
        Destination::flush(self.to()).await
    }

    async fn finish(&mut self) -> Result<()> {
        Destination::finish(self.to()).await
    }

    async fn abort(&mut self, reason: &Error) -> Result<()> {
        match &mut self.stream {
            Some(stream) => Destination::abort(&mut stream.writable, reason).await,
            None => Ok(()),
        }
    }
}

/// I22, I26 to I28, I40, I47: the destination of every stream, as it arrives on the other side.
#[test]
fn outgoing() {
    let make = || {
        let (session, mut server) = pair(64 * 1024);
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&arrived);
        let reading = task::spawn(async move {
            let mut stream = server.next().await.expect("a stream comes")?;
            while let Some(chunk) = stream.readable.next().await {
                list.lock().unwrap().extend(chunk?);
            }
            Ok::<_, Error>(())
        });
        (Opened { opener: session.opener(), stream: None }, (arrived, session, reading))
    };
    conformance_destination_bytes(make, |(arrived, ..), _| Some(arrived.lock().unwrap().clone()));
}

/// I63: 200 streams at once of random sizes, over a connection that holds little and one that holds much.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_streams_come_back_as_they_were_sent() {
    for (seed, bytes) in [(1, 100), (2, 8192), (3, 1 << 20)] {
        let (client, server) = pair(bytes);
        let echo = task::spawn(echo(server));
        let mut random = Random::new(seed);
        let asked = (0..200).map(|n| {
            let length = if n % 10 == 0 { random.below(600_000) } else { random.below(5000) };
            let (chunks, opener) = (chunks(&mut random, length), client.opener());
            task::spawn(async move {
                assert_eq!(ask(&opener, chunks.clone()).await.unwrap(), chunks.concat());
            })
        });
        for asked in asked.collect::<Vec<_>>() {
            asked.await.unwrap();
        }
        client.finish().await.unwrap();
        echo.await.unwrap().unwrap();
    }
}

/// Both sides open streams.
#[tokio::test]
async fn both_sides_open_streams() {
    let (mut client, mut server) = pair(1024);
    let (near, far) = stream(&client, &mut server).await;
    let (back, forth) = stream(&server, &mut client).await;
    for (from, to, text) in [(near, far, "there"), (back, forth, "back")] {
        let sent = Readable::once(Bytes::from(text)).pipe_to(from.writable);
        let (_, came) = tokio::try_join!(sent.run(), to.readable.to_bytes()).unwrap();
        assert_eq!(came, text);
    }
}

/// F69, I63, C94: a stream that nobody reads stops at its window, and the other two go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_not_read_stops_no_other() {
    let (client, mut server) = pair(8192);
    let (stuck, unread) = stream(&client, &mut server).await;
    let endless = Readable::from_iter(std::iter::repeat_with(|| block(1000)));
    let stuck = endless.pipe_to(stuck.writable).with_stage_timing().spawn();
    let others = task::spawn(echo(server));
    for _ in 0..2 {
        let chunks = vec![block(100_000); 40];
        let answer = ask(&client.opener(), chunks.clone()).await.unwrap();
        assert_eq!(answer, chunks.concat());
    }
    let sent = stuck.stats().weight_out();
    assert!(sent <= WINDOW + 200_000, "{sent} bytes of a stream that is not read");
    // It is not too late to read it.
    let mut unread = unread.readable;
    let mut came = 0;
    while came < 2_000_000 {
        came += unread.next().await.unwrap().unwrap().len();
    }
    drop(stuck);
    drop(others);
}

const WINDOW: u64 = 256 * 1024;
