//! Rows as text. On a terminal a table that is never wider than it, one line a row; piped, one line a
//! row with a tab between the cells and nothing cut, for `grep` and `cut`.

use std::io::IsTerminal;

use comfy_table::{ColumnConstraint, ContentArrangement, Row, Table, presets};

use super::terminal;
use crate::text::one_line;

/// Characters of a cell when piped: a title is at most 500, a failure's message a few hundred.
const MAX_CELL_CHARS: usize = 4096;
/// Characters of a cell on a terminal, except in the column that takes the rest of the line.
const MAX_FIXED_CHARS: usize = 20;
/// The same of a name that is shown whole: longer ones are not names.
const MAX_NAME_CHARS: usize = 48;
/// Characters of an identifier on a terminal: enough to distinguish two of them.
const SHORT_ID_CHARS: usize = 8;
const GAP: u16 = 2;

/// A column; in a table one should be elastic.
pub struct Column {
    title: &'static str,
    is_elastic: bool,
    /// Characters of a cell on a terminal.
    max_chars: usize,
}

impl Column {
    /// As wide as its content.
    #[must_use]
    pub const fn fixed(title: &'static str) -> Self {
        Column { title, is_elastic: false, max_chars: MAX_FIXED_CHARS }
    }

    /// As wide as its content, for names that are typed again.
    #[must_use]
    pub const fn whole(title: &'static str) -> Self {
        Column { title, is_elastic: false, max_chars: MAX_NAME_CHARS }
    }

    /// Cut to what the other columns leave of the line.
    #[must_use]
    pub const fn elastic(title: &'static str) -> Self {
        Column { title, is_elastic: true, max_chars: MAX_CELL_CHARS }
    }
}

/// The width of the terminal that standard output is; `None` when it is piped.
#[must_use]
pub fn terminal_width() -> Option<usize> {
    std::io::stdout().is_terminal().then(terminal::width)
}

/// Foreign text as one harmless line.
#[must_use]
pub fn cell(text: &str) -> String {
    one_line(text, MAX_CELL_CHARS)
}

/// An identifier: its first characters on a terminal, all of it when piped.
#[must_use]
pub fn id_cell(id: &str) -> String {
    let id = cell(id);
    if terminal_width().is_some() { shortened(&id, SHORT_ID_CHARS) } else { id }
}

/// The rows below the titles of their columns, each line with its end.
#[must_use]
pub fn render(columns: &[Column], rows: &[Vec<String>]) -> String {
    match terminal_width() {
        Some(width) => for_terminal(columns, rows, width),
        None => for_pipe(columns, rows),
    }
}

fn for_pipe(columns: &[Column], rows: &[Vec<String>]) -> String {
    let titles = columns.iter().map(|column| column.title).collect::<Vec<_>>().join("\t");
    let rows = rows.iter().map(|row| row.join("\t"));
    std::iter::once(titles).chain(rows).map(|line| line + "\n").collect()
}

fn for_terminal(columns: &[Column], rows: &[Vec<String>], width: usize) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table.set_header(columns.iter().map(|column| column.title));
    for row in rows {
        let cells = row.iter().zip(columns).map(|(cell, column)| shortened(cell, column.max_chars));
        let mut row = Row::from(cells);
        row.max_height(1);
        table.add_row(row);
    }
    let last = columns.len().saturating_sub(1);
    for (at, (column, settings)) in columns.iter().zip(table.column_iter_mut()).enumerate() {
        settings.set_padding((0, if at == last { 0 } else { GAP }));
        if !column.is_elastic {
            settings.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// `text` in lines that fit the terminal; unchanged when piped.
#[must_use]
pub fn wrapped(text: &str) -> String {
    match terminal_width() {
        Some(width) => wrapped_at(text, width),
        None => text.to_owned(),
    }
}

fn wrapped_at(text: &str, width: usize) -> String {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split_whitespace() {
        let length = line.chars().count();
        if length > 0 && length + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        } else if length > 0 {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.join("\n")
}

/// At most `most` characters and a `…`.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most + 1 {
        return text.to_owned();
    }
    text.chars().take(most).chain(std::iter::once('…')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] =
        [Column::fixed("STATE"), Column::elastic("TITLE"), Column::fixed("ID")];

    fn rows() -> Vec<Vec<String>> {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        vec![
            row(["open", "short", "1"]),
            row(["open", &"many words ".repeat(9), "2"]),
            row(["open", &"字".repeat(60), "3"]),
            row([&"x".repeat(90), &"y".repeat(90), ""]),
        ]
    }

    #[test]
    fn a_terminal_gets_one_line_a_row_that_fits() {
        for width in [40, 80, 120] {
            let text = for_terminal(&COLUMNS, &rows(), width);
            assert_eq!(text.lines().count(), 5, "{width}\n{text}");
            let wide = |line: &str| line.chars().map(|c| if c == '字' { 2 } else { 1 }).sum();
            let most: usize = text.lines().map(wide).max().unwrap_or_default();
            assert!(most <= width, "{width}\n{text}");
            assert!(text.contains("many words") && text.contains('…'), "{text}");
        }
    }

    #[test]
    fn a_pipe_gets_everything() {
        let text = for_pipe(&COLUMNS, &rows());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..2], ["STATE\tTITLE\tID", "open\tshort\t1"]);
        assert_eq!(lines[4], format!("{}\t{}\t", "x".repeat(90), "y".repeat(90)));
    }
}
