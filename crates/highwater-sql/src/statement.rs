//! Which of several statements failed, and where it is in their text.

use highwater_core::Error;

/// Puts the number of a statement, from 1, in front of its error, and the line and column of a byte of the text, if it is
/// known which one.
#[cold]
pub(crate) fn failed(error: Error, number: usize, sql: &str, offset: Option<usize>) -> Error {
    let before = offset.and_then(|offset| sql.get(..offset));
    error.context(match before {
        Some(before) => {
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
            format!("statement {number}, line {line}, column {column}")
        }
        None => format!("statement {number}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_counted_in_lines_and_letters() {
        let sql = "A;\n  \u{fc}B";
        let at = |offset| failed(Error::msg("x"), 2, sql, offset).to_string();
        assert_eq!(at(None), "statement 2");
        assert_eq!(at(Some(0)), "statement 2, line 1, column 1");
        assert_eq!(at(Some(sql.len() - 1)), "statement 2, line 2, column 4");
        // Inside of a letter there is no place.
        assert_eq!(at(Some(6)), "statement 2");
    }
}
