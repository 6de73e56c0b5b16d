//! How the text looks.

use csv_core::{Reader, ReaderBuilder, Terminator};

/// How CSV looks, for reading and writing.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_csv::{Csv, Format, ToCsv, Trim};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let semicolons = Format::new().with_delimiter(b';').with_trim(Trim::Fields).no_header();
/// let input = Readable::from_iter([Bytes::from("1; one\n2; 'two'\n")]);
/// let rows = input.pipe(Csv::<(u8, String)>::with_format(semicolons)).to_vec().await?;
/// assert_eq!(rows, [(1, "one".to_owned()), (2, "'two'".to_owned())]);
///
/// let tabs = Format::new().with_delimiter(b'\t').crlf();
/// let text = Readable::from_iter(rows).pipe(ToCsv::with_format(tabs)).to_bytes().await?;
/// assert_eq!(text, "1\tone\r\n2\t'two'\r\n");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
    pub(crate) header: bool,
    pub(crate) flexible: bool,
    pub(crate) row_end: RowEnd,
    trim: Trim,
}

/// The end of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowEnd {
    /// `\n` is written; `\n`, `\r\n` and `\r` are read.
    Any,
    /// `\n` is written and read.
    Lf,
    /// `\r\n` is written; any end is read.
    CrLf,
}

/// Which fields lose the ASCII white space around them, that in quotes as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Trim {
    /// None: white space is data (RFC 4180, section 2).
    #[default]
    None,
    /// The names of the columns.
    Header,
    /// The fields, but not the names of the columns.
    Fields,
    /// All.
    All,
}

impl Format {
    /// Commas, double quotes, a header, rows of the same length, and `\n` where rows are written.
    pub fn new() -> Self {
        let (delimiter, quote, trim) = (b',', Some(b'"'), Trim::None);
        let row_end = RowEnd::Any;
        Self { delimiter, quote, header: true, flexible: false, row_end, trim }
    }

    /// The byte between fields.
    #[must_use]
    pub fn with_delimiter(mut self, byte: u8) -> Self {
        self.delimiter = byte;
        self
    }

    /// The byte around fields with delimiters, quotes or line ends in them; in such a field, two of them are one.
    #[must_use]
    pub fn with_quote(mut self, byte: u8) -> Self {
        self.quote = Some(byte);
        self
    }

    /// Quotes are data like everything else. Only for reading: not every field can be written so.
    #[must_use]
    pub fn no_quotes(mut self) -> Self {
        self.quote = None;
        self
    }

    /// There is no header: the first row is a row, fields are matched by their order, and none is written.
    #[must_use]
    pub fn no_header(mut self) -> Self {
        self.header = false;
        self
    }

    /// Rows may have different numbers of fields.
    #[must_use]
    pub fn flexible(mut self) -> Self {
        self.flexible = true;
        self
    }

    /// Rows are written with `\r\n`, as RFC 4180 has it. Any end is read. The last call of this and
    /// [`lf`](Self::lf) counts.
    #[must_use]
    pub fn crlf(mut self) -> Self {
        self.row_end = RowEnd::CrLf;
        self
    }

    /// Rows end with `\n` only, written and read: a `\r` outside of quotes is data, also directly before the `\n`.
    /// By default `\r\n` and `\r` end a row as well where rows are read.
    #[must_use]
    pub fn lf(mut self) -> Self {
        self.row_end = RowEnd::Lf;
        self
    }

    /// Which fields are trimmed when they are read.
    #[must_use]
    pub fn with_trim(mut self, trim: Trim) -> Self {
        self.trim = trim;
        self
    }

    /// A delimiter or quote that means something else already is a mistake of the program.
    #[track_caller]
    pub(crate) fn check(&self) {
        for byte in [Some(self.delimiter), self.quote].into_iter().flatten() {
            let plain = byte.is_ascii() && !matches!(byte, b'\r' | b'\n');
            assert!(plain, "a delimiter or quote is ASCII and ends no line: {:?}", byte as char);
        }
        assert!(self.quote != Some(self.delimiter), "the delimiter cannot be the quote as well");
    }

    pub(crate) fn trims_header(&self) -> bool {
        matches!(self.trim, Trim::Header | Trim::All)
    }

    pub(crate) fn trims_fields(&self) -> bool {
        matches!(self.trim, Trim::Fields | Trim::All)
    }

    pub(crate) fn parser(&self) -> Reader {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(self.delimiter).quoting(self.quote.is_some());
        if let Some(quote) = self.quote {
            builder.quote(quote);
        }
        if self.row_end == RowEnd::Lf {
            builder.terminator(Terminator::Any(b'\n'));
        }
        builder.build()
    }
}

impl Default for Format {
    fn default() -> Self {
        Self::new()
    }
}
