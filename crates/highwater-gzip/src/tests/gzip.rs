//! Compressing: I58, C56 to C63.

use std::num::NonZeroU64;

use bytes::Bytes;
use highwater_core::Transform;

use super::{Random, SEED, drive, pack, pieces, run, unpack};
use crate::{Flush, Gunzip, Gzip};

/// Texts that have gone wrong in compressors: nothing, one byte, what cannot be compressed, what shrinks to nothing,
/// and lengths at which a buffer is just full.
fn corpus() -> Vec<Vec<u8>> {
    let mut random = Random(SEED);
    let mut corpus = vec![vec![], vec![7], vec![0; 300_000], b"abc".repeat(50_000)];
    corpus.extend([1000, 65_535, 65_536, 65_537, 200_000].map(|count| random.bytes(count)));
    corpus.extend([1000, 65_536, 300_000].map(|count| random.text(count)));
    corpus
}

/// I58: what comes back is what went in, at every level, however it is cut.
#[test]
fn every_level_and_cut_comes_back() {
    for text in corpus() {
        for level in 0..=9 {
            for size in [1000, 65_536, 1 << 20] {
                let packed = run(Gzip::new(level), pieces(&text, size)).whole();
                let back = unpack(Gunzip::new(), &packed).whole();
                assert!(back == text, "level {level}, {size} of {} bytes at a time", text.len());
            }
        }
        let small = &text[..text.len().min(3000)];
        let packed = run(Gzip::new(6), pieces(small, 1)).whole();
        assert!(unpack(Gunzip::new(), &packed).whole() == small);
    }
}

/// C63: an output that is full in the middle of the last block or of the trailer loses nothing.
#[test]
fn the_end_may_cross_the_border_of_an_output_anywhere() {
    let mut random = Random(SEED);
    let noise = random.bytes(66_000);
    let mut lengths = Vec::new();
    // At level 0 a byte more of input is a byte more of output: the trailer wanders over the border.
    for length in 65_480..65_540 {
        let packed = pack(Gzip::new(0), noise[..length].to_vec());
        assert!(unpack(Gunzip::new(), &packed).whole() == noise[..length], "{length} bytes");
        lengths.push(packed.len());
    }
    assert!(lengths.contains(&65_535) && lengths.contains(&65_543), "{lengths:?}");
}

/// C60: nothing is a member with nothing in it; F46: the trailer is there once.
#[test]
fn an_empty_input_is_an_empty_member() {
    for chunks in [vec![], vec![Bytes::new()], vec![Bytes::new(); 3]] {
        let packed = run(Gzip::new(6), chunks).whole();
        let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
        assert_eq!(packed, [&header[..], &[3, 0], &[0; 8]].concat());
    }
}

/// F46: reading again and again after the end gives nothing more.
#[test]
fn after_the_end_there_is_nothing() {
    let mut gzip = Gzip::new(6);
    drive(&mut gzip, [Bytes::from_static(b"text")], |_| {}).unwrap();
    for _ in 0..3 {
        assert_eq!(gzip.read().unwrap(), None);
    }
}

/// All that was taken can be decompressed, and there is no trailer.
fn is_flushed(packed: &[u8], text: &[u8]) {
    let outcome = unpack(Gunzip::new(), packed);
    assert!(outcome.output == text);
    assert!(outcome.error.expect("no trailer").text.contains("ended inside"));
}

/// A3, C62: when the input fails, what was taken comes out first.
#[test]
fn release_gives_all_that_was_taken() {
    let mut random = Random(SEED);
    for text in [b"a".to_vec(), random.text(200_000), random.bytes(65_500)] {
        let (mut gzip, mut packed) = (Gzip::new(6), Vec::new());
        for round in 1..4 {
            for chunk in pieces(&text, 10_000) {
                let mut output = gzip.write(chunk).unwrap();
                while let Some(given) = output {
                    packed.extend_from_slice(&given);
                    output = gzip.read().unwrap();
                }
            }
            gzip.release().unwrap();
            while let Some(given) = gzip.read().unwrap() {
                packed.extend_from_slice(&given);
            }
            is_flushed(&packed, &text.repeat(round));
            // Nothing is held, so nothing more comes.
            gzip.release().unwrap();
            assert_eq!(gzip.read().unwrap(), None);
        }
        gzip.end().unwrap();
        while let Some(given) = gzip.read().unwrap() {
            packed.extend_from_slice(&given);
        }
        assert!(unpack(Gunzip::new(), &packed).whole() == text.repeat(3));
    }
}

/// Before anything was taken there is nothing to release, not even a header.
#[test]
fn release_at_the_start_gives_nothing() {
    let mut gzip = Gzip::new(6);
    for _ in 0..2 {
        gzip.release().unwrap();
        assert_eq!(gzip.read().unwrap(), None);
        assert_eq!(gzip.write(Bytes::new()).unwrap(), None);
    }
    gzip.end().unwrap();
    assert!(gzip.read().unwrap().is_some());
}

/// What is given for each chunk.
fn outputs(mut gzip: Gzip, chunks: &[&str]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for chunk in chunks {
        let mut given = Vec::new();
        let mut output = gzip.write(Bytes::copy_from_slice(chunk.as_bytes())).unwrap();
        while let Some(bytes) = output {
            given.extend_from_slice(&bytes);
            output = gzip.read().unwrap();
        }
        all.push(given);
    }
    all
}

#[test]
fn each_chunk_is_flushed_where_asked_for() {
    let chunks = ["one ", "two ", "", "three"];
    let outputs = outputs(Gzip::new(6).with_flush(Flush::EachChunk), &chunks);
    let mut packed = Vec::new();
    for (index, output) in outputs.iter().enumerate() {
        assert_eq!(output.is_empty(), chunks[index].is_empty());
        packed.extend_from_slice(output);
        is_flushed(&packed, chunks[..=index].concat().as_bytes());
    }
}

#[test]
fn without_flushing_nothing_comes_before_64_kib() {
    for flush in [Flush::Never, Flush::WhenIdle] {
        let outputs = outputs(Gzip::new(6).with_flush(flush), &["one ", "two ", "three"]);
        assert!(outputs.iter().all(Vec::is_empty));
    }
}

/// After so many bytes, wherever the chunks end.
#[test]
fn every_n_bytes_are_flushed_where_asked_for() {
    let every = |bytes| Gzip::new(6).with_flush(Flush::Every(NonZeroU64::new(bytes).unwrap()));
    let outputs = outputs(every(4), &["one", " ", "two three fou", "r"]);
    let sizes: Vec<bool> = outputs.iter().map(Vec::is_empty).collect();
    assert_eq!(sizes, [true, false, false, true]);
    is_flushed(&outputs.concat(), b"one two three fo");

    // Noise is stored, so the mark of a flush is found where it is: behind every thousand bytes.
    let noise = Random(SEED).bytes(100_000);
    for size in [1, 999, 1000, 1001, 64 * 1024] {
        let packed = run(every(1000), pieces(&noise, size)).whole();
        let flushes = packed.windows(4).filter(|bytes| bytes == b"\0\0\xff\xff").count();
        assert_eq!(flushes, 100, "{size} at a time");
        assert!(unpack(Gunzip::new(), &packed).whole() == noise);
    }
}

/// Every flush pattern comes back as it went in (I58), an output that is full in the middle of a flush included.
#[test]
fn all_flush_policies_come_back() {
    let mut random = Random(SEED);
    for text in [random.text(200_000), random.bytes(200_000)] {
        for flush in [
            Flush::Never,
            Flush::WhenIdle,
            Flush::EachChunk,
            Flush::Every(NonZeroU64::MIN.saturating_add(99)),
            Flush::Every(NonZeroU64::MAX),
        ] {
            for size in [777, 65_536] {
                let packed = run(Gzip::new(1).with_flush(flush), pieces(&text, size)).whole();
                let back = unpack(Gunzip::new(), &packed).whole();
                assert!(back == text, "{flush:?}, {size}");
            }
        }
    }
}

#[test]
#[should_panic = "compression levels go from 0 (none) to 9 (best), and this is 10"]
fn there_is_no_level_10() {
    Gzip::new(10);
}

/// Once it asks for the next chunk it keeps nothing of the last: a pool gets its buffer back.
#[test]
fn a_chunk_is_given_back_before_the_next_is_asked_for() {
    let mut gzip = Gzip::new(6);
    let chunk = Bytes::from(vec![1; 1000]);
    assert!(gzip.write(chunk.clone()).unwrap().is_none());
    assert!(chunk.is_unique());

    let chunk = Bytes::from(pack(Gzip::new(6), "text"));
    let mut gunzip = Gunzip::new();
    assert!(gunzip.write(chunk.clone()).unwrap().is_some());
    assert!(gunzip.read().unwrap().is_none());
    assert!(chunk.is_unique());
}

#[test]
fn machines_can_move_to_another_thread() {
    fn can<T: Send + Sync + Unpin>() {}
    can::<Gzip>();
    can::<Gunzip>();
    can::<crate::GunzipInfo>();
}
