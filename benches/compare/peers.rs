//! The other ends of the connections of a contestant.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

/// A server in the harness. Each connection begins with one byte, which says what it is for; numbers have eight.
#[derive(Debug)]
pub(crate) struct Peers {
    pub(crate) address: SocketAddr,
}

/// The peer sends a byte and wants it back; then nothing moves.
pub(crate) const ECHO: u8 = b'e';
/// The peer answers with the count of connections whose byte has come back, and forgets them when this one ends.
pub(crate) const ECHOED: u8 = b'n';
/// The peer reads a number and sends as many bytes.
pub(crate) const GIVE: u8 = b'g';
/// The peer reads to the end, and answers with the count of bytes.
pub(crate) const TAKE: u8 = b't';

impl Peers {
    /// Listens until the process ends.
    ///
    /// # Errors
    ///
    /// The loopback has no port left.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        thread::spawn(move || serve(&listener));
        Ok(Self { address })
    }
}

fn serve(listener: &TcpListener) {
    let mut idle = Vec::new();
    for peer in listener.incoming() {
        // A contestant that is gone is missed by the harness, which waits for it.
        drop(peer.and_then(|peer| meet(peer, &mut idle)));
    }
}

/// Those that are idle are kept in a list and not by threads: there are thousands.
fn meet(mut peer: TcpStream, idle: &mut Vec<TcpStream>) -> io::Result<()> {
    let mut purpose = [0];
    peer.read_exact(&mut purpose)?;
    match purpose[0] {
        ECHO => {
            peer.write_all(b"?")?;
            peer.read_exact(&mut [0])?;
            idle.push(peer);
        }
        ECHOED => {
            peer.write_all(&(idle.len() as u64).to_be_bytes())?;
            drop(peer.read(&mut [0]));
            idle.clear();
        }
        GIVE => drop(thread::spawn(|| give(peer))),
        _ => drop(thread::spawn(|| take(peer))),
    }
    Ok(())
}

fn give(mut peer: TcpStream) -> io::Result<()> {
    let mut bytes = [0; 8];
    peer.read_exact(&mut bytes)?;
    let (chunk, mut left) = (vec![b'x'; CHUNK], u64::from_be_bytes(bytes));
    while left > 0 {
        let bytes = CHUNK.min(usize::try_from(left).unwrap_or(CHUNK));
        peer.write_all(&chunk[..bytes])?;
        left -= bytes as u64;
    }
    Ok(())
}

fn take(mut peer: TcpStream) -> io::Result<()> {
    let (mut chunk, mut taken) = (vec![0; CHUNK], 0);
    loop {
        let read = peer.read(&mut chunk)?;
        if read == 0 {
            return peer.write_all(&u64::to_be_bytes(taken));
        }
        taken += read as u64;
    }
}

const CHUNK: usize = 256 * 1024;
