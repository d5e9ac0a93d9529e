//! Which series a measurement belongs to.
//!
//! A series is found without a lock and without an allocation once its first measurement was taken: by a small
//! key in a table that only grows. The table is bounded; what does not fit is one series more, with the
//! attribute `otel.metric.overflow` (OpenTelemetry specification, metrics SDK, "cardinality limits").

use std::{
    borrow::Cow,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::Version;
use opentelemetry::{
    KeyValue, StringValue, Value,
    metrics::{BoundHistogram, Histogram},
};

use crate::{attributes, options::Scheme, route::Route, rpc};

/// Whose words an exchange is told in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Convention {
    Http,
    Rpc,
}

/// What `error.type` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorType {
    /// The status says it.
    Status,
    /// This.
    Named(&'static str),
}

/// All by which the measurement of an exchange is told apart from others.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) convention: Convention,
    /// `http.request.method` or `rpc.method`.
    pub(crate) method: StringValue,
    /// `url.scheme`, of a server.
    pub(crate) scheme: Option<Scheme>,
    /// `http.route` of a server, `url.template` of a client.
    pub(crate) target: Option<Route>,
    /// `server.address`, of a client.
    pub(crate) host: Option<StringValue>,
    /// `server.port`, of a client.
    pub(crate) port: Option<u16>,
    pub(crate) version: Option<Version>,
    /// `http.response.status_code`, or gRPC's number of it.
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<ErrorType>,
}

impl Series {
    /// Tells the attributes that are known before the response.
    pub(crate) fn open(&self, told: &mut Vec<KeyValue>) {
        match self.convention {
            Convention::Http => {
                told.push(KeyValue::new(attributes::HTTP_REQUEST_METHOD, self.method.clone()))
            }
            Convention::Rpc => {
                told.push(KeyValue::new(attributes::RPC_SYSTEM_NAME, attributes::GRPC));
                told.push(KeyValue::new(attributes::RPC_METHOD, self.method.clone()));
            }
        }
        if let Some(scheme) = self.scheme {
            told.push(KeyValue::new(attributes::URL_SCHEME, scheme.as_str()));
        }
        if let Some(host) = &self.host {
            told.push(KeyValue::new(attributes::SERVER_ADDRESS, host.clone()));
        }
        if let Some(port) = self.port {
            told.push(KeyValue::new(attributes::SERVER_PORT, i64::from(port)));
        }
        if let (Some(template), None) = (&self.target, self.scheme) {
            told.push(KeyValue::new(attributes::URL_TEMPLATE, template.to_value()));
        }
    }

    /// Tells the route of a server, which may become known, or another, before the end.
    pub(crate) fn route(&self, told: &mut Vec<KeyValue>) {
        if let (Some(route), Some(_)) = (&self.target, self.scheme) {
            told.push(KeyValue::new(attributes::HTTP_ROUTE, route.to_value()));
        }
    }

    /// Tells the attributes that only the end tells.
    pub(crate) fn close(&self, told: &mut Vec<KeyValue>) {
        if let Some(version) = self.version.and_then(attributes::protocol_version) {
            told.push(KeyValue::new(attributes::NETWORK_PROTOCOL_VERSION, version));
        }
        if let Some(status) = self.status {
            told.push(match self.convention {
                Convention::Http => KeyValue::new(attributes::HTTP_RESPONSE_STATUS_CODE, i64::from(status)),
                Convention::Rpc => {
                    KeyValue::new(attributes::RPC_RESPONSE_STATUS_CODE, rpc::status_name(status))
                }
            });
        }
        if let Some(error) = self.error {
            told.push(KeyValue::new(attributes::ERROR_TYPE, self.error_type(error)));
        }
    }

    /// Returns a name that costs nothing.
    pub(crate) fn brief_name(&self) -> Cow<'static, str> {
        match self.convention {
            Convention::Http => {
                attributes::known_method(self.method.as_str()).unwrap_or(attributes::OTHER_IN_NAME).into()
            }
            Convention::Rpc => attributes::GRPC.into(),
        }
    }

    /// Returns the name of the span: as far as it is known.
    pub(crate) fn span_name(&self) -> Cow<'static, str> {
        let method = self.method.as_str();
        match self.convention {
            Convention::Http => attributes::span_name(method, self.target.as_ref().map(Route::as_str)),
            Convention::Rpc if method == attributes::OTHER => attributes::GRPC.into(),
            Convention::Rpc => method.to_owned().into(),
        }
    }

    fn error_type(&self, error: ErrorType) -> Value {
        match (error, self.convention) {
            (ErrorType::Named(name), _) => name.into(),
            (ErrorType::Status, Convention::Http) => self.status.unwrap_or_default().to_string().into(),
            (ErrorType::Status, Convention::Rpc) => rpc::status_name(self.status.unwrap_or_default()).into(),
        }
    }

    fn is(&self, other: &Self) -> bool {
        self.status == other.status
            && self.convention == other.convention
            && self.scheme == other.scheme
            && self.version == other.version
            && self.port == other.port
            && self.error == other.error
            && self.host == other.host
            && is_same(self.method.as_str(), other.method.as_str())
            && match (&self.target, &other.target) {
                (Some(one), Some(other)) => is_same(one.as_str(), other.as_str()),
                (one, other) => one.is_none() && other.is_none(),
            }
    }

    /// Leaves out what tells few series apart, which is only compared: of HTTP also the method.
    fn hash(&self) -> u64 {
        let numbers =
            u64::from(self.status.unwrap_or_default()) | u64::from(self.port.unwrap_or_default()) << 16;
        let method = Some(self.method.as_str()).filter(|_| self.convention == Convention::Rpc);
        let target = self.target.as_ref().map(Route::as_str);
        let host = self.host.as_ref().map(StringValue::as_str);
        [method, target, host].into_iter().flatten().fold(numbers, |hash, text| mix(hash, hash_of(text)))
    }
}

/// Compares texts, which mostly are not only equal but the same.
fn is_same(one: &str, other: &str) -> bool {
    std::ptr::eq(one, other) || one == other
}

/// One series, ready to be recorded to.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) labels: Vec<KeyValue>,
    /// Where the labels begin that only the end tells; nothing for the overflow, which has none.
    closing: Option<usize>,
    bound: Option<BoundHistogram<f64>>,
}

impl Recorder {
    fn of(series: &Series, histogram: &Histogram<f64>, is_bound: bool) -> Self {
        let mut labels = Vec::new();
        series.open(&mut labels);
        let closing = Some(labels.len());
        series.route(&mut labels);
        series.close(&mut labels);
        let bound = is_bound.then(|| histogram.bind(&labels));
        Self { labels, closing, bound }
    }

    fn overflow(histogram: &Histogram<f64>, is_bound: bool) -> Self {
        let labels = vec![KeyValue::new(attributes::METRIC_OVERFLOW, true)];
        let bound = is_bound.then(|| histogram.bind(&labels));
        Self { labels, closing: None, bound }
    }

    /// Returns what [`Series::route`] and [`Series::close`] tell, without making it anew.
    pub(crate) fn closing(&self) -> Option<&[KeyValue]> {
        self.closing.and_then(|closing| self.labels.get(closing..))
    }
}

/// A histogram with the series it has so far.
#[derive(Debug)]
pub(crate) struct Durations {
    histogram: Histogram<f64>,
    is_bound: bool,
    known: Table<(Series, Recorder)>,
    overflow: OnceLock<Recorder>,
}

impl Durations {
    /// Binds each series to its attributes, if the provider of the histogram can.
    pub(crate) fn new(histogram: Histogram<f64>, is_bound: bool) -> Self {
        Self { histogram, is_bound, known: Table::new(), overflow: OnceLock::new() }
    }

    /// Records a value in seconds, and returns the series it belongs to.
    pub(crate) fn record(&self, seconds: f64, series: &Series) -> &Recorder {
        let recorder = self.recorder(series);
        match &recorder.bound {
            Some(bound) => bound.record(seconds),
            None => self.histogram.record(seconds, &recorder.labels),
        }
        recorder
    }

    fn recorder(&self, series: &Series) -> &Recorder {
        let make = || (series.clone(), Recorder::of(series, &self.histogram, self.is_bound));
        match self.known.find_or_insert(series.hash(), |(known, _)| known.is(series), make) {
            Some((_, recorder)) => recorder,
            None => self.overflow.get_or_init(|| Recorder::overflow(&self.histogram, self.is_bound)),
        }
    }
}

/// Texts that come again and again, kept so that each is allocated once.
#[derive(Debug)]
pub(crate) struct Names(Table<StringValue>);

impl Names {
    pub(crate) fn new() -> Self {
        Self(Table::new())
    }

    /// Returns a text that is cheap to clone.
    pub(crate) fn shared(&self, text: &str) -> StringValue {
        let make = || attributes::shared(text);
        let known = self.0.find_or_insert(hash_of(text), |known| known.as_str() == text, make);
        known.cloned().unwrap_or_else(make)
    }

    /// Returns a text that is known already.
    pub(crate) fn known(&self, text: &str) -> Option<StringValue> {
        self.0.find(hash_of(text), |known| known.as_str() == text).cloned()
    }
}

/// Most entries of a table: the SDK's limit of series for an instrument.
const MOST_ENTRIES: usize = 2_000;
/// Places in a table: a power of two, twice as many as entries, so that a free one is near.
const SLOTS: usize = 4_096;

/// A bounded table that only grows: finding takes no lock.
#[derive(Debug)]
struct Table<T> {
    slots: Box<[OnceLock<Box<T>>]>,
    entries: AtomicUsize,
}

impl<T> Table<T> {
    fn new() -> Self {
        Self {
            slots: std::iter::repeat_with(OnceLock::new).take(SLOTS).collect(),
            entries: AtomicUsize::new(0),
        }
    }

    fn find(&self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<&T> {
        self.places(hash).map_while(OnceLock::get).map(Box::as_ref).find(|entry| is_it(entry))
    }

    /// Returns nothing if the entry is new and the table is full.
    fn find_or_insert(&self, hash: u64, is_it: impl Fn(&T) -> bool, make: impl Fn() -> T) -> Option<&T> {
        for place in self.places(hash) {
            let entry = match place.get() {
                Some(entry) => entry,
                None if self.entries.load(Ordering::Relaxed) >= MOST_ENTRIES => return None,
                // Another thread may be quicker, with the same entry or with another.
                None => place.get_or_init(|| {
                    self.entries.fetch_add(1, Ordering::Relaxed);
                    Box::new(make())
                }),
            };
            if is_it(entry) {
                return Some(entry);
            }
        }
        None
    }

    /// All places, from the one where an entry should be.
    fn places(&self, hash: u64) -> impl Iterator<Item = &OnceLock<Box<T>>> {
        (0..SLOTS).map_while(move |step| self.slots.get((hash as usize).wrapping_add(step) % SLOTS))
    }
}

/// Hashes a text. Not proof against collisions made on purpose: what is hashed comes from the program.
fn hash_of(text: &str) -> u64 {
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let hash = words.iter().fold(text.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    match text.as_bytes().last_chunk::<8>() {
        // Some of it a second time.
        Some(last) if !rest.is_empty() => mix(hash, u64::from_le_bytes(*last)),
        Some(_) => hash,
        None => mix(0, rest.iter().fold(hash, |hash, byte| hash << 8 | u64::from(*byte))),
    }
}

fn mix(hash: u64, value: u64) -> u64 {
    let product = u128::from(hash.rotate_left(5) ^ value) * 0x9e37_79b9_7f4a_7c15;
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests;
