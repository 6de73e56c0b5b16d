//! How log text and times are shown.

use std::fmt;
use std::time::{Duration, SystemTime};

/// Bytes from a stranger, harmless for a terminal and a page: control characters, also those of C1 and those that turn the
/// direction of text, are written as escapes, and so is what is not UTF-8.
///
/// It shows 200 characters at the most.
pub(crate) struct Escaped<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = SHOWN;
        for chunk in self.0.utf8_chunks() {
            for letter in chunk.valid().chars() {
                if left == 0 {
                    return f.write_str("…");
                }
                left -= 1;
                if letter.is_control() || turns_text(letter) {
                    write!(f, "{}", letter.escape_unicode())?;
                } else {
                    write!(f, "{letter}")?;
                }
            }
            for byte in chunk.invalid() {
                left = left.saturating_sub(1);
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Line and paragraph separators, marks and overrides of direction.
fn turns_text(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A time in UTC to the millisecond: `2026-01-02T03:04:05.678Z`.
pub(crate) struct Utc(pub(crate) SystemTime);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.0.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let (days, seconds) = (since.as_secs() / DAY, since.as_secs() % DAY);
        let (year, month, day) = date(days);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let millis = since.subsec_millis();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

/// The date so many days after 1970-01-01. Years begin in March here, so that a leap day is the last of its year.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + MARCH_0_TO_1970;
    let (era, day) = (days / ERA, days % ERA);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let first = (153 * month + 2) / 5;
    let (year, month_of_year) = (era * 400 + year, if month < 10 { month + 3 } else { month - 9 });
    (year + u64::from(month_of_year <= 2), month_of_year, day - first + 1)
}

const DAY: u64 = 24 * 60 * 60;
/// Days of 400 years.
const ERA: u64 = 146_097;
/// Days from the first of March of the year 0 to 1970.
const MARCH_0_TO_1970: u64 = 719_468;
/// Characters of a line that are shown.
const SHOWN: usize = 200;

/// One line on standard error.
pub(crate) fn say(what: fmt::Arguments<'_>) {
    highwater_examples::say("logserver", what);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F84: nothing that a terminal acts on comes through.
    #[test]
    fn control_bytes_are_escaped() {
        let shown =
            Escaped(b"a\x1b[31mred\r\n\x07\x00\xc2\x9b1m\xe2\x80\xae \xff\xfe\tend").to_string();
        assert_eq!(shown, r"a\u{1b}[31mred\u{d}\u{a}\u{7}\u{0}\u{9b}1m\u{202e} \xff\xfe\u{9}end");
        for byte in 0..=u8::MAX {
            let shown = Escaped(&[byte, b'x']).to_string();
            assert!(shown.chars().all(|letter| !letter.is_control()), "{byte}");
        }
        assert_eq!(Escaped("größer 日本".as_bytes()).to_string(), "größer 日本");
    }

    #[test]
    fn long_lines_are_cut() {
        assert_eq!(Escaped(&[b'x'; 201]).to_string(), "x".repeat(200) + "…");
        assert_eq!(Escaped(&[b'x'; 200]).to_string(), "x".repeat(200));
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        let at = |seconds, millis| {
            let since = Duration::from_secs(seconds) + Duration::from_millis(millis);
            Utc(SystemTime::UNIX_EPOCH + since).to_string()
        };
        assert_eq!(at(0, 0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(951_782_400, 0), "2000-02-29T00:00:00.000Z");
        assert_eq!(at(1_709_251_199, 999), "2024-02-29T23:59:59.999Z");
        assert_eq!(at(1_735_689_600, 1), "2025-01-01T00:00:00.001Z");
        assert_eq!(at(4_102_444_800, 0), "2100-01-01T00:00:00.000Z");
        assert_eq!(at(4_107_542_400, 0), "2100-03-01T00:00:00.000Z");
    }
}
