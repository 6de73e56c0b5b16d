//! Bar plots as SVG, light or dark as the reader's page is.

use std::fmt;

use crate::contestant::Role;
use crate::results::{MIB, Outcome, Row, Unit};

/// Shows a subject as one bar per contestant: longer is faster, or for a cost per item, slower.
#[derive(Debug)]
pub(crate) struct Plot<'a>(pub(crate) &'a Outcome);

impl fmt::Display for Plot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { id, title, unit, rows, .. } = self.0;
        let height = TOP + LINE * rows.len() + LINE / 2;
        writeln!(
            f,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">"#
        )?;
        writeln!(f, "<title>{id} {}</title>\n<style>{STYLE}</style>", Escaped(title))?;
        let better = match unit {
            Unit::GigabytesPerSecond => "more is better",
            Unit::NanosecondsPerItem
            | Unit::BytesPerConnection
            | Unit::CpuSecondsPerGigabyte
            | Unit::MillisecondsLate => "less is better",
            Unit::PercentOfRate => "100 is right",
        };
        let caption = format!("{id} {title}: {}, {better}", unit.name());
        writeln!(f, r#"<text class="title" x="8" y="24">{}</text>"#, Escaped(&caption))?;
        let most = rows.iter().map(|row| row.figure.median).fold(f64::MIN_POSITIVE, f64::max);
        for (index, row) in rows.iter().enumerate() {
            write_bar(f, row, TOP + LINE * index, most)?;
        }
        writeln!(f, "</svg>")
    }
}

/// One contestant: its name, its bar, its spread as a thin line on the bar, and its figures.
fn write_bar(f: &mut fmt::Formatter<'_>, row: &Row, y: usize, most: f64) -> fmt::Result {
    let scale = |figure: f64| LEFT + figure / most * LONGEST;
    let (end, middle, text) = (scale(row.figure.median), y + BAR / 2, y + BAR / 2 + 5);
    let class = match row.role {
        Role::Ours => "ours",
        Role::Peer => "peer",
        Role::Limit => "limit",
        Role::Aside => "aside",
    };
    let (name, from, to) =
        (Escaped(row.name), scale(row.figure.min), scale(row.figure.max).min(EDGE));
    let (figure, mib) = (row.figure.median, row.peak_bytes as f64 / MIB);
    writeln!(f, r#"<text x="{:.0}" y="{text}" text-anchor="end">{name}</text>"#, LEFT - 8.0)?;
    writeln!(
        f,
        r#"<rect class="{class}" x="{LEFT}" y="{y}" width="{:.1}" height="{BAR}"/>"#,
        end - LEFT
    )?;
    writeln!(f, r#"<path d="M{from:.1} {middle}H{to:.1}"/>"#)?;
    writeln!(
        f,
        r#"<text x="{:.1}" y="{text}">{figure:.2} <tspan class="small">{mib:.0} MiB</tspan></text>"#,
        end.max(to) + 6.0
    )
}

/// Text as it may stand in XML.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(['&', '<', '>']) {
            match part.char_indices().next_back() {
                Some((at, '&')) => write!(f, "{}&amp;", &part[..at])?,
                Some((at, '<')) => write!(f, "{}&lt;", &part[..at])?,
                Some((at, '>')) => write!(f, "{}&gt;", &part[..at])?,
                _ => f.write_str(part)?,
            }
        }
        Ok(())
    }
}

/// Widths and heights, in the units of the picture.
const WIDTH: usize = 860;
const TOP: usize = 44;
const LINE: usize = 28;
const BAR: usize = 18;
const LEFT: f64 = 300.0;
const LONGEST: f64 = 420.0;
const EDGE: f64 = 740.0;

const STYLE: &str = "text{font:14px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600}\
    .small{font-size:11px;fill:#59636e}path{stroke:#1f2328;stroke-opacity:.6}.ours{fill:#0969da}\
    .peer{fill:#afb8c1}.limit{fill:#4ac26b}.aside{fill:#d8dee4}@media(prefers-color-scheme:dark){\
    text{fill:#e6edf3}.small{fill:#9198a1}path{stroke:#e6edf3}.ours{fill:#4493f8}.peer{fill:#656c76}\
    .limit{fill:#2ea043}.aside{fill:#3d444d}}";
