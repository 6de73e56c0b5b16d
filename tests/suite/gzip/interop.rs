//! What highwater compresses others decompress, and the other way round (I58): GNU gzip, pigz, Python and Node.

use bytes::Bytes;
use highwater::gzip::{Format, Gunzip, Gzip, ParallelGzip};
use highwater::prelude::*;
use highwater::{Readable, Source};

use super::{noise, text};
use crate::support::Tool;

/// What has gone wrong between programs: nothing, one byte, what shrinks to nothing, what does not shrink, and text.
fn corpus() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("empty", vec![]),
        ("one byte", vec![b'x']),
        ("zeros", vec![0; 2_000_000]),
        ("noise", noise(300_000)),
        ("text", text(1_000_000)),
    ]
}

fn decompressors(format: Format) -> Vec<Tool> {
    let all = match format {
        Format::Gzip => vec![
            Tool::new("gzip -dc", &["gzip", "-dc"]),
            Tool::new("pigz -dc", &["pigz", "-dc"]),
            Tool::python("Python gunzip", "gzip.GzipFile(fileobj=io.BytesIO(data)).read()"),
            Tool::node("Node gunzip", "zlib.gunzipSync(data)"),
        ],
        Format::Zlib => vec![
            Tool::new("pigz -dcz", &["pigz", "-dcz"]),
            Tool::python("Python inflate", "zlib.decompress(data)"),
            Tool::node("Node inflate", "zlib.inflateSync(data)"),
        ],
        _ => vec![
            Tool::python("Python raw inflate", "zlib.decompress(data, -15)"),
            Tool::node("Node raw inflate", "zlib.inflateRawSync(data)"),
        ],
    };
    all.into_iter().filter(Tool::is_there).collect()
}

fn compressors(format: Format) -> Vec<Tool> {
    let all = match format {
        Format::Gzip => vec![
            Tool::new("gzip -1", &["gzip", "-1"]),
            Tool::new("gzip -9", &["gzip", "-9"]),
            Tool::new("pigz", &["pigz", "-p", "3"]),
            Tool::new("pigz -i", &["pigz", "-i", "-b", "32"]),
            Tool::python("Python gzip", "gzip.compress(data)"),
            Tool::node("Node gzip", "zlib.gzipSync(data)"),
        ],
        Format::Zlib => vec![
            Tool::new("pigz -z", &["pigz", "-z"]),
            Tool::python("Python deflate", "zlib.compress(data)"),
            Tool::node("Node deflate", "zlib.deflateSync(data)"),
        ],
        _ => vec![Tool::node("Node raw deflate", "zlib.deflateRawSync(data)")],
    };
    all.into_iter().filter(Tool::is_there).collect()
}

/// A source of these bytes, in chunks as they come from a file.
fn source(bytes: &[u8]) -> Readable<impl Source<Chunk = Bytes> + Unpin + Send + use<>> {
    let chunks: Vec<Bytes> = bytes.chunks(256 * 1024).map(Bytes::copy_from_slice).collect();
    Readable::from_iter(chunks)
}

async fn unpacked(gunzip: Gunzip, packed: &[u8]) -> Bytes {
    source(packed).gunzip_with(gunzip).to_bytes().await.unwrap()
}

#[tokio::test]
async fn others_read_what_is_compressed_here() {
    let decompressors = decompressors(Format::Gzip);
    for (name, text) in corpus() {
        let mut packed = vec![];
        for level in [0, 1, 6, 9] {
            packed.push(source(&text).gzip(level).to_bytes().await.unwrap());
        }
        packed
            .push(source(&text).parallel_gzip(ParallelGzip::threads(3)).to_bytes().await.unwrap());
        for packed in packed {
            for tool in &decompressors {
                assert!(tool.run(&packed) == text, "{}: {name}", tool.name);
            }
        }
    }
}

#[tokio::test]
async fn what_others_compress_is_read_here() {
    let compressors = compressors(Format::Gzip);
    for (name, text) in corpus() {
        for tool in &compressors {
            let packed = tool.run(&text);
            assert!(unpacked(Gunzip::new(), &packed).await == text, "{}: {name}", tool.name);
        }
    }
}

#[tokio::test]
async fn zlib_and_raw_deflate_pass_both_ways() {
    for format in [Format::Zlib, Format::Deflate] {
        let (compressors, decompressors) = (compressors(format), decompressors(format));
        for (name, text) in corpus() {
            let gzip = Gzip::new(6).with_format(format);
            let packed = source(&text).gzip_with(gzip).to_bytes().await.unwrap();
            for tool in &decompressors {
                assert!(tool.run(&packed) == text, "{}: {name}", tool.name);
            }
            for tool in &compressors {
                let back = unpacked(Gunzip::new().with_format(format), &tool.run(&text)).await;
                assert!(back == text, "{}: {name}", tool.name);
            }
        }
    }
}

/// F43: 100 000 members with a digit in each, made here and elsewhere.
#[tokio::test]
async fn a_hundred_thousand_members_pass_both_ways() {
    let digits = |count: usize| (0..count).map(|n| b'0' + u8::try_from(n % 10).unwrap());
    let mut members = Vec::new();
    for digit in digits(10) {
        let member = Readable::once(Bytes::from(vec![digit])).pipe(Gzip::new(6));
        members.extend_from_slice(&member.to_bytes().await.unwrap());
    }
    let (packed, text) = (members.repeat(10_000), digits(100_000).collect::<Vec<_>>());
    assert!(unpacked(Gunzip::new(), &packed).await == text);
    for tool in decompressors(Format::Gzip) {
        assert!(tool.run(&packed) == text, "{}", tool.name);
    }
    let theirs = "b''.join(gzip.compress(data[n:n + 1]) for n in range(10)) * 10000";
    let tool = Tool::python("Python gzip", theirs);
    if tool.is_there() {
        assert!(unpacked(Gunzip::new(), &tool.run(&text)).await == text);
    }
}

/// The name and the time are those that `gzip --list` shows.
#[tokio::test]
async fn the_header_is_read_by_gzip() {
    let mut header = highwater::gzip::Header::default();
    header.name = Some("a name".into());
    header.modified = Some(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000));
    let gzip = Gzip::new(6).with_header(header.clone()).unwrap();
    let packed = source(b"text").gzip_with(gzip).to_bytes().await.unwrap();
    let tool = Tool::new("gzip -lvN", &["env", "TZ=UTC", "gzip", "-lvN"]);
    if tool.is_there() {
        let said = String::from_utf8(tool.run(&packed)).unwrap();
        assert!(said.contains("a name") && said.contains("Sep  9 01:46"), "{said}");
    }

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a name");
    std::fs::write(&path, "text").unwrap();
    std::fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(header.modified.unwrap())
        .unwrap();
    let tool = Tool::new("gzip", &["gzip", "-c", path.to_str().unwrap()]);
    if tool.is_there() {
        let gunzip = Gunzip::new();
        let info = gunzip.info();
        unpacked(gunzip, &tool.run(b"")).await;
        header.system = 3;
        assert_eq!(info.header(), Some(header));
    }
}
