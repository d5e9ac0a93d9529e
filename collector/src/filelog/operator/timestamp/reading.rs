//! What a text says of a time, part by part of a layout.

use super::layout::{Digits, Part};
use jiff::civil::Time;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// What was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reading {
    pub(super) year: Option<i16>,
    pub(super) month: Option<i8>,
    pub(super) day: Option<i8>,
    pub(super) day_of_year: Option<i16>,
    /// Whether the layout has a part of a date.
    pub(super) has_date: bool,
    pub(super) time: Time,
    pub(super) zone: Option<Zone>,
}

/// A time zone, as it is written behind a time.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Zone {
    /// Seconds ahead of UTC.
    Offset(i32),
    /// Its abbreviation.
    Name(String),
}

#[derive(Default)]
struct Hands {
    hour: i8,
    minute: i8,
    second: i8,
    nanosecond: i32,
    is_afternoon: Option<bool>,
}

impl Reading {
    /// Reads a text that has all parts and nothing else.
    pub(super) fn of(parts: &[Part], text: &str) -> Option<Self> {
        let (mut reading, mut hands, mut rest) = (Reading::default(), Hands::default(), text);
        for (index, part) in parts.iter().enumerate() {
            let is_fraction_next = matches!(parts.get(index + 1), Some(Part::Fraction(_)));
            rest = match part {
                Part::Literal(literal) => skipped(literal, rest)?,
                Part::Hour | Part::HalfHour(_) | Part::Minute(_) | Part::Second(_) | Part::Fraction(_) => {
                    hands.read(part, rest, is_fraction_next)?
                }
                Part::Meridiem { is_upper } => {
                    let (word, behind) = rest.split_at_checked(2)?;
                    let words = if *is_upper { ["AM", "PM"] } else { ["am", "pm"] };
                    hands.is_afternoon = Some(words.into_iter().position(|known| known == word)? == 1);
                    behind
                }
                Part::Offset { has_colons, fields } => {
                    let (seconds, behind) = offset(rest, *has_colons, *fields)?;
                    reading.zone = Some(Zone::Offset(seconds));
                    behind
                }
                Part::ZoneName => {
                    let length = rest.bytes().take_while(u8::is_ascii_uppercase).count();
                    reading.zone =
                        Some(Zone::Name(rest.get(..length).filter(|name| name.len() > 2)?.to_owned()));
                    &rest[length..]
                }
                part => reading.read_date(part, rest)?,
            };
        }
        reading.time = hands.time()?;
        rest.is_empty().then_some(reading)
    }

    fn read_date<'t>(&mut self, part: &Part, text: &'t str) -> Option<&'t str> {
        self.has_date = true;
        Some(match part {
            Part::Year { is_short: false } => {
                let (year, rest) = digits(text, 4)?;
                self.year = Some(i16::try_from(year).ok()?);
                rest
            }
            Part::Year { is_short: true } => {
                let (year, rest) = digits(text, 2)?;
                self.year = Some(i16::try_from(if year >= 69 { 1900 + year } else { 2000 + year }).ok()?);
                rest
            }
            Part::Month(form) => {
                let (month, rest) = number(text, *form)?;
                self.month = Some(month);
                rest
            }
            Part::MonthName { is_short } => {
                let (index, rest) = name(text, &MONTHS, *is_short)?;
                self.month = i8::try_from(index + 1).ok();
                rest
            }
            Part::Day(form) => {
                let (day, rest) = number(text, *form)?;
                self.day = Some(day);
                rest
            }
            Part::DayOfYear => {
                let (day, rest) = digits(text, 3)?;
                self.day_of_year = Some(i16::try_from(day).ok()?);
                rest
            }
            Part::Weekday { is_short } => name(text, &WEEKDAYS, *is_short)?.1,
            _ => return None,
        })
    }
}

impl Hands {
    fn read<'t>(&mut self, part: &Part, text: &'t str, is_fraction_next: bool) -> Option<&'t str> {
        let (value, rest) = match part {
            Part::Fraction(_) => (0, text),
            Part::Hour => number(text, Digits::One)?,
            Part::HalfHour(form) | Part::Minute(form) | Part::Second(form) => number(text, *form)?,
            _ => return None,
        };
        match part {
            Part::Hour => self.hour = value,
            Part::HalfHour(_) if value <= 12 => self.hour = value,
            Part::HalfHour(_) => return None,
            Part::Minute(_) => self.minute = value,
            Part::Second(_) => {
                self.second = value;
                // A fraction that the layout does not have is read as well, as Go does.
                if !is_fraction_next && let Some((fraction, behind)) = pointed(rest) {
                    self.nanosecond = fraction;
                    return Some(behind);
                }
            }
            Part::Fraction(None) => {
                let Some((fraction, behind)) = pointed(text) else { return Some(text) };
                self.nanosecond = fraction;
                return Some(behind);
            }
            Part::Fraction(Some(count)) => {
                let digits = text.strip_prefix(['.', ','])?.get(..*count)?;
                let (fraction, behind) = fraction(digits)?;
                self.nanosecond = fraction;
                return behind.is_empty().then(|| &text[1 + count..]);
            }
            _ => return None,
        }
        Some(rest)
    }

    fn time(&self) -> Option<Time> {
        let hour = match (self.is_afternoon, self.hour) {
            (Some(true), hour @ 0..12) => hour + 12,
            (Some(false), 12) => 0,
            (_, hour) => hour,
        };
        Time::new(hour, self.minute, self.second, self.nanosecond).ok()
    }
}

/// White space in a literal is any amount of it, also none at the end of the text.
fn skipped<'t>(literal: &str, text: &'t str) -> Option<&'t str> {
    let (mut literal, mut rest) = (literal, text);
    while let Some(letter) = literal.chars().next() {
        if letter == ' ' {
            if !rest.is_empty() && !rest.starts_with(' ') {
                return None;
            }
            literal = literal.trim_start_matches(' ');
            rest = rest.trim_start_matches(' ');
        } else {
            literal = &literal[letter.len_utf8()..];
            rest = rest.strip_prefix(letter)?;
        }
    }
    Some(rest)
}

/// Exactly so many digits.
fn digits(text: &str, count: usize) -> Option<(i32, &str)> {
    let (digits, rest) = text.split_at_checked(count)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
    Some((digits.parse().ok()?, rest))
}

fn number(text: &str, form: Digits) -> Option<(i8, &str)> {
    let (text, count) = match form {
        Digits::Two => (text, 2),
        Digits::One => (text, 0),
        Digits::Padded => (text.strip_prefix(' ').unwrap_or(text), 0),
    };
    let is_two = text.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    let (number, rest) = digits(text, if count == 2 || is_two { 2 } else { 1 })?;
    Some((i8::try_from(number).ok()?, rest))
}

fn name<'t>(text: &'t str, names: &[&str], is_short: bool) -> Option<(usize, &'t str)> {
    names.iter().enumerate().find_map(|(index, name)| {
        let name = if is_short { &name[..3] } else { name };
        let (word, rest) = text.split_at_checked(name.len())?;
        word.eq_ignore_ascii_case(name).then_some((index, rest))
    })
}

/// The nanoseconds of a fraction with a point or a comma before it.
fn pointed(text: &str) -> Option<(i32, &str)> {
    fraction(text.strip_prefix(['.', ','])?)
}

/// The nanoseconds of the digits that a text begins with; beyond nine they don't count.
pub(super) fn fraction(text: &str) -> Option<(i32, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(length);
    let counted = digits.get(..9).unwrap_or(digits);
    let scale = 10_i32.pow(9 - u32::try_from(counted.len()).ok()?);
    Some((counted.parse::<i32>().ok()? * scale, rest))
}

/// Seconds ahead of UTC.
fn offset(text: &str, has_colons: bool, fields: usize) -> Option<(i32, &str)> {
    if let Some(rest) = text.strip_prefix('Z') {
        return Some((0, rest));
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let mut rest = text.strip_prefix(['+', '-'])?;
    let mut seconds = 0;
    for (index, (unit, most)) in [(3600, 24), (60, 59), (1, 59)].into_iter().take(fields).enumerate() {
        if index > 0 && has_colons {
            rest = rest.strip_prefix(':')?;
        }
        let (value, behind) = digits(rest, 2)?;
        seconds += (value <= most).then_some(value)? * unit;
        rest = behind;
    }
    Some((sign * seconds, rest))
}
