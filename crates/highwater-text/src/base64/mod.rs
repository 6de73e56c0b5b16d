//! Base64, both ways.

mod decode;
mod encode;

use base64::engine::GeneralPurpose;
use base64::engine::general_purpose;

pub use decode::{DecodeBase64, decode_base64};
pub use encode::{EncodeBase64, encode_base64};

/// The alphabet and the padding of base64.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_text::{Base64, TextExt};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let bytes = || Readable::from_iter([Bytes::from_static(b"\xFB\xFF")]);
/// assert_eq!(bytes().encode_base64(Base64::Standard).to_bytes().await?, "+/8=");
/// assert_eq!(bytes().encode_base64(Base64::UrlSafeNoPad).to_bytes().await?, "-_8");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Base64 {
    /// With `+` and `/`, padded with `=` to whole groups of four
    /// ([RFC 4648, section 4](https://www.rfc-editor.org/rfc/rfc4648#section-4)).
    Standard,
    /// The same without padding.
    StandardNoPad,
    /// With `-` and `_`, padded with `=` to whole groups of four
    /// ([RFC 4648, section 5](https://www.rfc-editor.org/rfc/rfc4648#section-5)).
    UrlSafe,
    /// The same without padding: what JSON Web Tokens use.
    UrlSafeNoPad,
}

impl Base64 {
    fn engine(self) -> &'static GeneralPurpose {
        match self {
            Self::Standard => &general_purpose::STANDARD,
            Self::StandardNoPad => &general_purpose::STANDARD_NO_PAD,
            Self::UrlSafe => &general_purpose::URL_SAFE,
            Self::UrlSafeNoPad => &general_purpose::URL_SAFE_NO_PAD,
        }
    }

    /// Whether this is a symbol, padding not counted.
    fn has(self, symbol: u8) -> bool {
        let two = if self.unpadded() == Self::StandardNoPad { b"+/" } else { b"-_" };
        symbol.is_ascii_alphanumeric() || two.contains(&symbol)
    }

    fn padded(self) -> Self {
        match self {
            Self::Standard | Self::StandardNoPad => Self::Standard,
            Self::UrlSafe | Self::UrlSafeNoPad => Self::UrlSafe,
        }
    }

    fn unpadded(self) -> Self {
        match self {
            Self::Standard | Self::StandardNoPad => Self::StandardNoPad,
            Self::UrlSafe | Self::UrlSafeNoPad => Self::UrlSafeNoPad,
        }
    }
}
