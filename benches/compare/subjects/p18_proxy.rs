//! P18: from one TCP connection to another.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use tokio::io::{AsyncWriteExt as _, copy_bidirectional_with_sizes};
use tokio::net::TcpStream;

use super::{CHUNK, block_on};
use crate::contestant::{Answer, Contestant, Role, Subject, Work};
use crate::goal::Goal;
use crate::peers::{GIVE, TAKE};

pub(crate) const SUBJECT: Subject = Subject {
    id: "P18",
    title: "tcp proxy",
    work: Work::Proxy { bytes: 8_000_000_000 },
    contestants: &[
        Contestant::peers(Role::Ours, OURS, ours),
        Contestant::peers(Role::Peer, SMALL, |peers, bytes| theirs(peers, bytes, 8 * 1024)),
        Contestant::peers(Role::Peer, MIDDLE, |peers, bytes| theirs(peers, bytes, 64 * 1024)),
        Contestant::peers(Role::Peer, LARGE, |peers, bytes| theirs(peers, bytes, CHUNK)),
    ],
    goals: &[Goal::Cpu { ours: OURS, at_most: 0.9, of_best: &[LARGE] }],
};

const OURS: &str = "highwater io::copy_duplex";
const SMALL: &str = "tokio copy_bidirectional";
const MIDDLE: &str = "tokio copy_bidirectional, 64 KiB";
const LARGE: &str = "tokio copy_bidirectional, 256 KiB";

fn ours(peers: SocketAddr, bytes: u64) -> Result<Answer> {
    block_on(async {
        let (from, to) = open(peers, bytes).await?;
        let copied = highwater::io::copy_duplex(from, to).run().await?;
        answer(copied.a_to_b, copied.b_to_a)
    })
}

fn theirs(peers: SocketAddr, bytes: u64, buffer: usize) -> Result<Answer> {
    block_on(async {
        let (mut from, mut to) = open(peers, bytes).await?;
        let (there, back) =
            copy_bidirectional_with_sizes(&mut from, &mut to, buffer, buffer).await?;
        answer(there, back)
    })
}

/// One that gives so many bytes, and one that takes them.
async fn open(peers: SocketAddr, bytes: u64) -> Result<(TcpStream, TcpStream)> {
    let mut from = TcpStream::connect(peers).await?;
    from.write_u8(GIVE).await?;
    from.write_u64(bytes).await?;
    let mut to = TcpStream::connect(peers).await?;
    to.write_u8(TAKE).await?;
    Ok((from, to))
}

/// The taker answers with a number.
fn answer(there: u64, back: u64) -> Result<Answer> {
    ensure!(back == 8, "{back} bytes came back");
    Ok(Answer::of(there))
}
