//! Ways out: data on standard output, all else on standard error; colour only on a terminal and unless `NO_COLOR`.

use std::io::{IsTerminal, Write};

use comfy_table::{ContentArrangement, Table};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Failure;
use super::arguments::Format;

/// Where results and notes go.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    format: Format,
    quiet: bool,
}

impl Output {
    /// `quiet` leaves notes and progress out.
    pub fn new(format: Format, quiet: bool) -> Self {
        Self { format, quiet }
    }

    /// Whether data is to be printed as JSON.
    pub fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// Whether notes are left out.
    pub fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Prints a line, or several, of data.
    ///
    /// Errors: see [`Failure::printing`].
    pub fn text(self, text: &str) -> Result<(), Failure> {
        let mut out = anstream::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| Failure::printing(&error))
    }

    /// Prints data as indented JSON.
    pub fn json(self, data: &Value) -> Result<(), Failure> {
        self.text(&format!("{data:#}"))
    }

    /// Prints data as JSON on one line, one of many.
    pub fn json_line(self, data: &Value) -> Result<(), Failure> {
        self.text(&data.to_string())
    }

    /// Says something on standard error that is no result, unless quiet.
    pub fn note(self, text: &str) {
        if !self.quiet {
            warn(text);
        }
    }

    /// A progress bar on standard error: seen on a terminal only, and not when quiet.
    pub fn progress(self, label: &str, total: u64) -> ProgressBar {
        let target = if !self.quiet && std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} {eta}")
            .expect("the template names only known keys");
        ProgressBar::with_draw_target(Some(total), target).with_style(style).with_message(label.to_owned())
    }
}

/// Says something on standard error. That nobody reads it is no reason to stop.
pub fn warn(text: &str) {
    writeln!(anstream::stderr().lock(), "{text}").ok();
}

/// Whether standard error takes colour: a terminal that knows colours, and no `NO_COLOR`.
pub fn has_colour() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// Columns without lines, headings in capitals; each row as wide as the headings. Ends without a line break.
pub fn table(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    /// Blanks between two columns.
    const GAP: u16 = 3;
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings.iter().map(|heading| heading.to_uppercase())).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    table.trim_fmt()
}

/// How far `then` is from `now`, in one unit: `now`, `5s ago`, `in 40m`, `3h ago`, `in 12d`. What is past is counted
/// in whole units that have gone by; what is to come is rounded, so that 40 minutes are `in 40m` a moment later.
pub fn relative(then: Timestamp, now: Timestamp) -> String {
    let distance = then.duration_since(now);
    match distance.as_secs() {
        0 => "now".to_owned(),
        ..0 => format!("{} ago", short(distance.abs(), |_| 0)),
        1.. => format!("in {}", short(distance, |unit| unit / 2)),
    }
}

/// The largest unit that fits at least twice, as `kubectl` has it: `90s`, `40m`, `47h`, `12d`. `added` is what of a
/// unit (seconds) is added before the rest is cut off: nothing, or half of it to round.
fn short(duration: SignedDuration, added: impl Fn(i64) -> i64) -> String {
    const UNITS: [(i64, &str); 3] = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let seconds = duration.as_secs();
    let unit = UNITS.into_iter().find(|(length, _)| 2 * length <= seconds);
    match unit {
        Some((length, name)) => format!("{}{name}", seconds.saturating_add(added(length)) / length),
        None => format!("{seconds}s"),
    }
}

/// A number with its noun, in the plural unless it is one.
pub(super) fn counted(count: impl TryInto<u64>, what: &str) -> String {
    let count: u64 = count.try_into().unwrap_or(u64::MAX);
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_one_unit() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let cases = [
            (0, "now"),
            (-1, "1s ago"),
            (1, "in 1s"),
            (119, "in 119s"),
            (120, "in 2m"),
            (40 * 60, "in 40m"),
            (40 * 60 - 1, "in 40m"),
            (7201, "in 2h"),
            (-7199, "119m ago"),
            (-7200, "2h ago"),
            (172_799, "in 48h"),
            (172_800, "in 2d"),
            (-28 * 86_400, "28d ago"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(relative(now + SignedDuration::from_secs(seconds), now), expected);
        }
    }

    #[test]
    fn a_table_has_capital_headings_and_no_lines() {
        let rows = [vec!["staging".to_owned(), "Active".to_owned()], vec!["b".to_owned(), String::new()]];
        assert_eq!(table(&["job", "status"], rows), "JOB       STATUS\nstaging   Active\nb");
    }
}
