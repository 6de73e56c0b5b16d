//! P17: connections that have echoed something, and wait.

use std::fs;
use std::future::Future;
use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, split};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::block_on;
use crate::contestant::{Answer, Contestant, Role, Subject, Work};
use crate::goal::Goal;
use crate::peers::{ECHO, ECHOED};

pub(crate) const SUBJECT: Subject = Subject {
    id: "P17",
    title: "idle echo connections",
    work: Work::Idle { connections: 10_000 },
    contestants: &[
        Contestant::peers(Role::Ours, OURS, |address, count| hold(address, count, ours)),
        Contestant::peers(Role::Limit, BARE, |address, count| hold(address, count, bare)),
        Contestant::peers(Role::Peer, COPY, |address, count| hold(address, count, copied)),
    ],
    goals: &[Goal::Cost { ours: OURS, at_most: 0.2, of_best: &[COPY] }],
};

const OURS: &str = "highwater pipe_to";
const BARE: &str = "a buffer when there is something to read";
const COPY: &str = "tokio io::copy";

/// Opens the connections, has each echo a byte, and looks at the memory that they take while they wait for the next.
fn hold<F>(address: SocketAddr, connections: u64, echo: fn(TcpStream) -> F) -> Result<Answer>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    block_on(async {
        let (before, mut echoes) = (resident()?, JoinSet::new());
        for _ in 0..connections {
            let stream = open(address, ECHO).await?;
            // The peer has accepted it: a full queue of those that it has not would take seconds.
            stream.readable().await?;
            echoes.spawn(echo(stream));
        }
        // The peer takes its connections in turn: this one comes after the echoes of all the others.
        let echoed = open(address, ECHOED).await?.read_u64().await?;
        let bytes = resident()?.saturating_sub(before);
        Ok(Answer::weighed(echoed, bytes))
    })
}

async fn open(address: SocketAddr, purpose: u8) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&[purpose]).await?;
    Ok(stream)
}

/// Bytes of memory of this process that are in use.
fn resident() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("this needs Linux")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kilobytes.context("the kernel counts pages")?.parse::<u64>()? * 1024)
}

async fn ours(stream: TcpStream) -> Result<()> {
    let (readable, writable) = highwater::io::duplex(stream).split();
    readable.pipe_to(writable).run().await?;
    Ok(())
}

/// What is left without any library.
async fn bare(mut stream: TcpStream) -> Result<()> {
    loop {
        stream.readable().await?;
        let read = {
            let mut buffer = [0; 1024];
            match stream.try_read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => buffer[..read].to_vec(),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error.into()),
            }
        };
        stream.write_all(&read).await?;
    }
}

async fn copied(stream: TcpStream) -> Result<()> {
    let (mut reader, mut writer) = split(stream);
    copy(&mut reader, &mut writer).await?;
    Ok(())
}
