//! How much may come out.

use highwater_core::{Error, Result};

use crate::output::Output;

/// What is allowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Bytes that come out.
    pub(super) output: u64,
    /// Bytes that come out for each that goes in.
    pub(super) ratio: Option<u32>,
    /// Bytes of the fields of a header.
    pub(super) header: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { output: u64::MAX, ratio: None, header: 64 * 1024 }
    }
}

impl Limits {
    /// How long the next output may be, so that a limit is met at its end, when so many bytes have been made. Where none
    /// are allowed any more there is room for the one that shows that there are more.
    pub(super) fn room(&self, made: u64) -> usize {
        let allowed = (self.output - made).clamp(1, Output::CHUNK as u64);
        usize::try_from(allowed).expect("it is less than a chunk")
    }

    /// Whether more may come out, when so many bytes were made of so many.
    pub(super) fn check(&self, made: u64, taken: u64) -> Result<()> {
        if made >= self.output {
            let what = format!("more than the {} bytes that are allowed come out", self.output);
            return Err(Error::limit(what).at_offset(taken));
        }
        match self.ratio {
            Some(ratio) if made >= BURST && made / u64::from(ratio) > taken => {
                let what = format!(
                    "more than the {ratio} times that are allowed comes out: {made} bytes of {taken}"
                );
                Err(Error::limit(what).at_offset(taken))
            }
            _ => Ok(()),
        }
    }
}

/// So many bytes may come out whatever the ratio: small inputs that shrink well are common, and harmless.
const BURST: u64 = 1 << 20;
