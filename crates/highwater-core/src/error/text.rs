//! What an error says, and what it says as a standard error.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::{Error, Inner};

impl Deref for Error {
    type Target = dyn StdError + Send + Sync + 'static;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&*self.0, f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl StdError for Inner {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let cause = self.cause.as_deref()?;
        // Without a message of its own the cause is what Display shows: its cause is next.
        if self.message.is_none() { cause.source() } else { Some(cause) }
    }
}

/// With `{:#}`, the causes follow on the same line.
impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_level(f)?;
        if f.alternate() {
            causes(self).try_for_each(|cause| write!(f, ": {cause}"))?;
        }
        Ok(())
    }
}

/// As `anyhow` prints it, because `fn main() -> Result<()>` does: the message, then the causes and the later errors. With
/// `{:#?}` the fields.
impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return self.fmt_fields(f);
        }
        write!(f, "{self}")?;
        for (index, cause) in causes(self).enumerate() {
            f.write_str(if index == 0 { "\n\nCaused by:\n    " } else { "\n    " })?;
            write!(f, "{cause}")?;
        }
        for (index, later) in self.suppressed.iter().enumerate() {
            f.write_str(if index == 0 { "\n\nLater errors:\n    " } else { "\n    " })?;
            write!(f, "{later:#}")?;
        }
        Ok(())
    }
}

impl Inner {
    fn fmt_fields(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.kind).field("display", &format_args!("{self}"));
        if let Some(cause) = &self.cause {
            out.field("cause", cause);
        }
        if !self.suppressed.is_empty() {
            out.field("suppressed", &self.suppressed);
        }
        out.finish()
    }

    /// This level: the message and the place.
    fn fmt_level(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.message, &self.cause) {
            (Some(message), _) => f.write_str(message)?,
            (None, Some(cause)) => write!(f, "{cause}")?,
            (None, None) => f.write_str(self.kind.describe())?,
        }
        let place = [
            self.stage.map(|name| format!("in {name}")),
            self.line.map(|number| format!("line {number}")),
            self.offset.map(|bytes| format!("byte {bytes}")),
            self.chunk.map(|index| format!("chunk {index}")),
            self.pipeline.as_ref().map(|name| format!("pipeline {name}")),
        ];
        let place: Vec<String> = place.into_iter().flatten().collect();
        if place.is_empty() { Ok(()) } else { write!(f, " ({})", place.join(", ")) }
    }
}

fn causes(error: &Inner) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}

/// What an error said before [`Error::context`] put something in front.
#[derive(Debug)]
pub(super) struct Plain {
    pub(super) message: Option<Cow<'static, str>>,
    pub(super) cause: Option<Arc<dyn StdError + Send + Sync>>,
}

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.as_deref().unwrap_or_default())
    }
}

impl StdError for Plain {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}
