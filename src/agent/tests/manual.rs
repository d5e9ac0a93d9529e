use crate::agent::schema::{Group, Holds, Key, Kind, Needed, Section, operators, service};

const MANUAL: &str = include_str!("../../../docs/agent.md");

/// Everything behind this line is made from the tables.
const MARK: &str = "## All components and keys\n";

#[test]
fn the_manual_has_the_table_of_components_and_keys() {
    let mut page = Page::default();
    for group in Group::ALL {
        let words = |kind: &&Kind| {
            let former: Vec<String> = kind.former.iter().map(|name| format!("`{name}`")).collect();
            let signals: Vec<&str> = kind.signals.iter().map(|signal| signal.name()).collect();
            format!(
                "| `{}` | {} | {} | {} |\n",
                kind.name,
                former.join(", "),
                signals.join(", "),
                kind.meaning
            )
        };
        let rows: String = group.kinds().iter().map(words).collect();
        page.text += &format!(
            "\n### {}\n\n| kind | also | signals | what it does |\n|---|---|---|---|\n{rows}",
            group.name()
        );
        for kind in group.kinds() {
            page.section(kind.section);
        }
        if group == Group::Receivers {
            page.text += "\n### operators of file_log\n\n| type | what it does |\n|---|---|\n";
            let row = |kind: &&Kind| format!("| `{}` | {} |\n", kind.name, kind.meaning);
            page.text += &operators::KINDS.iter().map(row).collect::<String>();
            operators::KINDS.iter().for_each(|kind| page.section(kind.section));
        }
    }
    page.text += "\n### service\n";
    page.section(&service::SERVICE);
    page.section(&service::PIPELINE);
    let (_, written) = MANUAL.split_once(MARK).unwrap();
    assert_eq!(written, page.text, "write this behind {MARK:?} in docs/agent.md:\n{}", page.text);
}

/// Sections and groups of keys are told once.
#[derive(Default)]
struct Page {
    text: String,
    told: Vec<*const Section>,
    groups: Vec<(*const Key, &'static str)>,
}

impl Page {
    fn section(&mut self, section: &'static Section) {
        if section.keys.iter().all(|group| group.is_empty())
            || self.told.contains(&std::ptr::from_ref(section))
        {
            return;
        }
        self.told.push(section);
        let (mut rows, mut below, mut again) = (String::new(), Vec::new(), String::new());
        let (mut missing, mut idle) = (Vec::new(), Vec::new());
        for group in section.keys {
            if let Some((_, first)) = self.groups.iter().find(|(known, _)| *known == group.as_ptr()) {
                again += &format!("\nAnd as in {first}: {}.\n", names(group));
                continue;
            }
            self.groups.push((group.as_ptr(), section.name));
            for key in *group {
                let told = format!("`{}` ({})", key.name, key.meaning.trim_end_matches('.'));
                match key.holds {
                    Holds::Unsupported => missing.push(told),
                    Holds::Idle => idle.push(told),
                    Holds::Section(part) | Holds::Sections(part) => {
                        below.push(part);
                        rows += &row(key);
                    }
                    _ => rows += &row(key),
                }
            }
        }
        self.text += &format!("\n**{}**\n", section.name);
        if !rows.is_empty() {
            self.text += &format!("\n| key | holds | meaning |\n|---|---|---|\n{rows}");
        }
        self.text += &again;
        for (words, keys) in [("Ignored, and told", idle), ("Not there, faults", missing)] {
            if !keys.is_empty() {
                self.text += &format!("\n{words}: {}.\n", keys.join("; "));
            }
        }
        below.into_iter().for_each(|part| self.section(part));
    }
}

fn names(group: &[Key]) -> String {
    group.iter().map(|key| format!("`{}`", key.name)).collect::<Vec<_>>().join(", ")
}

fn row(key: &Key) -> String {
    let holds = match key.holds {
        Holds::Text => "text".to_owned(),
        Holds::Texts => "list of texts, at least one".to_owned(),
        Holds::AnyTexts => "list of texts".to_owned(),
        Holds::Boolean => "true or false".to_owned(),
        Holds::Count => "number above zero".to_owned(),
        Holds::Limit => "number".to_owned(),
        Holds::Ratio => "number from 0 to 1".to_owned(),
        Holds::Between(least, most) => format!("number from {least} to {most}"),
        Holds::Span => "duration".to_owned(),
        Holds::Interval => "duration above zero".to_owned(),
        Holds::Size => "bytes".to_owned(),
        Holds::Pairs => "names and texts".to_owned(),
        Holds::Words(words) => words.join(" \\| "),
        Holds::Value => "any".to_owned(),
        Holds::Section(section) => section.name.to_owned(),
        Holds::Sections(section) => format!("list of {}", section.name),
        _ => panic!("{}: no words for what it holds", key.name),
    };
    let required = if key.needed == Needed::No { "" } else { ", required" };
    format!("| `{}`{required} | {holds} | {} |\n", key.name, key.meaning)
}
