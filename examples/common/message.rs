//! How the programs say something.

use std::error::Error as StdError;
use std::fmt::{self, Write as _};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use highwater::fs::FileWrite;
use highwater::{Error, Result};

/// One line on standard error, which begins with the name of the program; what a terminal would obey is [`escaped`].
/// There is nobody to tell if that fails.
pub fn say(program: &str, what: impl fmt::Display) {
    drop(writeln!(std::io::stderr(), "{program}: {}", escaped(what)));
}

/// One line on standard output, for a program that does more than print.
///
/// A reader that has gone (`thumbnails large small | true`) is no error: the rest of the work is done, and its outcome is
/// the exit code.
///
/// # Errors
///
/// Standard output does not take it.
pub fn print(line: impl fmt::Display) -> Result<()> {
    match writeln!(std::io::stdout(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::from(error).context("cannot write standard output"))
        }
        _ => Ok(()),
    }
}

/// Warns of what the new file at `path` does not have of the one that it has replaced.
pub fn say_not_kept(program: &str, path: &Path, file: &FileWrite) {
    let lost: Vec<String> = file.not_kept().iter().map(ToString::to_string).collect();
    if !lost.is_empty() {
        say(program, format_args!("`{}`: could not keep {}", path.display(), lost.join(", ")));
    }
}

/// The text without what a terminal would obey: control characters, and marks that change the direction of writing, as
/// Rust writes them. A name of a file may have all of them.
///
/// # Examples
///
/// ```
/// let name = highwater_examples::escaped("red\u{1b}[31m\nline").to_string();
/// assert_eq!(name, r"red\u{1b}[31m\nline");
/// ```
pub fn escaped(text: impl fmt::Display) -> impl fmt::Display {
    Escaped(text)
}

struct Escaped<T>(T);

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|char| match is_obeyed(char) {
            true => write!(self.0, "{}", char.escape_default()),
            false => self.0.write_char(char),
        })
    }
}

fn is_obeyed(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// An error with all its causes on one line, as a program shows it: [`escaped`], so that each name in it is told exactly.
///
/// # Examples
///
/// ```
/// use highwater::{Error, Result};
/// let missing = Error::from(std::io::Error::from(std::io::ErrorKind::NotFound));
/// let line = highwater_examples::OneLine(&missing.context("cannot open `a`")).to_string();
/// assert_eq!(line, "cannot open `a`: entity not found");
/// ```
#[derive(Debug)]
pub struct OneLine<'a>(pub &'a Error);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", escaped(self.0))?;
        let mut cause = StdError::source(&**self.0);
        while let Some(error) = cause {
            write!(f, ": {}", escaped(error))?;
            cause = error.source();
        }
        Ok(())
    }
}
