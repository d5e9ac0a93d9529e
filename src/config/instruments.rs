//! Which instruments are told otherwise than they ask for, decided from the variables.

use super::{env, env::Environment, layers::MOST_MEMBERS, selection::matches};

/// Instruments, and what becomes of what they measure: a view of the standard.
///
/// ```
/// use throughline::{Config, config::{Aggregation, MetricView}};
///
/// let mut config = Config::from_vars([("OTEL_SERVICE_NAME", "cart")]);
/// let mut sizes = MetricView::of("cart.order.*");
/// sizes.aggregation = Aggregation::ExplicitBuckets(vec![1.0, 10.0, 100.0]);
/// sizes.attributes = Some(vec!["shop".into()]);
/// config.measurements.views.push(sizes);
/// ```
/// Each view that fits an instrument makes a metric of it. Where none fits, the instrument is told as it asks.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MetricView {
    /// The names of the instruments, in any case; `*` stands for any characters, `?` for one.
    pub instrument: String,
    /// Only those of this kind. Default: all.
    pub kind: Option<InstrumentKind>,
    /// Only those with this unit. Default: all.
    pub unit: Option<String>,
    /// Only those of the meter with this name. Default: all.
    pub meter: Option<String>,
    /// Only those of a meter with this version. Default: all.
    pub meter_version: Option<String>,
    /// Only those of a meter with this schema. Default: all.
    pub meter_schema_url: Option<String>,
    /// The name of the metric. Default: that of the instrument.
    pub name: Option<String>,
    /// The description of the metric. Default: that of the instrument.
    pub description: Option<String>,
    /// What is made of the measurements. Default: what suits the instrument.
    pub aggregation: Aggregation,
    /// The attributes that are kept, by key. Default: all.
    pub attributes: Option<Vec<String>>,
    /// How many series the metric has; see [`Measurements::cardinality_limit`](super::Measurements::cardinality_limit).
    /// Default: that limit, or the one of its kind.
    pub cardinality_limit: Option<usize>,
}

/// The kinds of instruments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "their names say it")]
pub enum InstrumentKind {
    Counter,
    UpDownCounter,
    Gauge,
    Histogram,
    ObservableCounter,
    ObservableUpDownCounter,
    ObservableGauge,
}

/// What is made of the measurements of an instrument.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Aggregation {
    /// What suits the instrument, and [`Config::histograms`](super::Config::histograms) says for histograms.
    #[default]
    Default,
    /// Nothing: it is not told.
    Drop,
    /// Their sum. Not of gauges.
    Sum,
    /// The last of them. Only of gauges.
    LastValue,
    /// A histogram whose buckets have these upper bounds, each above the one before; none: only count and sum.
    ExplicitBuckets(Vec<f64>),
    /// A histogram of at most so many buckets, whose bounds follow the values.
    Exponential {
        /// Buckets of each sign; at least 2. The standard's default: 160.
        max_size: u32,
        /// The finest scale, from -10 to 20. The standard's default: 20.
        max_scale: i8,
    },
}

impl Aggregation {
    /// An exponential histogram with the numbers of the standard (O-017).
    pub const EXPONENTIAL: Self = Aggregation::Exponential { max_size: 160, max_scale: 20 };

    /// What is wrong with its numbers.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        match self {
            Aggregation::ExplicitBuckets(bounds) if !bounds.iter().all(|bound| bound.is_finite()) => {
                Some("a bound is not a number")
            }
            Aggregation::ExplicitBuckets(bounds) if !bounds.is_sorted_by(|one, next| one < next) => {
                Some("a bound is not above the one before")
            }
            Aggregation::Exponential { max_size: 0 | 1, .. } => Some("max_size is below 2"),
            Aggregation::Exponential { max_scale, .. } if !(-10..=20).contains(max_scale) => {
                Some("max_scale is not from -10 to 20")
            }
            _ => None,
        }
    }

    /// Of a word: `drop`, `sum`, `last`, `exponential`, or bounds with `|` between them.
    fn of(word: &str) -> Result<Self, &'static str> {
        let aggregation = match word.to_ascii_lowercase().as_str() {
            "drop" => Aggregation::Drop,
            "sum" => Aggregation::Sum,
            "last" => Aggregation::LastValue,
            "exponential" => Aggregation::EXPONENTIAL,
            bounds => {
                let bounds: Result<Vec<f64>, _> =
                    bounds.split('|').map(|bound| bound.trim().parse()).collect();
                Aggregation::ExplicitBuckets(bounds.map_err(|_| "is none")?)
            }
        };
        aggregation.fault().map_or(Ok(aggregation), Err)
    }
}

impl MetricView {
    /// Of the instruments with these names, without any change.
    pub fn of(instrument: impl Into<String>) -> Self {
        MetricView {
            instrument: instrument.into(),
            kind: None,
            unit: None,
            meter: None,
            meter_version: None,
            meter_schema_url: None,
            name: None,
            description: None,
            aggregation: Aggregation::Default,
            attributes: None,
            cardinality_limit: None,
        }
    }

    pub(super) fn read(environment: &mut Environment) -> Vec<Self> {
        let Some(found) = environment.text(&env::VIEWS, None) else { return Vec::new() };
        let mut views: Vec<MetricView> = Vec::new();
        for member in found.value.split(',').map(str::trim).filter(|member| !member.is_empty()) {
            let (instrument, word) = member.split_once('=').unwrap_or((member, ""));
            let (instrument, word) = (instrument.trim(), word.trim());
            match Aggregation::of(word) {
                Ok(_) if instrument.is_empty() => {
                    environment
                        .fault(&found.name, &format!("{member:?} names no instrument; it is left out"));
                }
                Ok(aggregation) => {
                    views.push(MetricView { aggregation, ..MetricView::of(instrument) });
                }
                Err(fault) => {
                    let words = "use drop, sum, last, exponential, or bounds that rise, as 0.1|0.5|1";
                    let fault =
                        format!("{member:?} is no instrument=aggregation ({fault}) and left out; {words}");
                    environment.fault(&found.name, &fault);
                }
            }
        }
        if views.len() > MOST_MEMBERS {
            let fault = format!("has {} members; the first {MOST_MEMBERS} hold", views.len());
            environment.fault(&found.name, &fault);
            views.truncate(MOST_MEMBERS);
        }
        views
    }

    /// Whether a name is meant.
    pub(crate) fn names(&self, instrument: &str) -> bool {
        matches(&self.instrument.to_ascii_lowercase(), &instrument.to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    // The names of instruments are case-insensitive.
    #[test]
    fn a_pattern_means_the_names_that_fit_it_in_any_case() {
        let view = MetricView::of("Http.*.duration");
        let names = ["http.server.DURATION", "HTTP..duration", "http.duration", "xhttp.a.duration"];
        assert_eq!(names.map(|name| view.names(name)), [true, true, false, false]);
    }

    #[test]
    fn the_variable_says_what_becomes_of_instruments_and_what_it_cannot_say_is_told() {
        let text = " http.* = exponential ,cart.size=1|2.5|10,noise.*=DROP,a=sum,b=last, ,c,d=2|1,e=1|NaN,=drop,f=1|x";
        let config = Config::from_vars([("THROUGHLINE_AGGREGATIONS", text)]);
        let views: Vec<_> = config
            .measurements
            .views
            .iter()
            .cloned()
            .map(|view| (view.instrument, view.aggregation))
            .collect();
        let expected = [
            ("http.*", Aggregation::EXPONENTIAL),
            ("cart.size", Aggregation::ExplicitBuckets(vec![1.0, 2.5, 10.0])),
            ("noise.*", Aggregation::Drop),
            ("a", Aggregation::Sum),
            ("b", Aggregation::LastValue),
        ];
        assert_eq!(views, expected.map(|(name, aggregation)| (name.to_owned(), aggregation)));
        let words = "use drop, sum, last, exponential, or bounds that rise, as 0.1|0.5|1";
        let faults: Vec<String> = config.faults().iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                format!("\"c\" is no instrument=aggregation (is none) and left out; {words}"),
                format!("\"d=2|1\" is no instrument=aggregation (a bound is not above the one before) and left out; {words}"),
                format!("\"e=1|NaN\" is no instrument=aggregation (a bound is not a number) and left out; {words}"),
                "\"=drop\" names no instrument; it is left out".to_owned(),
                format!("\"f=1|x\" is no instrument=aggregation (is none) and left out; {words}"),
            ]
            .map(|fault| format!("THROUGHLINE_AGGREGATIONS: {fault}"))
        );
        let config = Config::from_vars([("THROUGHLINE_AGGREGATIONS", "a=drop,".repeat(257))]);
        assert_eq!(config.measurements.views.len(), 256);
        let faults: Vec<String> = config.faults().iter().map(ToString::to_string).collect();
        assert_eq!(faults, ["THROUGHLINE_AGGREGATIONS: has 257 members; the first 256 hold"]);
    }
}
