//! How a time is written: a layout, taken apart.

/// A part of a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// What stands there; white space is any of it.
    Literal(String),
    /// Four digits, or the last two of them.
    Year {
        is_short: bool,
    },
    Month(Digits),
    MonthName {
        is_short: bool,
    },
    Day(Digits),
    DayOfYear,
    Weekday {
        is_short: bool,
    },
    Hour,
    /// Of twelve.
    HalfHour(Digits),
    Meridiem {
        is_upper: bool,
    },
    Minute(Digits),
    Second(Digits),
    /// A point or comma, and so many digits; without a number, as many as there are, if there are any.
    Fraction(Option<usize>),
    /// Hours, and minutes and seconds if there are any in the layout.
    Offset {
        has_colons: bool,
        fields: usize,
    },
    ZoneName,
}

/// How many digits a number has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digits {
    One,
    Two,
    /// With a space in the place of the first of two, or none.
    Padded,
}

/// What Go writes in its example; of two that fit, the longer one stands first.
const EXAMPLES: [(&str, Part); 21] = [
    ("January", Part::MonthName { is_short: false }),
    ("Jan", Part::MonthName { is_short: true }),
    ("Monday", Part::Weekday { is_short: false }),
    ("Mon", Part::Weekday { is_short: true }),
    ("MST", Part::ZoneName),
    ("2006", Part::Year { is_short: false }),
    ("002", Part::DayOfYear),
    ("01", Part::Month(Digits::Two)),
    ("02", Part::Day(Digits::Two)),
    ("03", Part::HalfHour(Digits::Two)),
    ("04", Part::Minute(Digits::Two)),
    ("05", Part::Second(Digits::Two)),
    ("06", Part::Year { is_short: true }),
    ("15", Part::Hour),
    ("1", Part::Month(Digits::One)),
    ("2", Part::Day(Digits::One)),
    ("3", Part::HalfHour(Digits::One)),
    ("4", Part::Minute(Digits::One)),
    ("5", Part::Second(Digits::One)),
    ("PM", Part::Meridiem { is_upper: true }),
    ("pm", Part::Meridiem { is_upper: false }),
];

/// Offsets, behind a `-` or a `Z`.
const OFFSETS: [(&str, Part); 5] = [
    ("07:00:00", Part::Offset { has_colons: true, fields: 3 }),
    ("070000", Part::Offset { has_colons: false, fields: 3 }),
    ("07:00", Part::Offset { has_colons: true, fields: 2 }),
    ("0700", Part::Offset { has_colons: false, fields: 2 }),
    ("07", Part::Offset { has_colons: false, fields: 1 }),
];

/// What the directives of `strptime` are in Go's example.
const DIRECTIVES: [(char, &str); 38] = [
    ('Y', "2006"),
    ('y', "06"),
    ('m', "01"),
    ('q', "1"),
    ('b', "Jan"),
    ('h', "Jan"),
    ('B', "January"),
    ('d', "02"),
    ('e', "_2"),
    ('g', "2"),
    ('a', "Mon"),
    ('A', "Monday"),
    ('H', "15"),
    ('I', "03"),
    ('l', "3"),
    ('p', "PM"),
    ('P', "pm"),
    ('M', "04"),
    ('S', "05"),
    ('L', ".999"),
    ('f', ".999"),
    ('s', ".999"),
    ('Z', "MST"),
    ('z', "-0700"),
    ('w', "-070000"),
    ('i', "-07"),
    ('j', "-07:00"),
    ('k', "-07:00:00"),
    ('D', "01/02/2006"),
    ('x', "01/02/2006"),
    ('F', "2006-01-02"),
    ('T', "15:04:05"),
    ('X', "15:04:05"),
    ('r', "03:04:05 pm"),
    ('R', "15:04"),
    ('c', "Mon Jan 02 15:04:05 2006"),
    ('n', "\n"),
    ('t', "\t"),
];

/// Takes a layout of directives apart.
pub(super) fn strptime(layout: &str) -> Result<Vec<Part>, String> {
    if layout.contains(|letter: char| letter.is_ascii_digit()) {
        return Err(format!("{layout:?} has digits; a layout of strptime has directives: %Y-%m-%d"));
    }
    let mut parts = Vec::new();
    let mut letters = layout.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            push(&mut parts, letter);
            continue;
        }
        match letters.next() {
            Some('%') => push(&mut parts, '%'),
            Some('o') => parts.push(Part::Month(Digits::Padded)),
            directive => {
                let found = DIRECTIVES.iter().find(|(known, _)| Some(*known) == directive);
                let example = found.map(|(_, example)| *example);
                let example = example.ok_or_else(|| {
                    let directive = directive.map_or(String::new(), |letter| letter.to_string());
                    format!("%{directive} in {layout:?} is no directive; see the list of timestamps")
                })?;
                if example == ".999" && !take_point(&mut parts) {
                    return Err(format!("a fraction in {layout:?} has to stand behind a point or a comma"));
                }
                parts.append(&mut gotime(example)?);
            }
        }
    }
    is_any(parts, layout)
}

/// Takes an example apart: the second of January 2006, 15:04:05, seven hours behind UTC.
pub(super) fn gotime(layout: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = layout;
    while let Some(letter) = rest.chars().next() {
        let (part, length) = match letter {
            '.' | ',' => fraction(rest),
            '-' | 'Z' => OFFSETS
                .iter()
                .find(|(example, _)| rest[1..].starts_with(example))
                .map_or((None, 1), |(example, part)| (Some(part.clone()), example.len() + 1)),
            '_' if rest.starts_with("_2") && !rest.starts_with("_2006") => {
                (Some(Part::Day(Digits::Padded)), 2)
            }
            _ => EXAMPLES
                .iter()
                .find(|(example, part)| rest.starts_with(example) && ends(part, &rest[example.len()..]))
                .map_or((None, letter.len_utf8()), |(example, part)| (Some(part.clone()), example.len())),
        };
        match part {
            Some(part) => parts.push(part),
            None => push(&mut parts, letter),
        }
        rest = &rest[length..];
    }
    is_any(parts, layout)
}

/// Whether a short name is not only the beginning of a word.
fn ends(part: &Part, behind: &str) -> bool {
    !matches!(part, Part::MonthName { is_short: true } | Part::Weekday { is_short: true })
        || !behind.starts_with(|letter: char| letter.is_ascii_lowercase())
}

/// The fraction that a layout begins with: `.000` or `.999`.
fn fraction(rest: &str) -> (Option<Part>, usize) {
    let digits = &rest[1..];
    let digit = digits.chars().next().filter(|digit| matches!(digit, '0' | '9'));
    let Some(digit) = digit else { return (None, 1) };
    let length = digits.len() - digits.trim_start_matches(digit).len();
    match digits[length..].starts_with(|letter: char| letter.is_ascii_digit()) {
        true => (None, 1),
        false => (Some(Part::Fraction((digit == '0').then_some(length))), length + 1),
    }
}

fn push(parts: &mut Vec<Part>, letter: char) {
    match parts.last_mut() {
        Some(Part::Literal(text)) => text.push(letter),
        _ => parts.push(Part::Literal(letter.into())),
    }
}

/// Takes the point or comma that the parts end with.
fn take_point(parts: &mut Vec<Part>) -> bool {
    let Some(Part::Literal(text)) = parts.last_mut() else { return false };
    let is_there = text.ends_with(['.', ',']);
    if is_there {
        text.pop();
    }
    if text.is_empty() {
        parts.pop();
    }
    is_there
}

fn is_any(parts: Vec<Part>, layout: &str) -> Result<Vec<Part>, String> {
    if layout.is_empty() { Err("a timestamp needs a layout".to_owned()) } else { Ok(parts) }
}
