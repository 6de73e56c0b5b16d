//! P22: text, base64 and frames out of chunks that are cut anywhere.

use std::hint::black_box;
use std::io::{self, Read};
use std::iter;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::read::DecoderReader;
use bytes::{Buf as _, Bytes, BytesMut};
use encoding_rs::{DecoderResult, UTF_8};
use futures::{TryStreamExt as _, stream};
use highwater::Readable;
use highwater::prelude::*;
use highwater::text::{Base64, Prefix};
use tokio_util::codec::{Decoder as _, FramedRead, LengthDelimitedCodec};
use tokio_util::io::StreamReader;

use super::{CHUNK, block_on};
use crate::contestant::{Contestant, Role, Subject, Work};
use crate::goal::Goal;
use crate::input::Random;

pub(crate) const UTF8: Subject = Subject {
    id: "P22a",
    title: "utf-8 out of chunks that cut characters",
    work: Work::Bytes { count: BYTES, expected: |n| n },
    contestants: &[
        Contestant::items(Role::Ours, DECODE_UTF8, decode_utf8),
        Contestant::items(Role::Limit, FROM_UTF8, from_utf8),
        // It copies, as it may have to replace or to convert.
        Contestant::items(Role::Peer, ENCODING_RS, encoding_rs),
    ],
    goals: &[
        Goal::Speed { ours: DECODE_UTF8, at_least: 0.9, of_best: &[FROM_UTF8] },
        Goal::Speed { ours: DECODE_UTF8, at_least: 1.0, of_best: &[ENCODING_RS] },
    ],
};

pub(crate) const BASE64: Subject = Subject {
    id: "P22b",
    title: "base64 out of chunks that cut groups",
    work: Work::Bytes { count: BYTES, expected: |n| n / 4 * 3 },
    contestants: &[
        Contestant::items(Role::Ours, DECODE_BASE64, decode_base64),
        Contestant::items(Role::Limit, ENGINE, engine_loop),
        Contestant::items(Role::Peer, READER, decoder_reader),
    ],
    goals: &[
        Goal::Speed { ours: DECODE_BASE64, at_least: 0.9, of_best: &[ENGINE] },
        Goal::Speed { ours: DECODE_BASE64, at_least: 1.0, of_best: &[READER] },
    ],
};

pub(crate) const FRAMES: Subject = Subject {
    id: "P22c",
    title: "frames of 1 to 200 bytes behind their length",
    work: Work::Items { count: 40_000_000, expected: sum_of_frames },
    contestants: &[
        Contestant::items(Role::Ours, OURS, frames),
        Contestant::items(Role::Limit, "blocking loop, in place", frames_in_place),
        Contestant::items(Role::Peer, FRAMED, |n| framed_read(n, 8 * 1024)),
        Contestant::items(Role::Peer, FRAMED_256, |n| framed_read(n, CHUNK)),
        Contestant::items(Role::Peer, CODEC, codec),
    ],
    goals: &[Goal::Cost { ours: OURS, at_most: 1.0, of_best: &[FRAMED, FRAMED_256, CODEC] }],
};

const DECODE_UTF8: &str = "highwater decode_utf8";
const FROM_UTF8: &str = "loop, from_utf8, bytes carried";
const ENCODING_RS: &str = "encoding_rs, into one String";

const DECODE_BASE64: &str = "highwater decode_base64";
const ENGINE: &str = "loop, decode_slice, symbols carried";
const READER: &str = "base64 DecoderReader";

const OURS: &str = "highwater frames";
const FRAMED: &str = "LengthDelimitedCodec, 8 KiB (default)";
const FRAMED_256: &str = "LengthDelimitedCodec, 256 KiB";
const CODEC: &str = "LengthDelimitedCodec, decode in a loop";

fn decode_utf8(n: u64) -> u64 {
    let tape = text();
    let pieces = Readable::from_iter(tape.chunks(n)).decode_utf8();
    let seen = pieces.fold(Seen::of(&tape), |seen, piece| seen.and(piece.as_bytes()));
    block_on(seen).expect("it is UTF-8").bytes
}

fn from_utf8(n: u64) -> u64 {
    let tape = text();
    let (mut seen, mut carried) = (Seen::of(&tape), Vec::new());
    for chunk in tape.chunks(n) {
        let mut chunk = &chunk[..];
        while let (false, Some((next, rest))) = (carried.is_empty(), chunk.split_first()) {
            carried.push(*next);
            chunk = rest;
            if let Ok(character) = std::str::from_utf8(&carried) {
                seen = seen.and(character.as_bytes());
                carried.clear();
            }
        }
        let (whole, cut) = chunk.split_at(whole_characters(chunk));
        seen = seen.and(std::str::from_utf8(whole).expect("it is UTF-8").as_bytes());
        carried.extend_from_slice(cut);
    }
    assert!(carried.is_empty(), "the end cuts no character");
    seen.bytes
}

/// How many bytes there are before a character that goes on in the next chunk.
fn whole_characters(bytes: &[u8]) -> usize {
    let start = bytes.iter().rposition(|byte| byte & 0xC0 != 0x80).unwrap_or(bytes.len());
    let length = match bytes.get(start) {
        None => 0,
        Some(..0x80) => 1,
        Some(..0xE0) => 2,
        Some(..0xF0) => 3,
        Some(_) => 4,
    };
    if start + length > bytes.len() { start } else { bytes.len() }
}

fn encoding_rs(n: u64) -> u64 {
    let tape = text();
    let (mut seen, mut decoder) = (Seen::of(&tape), UTF_8.new_decoder());
    let most = decoder.max_utf8_buffer_length_without_replacement(CUT);
    let mut text = String::with_capacity(most.expect("a chunk is not that long"));
    for chunk in tape.chunks(n) {
        text.clear();
        let (result, read) = decoder.decode_to_string_without_replacement(&chunk, &mut text, false);
        assert!(result == DecoderResult::InputEmpty && read == chunk.len(), "{result:?}");
        seen = seen.and(text.as_bytes());
    }
    seen.bytes
}

fn decode_base64(n: u64) -> u64 {
    let (tape, symbols) = binary();
    let pieces = Readable::from_iter(symbols.chunks(n)).decode_base64(Base64::Standard);
    let seen = pieces.fold(Seen::of(&tape), |seen, piece| seen.and(&piece));
    block_on(seen).expect("it is base64").bytes
}

fn engine_loop(n: u64) -> u64 {
    let (tape, symbols) = binary();
    let (mut seen, mut carried) = (Seen::of(&tape), Vec::new());
    let mut buffer = vec![0; CUT];
    for chunk in symbols.chunks(n) {
        let mut chunk = &chunk[..];
        if !carried.is_empty() {
            let (missing, rest) = chunk.split_at(chunk.len().min(GROUP - carried.len()));
            carried.extend_from_slice(missing);
            chunk = rest;
            if carried.len() == GROUP {
                seen = decode(&carried, &mut buffer, seen);
                carried.clear();
            }
        }
        let (whole, cut) = chunk.split_at(chunk.len() - chunk.len() % GROUP);
        seen = decode(whole, &mut buffer, seen);
        carried.extend_from_slice(cut);
    }
    assert!(carried.is_empty(), "the end cuts no group");
    seen.bytes
}

fn decode<'a>(symbols: &[u8], buffer: &mut [u8], seen: Seen<'a>) -> Seen<'a> {
    let n = STANDARD.decode_slice(symbols, buffer).expect("it is base64");
    seen.and(&buffer[..n])
}

fn decoder_reader(n: u64) -> u64 {
    let (tape, symbols) = binary();
    let (mut seen, mut buffer) = (Seen::of(&tape), vec![0; CHUNK]);
    let input = Chunks { chunks: symbols.chunks(n), rest: Bytes::new() };
    let mut decoder = DecoderReader::new(input, &STANDARD);
    loop {
        match decoder.read(&mut buffer).expect("it is base64") {
            0 => return seen.bytes,
            n => seen = seen.and(&buffer[..n]),
        }
    }
}

fn frames(n: u64) -> u64 {
    let frames = Readable::from_iter(framed(n)).frames(Prefix::U32Be);
    block_on(frames.fold(0, |sum, frame| add(sum, &frame))).expect("these are frames")
}

/// Looks at each frame where it lies in its chunk, and copies only those that two chunks share.
fn frames_in_place(n: u64) -> u64 {
    let (mut begun, mut sum) = (Vec::new(), 0);
    for chunk in framed(n) {
        let mut rest = &chunk[..];
        while !(begun.is_empty() || rest.is_empty()) {
            let whole = begun.first_chunk().map_or(PREFIX, |prefix| PREFIX + length(*prefix));
            let (more, others) = rest.split_at(rest.len().min(whole - begun.len()));
            begun.extend_from_slice(more);
            rest = others;
            if let Some(frame) = first_frame(&begun) {
                sum = add(sum, frame);
                begun.clear();
            }
        }
        while let Some(frame) = first_frame(rest) {
            sum = add(sum, frame);
            rest = &rest[PREFIX + frame.len()..];
        }
        begun.extend_from_slice(rest);
    }
    assert!(begun.is_empty(), "the end cuts no frame");
    sum
}

/// The payload of the first frame, if all of it is there.
fn first_frame(bytes: &[u8]) -> Option<&[u8]> {
    let (prefix, rest) = bytes.split_first_chunk()?;
    rest.get(..length(*prefix))
}

fn length(prefix: [u8; PREFIX]) -> usize {
    usize::try_from(u32::from_be_bytes(prefix)).expect("a frame fits into memory")
}

fn framed_read(n: u64, capacity: usize) -> u64 {
    let input = StreamReader::new(stream::iter(framed(n).map(Ok::<_, io::Error>)));
    let frames = FramedRead::with_capacity(input, LengthDelimitedCodec::new(), capacity);
    let sum = frames.try_fold(0, async |sum, frame| Ok(add(sum, &frame)));
    block_on(sum).expect("these are frames")
}

fn codec(n: u64) -> u64 {
    let (mut codec, mut buffer) = (LengthDelimitedCodec::new(), BytesMut::new());
    let mut sum = 0;
    for chunk in framed(n) {
        buffer.extend_from_slice(&chunk);
        while let Some(frame) = codec.decode(&mut buffer).expect("these are frames") {
            sum = add(sum, &frame);
        }
    }
    assert!(buffer.is_empty(), "the end cuts no frame");
    sum
}

/// Bytes that begin anew behind their end.
#[derive(Debug)]
struct Tape {
    /// Once, and what a chunk may have of the next time, so that each chunk is one slice.
    bytes: Bytes,
    once: usize,
}

impl Tape {
    fn new(once: &[u8]) -> Self {
        Self { bytes: [once, &once[..CUT]].concat().into(), once: once.len() }
    }

    /// So many bytes, in chunks that end at another place each time.
    fn chunks(&self, n: u64) -> impl Iterator<Item = Bytes> + use<> {
        let mut left = usize::try_from(black_box(n)).expect("it is counted in memory");
        let (bytes, once, mut at) = (self.bytes.clone(), self.once, 0);
        iter::from_fn(move || {
            let end = at + left.min(CUT);
            let chunk = bytes.slice(at..end);
            left -= chunk.len();
            at = end % once;
            (!chunk.is_empty()).then_some(chunk)
        })
    }
}

/// What came out so far, each byte of which was compared with what it should be.
#[derive(Debug, Clone, Copy)]
struct Seen<'a> {
    tape: &'a Tape,
    at: usize,
    bytes: u64,
}

impl<'a> Seen<'a> {
    fn of(tape: &'a Tape) -> Self {
        Self { tape, at: 0, bytes: 0 }
    }

    #[inline]
    fn and(mut self, mut piece: &[u8]) -> Self {
        self.bytes += piece.len() as u64;
        while !piece.is_empty() {
            let (part, rest) = piece.split_at(piece.len().min(self.tape.once - self.at));
            let end = self.at + part.len();
            assert!(part == &self.tape.bytes[self.at..end], "wrong at {}", self.bytes);
            self.at = end % self.tape.once;
            piece = rest;
        }
        self
    }
}

/// Chunks for those who read.
struct Chunks<I> {
    chunks: I,
    rest: Bytes,
}

impl<I: Iterator<Item = Bytes>> Read for Chunks<I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            self.rest = self.chunks.next().unwrap_or_default();
        }
        let n = buffer.len().min(self.rest.len());
        self.rest.copy_to_slice(&mut buffer[..n]);
        Ok(n)
    }
}

/// Words of one to four bytes per character, most of which are ASCII.
fn text() -> Tape {
    let words: Vec<_> = WORDS.split(' ').collect();
    let (mut random, mut text) = (Random::default(), String::new());
    while text.len() < TAPE {
        text.push_str(random.one_of(&words));
        text.push(' ');
    }
    // With whole characters up to the very end, where it begins anew.
    while text.len() > TAPE {
        text.pop();
    }
    text.extend(iter::repeat_n(' ', TAPE - text.len()));
    Tape::new(text.as_bytes())
}

/// Bytes, and the same in base64.
fn binary() -> (Tape, Tape) {
    let mut random = Random::default();
    let words = iter::repeat_with(|| random.below(u64::MAX)).take(TAPE / GROUP * 3 / 8);
    let bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
    let symbols = STANDARD.encode(&bytes);
    (Tape::new(&bytes), Tape::new(symbols.as_bytes()))
}

/// So many frames, one behind the other.
fn framed(n: u64) -> impl Iterator<Item = Bytes> {
    let mut bytes = Vec::new();
    for payload in payloads() {
        bytes.extend(u32::try_from(payload.len()).expect("it is short").to_be_bytes());
        bytes.extend(payload);
    }
    assert!(n % DIFFERENT == 0, "all of them, and all of them again");
    Tape::new(&bytes).chunks(n / DIFFERENT * bytes.len() as u64)
}

fn payloads() -> impl Iterator<Item = Vec<u8>> {
    let mut random = Random::default();
    (0..DIFFERENT).map(move |number| {
        let length = usize::try_from(1 + random.below(200)).expect("it is short");
        vec![number.to_le_bytes()[0]; length]
    })
}

fn sum_of_frames(n: u64) -> u64 {
    let payloads: Vec<_> = payloads().collect();
    (0..n / DIFFERENT).flat_map(|_| &payloads).fold(0, |sum, frame| add(sum, frame))
}

/// The sum, in which the order, the lengths and both ends of the frames show.
fn add(sum: u64, frame: &[u8]) -> u64 {
    let ends = [frame.first(), frame.last()].map(|byte| u64::from(byte.copied().unwrap_or(0)));
    sum.rotate_left(1).wrapping_add(frame.len() as u64 + (ends[0] << 8) + (ends[1] << 16))
}

const WORDS: &str = "chunk of the stream is cut anywhere and nobody knows where the next begins \
                     über naïve Zürich señor Ελλάδα вода 世界 流れ 20€ 🌊";

/// Bytes that go in: whole tapes, in a quick run as well.
const BYTES: u64 = 200 << 22;
/// Bytes of a tape of text or symbols, which is cut at every place of a character or group before long.
const TAPE: usize = 1 << 20;
/// Bytes of a chunk: about as many as a connection gives at once, and a prime.
const CUT: usize = 8191;
/// Symbols of a group.
const GROUP: usize = 4;
/// Bytes of the length before a frame.
const PREFIX: usize = size_of::<u32>();
/// Frames before they begin anew.
const DIFFERENT: u64 = 2000;
