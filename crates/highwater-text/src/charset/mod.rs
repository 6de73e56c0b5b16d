//! Charsets other than UTF-8.

mod decode;
mod encode;

use encoding_rs::Encoding;
use highwater_core::{Error, Result};

pub use decode::{DecodeCharset, decode_charset};
pub use encode::{EncodeCharset, encode_charset};

/// Where a decoder or an encoder stands.
///
/// ```text
///           the end            nothing left
///  Flowing ---------> Ending ----------------> Over
///     |                  |
///     +------------------+--> Failing
/// ```
#[derive(Debug)]
enum State {
    Flowing,
    /// The input is over, and there may be something left.
    Ending,
    /// An error to be given behind what is before it.
    Failing(Error),
    Over,
}

/// The charset of a label, as the Encoding Standard has them. Those that it replaces, because they are dangerous, are
/// unknown here.
fn charset(label: &str) -> Result<&'static Encoding> {
    Encoding::for_label_no_replacement(label.as_bytes())
        .ok_or_else(|| Error::msg(format!("unknown charset `{}`", label.escape_debug())))
}
