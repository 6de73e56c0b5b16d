//! What a line says: `[time] LEVEL: message`, an object of JSON, or neither.

use std::borrow::Cow;

use serde::Deserialize;

/// How much a line matters. The last is for lines that do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Unparsed,
}

impl Level {
    /// All of them, in the order of [`index`](Self::index).
    pub(crate) const ALL: [Self; 6] =
        [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Unparsed];

    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// As it stands in the files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Unparsed => "UNPARSED",
        }
    }

    /// The level that a word means, whatever its case.
    fn of(word: &[u8]) -> Option<Self> {
        let is = |words: &[&str]| words.iter().any(|w| word.eq_ignore_ascii_case(w.as_bytes()));
        Some(match () {
            () if is(&["INFO", "INFORMATION", "NOTICE"]) => Self::Info,
            () if is(&["ERROR", "ERR", "FATAL", "CRITICAL", "CRIT", "PANIC"]) => Self::Error,
            () if is(&["WARN", "WARNING"]) => Self::Warn,
            () if is(&["DEBUG"]) => Self::Debug,
            () if is(&["TRACE"]) => Self::Trace,
            () => return None,
        })
    }
}

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) level: Level,
    /// The whole line, where it does not say which part of it is the message.
    pub(crate) message: Cow<'a, [u8]>,
}

impl<'a> Record<'a> {
    /// Reads a line. None is refused: what cannot be read is [`Level::Unparsed`].
    pub(crate) fn parse(line: &'a [u8]) -> Self {
        let parsed = if line.starts_with(b"{") { json(line) } else { text(line) };
        parsed.unwrap_or(Self { level: Level::Unparsed, message: Cow::Borrowed(line) })
    }
}

/// `[time] LEVEL: message`. The time may be anything but nothing: the server goes by its own.
fn text(line: &[u8]) -> Option<Record<'_>> {
    let (time, rest) = cut(line.strip_prefix(b"[")?, b']')?;
    let (level, message) = cut(rest, b':')?;
    if time.trim_ascii().is_empty() {
        return None;
    }
    let message = Cow::Borrowed(message.trim_ascii_start());
    Some(Record { level: Level::of(level.trim_ascii())?, message })
}

fn json(line: &[u8]) -> Option<Record<'_>> {
    let Fields { level, message } = serde_json::from_slice(line).ok()?;
    let message = match message? {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    };
    Some(Record { level: Level::of(level?.as_bytes())?, message })
}

/// The keys that are looked at.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, alias = "severity")]
    level: Option<Cow<'a, str>>,
    #[serde(borrow, alias = "msg")]
    message: Option<Cow<'a, str>>,
}

/// The bytes before and behind the first `at`.
fn cut(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let middle = bytes.iter().position(|byte| *byte == at)?;
    Some((&bytes[..middle], &bytes[middle + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn says(line: &str, level: Level, message: &str) {
        let message = Cow::Borrowed(message.as_bytes());
        assert_eq!(Record::parse(line.as_bytes()), Record { level, message }, "{line}");
    }

    #[test]
    fn text_with_time_and_level_is_read() {
        says("[2026-01-02T03:04:05Z] ERROR: disk: full", Level::Error, "disk: full");
        says("[12:00] warn:low", Level::Warn, "low");
        says("[1] Info :  x", Level::Info, "x");
        says("[1] debug:", Level::Debug, "");
        says("[1] FATAL: gone", Level::Error, "gone");
    }

    #[test]
    fn objects_of_json_are_read() {
        says(r#"{"level":"error","message":"a\u001bb"}"#, Level::Error, "a\u{1b}b");
        says(r#"{"msg":"m","time":12,"severity":"Trace","more":{}}"#, Level::Trace, "m");
    }

    /// Whatever it is, it is kept as it is.
    #[test]
    fn what_cannot_be_read_is_marked_and_kept() {
        let lines = [
            "",
            "plain",
            "[] INFO: no time",
            "[ ] INFO: no time",
            "[1] NOBODY: knows",
            "[1] INFO no colon",
            "[1 INFO: no bracket",
            "{",
            "{}",
            r#"{"level":"info"}"#,
            r#"{"level":7,"message":"m"}"#,
            r#"{"level":"info","message":"m"} and more"#,
        ];
        for line in lines {
            says(line, Level::Unparsed, line);
        }
        let line = b"[1] INFO\xff: \xfe";
        assert_eq!(Record::parse(line).level, Level::Unparsed);
        assert_eq!(&*Record::parse(b"[1] INFO: \xfe").message, b"\xfe");
    }

    #[test]
    fn levels_read_back_what_they_are_written_as() {
        for (index, level) in Level::ALL.into_iter().enumerate() {
            assert_eq!(level.index(), index);
            let line = format!("[1] {}: m", level.name());
            let known = level != Level::Unparsed;
            assert_eq!(Record::parse(line.as_bytes()).level, level, "{line}");
            assert_eq!(Level::of(level.name().as_bytes()).is_some(), known);
        }
    }
}
