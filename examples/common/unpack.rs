//! Input that may be compressed.

use bytes::{Bytes, BytesMut};
use highwater::gzip::Gunzip;
use highwater::{Result, Transform};

/// Decompresses what begins as gzip does, and gives everything else as it is.
#[derive(Debug)]
pub struct Unpack {
    state: State,
    gunzip: Gunzip,
}

#[derive(Debug)]
enum State {
    /// The bytes so far, which are too few to tell.
    Start(BytesMut),
    Plain,
    Gzip,
    /// The whole of an input that ended before that.
    Short(Bytes),
}

impl Unpack {
    /// Decompresses with `gunzip`.
    pub fn new(gunzip: Gunzip) -> Self {
        Self { state: State::Start(BytesMut::new()), gunzip }
    }
}

impl Transform for Unpack {
    type Input = Bytes;
    type Output = Bytes;

    fn write(&mut self, chunk: Bytes) -> Result<Option<Bytes>> {
        match &mut self.state {
            State::Plain | State::Short(_) => Ok(Some(chunk)),
            State::Gzip => self.gunzip.write(chunk),
            State::Start(head) => {
                head.extend_from_slice(&chunk);
                if head.len() < GZIP_MAGIC.len() {
                    return Ok(None);
                }
                let all = head.split().freeze();
                self.state = if all.starts_with(&GZIP_MAGIC) { State::Gzip } else { State::Plain };
                self.write(all)
            }
        }
    }

    fn read(&mut self) -> Result<Option<Bytes>> {
        match &mut self.state {
            State::Plain | State::Start(_) => Ok(None),
            State::Gzip => self.gunzip.read(),
            State::Short(all) => Ok(Some(std::mem::take(all)).filter(|all| !all.is_empty())),
        }
    }

    fn end(&mut self) -> Result<()> {
        match &mut self.state {
            State::Plain | State::Short(_) => Ok(()),
            State::Gzip => self.gunzip.end(),
            State::Start(head) => {
                self.state = State::Short(head.split().freeze());
                Ok(())
            }
        }
    }

    fn name(&self) -> &'static str {
        "unpack"
    }
}

/// How a gzip member begins (RFC 1952, 2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
