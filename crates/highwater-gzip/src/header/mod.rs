//! What stands in front of the data of a gzip member (RFC 1952, 2.3).

mod parse;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use highwater_core::{Error, Result};

pub(crate) use parse::Parser;

/// What a gzip member says about what is in it (RFC 1952, 2.3): put in by
/// [`Gzip::with_header`](crate::Gzip::with_header), read with [`GunzipInfo::header`](crate::GunzipInfo::header).
///
/// Nobody vouches for it. A name from elsewhere may be an absolute path, or have `..` in it.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_gzip::{Gunzip, Gzip, Header};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let mut header = Header::default();
/// header.name = Some("report.csv".into());
/// let gunzip = Gunzip::new();
/// let info = gunzip.info();
/// let there_and_back =
///     Readable::once(Bytes::from("a,b\n")).pipe(Gzip::new(6).with_header(header.clone())?).pipe(gunzip);
/// assert_eq!(there_and_back.to_bytes().await?, "a,b\n");
/// assert_eq!(info.header(), Some(header));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// The name of the file, without a NUL. The RFC says ISO 8859-1; what is found is mostly UTF-8.
    pub name: Option<Bytes>,
    /// For people to read, without a NUL.
    pub comment: Option<Bytes>,
    /// When the file was last changed, in whole seconds. A time before 1970-01-01 00:00:01 or after 2106-02-07 06:28:15
    /// cannot be said, and is left out.
    pub modified: Option<SystemTime>,
    /// Subfields for programs to read, each with two letters and a length in front.
    pub extra: Option<Bytes>,
    /// The file system it comes from: 3 is Unix, 255 is unknown, and is what is put in so that the output does not
    /// depend on the machine.
    pub system: u8,
}

impl Default for Header {
    fn default() -> Self {
        Self { name: None, comment: None, modified: None, extra: None, system: UNKNOWN }
    }
}

impl Header {
    /// Whether it can be written.
    pub(crate) fn check(&self) -> Result<()> {
        for (what, text) in [("name", &self.name), ("comment", &self.comment)] {
            if text.as_ref().is_some_and(|text| text.contains(&0)) {
                return Err(Error::msg(format!(
                    "a NUL in the {what} of a gzip header would end it"
                )));
            }
        }
        if self.extra.as_ref().is_some_and(|extra| extra.len() > usize::from(u16::MAX)) {
            return Err(Error::limit("the extra field of a gzip header has at most 65,535 bytes"));
        }
        if self.length() > MOST_WRITTEN {
            return Err(Error::limit(format!(
                "a gzip header has at most {MOST_WRITTEN} bytes here"
            )));
        }
        Ok(())
    }

    /// How many bytes [`encode`](Self::encode) makes.
    fn length(&self) -> usize {
        let texts = [&self.name, &self.comment].into_iter().flatten();
        let texts: usize = texts.map(|text| text.len() + 1).sum();
        FIXED + texts + self.extra.as_ref().map_or(0, |extra| extra.len() + 2)
    }

    /// The header as it is written.
    pub(crate) fn encode(&self, level: u32) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.length());
        let flag = |present: bool, flag: u8| if present { flag } else { 0 };
        let flags = flag(self.extra.is_some(), EXTRA)
            | flag(self.name.is_some(), NAME)
            | flag(self.comment.is_some(), COMMENT);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&[DEFLATE, flags]);
        bytes.extend_from_slice(&self.modified.map_or(0, seconds).to_le_bytes());
        bytes.extend_from_slice(&[effort(level), self.system]);
        if let Some(extra) = &self.extra {
            let length = u16::try_from(extra.len()).expect("it was checked");
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(extra);
        }
        for text in [&self.name, &self.comment].into_iter().flatten() {
            bytes.extend_from_slice(text);
            bytes.push(0);
        }
        bytes
    }
}

/// What the header says of the level: only the two ends of the scale have a number.
fn effort(level: u32) -> u8 {
    match level {
        9 => 2,
        1 => 4,
        _ => 0,
    }
}

/// Seconds since 1970, or 0, which says that the time is not known.
fn seconds(time: SystemTime) -> u32 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(0)
}

fn time(seconds: u32) -> Option<SystemTime> {
    (seconds != 0).then(|| UNIX_EPOCH + Duration::from_secs(seconds.into()))
}

/// How a member begins.
pub(crate) const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The one method there is.
const DEFLATE: u8 = 8;
/// Flags: which fields follow the ten bytes that are always there.
const TEXT: u8 = 1;
const CRC: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
/// Bytes that are always there.
const FIXED: usize = 10;
/// The system that is none.
const UNKNOWN: u8 = 255;
/// The most bytes of a header that is written: what fits into one chunk.
const MOST_WRITTEN: usize = crate::output::Output::CHUNK;
