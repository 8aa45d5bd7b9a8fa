//! What fits a screen: lines and columns, cut in the middle where there is more.

use super::escaped;

/// Lines of a screen that one report may fill.
pub(super) const LINES: usize = 48;
/// Columns of a screen.
const COLUMNS: usize = 120;

/// At most so many lines: the first and the last, and between them how many are cut.
pub(super) fn cut_lines(mut lines: Vec<String>, most: usize) -> Vec<String> {
    if lines.len() > most {
        let last = most.saturating_sub(1) / 3;
        let first = most.saturating_sub(1 + last);
        let cut = lines.len() - first - last;
        lines.splice(first..first + cut, [format!("  .. ({cut} lines are cut)")]);
    }
    lines
}

/// A line of at most a screen's columns: its beginning and its end, and between them how much is cut.
pub(super) fn cut_line(line: &str) -> String {
    /// For the words in the middle.
    const NOTE: usize = 40;
    let length = line.chars().count();
    if length <= COLUMNS {
        return line.to_owned();
    }
    let first: String = line.chars().take((COLUMNS - NOTE) * 2 / 3).collect();
    let last = COLUMNS - NOTE - first.chars().count();
    let cut = length - first.chars().count() - last;
    first + &format!(" ..({cut} characters are cut).. ") + &line.chars().skip(length - last).collect::<String>()
}

/// The lines of a text, each cut: `first` stands in front of the first of them, `others` in front of the others.
pub(super) fn marked(first: &str, others: &str, text: &str) -> Vec<String> {
    let marks = std::iter::once(first).chain(std::iter::repeat(others));
    text.lines().zip(marks).map(|(line, mark)| cut_line(&format!("{mark}{line}"))).collect()
}

/// Bytes as lines of text; of many, those at both ends.
pub(super) fn ends(bytes: &[u8]) -> String {
    const FIRST: usize = 4096;
    const LAST: usize = 1024;
    if bytes.len() <= FIRST + LAST {
        return escaped(bytes);
    }
    let (first, last) = (&bytes[..FIRST], &bytes[bytes.len() - LAST..]);
    let cut = bytes.len() - FIRST - LAST;
    format!("{}\n.. ({cut} bytes are cut)\n{}", escaped(first).trim_end(), escaped(last))
}

/// A command, which is never cut: where it is longer than a line, it goes on in the next as a shell reads it.
pub(super) fn command(before: &str, command: &str) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), before.to_owned());
    for word in command.split(' ') {
        let is_full = line.len() + word.len() + " \\".len() > COLUMNS && line != before;
        if is_full {
            lines.push(line + "\\");
            line = "    ".to_owned();
        }
        line.push_str(word);
        line.push(' ');
    }
    lines.push(line.trim_end().to_owned());
    lines
}
