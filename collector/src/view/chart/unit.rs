//! How values are written, by their unit in the letters of UCUM.

use super::super::text::short;
use crate::time::duration;

/// A day, in seconds.
const DAY: f64 = 86_400.0;

/// What values are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unit {
    kind: Kind,
    /// Whether it is so much a second.
    is_rate: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// Of so many seconds.
    Time(f64),
    /// Of so many bytes.
    Bytes(f64),
    Percent,
    /// A number of things, or of nothing.
    Count(String),
    Other(String),
}

impl Unit {
    /// The unit of an instrument.
    pub(crate) fn of(ucum: &str) -> Unit {
        let kind = match ucum {
            "ns" => Kind::Time(1e-9),
            "us" | "µs" => Kind::Time(1e-6),
            "ms" => Kind::Time(1e-3),
            "s" => Kind::Time(1.0),
            "min" => Kind::Time(60.0),
            "h" => Kind::Time(3600.0),
            "d" => Kind::Time(DAY),
            "By" => Kind::Bytes(1.0),
            "kBy" => Kind::Bytes(1e3),
            "KiBy" => Kind::Bytes(1024.0),
            "MBy" => Kind::Bytes(1e6),
            "MiBy" => Kind::Bytes(1024.0 * 1024.0),
            "GBy" => Kind::Bytes(1e9),
            "GiBy" => Kind::Bytes(1024.0 * 1024.0 * 1024.0),
            "%" => Kind::Percent,
            "" | "1" => Kind::Count(String::new()),
            _ => match ucum.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
                Some(noun) => Kind::Count(short(noun)),
                None => Kind::Other(short(ucum)),
            },
        };
        Unit { kind, is_rate: false }
    }

    /// So much of it a second.
    pub(crate) fn per_second(self) -> Unit {
        Unit { is_rate: true, ..self }
    }

    /// What is counted, for the caption.
    pub(crate) fn noun(&self) -> Option<String> {
        let noun = match &self.kind {
            Kind::Count(noun) | Kind::Other(noun) if !noun.is_empty() => noun.as_str(),
            Kind::Count(_) if self.is_rate => "",
            _ => return None,
        };
        Some(if self.is_rate { format!("{noun}/s") } else { noun.to_owned() })
    }

    /// A value with its unit.
    pub(crate) fn text(&self, value: f64) -> String {
        if value == 0.0 {
            return "0".to_owned();
        }
        let sign = if value < 0.0 { "-" } else { "" };
        let size = value.abs();
        let text = match &self.kind {
            // A second a second is a share.
            Kind::Time(factor) if self.is_rate => return format!("{sign}{} s/s", digits(size * factor)),
            Kind::Time(factor) if size * factor < 1e-9 => format!("{} ns", digits(size * factor * 1e9)),
            Kind::Time(factor) if size * factor >= 100.0 * DAY => {
                format!("{} d", digits(size * factor / DAY))
            }
            Kind::Time(factor) => duration((size * factor * 1e9).round() as u64),
            Kind::Bytes(factor) => bytes(size * factor),
            Kind::Percent => format!("{} %", digits(size)),
            Kind::Count(_) | Kind::Other(_) => digits(size),
        };
        let tail =
            if self.is_rate && matches!(self.kind, Kind::Bytes(_) | Kind::Percent) { "/s" } else { "" };
        format!("{sign}{text}{tail}")
    }

    /// A round number not below a rough one.
    pub(super) fn step(&self, rough: f64) -> f64 {
        match &self.kind {
            Kind::Bytes(factor) => {
                let bytes = rough * factor;
                let base = 1024_f64.powf((bytes.max(1.0).log2() / 10.0).floor());
                let steps = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1024.0];
                let step = steps.into_iter().map(|step| step * base).find(|step| *step >= bytes);
                step.unwrap_or(bytes) / factor
            }
            _ => {
                let base = 10_f64.powf(rough.log10().floor());
                let step =
                    [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * base).find(|step| *step >= rough);
                step.unwrap_or(rough)
            }
        }
    }
}

/// Three significant digits, without zeros behind, and a letter for thousands.
fn digits(value: f64) -> String {
    let (value, letter) = match value {
        999_500_000_000.0.. => return format!("{value:.2e}"),
        999_500_000.0.. => (value / 1e9, "G"),
        999_500.0.. => (value / 1e6, "M"),
        9_999.5.. => (value / 1e3, "k"),
        ..0.000_999_5 => return format!("{value:.2e}"),
        _ => (value, ""),
    };
    let decimals = match value {
        99.95.. => 0,
        9.995.. => 1,
        0.9995.. => 2,
        0.09995.. => 3,
        0.009995.. => 4,
        _ => 5,
    };
    let written = format!("{value:.decimals$}");
    let written = if decimals > 0 { written.trim_end_matches('0').trim_end_matches('.') } else { &written };
    format!("{written}{letter}")
}

/// A size in bytes: `840 B`, `12.5 KiB`, `3 MiB`.
fn bytes(size: f64) -> String {
    const NAMES: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut size = size;
    let mut name = 0;
    while size >= 1000.0 && name + 1 < NAMES.len() {
        size /= 1024.0;
        name += 1;
    }
    format!("{} {}", digits(size), NAMES[name])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(unit: &str, value: f64) -> String {
        Unit::of(unit).text(value)
    }

    #[test]
    fn values_are_written_by_their_unit() {
        let written = [
            text("s", 0.0123),
            text("ms", 1500.0),
            text("s", 1e-10),
            text("s", 86_400.0 * 400.0),
            text("By", 1536.0),
            text("MiBy", 2.5),
            text("%", 12.345),
            text("{request}", 1234.0),
            text("1", 0.25),
            text("Cel", -21.5),
            text("{request}", 12_345.0),
            text("s", f64::MAX),
        ];
        let expected = [
            "12.3 ms",
            "1.50 s",
            "0.1 ns",
            "400 d",
            "1.5 KiB",
            "2.5 MiB",
            "12.3 %",
            "1234",
            "0.25",
            "-21.5",
            "12.3k",
            "2.08e303 d",
        ];
        assert_eq!(written, expected);
    }

    #[test]
    fn rates_are_so_much_a_second() {
        let rate = |unit: &str| Unit::of(unit).per_second();
        assert_eq!((rate("By").text(2048.0), rate("By").noun()), ("2 KiB/s".to_owned(), None));
        assert_eq!(
            (rate("{request}").text(2.0), rate("{request}").noun()),
            ("2".to_owned(), Some("request/s".to_owned()))
        );
        assert_eq!((rate("s").text(0.5), rate("1").noun()), ("0.5 s/s".to_owned(), Some("/s".to_owned())));
    }
}
