//! Where two texts differ, line by line.

use std::fmt::Write;

/// Fewer lines than that are compared with all their neighbours; more are simply shown.
const MOST_LINES: usize = 2_000;

/// The lines of both: what only the first has with `-`, what only the second has with `+`.
pub(super) fn difference(expected: &str, found: &str) -> String {
    let (expected, found): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    if expected.len().max(found.len()) > MOST_LINES {
        return found.join("\n");
    }
    // In each cell how many lines the rests from there on have in common.
    let mut common = vec![vec![0_usize; found.len() + 1]; expected.len() + 1];
    for (row, old) in expected.iter().enumerate().rev() {
        for (column, new) in found.iter().enumerate().rev() {
            common[row][column] = match old == new {
                true => common[row + 1][column + 1] + 1,
                false => common[row + 1][column].max(common[row][column + 1]),
            };
        }
    }
    let (mut row, mut column, mut text) = (0, 0, String::new());
    while row < expected.len() || column < found.len() {
        let (mark, line) = match (expected.get(row), found.get(column)) {
            (Some(old), Some(new)) if old == new => {
                (row, column) = (row + 1, column + 1);
                (' ', old)
            }
            (Some(old), new) if new.is_none() || common[row + 1][column] >= common[row][column + 1] => {
                row += 1;
                ('-', old)
            }
            (_, Some(new)) => {
                column += 1;
                ('+', new)
            }
            (_, None) => break,
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{mark} {line}");
    }
    text
}

/// The text without the indentation of the code around it, and without empty lines before and after it.
pub(super) fn dedent(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let least = lines.iter().filter(|line| !line.is_empty()).map(|line| indent(line)).min().unwrap_or(0);
    let cut: Vec<&str> = lines.iter().map(|line| line.get(least..).unwrap_or_default()).collect();
    cut.join("\n").trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_has_the_lines_of_both() {
        assert_eq!(difference("a\nb\nc\nd", "a\nx\nc\nd\ne"), "  a\n- b\n+ x\n  c\n  d\n+ e\n");
        assert_eq!(difference("", "a"), "+ a\n");
        assert_eq!(difference("a\nb", ""), "- a\n- b\n");
    }

    #[test]
    fn the_indentation_of_the_code_is_no_part_of_the_text() {
        assert_eq!(dedent("\n        a\n          b\n\n        c\n    "), "a\n  b\n\nc");
        assert_eq!(dedent("a\n  b"), "a\n  b");
        assert_eq!(dedent(""), "");
    }
}
