//! Texts that were sent, as a page shows them: without control characters, folded when they are long.

use crate::time::printable;
use maud::{Markup, html};

/// Longer texts are folded: in characters, and in lines.
const FOLD: usize = 400;
const FOLD_LINES: usize = 12;

/// How much of a folded text is seen, in characters.
const START: usize = 120;

/// Where even an unfolded text is cut, in characters; the JSON has the rest.
const MAX_TEXT: usize = 20_000;

/// How much of a text is seen where there is one line for it, in characters; the JSON has the rest.
const LINE: usize = 300;

/// A name: one line, and something to see even if there is nothing.
pub(crate) fn name(text: &str) -> String {
    if text.is_empty() { "unnamed".to_owned() } else { short(text) }
}

/// The text on one line, cut when it is long.
pub(crate) fn short(text: &str) -> String {
    match start(text, LINE) {
        (shown, true) => printable(shown) + "…",
        (shown, false) => printable(shown),
    }
}

/// The text without control characters, but with its lines and tabs.
fn lines(text: &str) -> String {
    let tabbed = |line: &str| line.split('\t').map(printable).collect::<Vec<_>>().join("\t");
    text.split('\n').map(tabbed).collect::<Vec<_>>().join("\n")
}

/// The first characters, and whether there are more.
fn start(text: &str, count: usize) -> (&str, bool) {
    text.char_indices().nth(count).map_or((text, false), |(at, _)| (&text[..at], true))
}

/// A text of any length.
pub(crate) fn folded(text: &str) -> Markup {
    let (shown, is_cut) = start(text, MAX_TEXT);
    let is_long = start(shown, FOLD).1 || shown.lines().nth(FOLD_LINES).is_some();
    html! {
        @if is_long {
            details {
                summary {
                    span.start { (printable(start(shown.trim_start().lines().next().unwrap_or_default(), START).0)) "… " }
                    span.count { (text.chars().count()) " characters" }
                }
                (lines(shown))
                @if is_cut { span.count { " … the rest is in the JSON" } }
            }
        } @else { (lines(shown)) }
    }
}

/// `1 error`, `2 errors`.
pub(crate) fn several(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The status code of an HTTP response, coloured when it is an error.
pub(crate) fn http_status(status: Option<i64>) -> Markup {
    let tone = match status {
        Some(500..) => "bad",
        Some(400..) => "warn",
        _ => "fine",
    };
    html! { @if let Some(status) = status { span.http.(tone) { (status) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_tabs_stay_and_other_control_characters_are_written_out() {
        assert_eq!(folded("a\n\tb\u{1b}[31m\r").into_string(), "a\n\tb\\u{1b}[31m\\r");
    }

    #[test]
    fn what_has_one_line_is_cut_in_characters_as_they_were_sent() {
        assert_eq!((name(""), short("")), ("unnamed".to_owned(), String::new()));
        assert_eq!(short(&"é".repeat(LINE)), "é".repeat(LINE));
        assert_eq!(short(&"\u{1b}".repeat(LINE + 1)), "\\u{1b}".repeat(LINE) + "…");
    }

    #[test]
    fn long_texts_are_folded_and_the_longest_are_cut() {
        let short = "é".repeat(FOLD);
        assert_eq!(folded(&short).into_string(), short);
        let folded_text = folded(&format!("{short}<")).into_string();
        assert!(folded_text.contains("401 characters") && folded_text.contains("é&lt;</details>"));
        assert!(folded(&"\n".repeat(FOLD_LINES + 1)).into_string().starts_with("<details>"));
        let longest = folded(&"é".repeat(10 * MAX_TEXT)).into_string();
        assert!(longest.len() < 2 * MAX_TEXT + 1000 && longest.contains("the rest is in the JSON"));
    }
}
