//! How long a line may be.

/// What becomes of a line that is longer than the maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LongLine {
    /// The stream fails with an [`is_limit`](highwater_core::Error::is_limit) error that says the number of the line
    /// and the offset of its first byte. The lines before it are given first.
    #[default]
    Fail,
    /// Its first bytes, as many as the maximum, are given; the rest is dropped as it comes.
    Truncate,
    /// It is left out. Its number still counts.
    Skip,
}

/// How long a line may be and what becomes of a longer one, as methods of a machine with a
/// [`Split`](crate::split::Split) in its `split`; what stands in the call is added to the documentation of
/// `on_long_line`.
macro_rules! line_length_settings {
    ($(#[$of_this_machine:meta])*) => {
        /// The most bytes a line may have, its ending (`\n` or `\r\n`) not counted. With 0 only empty lines pass. The
        /// default is 1 MiB (2²⁰ bytes).
        #[must_use]
        pub fn with_max_length(mut self, bytes: usize) -> Self {
            self.split.max = bytes;
            self
        }

        /// Lets lines be of any length: a stream without newlines is then held in memory as a whole.
        #[must_use]
        pub fn unlimited_length(self) -> Self {
            self.with_max_length(usize::MAX)
        }

        /// What becomes of a longer line.
        $(#[$of_this_machine])*
        #[must_use]
        pub fn on_long_line(mut self, policy: $crate::LongLine) -> Self {
            self.split.on_long = policy;
            self
        }
    };
}

pub(crate) use line_length_settings;
