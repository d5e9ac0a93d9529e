//! The SDK's provider, with every measurement offered on its way.

use super::{
    Exemplars,
    reservoir::{Reservoir, Value},
    stream::Order,
};
use opentelemetry::{
    InstrumentationScope, KeyValue,
    metrics::{
        AsyncInstrumentBuilder, BoundCounter, BoundGauge, BoundHistogram, BoundSyncInstrument,
        BoundUpDownCounter, Counter, Gauge, Histogram, HistogramBuilder, InstrumentBuilder,
        InstrumentProvider, Meter, MeterProvider, ObservableCounter, ObservableGauge,
        ObservableUpDownCounter, SyncInstrument, UpDownCounter,
    },
};
use opentelemetry_sdk::metrics::{InstrumentKind, SdkMeterProvider};
use std::sync::Arc;

/// A clone is the same provider.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    /// What records.
    pub(crate) sdk: SdkMeterProvider,
    pub(super) exemplars: Exemplars,
}

impl MeterProvider for Provider {
    fn meter_with_scope(&self, scope: InstrumentationScope) -> Meter {
        let meter = self.sdk.meter_with_scope(scope.clone());
        Meter::new(Arc::new(Instruments { meter, scope, exemplars: self.exemplars.clone() }))
    }
}

struct Instruments {
    meter: Meter,
    scope: InstrumentationScope,
    exemplars: Exemplars,
}

impl Instruments {
    /// Of the SDK: a builder tells it, and another's is as good to it as its own.
    fn inner(&self) -> &dyn InstrumentProvider {
        self.meter.u64_counter("").instrument_provider
    }
}

/// An instrument of the SDK, and where its measurements are offered.
struct Offering<I> {
    inner: I,
    reservoir: Arc<Reservoir>,
}

/// The same with attributes that are known before.
struct BoundOffering<I> {
    inner: I,
    reservoir: Arc<Reservoir>,
    hash: u64,
    attributes: Box<[KeyValue]>,
}

macro_rules! offer {
    ($($kind:ident<$number:ty>, $measure:ident, $bound:ident;)*) => {$(
        impl SyncInstrument<$number> for Offering<$kind<$number>> {
            fn measure(&self, value: $number, attributes: &[KeyValue]) {
                self.inner.$measure(value, attributes);
                if self.reservoir.admits() {
                    self.reservoir.offer(Value::from(value), self.reservoir.hash(attributes), attributes);
                }
            }

            fn bind(&self, attributes: &[KeyValue]) -> Box<dyn BoundSyncInstrument<$number> + Send + Sync> {
                Box::new(BoundOffering {
                    inner: self.inner.bind(attributes),
                    reservoir: self.reservoir.clone(),
                    hash: self.reservoir.hash(attributes),
                    attributes: attributes.into(),
                })
            }
        }

        impl BoundSyncInstrument<$number> for BoundOffering<$bound<$number>> {
            fn measure(&self, value: $number) {
                self.inner.$measure(value);
                if self.reservoir.admits() {
                    self.reservoir.offer(Value::from(value), self.hash, &self.attributes);
                }
            }
        }
    )*};
}

offer! {
    Counter<u64>, add, BoundCounter;
    Counter<f64>, add, BoundCounter;
    UpDownCounter<i64>, add, BoundUpDownCounter;
    UpDownCounter<f64>, add, BoundUpDownCounter;
    Gauge<u64>, record, BoundGauge;
    Gauge<i64>, record, BoundGauge;
    Gauge<f64>, record, BoundGauge;
    Histogram<u64>, record, BoundHistogram;
    Histogram<f64>, record, BoundHistogram;
}

macro_rules! make {
    ($($make:ident($builder:ident) -> $kind:ident<$number:ty>;)*) => {$(
        fn $make(&self, builder: $builder<'_, $kind<$number>>) -> $kind<$number> {
            let draft = builder.draft(InstrumentKind::$kind, stringify!($number));
            let inner = self.inner().$make(builder);
            match self.exemplars.reservoir(&self.scope, draft) {
                Some(reservoir) => $kind::new(Arc::new(Offering { inner, reservoir })),
                None => inner,
            }
        }
    )*};
}

/// Instruments that are asked for their values, when no span is active.
macro_rules! hand_on {
    ($($make:ident -> $kind:ident<$number:ty>;)*) => {$(
        fn $make(&self, builder: AsyncInstrumentBuilder<'_, $kind<$number>, $number>) -> $kind<$number> {
            self.inner().$make(builder)
        }
    )*};
}

impl InstrumentProvider for Instruments {
    make! {
        u64_counter(InstrumentBuilder) -> Counter<u64>;
        f64_counter(InstrumentBuilder) -> Counter<f64>;
        i64_up_down_counter(InstrumentBuilder) -> UpDownCounter<i64>;
        f64_up_down_counter(InstrumentBuilder) -> UpDownCounter<f64>;
        u64_gauge(InstrumentBuilder) -> Gauge<u64>;
        i64_gauge(InstrumentBuilder) -> Gauge<i64>;
        f64_gauge(InstrumentBuilder) -> Gauge<f64>;
        u64_histogram(HistogramBuilder) -> Histogram<u64>;
        f64_histogram(HistogramBuilder) -> Histogram<f64>;
    }

    hand_on! {
        u64_observable_counter -> ObservableCounter<u64>;
        f64_observable_counter -> ObservableCounter<f64>;
        i64_observable_up_down_counter -> ObservableUpDownCounter<i64>;
        f64_observable_up_down_counter -> ObservableUpDownCounter<f64>;
        u64_observable_gauge -> ObservableGauge<u64>;
        i64_observable_gauge -> ObservableGauge<i64>;
        f64_observable_gauge -> ObservableGauge<f64>;
    }
}
