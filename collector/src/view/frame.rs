//! What all pages have around their content: the way to the others, what the keys do, the style sheet, the script.

use super::asset;
use maud::{DOCTYPE, Markup, html};

/// How often a page without script loads itself again, in seconds.
const REFRESH: u32 = 3;

/// The pages that all pages lead to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    Traces,
    Logs,
    Metrics,
    Map,
    Pipeline,
}

impl Tab {
    const ALL: [Tab; 5] = [Tab::Traces, Tab::Logs, Tab::Metrics, Tab::Map, Tab::Pipeline];

    /// Its name and its path.
    pub(crate) fn place(self) -> (&'static str, &'static str) {
        match self {
            Tab::Traces => ("Traces", "/"),
            Tab::Logs => ("Logs", "/logs"),
            Tab::Metrics => ("Metrics", "/metrics"),
            Tab::Map => ("Map", "/map"),
            Tab::Pipeline => ("Pipeline", "/pipeline"),
        }
    }
}

/// What the keys do. An element with the attribute `data-key` is what its key presses.
const KEYS: [(&str, &[(&str, &str)]); 3] = [
    (
        "Everywhere",
        &[
            ("1 … 5", "Traces, Logs, Metrics, Map, Pipeline"),
            ("/", "to the search"),
            ("j k ↓ ↑", "next and previous row"),
            ("Enter", "open the row"),
            ("p", "pause and go on"),
            ("?", "these keys"),
        ],
    ),
    ("List of traces", &[("x", "mark a row for comparison"), ("c", "compare the marked ones")]),
    (
        "Trace",
        &[
            ("e E", "next and previous error"),
            ("n N", "next and previous match of the search"),
            ("← →", "fold and unfold the row"),
            ("z", "zoom to the selected span"),
            ("0", "the whole time"),
            ("l", "log lines in place"),
            ("Esc", "close the details"),
        ],
    ),
];

/// A page before its content is there.
pub(crate) struct Frame<'a> {
    tab: Option<Tab>,
    title: &'a str,
    is_live: bool,
    reloads: bool,
}

impl<'a> Frame<'a> {
    /// A page with its title; the tab is the one that it belongs to.
    pub(crate) fn new(tab: impl Into<Option<Tab>>, title: &'a str) -> Self {
        Frame { tab: tab.into(), title, is_live: false, reloads: false }
    }

    /// The page shows what arrives: the script brings up to date what has the attributes `id` and `data-live`, which
    /// names the signals it shows, such as `traces logs`, or `time`, which passes once a second.
    pub(crate) fn live(self) -> Self {
        Frame { is_live: true, reloads: true, ..self }
    }

    /// As [`live`](Self::live), but without a script the page stays as it is, for those who read it.
    pub(crate) fn followed(self) -> Self {
        Frame { is_live: true, ..self }
    }

    /// The whole page.
    pub(crate) fn page(self, content: Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    @if self.reloads {
                        noscript { meta http-equiv="refresh" content=(REFRESH); }
                    }
                    title { (self.title) " · throughline" }
                    link rel="icon" href="data:,";
                    link rel="stylesheet" href=(asset::url("/style.css"));
                    script type="module" src=(asset::url("/script/view.js")) {}
                }
                body {
                    a.skip href="#content" { "To the content" }
                    (self.header())
                    main #content tabindex="-1" { (content) }
                    (keys())
                }
            }
        }
    }

    fn header(&self) -> Markup {
        html! {
            header.top {
                a.brand href="/" {
                    svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" {
                        rect.thread-a x="2" y="4" width="13" height="4" rx="2" {}
                        rect.thread-b x="7" y="10" width="15" height="4" rx="2" {}
                        rect.thread-c x="11" y="16" width="8" height="4" rx="2" {}
                    }
                    "throughline"
                }
                nav.tabs aria-label="Pages" {
                    @for (place, tab) in Tab::ALL.into_iter().enumerate() {
                        @let (name, path) = tab.place();
                        @let here = (self.tab == Some(tab)).then_some("page");
                        a href=(path) data-key=(place + 1) aria-current=[here] { (name) }
                    }
                }
                div.tools {
                    @if self.is_live {
                        button.live #live type="button" data-key="p" aria-pressed="false" hidden { "Live" }
                    }
                    button.help type="button" data-key="?" data-dialog="keys" title="Keys (?)" hidden { "?" }
                }
            }
        }
    }
}

fn keys() -> Markup {
    html! {
        dialog #keys aria-labelledby="keys-title" {
            form method="dialog" { button.close aria-label="Close" { "×" } }
            h2 #keys-title { "Keys" }
            @for (place, keys) in KEYS {
                h3 { (place) }
                dl.keys {
                    @for (names, what) in keys {
                        dt { @for name in names.split(' ') { @if name == "…" { " … " } @else { kbd { (name) } } } }
                        dd { (what) }
                    }
                }
            }
        }
    }
}

/// A page that has nothing to show, and why.
pub(crate) fn empty(heading: &str, content: Markup) -> Markup {
    html! {
        section.empty {
            h1 { (heading) }
            (content)
        }
    }
}
