//! The table.

use std::fmt;

use crate::contestant::Role;
use crate::results::{MIB, Outcome, Results, Row, Unit};

/// Shows results as one table, with the goals below each subject.
#[derive(Debug)]
pub(crate) struct Table<'a>(pub(crate) &'a Results);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Results { about, subjects } = self.0;
        let names = subjects.iter().flat_map(|subject| {
            let skipped = subject.skipped.iter().map(|skipped| skipped.name);
            subject.rows.iter().map(|row| row.name).chain(skipped)
        });
        let width = names.map(str::len).max().unwrap_or_default();
        for subject in subjects {
            write_subject(f, subject, width)?;
        }
        let empty = about.empty_process_bytes as f64 / MIB;
        writeln!(
            f,
            "\nMedians; rounds: {}. wall, cpu: seconds of the whole process.",
            about.rounds
        )?;
        writeln!(f, "MiB: peak resident memory; a process that does nothing shows {empty:.1}.")?;
        writeln!(f, "ours is: the speed of the first line as a multiple of this one's.")?;
        if subjects.iter().any(|subject| subject.unit == Unit::PercentOfRate) {
            writeln!(
                f,
                "at once: items beyond the rate, in the window in which that was the most."
            )?;
        }
        if let Some(load) = about.machine.was_busy() {
            writeln!(f, "The machine was busy (load {load}): wall times are worth little.")?;
        }
        if about.quick {
            writeln!(
                f,
                "A quick run: everything ran and was correct; its figures and verdicts say nothing."
            )?;
        }
        Ok(())
    }
}

fn write_subject(f: &mut fmt::Formatter<'_>, subject: &Outcome, width: usize) -> fmt::Result {
    let Outcome { id, title, unit, rows, skipped, goals } = subject;
    writeln!(f, "\n{id} {title}")?;
    writeln!(
        f,
        "  {:width$}  {:5}  {:>7} {:>7} {:>8} {:>17} {:>6} {:>8}",
        "",
        "",
        "wall",
        "cpu",
        unit.name(),
        "min..max",
        "MiB",
        "ours is"
    )?;
    for row in rows {
        write_row(f, row, &rows[0], *unit, width)?;
    }
    for skipped in skipped {
        writeln!(f, "  {:width$}  skipped: no {} on the PATH", skipped.name, skipped.needs)?;
    }
    for goal in goals {
        writeln!(f, "  {id}: {}", goal.text)?;
    }
    Ok(())
}

fn write_row(
    f: &mut fmt::Formatter<'_>,
    row: &Row,
    ours: &Row,
    unit: Unit,
    width: usize,
) -> fmt::Result {
    let role = match row.role {
        Role::Ours => "ours",
        Role::Peer => "peer",
        Role::Limit => "limit",
        Role::Aside => "aside",
    };
    let figure = row.figure;
    let digits = match unit {
        Unit::BytesPerConnection => 0,
        Unit::GigabytesPerSecond => 2,
        Unit::NanosecondsPerItem
        | Unit::PercentOfRate
        | Unit::CpuSecondsPerGigabyte
        | Unit::MillisecondsLate => 3,
    };
    let spread = format!("{:.digits$}..{:.digits$}", figure.min, figure.max);
    write!(
        f,
        "  {:width$}  {role:5}  {:7.3} {:7.3} {:8.digits$} {spread:>17} {:6.1} {:7.2}x",
        row.name,
        row.wall.median,
        row.cpu.median,
        figure.median,
        row.peak_bytes as f64 / MIB,
        row.time.median / ours.time.median,
    )?;
    match row.over {
        Some(over) => writeln!(f, "  {:.1} at once", over.items),
        None => writeln!(f),
    }
}
