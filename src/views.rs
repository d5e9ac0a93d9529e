//! What becomes of single instruments: [`Measurements`](crate::config::Measurements) → views of the SDK.
//!
//! The SDK makes a metric for each view that fits an instrument, so each view of the configuration is one there, and one
//! more is for the instruments that none of them fits.

use crate::{
    Error, accounts,
    config::{Aggregation, Config, Fault, Histograms, InstrumentKind, MetricView},
    runtime,
};
use opentelemetry::Key;
use opentelemetry_sdk::metrics::{
    Aggregation as SdkAggregation, Instrument, InstrumentKind as SdkKind, Stream, StreamBuilder,
};
use std::sync::Arc;

/// The SDK's own limit, which needs no view.
const SDK_LIMIT: usize = 2_000;

type View = Box<dyn Fn(&Instrument) -> Option<Stream> + Send + Sync>;

/// All views of a configuration.
///
/// # Errors
/// If the numbers of an aggregation are none: its instruments would be told otherwise than was asked for.
pub(crate) fn views(config: &Config) -> Result<Vec<View>, Error> {
    let views = &config.measurements.views;
    let fault = |view: &MetricView| {
        let fault = view.aggregation.fault()?;
        Some(Fault::fatal("views", &format!("the aggregation of {:?}: {fault}", view.instrument)))
    };
    let faults: Vec<Fault> = views.iter().filter_map(fault).collect();
    if !faults.is_empty() {
        return Err(Error::configuration(&faults));
    }
    let (histograms, measurements) = (config.histograms, Arc::new(config.measurements.clone()));
    let each = views.iter().cloned().map(|view| -> View {
        let measurements = measurements.clone();
        Box::new(move |instrument| {
            let limit = || measurements.series(view.cardinality_limit, kind(instrument.kind()));
            let fits = fits(&view, instrument) && !is_of_the_sdk(instrument);
            fits.then(|| told(&view, instrument, histograms, limit())).flatten()
        })
    });
    let each: Vec<View> = each.collect();
    let rest: View = Box::new(move |instrument| {
        if is_of_the_sdk(instrument) || measurements.views.iter().any(|view| fits(view, instrument)) {
            return None;
        }
        let own = runtime::series(instrument.scope(), instrument.name());
        let limit = own.unwrap_or_else(|| measurements.series(None, kind(instrument.kind())));
        let aggregation = default(instrument, histograms);
        // A view that changes nothing would only cost.
        if limit == SDK_LIMIT && aggregation.is_none() {
            return None;
        }
        build(Stream::builder().with_cardinality_limit(limit), aggregation)
    });
    let of_the_sdk: View = Box::new(accounts::of_the_sdk);
    Ok([of_the_sdk].into_iter().chain(each).chain([rest]).collect())
}

/// Which is dropped, whatever is said of others.
fn is_of_the_sdk(instrument: &Instrument) -> bool {
    accounts::of_the_sdk(instrument).is_some()
}

fn fits(view: &MetricView, instrument: &Instrument) -> bool {
    let scope = instrument.scope();
    let is = |wanted: &Option<String>, found: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| Some(wanted) == found)
    };
    view.names(instrument.name())
        && view.kind.is_none_or(|wanted| wanted == kind(instrument.kind()))
        && is(&view.unit, Some(instrument.unit()))
        && is(&view.meter, Some(scope.name()))
        && is(&view.meter_version, scope.version())
        && is(&view.meter_schema_url, scope.schema_url())
}

fn told(view: &MetricView, instrument: &Instrument, histograms: Histograms, limit: usize) -> Option<Stream> {
    let mut stream = Stream::builder().with_cardinality_limit(limit);
    if let Some(name) = &view.name {
        stream = stream.with_name(name.clone());
    }
    if let Some(description) = &view.description {
        stream = stream.with_description(description.clone());
    }
    if let Some(keys) = &view.attributes {
        stream = stream.with_allowed_attribute_keys(keys.iter().cloned().map(Key::from));
    }
    let aggregation = match &view.aggregation {
        Aggregation::Default => default(instrument, histograms),
        Aggregation::Drop => Some(SdkAggregation::Drop),
        Aggregation::Sum => Some(SdkAggregation::Sum),
        Aggregation::LastValue => Some(SdkAggregation::LastValue),
        Aggregation::ExplicitBuckets(bounds) => {
            Some(SdkAggregation::ExplicitBucketHistogram { boundaries: bounds.clone(), record_min_max: true })
        }
        Aggregation::Exponential { max_size, max_scale } => Some(SdkAggregation::Base2ExponentialHistogram {
            max_size: *max_size,
            max_scale: *max_scale,
            record_min_max: true,
        }),
    };
    build(stream, aggregation)
}

fn default(instrument: &Instrument, histograms: Histograms) -> Option<SdkAggregation> {
    // The numbers of the standard (O-017).
    let exponential =
        SdkAggregation::Base2ExponentialHistogram { max_size: 160, max_scale: 20, record_min_max: true };
    let is_meant = instrument.kind() == SdkKind::Histogram && histograms == Histograms::Exponential;
    is_meant.then_some(exponential)
}

fn build(stream: StreamBuilder, aggregation: Option<SdkAggregation>) -> Option<Stream> {
    let stream = match aggregation {
        Some(aggregation) => stream.with_aggregation(aggregation),
        None => stream,
    };
    // All numbers were looked at: an error would leave the instrument as it is.
    stream.build().ok()
}

fn kind(kind: SdkKind) -> InstrumentKind {
    match kind {
        SdkKind::Counter => InstrumentKind::Counter,
        SdkKind::UpDownCounter => InstrumentKind::UpDownCounter,
        SdkKind::Gauge => InstrumentKind::Gauge,
        SdkKind::Histogram => InstrumentKind::Histogram,
        SdkKind::ObservableCounter => InstrumentKind::ObservableCounter,
        SdkKind::ObservableUpDownCounter => InstrumentKind::ObservableUpDownCounter,
        SdkKind::ObservableGauge => InstrumentKind::ObservableGauge,
    }
}
