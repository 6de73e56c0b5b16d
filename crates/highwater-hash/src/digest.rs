//! Digests: to compare, to print, to read.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use highwater_core::{Error, Result};
use subtle::ConstantTimeEq;

use crate::Algorithm;

/// A digest, and the algorithm it is of.
///
/// It is printed as `sha256:` and lower-case hex digits, and read from the same; [`to_hex`](Self::to_hex) and
/// [`from_hex`](Self::from_hex) are without the name. Digits of either case are read.
///
/// Comparing two takes the same time wherever they differ, so that somebody who tries digests does not learn how much of
/// one was right.
///
/// # Examples
///
/// ```
/// use highwater_hash::{Algorithm, Digest};
/// # fn main() -> highwater_core::Result<()> {
/// let published = "sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";
/// let digest: Digest = published.parse()?;
/// assert_eq!(digest, Algorithm::Sha256.digest(b"abc"));
/// assert_eq!(digest.to_string(), published.to_lowercase());
/// # Ok(()) }
/// ```
#[derive(Clone, Copy)]
pub struct Digest {
    algorithm: Algorithm,
    /// As many as the algorithm has; the others are 0.
    bytes: [u8; LONGEST],
}

impl Digest {
    /// Reads hex digits of either case, without anything before, between or behind them.
    ///
    /// # Errors
    ///
    /// [`is_corrupt`](Error::is_corrupt): there are more or fewer digits than the algorithm has, or something is not a
    /// hex digit; [`offset`](Error::offset) says where that is in the text.
    pub fn from_hex(algorithm: Algorithm, text: &str) -> Result<Self> {
        let (digits, expected) = (text.as_bytes(), 2 * algorithm.digest_len());
        if let Some(at) = digits.iter().position(|digit| !digit.is_ascii_hexdigit()) {
            let what = format!("a digest of {algorithm} has something that is no hex digit");
            return Err(Error::corrupt(what).at_offset(at as u64));
        }
        if digits.len() != expected {
            let found = digits.len();
            let what = format!("a digest of {algorithm} has {expected} hex digits, not {found}");
            return Err(Error::corrupt(what));
        }
        Ok(Self::filled(algorithm, |out| {
            for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
                *byte = value(pair[0]) << 4 | value(pair[1]);
            }
        }))
    }

    /// Takes the bytes of a digest, most significant first for those that are numbers.
    ///
    /// # Errors
    ///
    /// [`is_corrupt`](Error::is_corrupt): there are more or fewer than the algorithm has.
    pub fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Result<Self> {
        let (expected, found) = (algorithm.digest_len(), bytes.len());
        if found != expected {
            let what = format!("a digest of {algorithm} has {expected} bytes, not {found}");
            return Err(Error::corrupt(what));
        }
        Ok(Self::filled(algorithm, |out| out.copy_from_slice(bytes)))
    }

    /// `fill` gets as many bytes as the algorithm has.
    pub(crate) fn filled(algorithm: Algorithm, fill: impl FnOnce(&mut [u8])) -> Self {
        let mut bytes = [0; LONGEST];
        fill(&mut bytes[..algorithm.digest_len()]);
        Self { algorithm, bytes }
    }

    /// What it was made with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.algorithm.digest_len()]
    }

    /// Its bytes as lower-case hex digits: what `sha256sum` prints. `{:x}` and `{:X}` print the same without a `String`.
    pub fn to_hex(&self) -> String {
        format!("{self:x}")
    }
}

/// In a time that does not depend on the bytes.
impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && bool::from(self.bytes.ct_eq(&other.bytes))
    }
}

impl Eq for Digest {}

impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.algorithm.hash(state);
        self.as_bytes().hash(state);
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{self:x}", self.algorithm)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl fmt::LowerHex for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::UpperHex for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// The name of the algorithm, a colon, and hex digits of either case.
///
/// # Errors
///
/// There is no colon, no such algorithm, or the digits are not as [`Digest::from_hex`] wants them.
impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let Some((name, digits)) = text.split_once(':') else {
            return Err(Error::corrupt("a digest begins with its algorithm, such as `sha256:`"));
        };
        Self::from_hex(name.parse()?, digits)
    }
}

/// Of a hex digit.
fn value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

/// Bytes of the longest digest.
const LONGEST: usize = 64;
