//! The formats by their names.

/// A form in which context travels, by its name in `OTEL_PROPAGATORS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// `tracecontext`: `traceparent` and `tracestate`, W3C Trace Context level 2.
    TraceContext,
    /// `baggage`: W3C Baggage.
    Baggage,
    /// `b3`: Zipkin's single header.
    B3,
    /// `b3multi`: Zipkin's headers `X-B3-…`.
    B3Multi,
    /// `jaeger`: `uber-trace-id`, deprecated.
    Jaeger,
    /// `xray`: `X-Amzn-Trace-Id`, AWS X-Ray.
    XRay,
}

/// What names chose.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chosen {
    /// The formats, in the order of their names.
    pub formats: Vec<Format>,
    /// What was wrong with the names, a sentence each; names in them are escaped.
    pub faults: Vec<String>,
}

/// The name that stands for no format.
const NONE: &str = "none";
/// The name of a format that the specification deprecates, and that nobody sends any more.
const OPENTRACING: &str = "ottrace";

impl Format {
    /// What holds where nothing is chosen: `tracecontext,baggage`.
    pub const DEFAULT: [Self; 2] = [Self::TraceContext, Self::Baggage];

    /// All names that [`choose`](Self::choose) takes.
    pub const NAMES: [&str; 7] = ["tracecontext", "baggage", "b3", "b3multi", "jaeger", "xray", NONE];

    /// Reads a value of `OTEL_PROPAGATORS`: names with commas between them, in any case, `none` alone for no
    /// format. A name that is there twice counts once. A name that is not known is a fault and left out. If
    /// no name is left, the [default](Self::DEFAULT) holds.
    ///
    /// ```
    /// use throughline_middleware::propagation::{Composite, Format};
    ///
    /// let chosen = Format::choose("B3, tracecontext, w3c, b3");
    /// assert_eq!(chosen.formats, [Format::B3, Format::TraceContext]);
    /// assert_eq!(
    ///     chosen.faults,
    ///     [r#""w3c" is unknown and left out; use tracecontext, baggage, b3, b3multi, jaeger, xray, none"#],
    /// );
    /// let propagator = Composite::of(chosen.formats);
    /// # drop(propagator);
    /// ```
    pub fn choose(names: &str) -> Chosen {
        let (mut formats, mut faults) = (Vec::new(), Vec::new());
        let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        let names = Vec::from_iter(names.map(str::to_ascii_lowercase));
        let is_none = |name: &String| name == NONE;
        for name in names.iter().filter(|name| !is_none(name)) {
            match Self::named(name) {
                Some(format) if formats.contains(&format) => {}
                Some(format) => formats.push(format),
                None if name == OPENTRACING => faults.push(format!("{name:?} is not supported and left out")),
                None => {
                    faults.push(format!("{name:?} is unknown and left out; use {}", Self::NAMES.join(", ")));
                }
            }
        }
        let is_alone = names.iter().all(is_none);
        if names.iter().any(is_none) && !is_alone {
            faults.push(format!("{NONE:?} is left out, since it stands beside other names"));
        }
        if formats.is_empty() && (names.is_empty() || !is_alone) {
            formats.extend(Self::DEFAULT);
        }
        Chosen { formats, faults }
    }

    fn named(name: &str) -> Option<Self> {
        match name {
            "tracecontext" => Some(Self::TraceContext),
            "baggage" => Some(Self::Baggage),
            "b3" => Some(Self::B3),
            "b3multi" => Some(Self::B3Multi),
            "jaeger" => Some(Self::Jaeger),
            "xray" => Some(Self::XRay),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Format::{self, *};

    #[test]
    fn formats_are_chosen_by_names_in_any_case_each_once_and_in_order() {
        // P-070, P-071
        for (names, formats) in [
            ("", &Format::DEFAULT[..]),
            (" , ", &Format::DEFAULT),
            ("tracecontext,baggage", &[TraceContext, Baggage]),
            ("Baggage, TraceContext ,baggage,TRACECONTEXT", &[Baggage, TraceContext]),
            ("b3", &[B3]),
            ("b3multi,b3", &[B3Multi, B3]),
            ("xray,jaeger,tracecontext", &[XRay, Jaeger, TraceContext]),
            ("none", &[]),
            ("NONE,none", &[]),
        ] {
            let chosen = Format::choose(names);
            assert_eq!((chosen.formats.as_slice(), chosen.faults), (formats, vec![]), "{names}");
        }
    }

    #[test]
    fn names_that_cannot_be_followed_are_told_and_left_out() {
        // P-070
        let known = "use tracecontext, baggage, b3, b3multi, jaeger, xray, none";
        let unknown = |name| format!("{name:?} is unknown and left out; {known}");
        let none = String::from(r#""none" is left out, since it stands beside other names"#);
        let opentracing = String::from(r#""ottrace" is not supported and left out"#);
        for (names, formats, faults) in [
            ("w3c", &Format::DEFAULT[..], vec![unknown("w3c")]),
            ("b3,a\n", &[B3], vec![unknown("a")]),
            ("b3,a\nb", &[B3], vec![unknown("a\nb")]),
            ("ottrace", &Format::DEFAULT, vec![opentracing.clone()]),
            ("ottrace,B3", &[B3], vec![opentracing]),
            ("none,b3", &[B3], vec![none.clone()]),
            ("none,x", &Format::DEFAULT, vec![unknown("x"), none]),
        ] {
            let chosen = Format::choose(names);
            assert_eq!((chosen.formats.as_slice(), chosen.faults), (formats, faults), "{names}");
        }
    }

    #[test]
    fn the_names_that_are_told_are_the_names_that_are_known() {
        for name in Format::NAMES {
            assert_eq!(Format::named(name).is_some(), name != "none", "{name}");
        }
    }
}
