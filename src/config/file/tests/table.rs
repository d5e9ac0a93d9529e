use crate::config::file::schema::{Holds, Key, Needed, SECTIONS, pull, views};

#[test]
fn the_page_of_keys_is_the_table_of_keys() {
    let mut page = String::new();
    // Groups of keys that several sections share are told once.
    let mut told: Vec<(*const Key, &str)> = Vec::new();
    for section in SECTIONS.iter().chain(pull::SECTIONS).chain(views::SECTIONS) {
        let one = if section.one { ", one of" } else { "" };
        page += &format!("\n**{}**{one}\n", section.name);
        let mut rows = String::new();
        let (mut again, mut foreign, mut renamed) = (String::new(), Vec::new(), Vec::new());
        for group in section.keys {
            if let Some((_, first)) = told.iter().find(|(known, _)| *known == group.as_ptr()) {
                again += &format!("\nAs in {first}: {}.\n", names(group));
                continue;
            }
            told.push((group.as_ptr(), section.name));
            for key in *group {
                match key.holds {
                    Holds::Foreign => foreign.push(format!("`{}`", key.name)),
                    Holds::Renamed(now) => renamed.push(format!("`{}` (now {now})", key.name)),
                    _ => rows += &row(key),
                }
            }
        }
        if !rows.is_empty() {
            page += &format!("\n| key | holds | meaning |\n|---|---|---|\n{rows}");
        }
        page += &again;
        if !foreign.is_empty() {
            page += &format!("\nFor others, passed over: {}.\n", foreign.join(", "));
        }
        if !renamed.is_empty() {
            page += &format!("\nOf drafts, faults: {}.\n", renamed.join(", "));
        }
    }
    assert_eq!(include_str!("../keys.md"), page, "write this into src/config/file/keys.md:\n{page}");
}

fn names(group: &[Key]) -> String {
    group.iter().map(|key| format!("`{}`", key.name)).collect::<Vec<_>>().join(", ")
}

fn row(key: &Key) -> String {
    let holds = match key.holds {
        Holds::Text => "text".into(),
        Holds::Texts => "list of texts, at least one".into(),
        Holds::AnyTexts => "list of texts".into(),
        Holds::Boolean => "true or false".into(),
        Holds::Count => "number above zero".into(),
        Holds::Limit => "number".into(),
        Holds::Time => "milliseconds".into(),
        Holds::Pause => "milliseconds above zero".into(),
        Holds::Ratio => "number from 0 to 1".into(),
        Holds::Between(least, most) => format!("number from {least} to {most}"),
        Holds::Numbers => "list of numbers".into(),
        Holds::Words(words) => words.join(" \\| "),
        Holds::Value => "value".into(),
        Holds::Span => "duration".into(),
        Holds::Interval => "duration above zero".into(),
        Holds::Size => "bytes".into(),
        Holds::Pairs => "names and texts".into(),
        Holds::Name => "nothing".into(),
        Holds::Section(section) => section.name.to_owned(),
        Holds::Sections(section) => format!("list of {}", section.name),
        Holds::Unsupported => "**not supported**".into(),
        Holds::Idle => "ignored, with a warning".into(),
        Holds::Foreign | Holds::Renamed(_) => String::new(),
    };
    let required = if key.needed == Needed::No { "" } else { ", required" };
    format!("| `{}`{required} | {holds} | {} |\n", key.name, key.meaning)
}
