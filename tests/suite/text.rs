//! Text and frames in whole pipelines, through the facade.

use bytes::Bytes;
use futures::TryStreamExt;
use highwater::prelude::*;
use highwater::text::{DecodeUtf8, Frames, Prefix};
use highwater::{Error, Readable, Result, fs, io};
use tokio::io::AsyncWriteExt;

/// A file of one charset becomes one of another, whatever the size of the chunks.
#[tokio::test]
async fn a_file_changes_its_charset() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (from, to) = (folder.path().join("sjis"), folder.path().join("utf8"));
    let text = "吾輩は猫である。名前はまだ無い。\n".repeat(5000);
    let encoded = Readable::from_iter([text.as_str()]).encode_charset("shift_jis")?;
    encoded.pipe_to(fs::write(&from)).run().await?;
    assert_eq!(std::fs::metadata(&from)?.len(), 5000 * (2 * 16 + 1));

    let read = fs::ReadOptions::new().with_chunk_size(1001).read(&from);
    let decoded = read.decode_charset("shift_jis")?.map(Bytes::from);
    decoded.pipe_to(fs::replace(&to)).await?;
    assert_eq!(std::fs::read_to_string(&to)?, text);
    Ok(())
}

/// A file that is not what it should be leaves the old file, and the error says where.
#[tokio::test]
async fn a_file_that_is_not_text_replaces_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    let mut input = "ä".repeat(300_000).into_bytes();
    // The start of a character is gone, so what goes on behind it is wrong.
    input[400_000] = b'x';
    std::fs::write(&from, &input)?;
    std::fs::write(&to, "old")?;
    let text = fs::read(&from).decode_utf8().map(Bytes::from);
    let error = text.pipe_to(fs::replace(&to)).await.unwrap_err();
    assert!(error.is_corrupt());
    assert_eq!((error.stage(), error.offset()), (Some("decode_utf8"), Some(400_001)));
    assert_eq!(std::fs::read(&to)?, b"old");

    let lossy = fs::read(&from).pipe(DecodeUtf8::new().lossy()).map(Bytes::from);
    lossy.pipe_to(fs::replace(&to)).await?;
    assert_eq!(std::fs::read_to_string(&to)?, String::from_utf8_lossy(&input));
    Ok(())
}

/// F65: frames over a connection come as they were sent, and one that is broken off is an error, behind the whole ones.
#[tokio::test]
async fn frames_over_a_connection() -> Result<()> {
    let (here, there) = tokio::io::duplex(100);
    let payloads: Vec<Bytes> = (0..50).map(|n| Bytes::from(vec![7; n * n])).collect();
    let send = Readable::from_iter(payloads.clone()).to_frames(Prefix::Varint);
    let send = send.pipe_to(io::write(here)).run();
    let receive = io::read(there).frames(Prefix::Varint).to_vec();
    let (sent, received) = tokio::join!(send, receive);
    sent?;
    assert_eq!(received?, payloads);

    let (mut here, there) = tokio::io::duplex(100);
    here.write_all(b"\x02hi\x09broke").await?;
    drop(here);
    let mut frames = io::read(there).frames(Prefix::U8);
    assert_eq!(frames.next().await.unwrap()?, "hi");
    let error = frames.next().await.unwrap().unwrap_err();
    assert!(error.is_truncated());
    assert_eq!(error.offset(), Some(9));
    assert!(frames.next().await.is_none());
    Ok(())
}

/// F63: a peer that announces too much is told from one that sends garbage, and nothing of it is waited for.
#[tokio::test]
async fn a_peer_that_announces_too_much() -> Result<()> {
    let (mut here, there) = tokio::io::duplex(100);
    here.write_all(b"\xFF\xFF\xFF\xFF").await?;
    let error = io::read(there).frames(Prefix::U32Be).to_vec().await.unwrap_err();
    assert!(error.is_limit());
    let text =
        "a frame of 4294967295 bytes, where 1048576 are allowed (in frames, byte 0, chunk 0)";
    assert_eq!(error.to_string(), text);
    // The connection was given up while the peer still held it open.
    assert!(here.write_all(b"more").await.is_err());
    Ok(())
}

/// A head that is read by numbers, and a body that goes on as chunks, through all the rest.
#[tokio::test]
async fn a_head_and_a_body() -> Result<()> {
    let (mut here, there) = tokio::io::duplex(64);
    let body = "über".repeat(1000);
    let write = async {
        here.write_all(b"HW\0\x01").await?;
        here.write_u32_le(u32::try_from(body.len()).unwrap()).await?;
        here.write_all(body.as_bytes()).await?;
        here.shutdown().await?;
        Ok::<_, Error>(())
    };
    let read = async {
        let mut head = io::read(there).binary();
        assert_eq!(head.array().await?, *b"HW");
        assert_eq!(head.u16_be().await?, 1);
        let length = head.u32_le().await?;
        let texts: Vec<_> = head.into_readable().decode_utf8().try_collect().await?;
        Ok::<_, Error>((length, texts.concat()))
    };
    let (written, read) = tokio::join!(write, read);
    written?;
    let (length, text) = read?;
    assert_eq!((length as usize, text), (body.len(), body));
    Ok(())
}

/// What each holds at the most is known before it runs.
#[test]
fn explain_adds_up_what_they_hold() {
    let chain = Readable::from_iter([Bytes::new()]).decode_hex().encode_hex();
    let chain = chain.pipe(Frames::new(Prefix::U8).with_max_length(1000)).decode_utf8();
    let pipeline = chain.pipe_to(highwater::destination_fn(|_| async { Ok(()) }));
    let held: Vec<_> = pipeline.explain().stages().iter().map(|stage| stage.max_bytes()).collect();
    let [Some(0), Some(hex), Some(0), Some(1000), Some(character), ..] = held[..] else {
        panic!("{held:?}");
    };
    assert!(hex <= 128 * 1024 && character <= 16);
}
