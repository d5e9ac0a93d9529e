//! What a scraper asks for, and what it gets (B-021).

use super::Format;

/// More members of a header are not looked at.
const MOST_MEMBERS: usize = 64;

/// The kinds of page there are, by the media types that Prometheus knows.
///
/// ```
/// use throughline_sender::exposition::MediaType;
///
/// let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,*/*;q=0.2";
/// assert_eq!(MediaType::negotiate(prometheus), MediaType::OpenMetrics1_0_0);
/// assert_eq!(MediaType::negotiate(""), MediaType::Text0_0_4);
/// assert_eq!(MediaType::Text0_0_4.content_type(), "text/plain; version=0.0.4; charset=utf-8");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MediaType {
    /// Prometheus's text, which everybody reads. No exemplars.
    #[default]
    Text0_0_4,
    /// The same text under the version in which names may be UTF-8; here they are not.
    Text1_0_0,
    /// OpenMetrics, with exemplars.
    OpenMetrics1_0_0,
    /// The same, for who asks for OpenMetrics without a version, or for its draft.
    OpenMetrics0_0_1,
}

use MediaType::{OpenMetrics0_0_1, OpenMetrics1_0_0, Text0_0_4, Text1_0_0};

impl MediaType {
    /// In the order in which they are taken where a member of the header has room for several.
    const ALL: [MediaType; 4] = [Text0_0_4, Text1_0_0, OpenMetrics1_0_0, OpenMetrics0_0_1];

    /// The first of the header's members, by their `q`, that is one of these; text 0.0.4 if none is, or if there is no
    /// header. An `escaping` is taken and changes nothing: no name has anything to escape.
    pub fn negotiate(accept: &str) -> Self {
        let mut members: Vec<Member<'_>> =
            accept.split(',').take(MOST_MEMBERS).filter_map(Member::read).collect();
        members.sort_by(|one, other| other.order().total_cmp(&one.order()));
        let fitting = |member: &Member<'_>| Self::ALL.into_iter().find(|known| member.fits(*known));
        members.iter().find_map(fitting).unwrap_or_default()
    }

    /// The value of the header `content-type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Text0_0_4 => "text/plain; version=0.0.4; charset=utf-8",
            Text1_0_0 => "text/plain; version=1.0.0; charset=utf-8; escaping=underscores",
            OpenMetrics1_0_0 => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
            }
            OpenMetrics0_0_1 => "application/openmetrics-text; version=0.0.1; charset=utf-8",
        }
    }

    /// The form of the page.
    pub fn format(self) -> Format {
        match self {
            Text0_0_4 | Text1_0_0 => Format::Text,
            OpenMetrics1_0_0 | OpenMetrics0_0_1 => Format::OpenMetrics,
        }
    }

    fn parts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Text0_0_4 => ("text", "plain", "0.0.4"),
            Text1_0_0 => ("text", "plain", "1.0.0"),
            OpenMetrics1_0_0 => ("application", "openmetrics-text", "1.0.0"),
            OpenMetrics0_0_1 => ("application", "openmetrics-text", "0.0.1"),
        }
    }
}

/// Whether a header `accept-encoding` has gzip in it.
pub fn takes_gzip(accept_encoding: &str) -> bool {
    let mut codings = accept_encoding.split(',').take(MOST_MEMBERS).map(|member| {
        let mut parts = member.split(';').map(str::trim);
        (parts.next().unwrap_or_default(), quality(parts))
    });
    codings.any(|(name, quality)| name.eq_ignore_ascii_case("gzip") && quality > 0.0)
}

/// One member of a header `accept`.
struct Member<'a> {
    kind: &'a str,
    form: &'a str,
    version: Option<&'a str>,
    quality: f64,
}

impl<'a> Member<'a> {
    /// `None`: it is nothing, or is refused with a `q` of 0.
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, form) = parts.next()?.split_once('/')?;
        let quality = quality(parts.clone());
        let version = parts.find_map(|part| parameter(part, "version"));
        (quality > 0.0).then_some(Member { kind, form, version, quality })
    }

    /// What is named goes before what is meant by a star.
    fn order(&self) -> f64 {
        let stars = [self.kind, self.form].into_iter().filter(|part| *part == "*").count();
        self.quality - stars as f64 * f64::EPSILON
    }

    fn fits(&self, known: MediaType) -> bool {
        let (kind, form, version) = known.parts();
        let is = |asked: &str, known: &str| asked == "*" || asked.eq_ignore_ascii_case(known);
        let asked = self.version.unwrap_or(match (self.kind, self.form) {
            (_, "*") => version,
            (_, form) if form.eq_ignore_ascii_case("plain") => "0.0.4",
            _ => "0.0.1",
        });
        is(self.kind, kind) && is(self.form, form) && asked == version
    }
}

fn quality<'a>(mut parameters: impl Iterator<Item = &'a str>) -> f64 {
    let written = parameters.find_map(|part| parameter(part, "q"));
    written.and_then(|text| text.parse().ok()).filter(|number| (0.0..=1.0).contains(number)).unwrap_or(1.0)
}

fn parameter<'a>(part: &'a str, name: &str) -> Option<&'a str> {
    let (found, value) = part.split_once('=')?;
    found.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    // B-021
    #[test]
    fn a_scraper_gets_the_best_of_what_it_asks_for() {
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
            application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
            text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        let prometheus_2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let native = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,\
            text/plain;version=0.0.4;q=0.5";
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (accept, expected) in [
            ("", Text0_0_4),
            ("*/*", Text0_0_4),
            (browser, Text0_0_4),
            (prometheus_3, OpenMetrics1_0_0),
            (prometheus_2, OpenMetrics1_0_0),
            (native, Text0_0_4),
            ("text/plain", Text0_0_4),
            ("text/*", Text0_0_4),
            ("text/plain; version=1.0.0", Text1_0_0),
            ("text/plain; version=2.0.0", Text0_0_4),
            ("application/*", OpenMetrics1_0_0),
            ("application/openmetrics-text", OpenMetrics0_0_1),
            ("Application/OpenMetrics-Text; Version=\"1.0.0\"", OpenMetrics1_0_0),
            ("application/openmetrics-text;version=1.0.0;q=0", Text0_0_4),
            ("application/openmetrics-text;version=1.0.0;q=0.1,text/plain;version=0.0.4;q=0.2", Text0_0_4),
            ("*/*,application/openmetrics-text;version=1.0.0", OpenMetrics1_0_0),
            ("application/json", Text0_0_4),
            (";;=,/,q=,\u{1}", Text0_0_4),
        ] {
            assert_eq!(MediaType::negotiate(accept), expected, "{accept}");
        }
    }

    #[test]
    fn gzip_is_for_who_takes_it() {
        for (accept, taken) in [
            ("", false),
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("identity", false),
            ("zstd,br", false),
        ] {
            assert_eq!(takes_gzip(accept), taken, "{accept}");
        }
    }
}
