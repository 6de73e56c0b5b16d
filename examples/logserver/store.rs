//! Files that lines are stored in.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use highwater::fs::{FileWrite, append};
use highwater::{Destination, Error, Result};
use highwater_examples::OneLine;
use tokio::time::sleep;

use crate::lines::Batch;
use crate::stats::Stats;

/// Appends batches to a file, and begins a new one when that is large. A line is stored when the operating system has it.
///
/// A file that is full gets the next number: `log.1` is the oldest, then `log.2`, and `log` is the newest. While the disk
/// takes nothing, batches wait here, nobody is told that they are stored, and no more are taken.
pub(crate) struct Store {
    place: Place,
    stats: Arc<Stats>,
    /// None after an error: what was written then is undone when it is opened again.
    file: Option<FileWrite>,
    /// What was stored in this file.
    size: u64,
    /// Not stored yet.
    batches: Vec<Batch>,
    waiting: usize,
}

/// Where lines go.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    /// Bytes after which a file is full.
    pub(crate) full: u64,
    /// How many full files are kept.
    pub(crate) keep: u64,
}

impl Store {
    /// Opens the file, or makes it.
    pub(crate) async fn open(mut place: Place, stats: Arc<Stats>) -> Result<Self> {
        let path = place.path.clone();
        let named = |error: io::Error| {
            Error::from(error).context(format!("cannot append to `{}`", place.path.display()))
        };
        let size = blocking(move || mend(&path)).await?.map_err(named)?;
        if size.is_none() {
            place.full = u64::MAX;
        }
        let file = Some(open(&place.path).await?);
        let size = size.unwrap_or(0);
        Ok(Self { place, stats, file, size, batches: Vec::new(), waiting: 0 })
    }

    /// Stores what waits, however long that takes, and says so.
    async fn store(&mut self) {
        let mut troubled = false;
        while let Err(error) = self.attempt().await {
            if !std::mem::replace(&mut troubled, true) {
                crate::text::say(format_args!("{}; trying again", OneLine(&error)));
                self.stats.set_troubled(true);
            }
            sleep(PAUSE).await;
        }
        if troubled {
            crate::text::say(format_args!("lines are stored again"));
            self.stats.set_troubled(false);
        }
        self.size += std::mem::take(&mut self.waiting) as u64;
        for batch in self.batches.drain(..) {
            self.stats.stored(&batch);
            batch.peer.store(batch.lines);
        }
    }

    async fn attempt(&mut self) -> Result<()> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.reopen().await?,
        };
        if self.size >= self.place.full {
            Destination::<Bytes>::finish(&mut file).await?;
            let place = self.place.clone();
            blocking(move || place.put_aside()).await??;
            self.size = 0;
            self.stats.rotated();
            file = open(&self.place.path).await?;
        }
        for batch in &self.batches {
            file.write(batch.text.clone()).await?;
        }
        // The second waits until all has arrived.
        Destination::<Bytes>::flush(&mut file).await?;
        Destination::<Bytes>::flush(&mut file).await?;
        self.file = Some(file);
        Ok(())
    }

    /// Opens the file after an error, without what was written of the batches that were not stored.
    async fn reopen(&self) -> Result<FileWrite> {
        let (path, size) = (self.place.path.clone(), self.size);
        blocking(move || match path.metadata() {
            Ok(about) if about.is_file() => {
                OpenOptions::new().write(true).open(&path)?.set_len(size)
            }
            _ => Ok(()),
        })
        .await??;
        open(&self.place.path).await
    }
}

impl Destination<Batch> for Store {
    async fn write(&mut self, batch: Batch) -> Result<()> {
        self.waiting += batch.text.len();
        self.batches.push(batch);
        if self.waiting >= GATHER {
            self.store().await;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        if !self.batches.is_empty() {
            self.store().await;
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        Destination::<Batch>::flush(self).await?;
        match &mut self.file {
            Some(file) => Destination::<Bytes>::finish(file).await,
            None => Ok(()),
        }
    }

    fn weight(&self, batch: &Batch) -> usize {
        batch.text.len()
    }

    fn holds(&self) -> Option<usize> {
        Some(GATHER)
    }

    fn name(&self) -> &'static str {
        "store"
    }
}

impl Place {
    /// Gives the file the next number, and removes the oldest if there are too many.
    fn put_aside(&self) -> io::Result<()> {
        let mut numbers = self.numbers()?;
        let next = numbers.last().map_or(1, |last| last + 1);
        fs::rename(&self.path, self.numbered(next))?;
        numbers.push(next);
        let keep = usize::try_from(self.keep).unwrap_or(usize::MAX);
        let many = numbers.len().saturating_sub(keep);
        numbers[..many].iter().try_for_each(|number| fs::remove_file(self.numbered(*number)))
    }

    /// The numbers that there are, the oldest first.
    fn numbers(&self) -> io::Result<Vec<u64>> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned() + ".";
        let mut numbers = Vec::new();
        for entry in fs::read_dir(folder.unwrap_or(Path::new(".")))? {
            let entry = entry?.file_name();
            let number = entry.to_str().and_then(|entry| entry.strip_prefix(&name));
            numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn numbered(&self, number: u64) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(format!(".{number}"));
        path.into()
    }
}

async fn open(path: &Path) -> Result<FileWrite> {
    let mut file = append(path);
    Destination::<Bytes>::open(&mut file).await?;
    Ok(file)
}

/// Ends the last line of a file whose writer was killed in the midst of it. Says how long the file is, if it is one: a
/// pipe or a device is left alone.
fn mend(path: &Path) -> io::Result<Option<u64>> {
    match path.metadata() {
        Ok(about) if !about.is_file() => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(0)),
        about => about?,
    };
    let mut file = OpenOptions::new().read(true).append(true).open(path)?;
    let size = file.seek(SeekFrom::End(0))?;
    if size == 0 {
        return Ok(Some(0));
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last == *b"\n" {
        return Ok(Some(size));
    }
    file.write_all(b"\n")?;
    Ok(Some(size + 1))
}

/// Runs what blocks on the pool for it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    Ok(tokio::task::spawn_blocking(work).await?)
}

/// Bytes that gather before they are written.
const GATHER: usize = 256 * 1024;
/// How long to wait before a write that failed is tried again.
const PAUSE: Duration = Duration::from_millis(500);
