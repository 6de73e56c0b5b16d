//! Makes a small copy of every PNG image in a folder, several at a time.
//!
//! ```text
//! thumbnails [SRC] [DST] [--size PIXELS] [--jobs N] [--no-progress]
//! ```
//!
//! An image is decoded, turned as its Exif orientation says, scaled and encoded on the pool for blocking calls, and replaces
//! what DST has of its name in one step. One that cannot be read, is no regular file, or is larger than 64 million pixels,
//! is named and counted, and the others are made. It ends with 0, with 1 if an image could not be made, with 2 after another error, and with 130 after Ctrl-C.

use std::fs::File;
use std::io::{BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;
use clap::Parser;
use highwater::meter::Progress;
use highwater::prelude::*;
use highwater::{Error, Readable, Result, fs};
use highwater_examples::{OneLine, arguments, interrupt, print, progress_bar};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use indicatif::ProgressBar;

/// Makes a small copy of every PNG image in a folder, several at a time.
#[derive(Debug, Parser)]
#[command(name = "thumbnails", version)]
struct Args {
    /// The folder with the images. Without it, a few are drawn in a folder that is removed again.
    #[arg(requires = "dst")]
    src: Option<PathBuf>,
    /// The folder for the small ones; made if it is not there.
    dst: Option<PathBuf>,
    /// The most pixels of a side.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=4096))]
    size: u32,
    /// How many are made at a time [default: one per processor].
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1024))]
    jobs: Option<u64>,
    /// Show no progress bar.
    #[arg(long)]
    no_progress: bool,
}

fn main() -> ExitCode {
    let args: Args = arguments();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map_err(Error::from).and_then(|runtime| runtime.block_on(run(&args))) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(error) => {
            say(format_args!("{}", OneLine(&error)));
            ExitCode::from(if error.is_aborted() { 130 } else { 2 })
        }
    }
}

/// How many could not be made.
async fn run(args: &Args) -> Result<u64> {
    let (Some(src), Some(dst)) = (&args.src, &args.dst) else {
        say(format_args!("no SRC: drawing {DRAWN} images to begin with (--help says more)"));
        let folder = tempfile::tempdir()?;
        let (src, dst) = (folder.path().join("large"), folder.path().join("small"));
        draw(&src)?;
        return make_all(&src, &dst, args).await;
    };
    make_all(src, dst, args).await
}

/// Makes all of them, and says how it went.
async fn make_all(src: &Path, dst: &Path, args: &Args) -> Result<u64> {
    let images = images(src)?;
    std::fs::create_dir_all(dst).map_err(|error| named(error, dst))?;
    if src.canonicalize()? == dst.canonicalize()? {
        return Err(Error::msg("SRC and DST are the same folder: the images would be replaced"));
    }
    let stop = interrupt();
    let progress = Progress::items().with_total(images.len() as u64);
    let bar = if args.no_progress { ProgressBar::hidden() } else { progress_bar(None, false) };
    let shown = progress.handle().draw(bar);
    let (size, jobs) = (args.size, jobs(args));
    let mut small = Readable::from_iter(images)
        .parallel_map_cpu(jobs, move |path| Ok((small(&path, size), path)))
        .progress(progress);
    let written = async {
        let (mut made, mut failed) = (0_u64, 0);
        while let Some((small, path)) = small.next().await.transpose()? {
            match keep(small, &path, dst).await {
                Ok(()) => made += 1,
                Err(error) => {
                    failed += 1;
                    say(format_args!("{}", OneLine(&error)));
                }
            }
        }
        print(format_args!("{made} made, {failed} failed"))?;
        Ok(failed)
    };
    tokio::select! {
        (written, ()) = async { tokio::join!(written, shown) } => written,
        () = stop.cancelled() => Err(Error::aborted()),
    }
}

fn jobs(args: &Args) -> usize {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    args.jobs.and_then(|jobs| usize::try_from(jobs).ok()).unwrap_or(all)
}

/// The PNG files of a folder, by name.
fn images(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|error| named(error, folder))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let is_png = |path: &PathBuf| path.extension().is_some_and(|it| it.eq_ignore_ascii_case("png"));
    let mut images: Vec<_> = paths.into_iter().filter(is_png).collect();
    images.sort();
    Ok(images)
}

/// The work for the processor: a file in, the bytes of a small one out.
fn small(path: &Path, size: u32) -> Result<Bytes> {
    let make = || {
        let mut reader = ImageReader::new(BufReader::new(open(path)?));
        reader.set_format(ImageFormat::Png);
        let mut limits = Limits::default();
        limits.max_alloc = Some(MOST_PIXELS * 4);
        reader.limits(limits);
        let mut decoder = reader.into_decoder()?;
        // The small image has no Exif data: it must look right without.
        let orientation = decoder.orientation()?;
        let mut image = DynamicImage::from_decoder(decoder)?.thumbnail(size, size);
        image.apply_orientation(orientation);
        let mut small = Cursor::new(Vec::new());
        image.write_to(&mut small, ImageFormat::Png)?;
        Ok(small.into_inner().into())
    };
    make().map_err(|error: Error| named(error, path))
}

/// Opens a regular file. To open a named pipe would wait for its writer.
fn open(path: &Path) -> Result<File> {
    if !path.metadata()?.is_file() {
        return Err(Error::msg("it is not a regular file"));
    }
    Ok(File::open(path)?)
}

/// Puts it in its place.
async fn keep(small: Result<Bytes>, path: &Path, dst: &Path) -> Result<()> {
    let name = path.file_name().unwrap_or_default();
    Readable::once(small?).pipe_to(fs::replace(dst.join(name))).run().await?;
    Ok(())
}

fn named(error: impl Into<Error>, path: &Path) -> Error {
    error.into().context(path.display().to_string())
}

/// Images of different shapes, of gradients.
fn draw(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for n in 0..DRAWN {
        let (width, height) = (320 + 40 * u32::from(n), 480 - 20 * u32::from(n));
        let image = RgbImage::from_fn(width, height, |x, y| {
            image::Rgb([x, y, x + y].map(|shade| shade.to_le_bytes()[0].wrapping_mul(n + 1)))
        });
        image.save(folder.join(format!("gradient-{n}.png")))?;
    }
    Ok(())
}

/// One line on standard error.
fn say(what: std::fmt::Arguments<'_>) {
    highwater_examples::say("thumbnails", what);
}

/// Images that are drawn.
const DRAWN: u8 = 8;

/// Of an image that is read.
const MOST_PIXELS: u64 = 64_000_000;
