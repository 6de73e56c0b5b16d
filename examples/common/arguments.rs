//! The command line.

use std::ffi::OsString;

use clap::{Error, Parser};

use crate::escaped;

/// Reads the command line. A wrong one ends the program with 2 and a message, `--help` and `--version` with 0.
pub fn arguments<A: Parser>() -> A {
    try_arguments().unwrap_or_else(|error| error.exit())
}

/// [`arguments`] for a program that ends with another code.
///
/// # Errors
///
/// What clap says about the command line, with its arguments [`escaped`].
pub fn try_arguments<A: Parser>() -> Result<A, Error> {
    let given: Vec<OsString> = std::env::args_os().collect();
    A::try_parse_from(&given).map_err(|error| {
        // clap shows arguments as they are: the message is made again for those that a terminal does not obey.
        let shown = given.iter().map(|argument| escaped(argument.display()).to_string());
        A::try_parse_from(shown).err().unwrap_or(error)
    })
}
