//! Where the output goes.

use std::ffi::OsString;
use std::fmt;
use std::fs::Metadata;
use std::io::{ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};

use highwater::fs::{FileWrite, ReplaceOptions};
use highwater::{Error, Result, fs, io};
use highwater_examples::Descriptor;

use crate::args::Args;

/// Where it goes.
#[derive(Debug)]
pub(crate) enum Target {
    Nowhere,
    Stdout,
    /// The file that was asked for.
    File(PathBuf),
    /// The file that takes the place of the input.
    Beside(PathBuf),
}

impl Target {
    pub(crate) fn of(input: Option<&Path>, args: &Args) -> Result<Self> {
        let target = match (args.output.as_deref(), input) {
            _ if args.test => Self::Nowhere,
            (Some(path), _)
                if path == Path::new("-") || Descriptor::of(path) == Some(Descriptor::Stdout) =>
            {
                Self::Stdout
            }
            (Some(path), _) => Self::File(path.to_owned()),
            (None, Some(input)) if !args.stdout => Self::Beside(beside(input, args)?),
            (None, _) => Self::Stdout,
        };
        if let (Self::Nowhere | Self::Stdout | Self::File(_), Some(path)) = (&target, input)
            && path.is_dir()
        {
            return Err(Unchanged::error(path, IS_A_DIRECTORY, 2));
        }
        let packs = !args.decompress;
        if packs && !args.force && matches!(target, Self::Stdout) && std::io::stdout().is_terminal()
        {
            return Err(Error::msg(
                "compressed data is not written to a terminal: -f does it, --help says more",
            ));
        }
        Ok(target)
    }

    /// A regular file is there in one step at the end. A device, a pipe or an open descriptor is written as it is.
    pub(crate) fn open(&self, like: Option<&Metadata>, force: bool) -> Option<FileWrite> {
        let is_special =
            |path: &Path| path.metadata().is_ok_and(|about| !about.is_file() && !about.is_dir());
        Some(match self {
            Self::Nowhere => return None,
            Self::Stdout => io::stdout(),
            Self::File(path) if Descriptor::of(path).is_some() => fs::append(path),
            Self::File(path) if is_special(path) => fs::write(path),
            Self::File(path) if path.exists() => fs::replace(path),
            Self::File(path) => new_file(like).replace(path),
            Self::Beside(path) if force => new_file(like).replace(path),
            Self::Beside(path) => new_file(like).create_new().replace(path),
        })
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::Beside(path) => Some(path),
            Self::Nowhere | Self::Stdout => None,
        }
    }
}

/// Nobody may read it who may not read the input.
fn new_file(like: Option<&Metadata>) -> ReplaceOptions {
    #[cfg(unix)]
    if let Some(like) = like {
        return ReplaceOptions::new().like(like);
    }
    let _ = like;
    ReplaceOptions::new()
}

/// An input that is left as it is, as `gzip` leaves it: a warning, and no error.
#[derive(Debug)]
pub(crate) struct Unchanged {
    why: String,
    pub(crate) code: u8,
}

impl Unchanged {
    pub(crate) fn error(path: &Path, why: &str, code: u8) -> Error {
        Error::from(Self { why: format!("`{}` {why}", path.display()), code })
    }
}

impl fmt::Display for Unchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Unchanged {}

/// The file that an input names: `gz -d log` unpacks `log.gz` if there is no `log`, as `gzip` does.
pub(crate) fn meant(input: &Path, args: &Args) -> PathBuf {
    let unpacks = args.decompress || args.test;
    let is_missing = |path: &Path| {
        path.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound)
    };
    if !unpacks || unpacked(input).is_some() || !is_missing(input) {
        return input.to_owned();
    }
    let with = |suffix: &&str| {
        let mut path = input.as_os_str().to_owned();
        path.push(suffix);
        PathBuf::from(path)
    };
    let packed = [".gz", ".z", "-z", ".Z"].iter().map(with).find(|path| !is_missing(path));
    packed.unwrap_or_else(|| input.to_owned())
}

/// The name of the file that takes the place of the input.
fn beside(input: &Path, args: &Args) -> Result<PathBuf> {
    let leave = |why: &str, code| Err(Unchanged::error(input, why, code));
    let about = if args.force { input.metadata() } else { input.symlink_metadata() };
    let about = about.map_err(|error| {
        Error::from(error).context(format!("cannot open `{}`", input.display()))
    })?;
    if about.is_symlink() {
        let why = "is a symbolic link: -f follows it, -c and -o read its file";
        return Err(Error::msg(format!("`{}` {why}", input.display())));
    }
    if about.is_dir() {
        return leave(IS_A_DIRECTORY, 2);
    }
    if !about.is_file() {
        return leave("is not a regular file: -c or -o say where to put its content", 2);
    }
    if let Some(why) = reason_to_keep(&about, args.force) {
        return leave(why, 2);
    }
    match (args.decompress, unpacked(input)) {
        (false, Some(_)) if !args.force => leave("is compressed already: -f does it again", 0),
        (false, _) => {
            let mut path = input.as_os_str().to_owned();
            path.push(".gz");
            Ok(path.into())
        }
        (true, Some(path)) => Ok(path),
        (true, None) => leave("does not end with .gz: -c or -o say where to put its content", 2),
    }
}

/// The name without the suffix of compressed data, if it has one of those that `gzip` knows.
fn unpacked(input: &Path) -> Option<PathBuf> {
    let name = input.file_name()?.as_encoded_bytes();
    let (suffix, instead) = SUFFIXES.iter().find(|(suffix, _)| {
        let start = name.len().checked_sub(suffix.len());
        start.is_some_and(|start| start > 0 && name[start..].eq_ignore_ascii_case(suffix))
    })?;
    let mut bytes = name[..name.len() - suffix.len()].to_vec();
    bytes.extend_from_slice(instead);
    Some(input.with_file_name(os_string(bytes)?))
}

const SUFFIXES: [(&[u8], &[u8]); 7] = [
    (b".gz", b""),
    (b".tgz", b".tar"),
    (b".taz", b".tar"),
    (b".z", b""),
    (b"-gz", b""),
    (b"-z", b""),
    (b"_z", b""),
];

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    Some(std::os::unix::ffi::OsStringExt::from_vec(bytes))
}

/// Elsewhere a name is text.
#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    String::from_utf8(bytes).ok().map(Into::into)
}

/// Why a regular file is not replaced, in the order of `gzip`.
#[cfg(unix)]
fn reason_to_keep(about: &Metadata, force: bool) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt;
    let has = |bit| about.mode() & bit != 0;
    match () {
        () if has(SET_USER_ID) => Some("is set-user-ID on execution: -c or -o read it"),
        () if has(SET_GROUP_ID) => Some("is set-group-ID on execution: -c or -o read it"),
        () if has(STICKY) && !force => Some("has the sticky bit: -f, -c or -o read it"),
        () if about.nlink() > 1 && !force => Some("has other links: -f, -c or -o read it"),
        () => None,
    }
}

#[cfg(not(unix))]
fn reason_to_keep(_: &Metadata, _: bool) -> Option<&'static str> {
    None
}

const IS_A_DIRECTORY: &str = "is a directory";
#[cfg(unix)]
const SET_USER_ID: u32 = 0o4000;
#[cfg(unix)]
const SET_GROUP_ID: u32 = 0o2000;
#[cfg(unix)]
const STICKY: u32 = 0o1000;
