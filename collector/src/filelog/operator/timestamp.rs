//! When it happened.

mod layout; // how it is written
mod reading; // what was written

use super::Outcome;
use crate::filelog::entry::{Entry, Field, Value};
use jiff::{Timestamp as Instant, ToSpan, civil::DateTime, tz::TimeZone};
use layout::Part;
use reading::{Reading, Zone};

/// How a time is written.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Timestamp {
    /// Where it is.
    pub parse_from: Field,
    /// The language of the layout.
    pub layout_type: LayoutType,
    /// The layout: `%Y-%m-%dT%H:%M:%S.%LZ`.
    pub layout: String,
    /// The time zone of times that name none, by its name in the time zone database: `Europe/Paris`. Default: UTC for a
    /// layout that ends with `Z`, else that of this machine.
    pub location: Option<String>,
    /// Abbreviations of zones, with the names of the zones that they mean before all others. Default: none.
    pub time_zone_locations: Vec<(String, String)>,
}

impl Timestamp {
    /// A time as `strptime` reads it.
    pub fn new(parse_from: Field, layout: impl Into<String>) -> Self {
        let (layout_type, layout) = (LayoutType::default(), layout.into());
        Timestamp { parse_from, layout_type, layout, location: None, time_zone_locations: Vec::new() }
    }
}

/// The language of a layout of times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LayoutType {
    /// Directives: `%Y-%m-%d`.
    #[default]
    Strptime,
    /// An example: `2006-01-02`.
    GoTime,
    /// A number since 1970, in the unit that the layout names: `s`, `ms`, `us`, `ns`, `s.ms`, `s.us`, `s.ns`.
    Epoch,
}

/// The zones that times may be in.
#[derive(Clone, Debug)]
struct Zones {
    /// Of those that name none.
    own: TimeZone,
    named: Vec<(String, TimeZone)>,
}

/// A timestamp, ready to be read.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    parse_from: Field,
    face: Face,
}

#[derive(Clone, Debug)]
enum Face {
    Layout(Vec<Part>, Zones),
    /// Nanoseconds of a unit; and how many digits may follow a point, if there may be one.
    Epoch(i128, Option<u32>),
}

impl Clock {
    pub(super) fn new(timestamp: &Timestamp) -> Result<Self, String> {
        let Timestamp { parse_from, layout_type, layout, location, time_zone_locations } = timestamp;
        let parts = match layout_type {
            LayoutType::Strptime => layout::strptime(layout)?,
            LayoutType::GoTime => layout::gotime(layout)?,
            LayoutType::Epoch => {
                return Ok(Clock { parse_from: parse_from.clone(), face: epoch(layout)? });
            }
        };
        let zone =
            |name: &str| TimeZone::get(name).map_err(|_| format!("{name:?} is no time zone of this machine"));
        let own = match location.as_deref() {
            Some(name) => zone(name)?,
            None if layout.ends_with('Z') && !layout.ends_with("%Z") => TimeZone::UTC,
            None => TimeZone::system(),
        };
        let named = time_zone_locations.iter().map(|(name, location)| Ok((name.clone(), zone(location)?)));
        let zones = Zones { own, named: named.collect::<Result<_, String>>()? };
        Ok(Clock { parse_from: parse_from.clone(), face: Face::Layout(parts, zones) })
    }

    /// Reads the time and puts it where it belongs.
    pub(super) fn apply(&self, entry: &mut Entry) -> Outcome {
        let value = self.parse_from.value(entry).ok_or_else(|| format!("there is no {}", self.parse_from))?;
        let time = match (&self.face, value) {
            (Face::Layout(..), Value::Text(text)) => self.nanoseconds(text, entry.observed)?,
            (Face::Layout(..), other) => return Err(format!("a time is a text, not {}", other.kind()).into()),
            (Face::Epoch(unit, digits), value) => nanoseconds(count(value, *unit, *digits))?,
        };
        entry.timestamp = Some(time);
        Ok(())
    }

    /// The nanoseconds since 1970 that a text says; what it leaves out is as it is now.
    pub(super) fn nanoseconds(&self, text: &str, now: u64) -> Result<u64, std::borrow::Cow<'static, str>> {
        let Face::Layout(parts, zones) = &self.face else { return Err("this is a count".into()) };
        let reading = Reading::of(parts, text).ok_or("the time is not written as the layout says")?;
        let civil = whole(&reading, now, &zones.own).ok_or("there is no such time")?;
        let instant = match &reading.zone {
            Some(Zone::Offset(seconds)) => {
                let utc = civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
                utc.and_then(|instant| instant.checked_sub(i64::from(*seconds).seconds()).ok())
            }
            Some(Zone::Name(name)) => named(civil, name, zones)?,
            None => zones.own.to_timestamp(civil).ok(),
        };
        nanoseconds(instant.map(Instant::as_nanosecond))
    }
}

fn nanoseconds(time: Option<i128>) -> Result<u64, std::borrow::Cow<'static, str>> {
    let time = time.ok_or("the time is not written as the layout says")?;
    u64::try_from(time).map_err(|_| "a time before 1970 or after 2554 cannot be sent".into())
}

/// The time with the date, or the year, that was left out.
fn whole(reading: &Reading, now: u64, zone: &TimeZone) -> Option<DateTime> {
    let today = || {
        let now = Instant::from_nanosecond(i128::from(now)).ok()?;
        Some(zone.to_datetime(now).date())
    };
    let at = |year| {
        let date = match reading.day_of_year {
            Some(day) => jiff::civil::Date::new(year, 1, 1).ok()?.with().day_of_year(day).build().ok()?,
            None => {
                jiff::civil::Date::new(year, reading.month.unwrap_or(1), reading.day.unwrap_or(1)).ok()?
            }
        };
        Some(date.to_datetime(reading.time))
    };
    match reading.year {
        Some(year) => at(year),
        None if !reading.has_date => Some(today()?.to_datetime(reading.time)),
        None => {
            let today = today()?;
            let last = || at(today.year() - 1);
            match at(today.year()) {
                // What would be more than a week ahead was last year.
                Some(time) if time.date() > today.checked_add(7.days()).ok()? => last(),
                // A day that only leap years have.
                None => last(),
                time => time,
            }
        }
    }
}

/// The instant in the zone with this abbreviation: that of the location, or one that is called so.
fn named(civil: DateTime, name: &str, zones: &Zones) -> Result<Option<Instant>, String> {
    if let Some((_, zone)) = zones.named.iter().find(|(known, _)| known == name) {
        return Ok(zone.to_timestamp(civil).ok());
    }
    if name == "UTC" {
        return Ok(TimeZone::UTC.to_timestamp(civil).ok());
    }
    let instant = zones.own.to_timestamp(civil).ok();
    if instant.is_some_and(|instant| zones.own.to_offset_info(instant).abbreviation() == name) {
        return Ok(instant);
    }
    match TimeZone::get(name) {
        Ok(zone) => Ok(zone.to_timestamp(civil).ok()),
        Err(_) => Err("its time zone is none of the location, nor one of this machine".to_owned()),
    }
}

fn epoch(layout: &str) -> Result<Face, String> {
    Ok(match layout {
        "s" => Face::Epoch(1_000_000_000, None),
        "ms" => Face::Epoch(1_000_000, None),
        "us" => Face::Epoch(1000, None),
        "ns" => Face::Epoch(1, None),
        "s.ms" => Face::Epoch(1_000_000_000, Some(3)),
        "s.us" => Face::Epoch(1_000_000_000, Some(6)),
        "s.ns" => Face::Epoch(1_000_000_000, Some(9)),
        _ => return Err(format!("{layout:?} is no layout of epochs; use s, ms, us, ns, s.ms, s.us or s.ns")),
    })
}

/// The nanoseconds of a number in a unit.
fn count(value: &Value, unit: i128, digits: Option<u32>) -> Option<i128> {
    match (value, digits) {
        (Value::Integer(count), _) => Some(i128::from(*count) * unit),
        (Value::Double(count), None) => Some(i128::from(*count as i64) * unit),
        (Value::Double(count), Some(digits)) => {
            let steps = 10_f64.powi(digits.cast_signed());
            Some((count * steps).round() as i128 * (unit / 10_i128.pow(digits)))
        }
        (Value::Text(text), None) => Some(i128::from(text.parse::<i64>().ok()?) * unit),
        (Value::Text(text), Some(_)) => {
            let (seconds, fraction) = text.split_once('.')?;
            let fraction = reading::fraction(fraction).filter(|(_, rest)| rest.is_empty())?.0;
            Some(i128::from(seconds.parse::<i64>().ok()?) * unit + i128::from(fraction))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
