//! What commands print: tables for people, JSON for programs, notes and progress on standard error.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use chrono::{DateTime, Utc};
use comfy_table::{Cell, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::exit::{Exit, Failure};

/// How wide a table is where no terminal says it.
const TABLE_WIDTH_CHARS: u16 = 150;
/// How long a text in a table may be.
const TEXT_WIDTH_CHARS: usize = 80;

/// Whether a command prints for people or for programs.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Format {
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

impl Format {
    /// Prints the value as JSON, or what `table` makes of it.
    ///
    /// # Errors
    /// [`Failure`] when the value cannot be written as JSON.
    pub fn print<T: Serialize>(
        self,
        value: &T,
        table: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        if self.json {
            let text = serde_json::to_string_pretty(value)
                .map_err(|error| Failure::new(Exit::Other, error.to_string()))?;
            line(&text);
        } else {
            line(&table(value));
        }
        Ok(())
    }
}

/// A line on standard output. A reader that has gone away (`| head`) is no failure.
pub fn line(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// A line on standard error that is neither result nor failure.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "note: {text}");
}

/// A table with a head.
pub fn table<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(head);
    if table.width().is_none() {
        table.set_width(TABLE_WIDTH_CHARS);
    }
    for row in rows {
        table.add_row(row.map(Cell::new));
    }
    table.to_string()
}

/// The first line of a text, cut to the width of a table column.
pub fn short(text: &str) -> String {
    let first = text.trim().lines().next().unwrap_or_default();
    if first.chars().count() <= TEXT_WIDTH_CHARS {
        return first.to_owned();
    }
    first
        .chars()
        .take(TEXT_WIDTH_CHARS - 1)
        .chain(['…'])
        .collect()
}

/// A time in UTC, to the second.
pub fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A moving line on standard error for work of unknown length. Nothing is drawn when that is not a terminal.
pub fn spinner(message: &'static str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(message);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// Turns the line into a bar as soon as the length of the work is known.
pub fn advance(bar: &ProgressBar, message: &'static str, done: usize, total: usize) {
    if bar.length() != Some(total as u64) {
        let style = ProgressStyle::with_template("{spinner} {msg} {wide_bar} {pos}/{len}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_length(total as u64);
    }
    bar.set_message(message);
    bar.set_position(done as u64);
}

/// Asks before something is destroyed. `--yes` answers for the person; without a terminal there is nobody to ask.
///
/// # Errors
/// [`Failure`] when the answer is not `yes`.
pub fn confirm(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::new(
            Exit::Refused,
            format!("{question} Refused without a confirmation."),
        )
        .hint("pass --yes to do it without being asked"));
    }
    let _ = write!(io::stderr(), "{question} Type yes to go on: ");
    let _ = io::stderr().flush();
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    if read.is_ok() && answer.trim() == "yes" {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Refused,
        "not confirmed; nothing was changed",
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_its_first_line_and_at_the_width() {
        assert_eq!(short("one\ntwo"), "one");
        assert_eq!(short(&"é".repeat(100)).chars().count(), TEXT_WIDTH_CHARS);
    }
}
