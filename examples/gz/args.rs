//! The command line.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches, Parser, ValueEnum};

/// Compresses and decompresses like gzip, on several cores.
#[derive(Debug, Parser)]
#[command(name = "gz", version)]
pub(crate) struct Args {
    /// The files; `-` is standard input, and so is nothing. On a terminal, nothing packs and unpacks a sample.
    #[arg(value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Write to this file, and keep the input; `-` is standard output.
    #[arg(short, long, value_name = "OUTPUT", conflicts_with = "test")]
    pub(crate) output: Option<PathBuf>,
    /// Decompress.
    #[arg(short, long)]
    pub(crate) decompress: bool,
    /// Decompress to nowhere: is it whole?
    #[arg(short, long)]
    pub(crate) test: bool,
    /// Write to standard output, and keep the input.
    #[arg(short = 'c', long, conflicts_with = "output")]
    pub(crate) stdout: bool,
    /// Keep the input.
    #[arg(short, long)]
    pub(crate) keep: bool,
    /// Replace a file that exists, follow a link, write compressed data to a terminal; with -d to standard output, copy what
    /// is not compressed.
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Say how much it was and how long it took.
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Cores to compress on [default: all].
    #[arg(short = 'p', long, value_name = "THREADS", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
    /// What becomes of garbage behind compressed data.
    #[arg(long, value_name = "POLICY", default_value = "error")]
    pub(crate) trailing: Garbage,
    /// Show no progress bar.
    #[arg(long)]
    pub(crate) no_progress: bool,
    #[command(flatten)]
    pub(crate) level: Level,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Garbage {
    Error,
    Ignore,
}

/// `-1` to `-9`; the last one counts.
#[derive(Debug)]
pub(crate) struct Level(pub(crate) u32);

impl Level {
    const FLAGS: [&str; 9] = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
}

impl clap::Args for Level {
    fn augment_args(command: Command) -> Command {
        Self::FLAGS.iter().zip('1'..).fold(command, |command, (name, digit)| {
            let flag = Arg::new(*name).short(digit).action(ArgAction::SetTrue);
            command.arg(
                match digit {
                    '1' => flag.long("fast").help("Compress fast"),
                    '9' => flag.long("best").help("Compress well; -6 is the default"),
                    _ => flag.hide(true),
                }
                .overrides_with_all(Self::FLAGS),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Level {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let level = Self::FLAGS.iter().zip(1..).find(|(name, _)| matches.get_flag(name));
        Ok(Self(level.map_or(6, |(_, level)| level)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
