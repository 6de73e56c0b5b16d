//! The program `thumbnails`, run as its users run it.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::{names, program};

fn thumbnails() -> Command {
    program("thumbnails")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn said(output: &Output, code: i32) -> (String, String) {
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}{err}");
    (out, err)
}

/// What stands in the header of a PNG file.
fn size(path: &Path) -> (u32, u32) {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(bytes[..8], *b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

/// An image of one colour: a header, one block of zeroes that are stored, and an end. Nobody looks at its sums.
fn image(width: u32, height: u32) -> Vec<u8> {
    image_with_exif(width, height, Vec::new())
}

fn image_with_exif(width: u32, height: u32, exif: Vec<u8>) -> Vec<u8> {
    let mut pixels = vec![0; usize::try_from((width + 1) * height).unwrap()];
    pixels.shrink_to_fit();
    let mut data = vec![0x78, 0x01];
    let mut blocks = pixels.chunks(65_535).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap();
        data.push(u8::from(blocks.peek().is_none()));
        data.extend(length.to_le_bytes());
        data.extend((!length).to_le_bytes());
        data.extend(block);
    }
    data.extend(adler(&pixels).to_be_bytes());
    let mut header = Vec::new();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 0, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let chunks = [(b"IHDR", header), (b"eXIf", exif), (b"IDAT", data), (b"IEND", Vec::new())];
    for (name, body) in
        chunks.into_iter().filter(|(name, body)| *name != b"eXIf" || !body.is_empty())
    {
        png.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
        let start = png.len();
        png.extend(name);
        png.extend(body);
        let sum = crc(&png[start..]);
        png.extend(sum.to_be_bytes());
    }
    png
}

fn adler(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1, 0), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[test]
fn images_become_small() {
    let folder = tempfile::tempdir().unwrap();
    let (src, dst) = (folder.path().join("src"), folder.path().join("dst"));
    std::fs::create_dir(&src).unwrap();
    std::fs::write(src.join("wide.png"), image(400, 100)).unwrap();
    std::fs::write(src.join("high.PNG"), image(50, 500)).unwrap();
    std::fs::write(src.join("notes.txt"), "no image").unwrap();
    let output = thumbnails().args([&src, &dst]).args(["--size", "50"]).output().unwrap();
    let (out, err) = said(&output, 0);
    assert_eq!((out.as_str(), err.as_str()), ("2 made, 0 failed\n", ""));
    assert_eq!(names(&dst), ["high.PNG", "wide.png"]);
    assert_eq!(size(&dst.join("wide.png")), (50, 13));
    assert_eq!(size(&dst.join("high.PNG")), (5, 50));
}

/// A camera that was held upright writes the rows it has seen and that they are to be turned by 90 degrees.
#[test]
fn the_orientation_is_applied() {
    let folder = tempfile::tempdir().unwrap();
    let (src, dst) = (folder.path().join("src"), folder.path().join("dst"));
    std::fs::create_dir(&src).unwrap();
    // One entry: the orientation (0x0112), of one short number, which is 6; no further directory.
    let exif = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    std::fs::write(src.join("turned.png"), image_with_exif(400, 100, exif.to_vec())).unwrap();
    let output = thumbnails().args([&src, &dst]).args(["--size", "50"]).output().unwrap();
    said(&output, 0);
    assert_eq!(size(&dst.join("turned.png")), (13, 50));
}

/// Nobody writes to the pipe: to open it would wait for ever.
#[cfg(unix)]
#[test]
fn a_named_pipe_is_named_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let (src, dst) = (folder.path().join("src"), folder.path().join("dst"));
    std::fs::create_dir(&src).unwrap();
    std::fs::write(src.join("b.png"), image(40, 40)).unwrap();
    let made = Command::new("mkfifo").arg(src.join("a.png")).status().unwrap();
    assert!(made.success());
    let (out, err) = said(&thumbnails().args([&src, &dst]).output().unwrap(), 1);
    assert_eq!(out, "1 made, 1 failed\n");
    assert!(err.contains("a.png") && err.contains("not a regular file"), "{err}");
    assert_eq!(names(&dst), ["b.png"]);
}

/// One that cannot be made is named and counted, keeps the old file, and does not stop the others.
#[test]
fn an_image_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (src, dst) = (folder.path().join("src"), folder.path().join("dst"));
    std::fs::create_dir_all(&src).unwrap();
    std::fs::create_dir_all(&dst).unwrap();
    let whole = image(40, 40);
    std::fs::write(src.join("a.png"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(src.join("b.png"), &whole).unwrap();
    std::fs::write(src.join("c.png"), "no image").unwrap();
    std::fs::write(dst.join("a.png"), "old").unwrap();
    let (out, err) = said(&thumbnails().args([&src, &dst]).output().unwrap(), 1);
    assert_eq!(out, "1 made, 2 failed\n");
    let lines: Vec<_> = err.lines().collect();
    assert!(lines.len() == 2 && lines[0].contains("a.png") && lines[1].contains("c.png"), "{err}");
    assert_eq!(names(&dst), ["a.png", "b.png"]);
    assert_eq!(std::fs::read(dst.join("a.png")).unwrap(), b"old");
}

/// It runs at once, and cleans up.
#[test]
fn without_arguments_it_draws_images() {
    let folder = tempfile::tempdir().unwrap();
    let (out, err) = said(&thumbnails().env("TMPDIR", folder.path()).output().unwrap(), 0);
    assert_eq!(out, "8 made, 0 failed\n");
    assert!(err.contains("drawing 8 images"), "{err}");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn other_failures() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let (_, err) = said(&thumbnails().arg(&missing).arg(folder.path()).output().unwrap(), 2);
    assert!(err.contains("missing") && err.lines().count() == 1, "{err}");
    let (_, err) = said(&thumbnails().args([folder.path(); 2]).output().unwrap(), 2);
    assert!(err.contains("same folder"), "{err}");
    said(&thumbnails().arg(folder.path()).output().unwrap(), 2);
    said(&thumbnails().args(["--size", "0"]).output().unwrap(), 2);
    said(&thumbnails().arg("--help").output().unwrap(), 0);
}
