//! A piece of text that shares the memory of its chunk.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use bytestring::ByteString;
use highwater_core::{Error, Result};

/// A piece of text: UTF-8 that was checked once, in a [`Bytes`] that is cheap to clone.
///
/// It derefs to [`str`], and turns into [`Bytes`] without a copy. Where it can it is a slice of the chunk it came in: to
/// keep little of much, copy it (`text.to_string()`), or it keeps the whole chunk in memory.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_text::Text;
///
/// let text = Text::try_from(Bytes::from("naïve")).expect("UTF-8");
/// assert_eq!(text, "naïve");
/// assert_eq!(text.chars().count(), 5);
/// assert_eq!(Bytes::from(text).len(), 6);
/// assert!(Text::try_from(Bytes::from_static(b"na\xEFve")).is_err());
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(ByteString);

impl Text {
    /// A text that is part of the program.
    pub const fn from_static(text: &'static str) -> Self {
        Self(ByteString::from_static(text))
    }

    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The bytes, without a copy.
    #[inline]
    pub fn into_bytes(self) -> Bytes {
        self.0.into_bytes()
    }

    /// The text from this byte on, which is the first of a character.
    pub(crate) fn skip(&self, bytes: usize) -> Self {
        Self(self.0.slice_ref(&self[bytes..]))
    }

    /// The bytes as text; else how many of them are.
    #[inline]
    pub(crate) fn checked(bytes: Bytes) -> Result<Self, usize> {
        ByteString::try_from(bytes).map(Self).map_err(|error| error.valid_up_to())
    }
}

impl Deref for Text {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Text {
    #[inline]
    fn as_ref(&self) -> &str {
        self
    }
}

impl AsRef<[u8]> for Text {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Borrow<str> for Text {
    #[inline]
    fn borrow(&self) -> &str {
        self
    }
}

/// Fails with [`Error::is_corrupt`] and the offset of the first byte that is wrong.
impl TryFrom<Bytes> for Text {
    type Error = Error;

    fn try_from(bytes: Bytes) -> Result<Self> {
        Self::checked(bytes).map_err(|valid| not_utf8().at_offset(valid as u64))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// Copies.
impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<Text> for Bytes {
    #[inline]
    fn from(text: Text) -> Self {
        text.into_bytes()
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0.into()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// What becomes of what cannot be decoded or encoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Invalid {
    #[default]
    Fail,
    Replace,
}

/// What a text that is none fails with.
#[cold]
pub(crate) fn not_utf8() -> Error {
    Error::corrupt("not valid UTF-8")
}
