//! What is asked for.

/// How many series there are in an answer unless told otherwise, and at most.
const SERIES: usize = 100;
const MAX_SERIES: usize = 1000;

/// How many points there are of each series unless told otherwise, and of all together at most.
const POINTS: usize = 100;
const MAX_POINTS: usize = 100_000;

/// Which series are asked for, and which of their points: plain data.
///
/// ```
/// use throughline_collector::metric::Query;
///
/// let mut query = Query::of("http.server.request.duration");
/// query.service = Some("checkout".to_owned());
/// query.attributes = vec![("http.route".to_owned(), "/pay".to_owned())];
/// assert_eq!((query.series, query.points), (100, 100));
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The name of the instrument.
    pub name: String,
    /// Only of this service.
    pub service: Option<String>,
    /// Only with these attributes; values are compared as they display.
    pub attributes: Vec<(String, String)>,
    /// The earliest time, in nanoseconds since 1970. Default: 0.
    pub from: u64,
    /// The latest time, in nanoseconds since 1970. Default: no bound.
    pub to: u64,
    /// How many series at most, those first that are in the newest requests. Default: 100, at most 1,000.
    pub series: usize,
    /// How many points of each series at most, the newest. Default: 100, at most 100,000 of all series together.
    pub points: usize,
}

impl Query {
    /// Asks for all of an instrument.
    pub fn of(name: impl Into<String>) -> Self {
        Query {
            name: name.into(),
            service: None,
            attributes: Vec::new(),
            from: 0,
            to: u64::MAX,
            series: SERIES,
            points: POINTS,
        }
    }

    /// How many series, and how many points of each.
    pub(super) fn limits(&self) -> (usize, usize) {
        let series = self.series.clamp(1, MAX_SERIES);
        (series, self.points.clamp(1, MAX_POINTS / series))
    }
}
