//! The table: what was measured, of us, of Go, their ratio, and what it is to be.

use serde::{Deserialize, Serialize};
use std::fmt;

/// In bytes.
pub const MEBIBYTE: f64 = 1_048_576.0;

/// One line of the table.
#[derive(Debug, Serialize, Deserialize)]
pub struct Row {
    what: String,
    ours: f64,
    unit: Unit,
    /// What stands beside it, for example the Go program.
    beside: Option<f64>,
    target: Target,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Unit {
    Milliseconds,
    Mebibytes,
    /// Of 1,000 bytes.
    Kilobytes,
    /// Mebibytes in a second.
    Rate,
    /// Time over a line, in round trips of it.
    RoundTrips,
}

/// What a measurement is to be.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Target {
    /// At most this part of what stands beside it.
    Ratio(f64),
    /// At least this part of what stands beside it.
    AtLeastRatio(f64),
    /// At most this, in its unit.
    AtMost(f64),
    /// At least this, in its unit.
    AtLeast(f64),
    /// There is none; the row explains another.
    None,
}

impl Row {
    pub fn new(what: impl Into<String>, ours: f64, unit: Unit, target: Target) -> Self {
        Self { what: what.into(), ours, unit, beside: None, target }
    }

    pub fn beside(mut self, other: f64) -> Self {
        self.beside = Some(other);
        self
    }

    fn ratio(&self) -> Option<f64> {
        self.beside.map(|beside| self.ours / beside)
    }

    fn met(&self) -> Option<bool> {
        match self.target {
            Target::Ratio(most) => self.ratio().map(|ratio| ratio <= most),
            Target::AtLeastRatio(least) => self.ratio().map(|ratio| ratio >= least),
            Target::AtMost(most) => Some(self.ours <= most),
            Target::AtLeast(least) => Some(self.ours >= least),
            Target::None => None,
        }
    }

    fn cells(&self) -> [String; 6] {
        let target = match self.target {
            Target::Ratio(most) => format!("ratio ≤ {most}"),
            Target::AtLeastRatio(least) => format!("ratio ≥ {least}"),
            Target::AtMost(most) => format!("≤ {}", self.unit.show(most)),
            Target::AtLeast(least) => format!("≥ {}", self.unit.show(least)),
            Target::None => String::new(),
        };
        [
            self.what.clone(),
            self.unit.show(self.ours),
            self.beside.map(|beside| self.unit.show(beside)).unwrap_or_default(),
            self.ratio().map(|ratio| format!("{ratio:.2}")).unwrap_or_default(),
            target,
            self.met().map(|met| if met { "yes" } else { "NO" }.to_owned()).unwrap_or_default(),
        ]
    }
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Milliseconds => format!("{value:.1} ms"),
            Self::Mebibytes => format!("{value:.1} MiB"),
            Self::Kilobytes => format!("{value:.1} kB"),
            Self::Rate => format!("{value:.2} MiB/s"),
            Self::RoundTrips => format!("{value:.2} trips"),
        }
    }
}

/// The rows, shown as a Markdown table.
#[derive(Default)]
pub struct Table(Vec<Row>);

impl Extend<Row> for Table {
    fn extend<T: IntoIterator<Item = Row>>(&mut self, rows: T) {
        self.0.extend(rows);
    }
}

const HEAD: [&str; 6] = ["", "ours", "beside", "ratio", "target", "met"];

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<[String; 6]> = std::iter::once(HEAD.map(str::to_owned)).chain(self.0.iter().map(Row::cells)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 6] = std::array::from_fn(width);
        for (number, row) in rows.iter().enumerate() {
            line(f, row, &widths)?;
            if number == 0 {
                line(f, &widths.map(|width| "-".repeat(width)), &widths)?;
            }
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, row: &[String; 6], widths: &[usize; 6]) -> fmt::Result {
    for (cell, width) in row.iter().zip(widths) {
        write!(f, "| {cell:<width$} ")?;
    }
    writeln!(f, "|")
}
