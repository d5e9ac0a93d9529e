//! Names as Prometheus's own OTLP receiver makes them, by its default strategy `UnderscoreEscapingWithSuffixes` (B-010, B-011).

use super::family::Kind;

/// The words that Prometheus has for units of UCUM.
const UNITS: [(&str, &str); 25] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("%", "percent"),
];

/// The words behind `per`.
const RATES: [(&str, &str); 7] = [
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

/// The name of a metric with its suffixes; `None` if nothing of it can be in a name.
pub(super) fn metric(name: &str, unit: &str, kind: Kind) -> Option<String> {
    let mut words: Vec<&str> = name.split(|c| !is_of_metric(c)).filter(|word| !word.is_empty()).collect();
    let (main, rate) = suffixes(unit);
    let rate = if rate == "per_" { "" } else { rate.strip_suffix('_').unwrap_or(&rate) };
    let rate = if words.contains(&rate) { "" } else { rate };
    let main = if words.contains(&&*main) { "" } else { &main };
    let main = if rate.is_empty() { main } else { main.strip_suffix('_').unwrap_or(main) };
    words.extend([main, rate].into_iter().filter(|word| !word.is_empty()));
    let last = match kind {
        Kind::Counter => Some("total"),
        Kind::Gauge if unit == "1" => Some("ratio"),
        _ => None,
    };
    if let Some(last) = last {
        words.retain(|word| *word != last);
        words.push(last);
    }
    let name = words.join("_");
    let digit = name.starts_with(|c: char| c.is_ascii_digit());
    let name = if digit { format!("_{name}") } else { name };
    name.contains(|c| c != '_').then_some(name)
}

/// The unit in words, for the metadata.
pub(super) fn unit(unit: &str) -> String {
    let (main, rate) = suffixes(unit);
    let joint = if main.is_empty() || rate.is_empty() { "" } else { "_" };
    let words = format!("{main}{joint}{rate}");
    let words = words.strip_prefix('_').unwrap_or(&words);
    words.strip_suffix('_').unwrap_or(words).to_owned()
}

/// The name of a label; `None` if it has nothing but underscores. Each character that cannot stand becomes one.
pub(super) fn label(key: &str) -> Option<String> {
    let name: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if !name.contains(|c| c != '_') {
        return None;
    }
    Some(match name.as_bytes() {
        [b'0'..=b'9', ..] => format!("key_{name}"),
        [b'_', second, ..] if *second != b'_' => format!("key{name}"),
        _ => name,
    })
}

/// What a unit adds to a name, and what a rate does. What is in braces is a comment (`{request}`).
fn suffixes(unit: &str) -> (String, String) {
    let (main, rate) = unit.split_once('/').unwrap_or((unit, ""));
    let word = |part: &str, table: &[(&str, &str)]| {
        let part = part.trim();
        match table.iter().find(|(code, _)| *code == part) {
            _ if part.contains(['{', '}']) => String::new(),
            Some((_, word)) => (*word).to_owned(),
            None => part.to_owned(),
        }
    };
    let main = if main.trim() == "1" { String::new() } else { word(main, &UNITS) };
    let rate = word(rate, &RATES);
    let rate = if rate.is_empty() { rate } else { format!("per_{rate}") };
    (clean(&main), clean(&rate))
}

/// Runs of what cannot stand become one underscore; none leads.
fn clean(word: &str) -> String {
    let mut clean = String::with_capacity(word.len());
    for c in word.chars().map(|c| if is_of_metric(c) { c } else { '_' }) {
        if c != '_' || !clean.ends_with('_') {
            clean.push(c);
        }
    }
    clean.strip_prefix('_').map(str::to_owned).unwrap_or(clean)
}

fn is_of_metric(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == ':'
}

#[cfg(test)]
mod tests {
    use super::*;

    // B-010, H-089
    #[test]
    fn a_metric_is_named_as_prometheus_names_what_is_pushed() {
        for (name, unit, kind, expected) in [
            ("http.server.request.duration", "s", Kind::Histogram, "http_server_request_duration_seconds"),
            ("http.server.active_requests", "{request}", Kind::UpDown, "http_server_active_requests"),
            ("http.server.request.body.size", "By", Kind::Histogram, "http_server_request_body_size_bytes"),
            ("orders", "", Kind::Counter, "orders_total"),
            ("orders_total", "1", Kind::Counter, "orders_total"),
            ("orders.total.done", "", Kind::Counter, "orders_done_total"),
            ("total", "", Kind::Counter, "total"),
            ("cpu.utilization", "1", Kind::Gauge, "cpu_utilization_ratio"),
            ("cpu.utilization", "1", Kind::UpDown, "cpu_utilization"),
            ("seconds.of.work", "s", Kind::Counter, "seconds_of_work_total"),
            ("speed", "m/s", Kind::Gauge, "speed_meters_per_second"),
            ("speed", "{lap}/min", Kind::Gauge, "speed_per_min"),
            ("rate", "/s", Kind::Gauge, "rate_per_second"),
            ("odd", "a b^2/ c d_", Kind::Gauge, "odd_a_b_2_per_c_d"),
            ("odd", "_x_", Kind::Gauge, "odd_x_"),
            ("odd", "x/{}", Kind::Gauge, "odd_x"),
            ("a..b--c", "%", Kind::Gauge, "a_b_c_percent"),
            ("2xx", "", Kind::Gauge, "_2xx"),
            ("job:rate", "", Kind::Gauge, "job:rate"),
            ("größe", "", Kind::Gauge, "gr_e"),
        ] {
            assert_eq!(metric(name, unit, kind).as_deref(), Some(expected), "{name:?} {unit:?}");
        }
        for name in ["", "...", "é", "_"] {
            assert_eq!(metric(name, "", Kind::Gauge), None, "{name:?}");
        }
    }

    #[test]
    fn a_unit_is_told_in_words() {
        for (code, words) in
            [("s", "seconds"), ("By/s", "bytes_per_second"), ("1", ""), ("{x}", ""), ("/min", "per_min")]
        {
            assert_eq!(unit(code), words, "{code}");
        }
    }

    // B-011
    #[test]
    fn a_label_is_named_as_prometheus_names_what_is_pushed() {
        for (key, expected) in [
            ("http.request.method", Some("http_request_method")),
            ("a..b", Some("a__b")),
            ("1st", Some("key_1st")),
            ("_private", Some("key_private")),
            ("__reserved__", Some("__reserved__")),
            ("né", Some("n_")),
            ("", None),
            ("..", None),
        ] {
            assert_eq!(label(key).as_deref(), expected, "{key:?}");
        }
    }
}
