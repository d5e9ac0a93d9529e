//! Meters whose observable instruments have their callbacks called with care. All other instruments are the SDK's own.

use super::{Callbacks, observed::Observed};
use opentelemetry::{
    InstrumentationScope,
    metrics::{
        AsyncInstrumentBuilder, Callback, Counter, Gauge, Histogram, HistogramBuilder, InstrumentBuilder,
        InstrumentProvider, Meter, MeterProvider, ObservableCounter, ObservableGauge,
        ObservableUpDownCounter, UpDownCounter,
    },
};
use opentelemetry_sdk::{error::OTelSdkResult, metrics::SdkMeterProvider};
use std::sync::Arc;

/// The provider of meters: that of the SDK, around which a callback that panics or blocks harms nothing but what it
/// measures itself.
#[derive(Clone, Debug)]
pub struct Meters {
    sdk: SdkMeterProvider,
    pub(crate) callbacks: Callbacks,
}

impl Meters {
    pub(crate) fn new(sdk: SdkMeterProvider, callbacks: Callbacks) -> Self {
        Meters { sdk, callbacks }
    }

    /// Collects and delivers what was measured, for at most 5 s.
    ///
    /// # Errors
    /// If something was refused, or is not delivered by then.
    pub fn force_flush(&self) -> OTelSdkResult {
        self.sdk.force_flush()
    }

    /// Measures nothing any more.
    ///
    /// # Errors
    /// If it was shut down before.
    pub fn shutdown(&self) -> OTelSdkResult {
        self.sdk.shutdown()
    }
}

impl MeterProvider for Meters {
    fn meter_with_scope(&self, scope: InstrumentationScope) -> Meter {
        self.callbacks.meter(self.sdk.meter_with_scope(scope))
    }
}

impl Callbacks {
    /// The same meter, but for the callbacks.
    pub(crate) fn meter(&self, meter: Meter) -> Meter {
        Meter::new(Arc::new(Guarded { meter, callbacks: self.clone() }))
    }

    /// What the SDK is to call instead.
    fn guard<T: Copy + Send + Sync + 'static>(
        &self,
        instrument: &str,
        callbacks: Vec<Callback<T>>,
    ) -> Vec<Callback<T>> {
        let guard = |callback| -> Callback<T> {
            let observed = Arc::new(Observed::new(instrument.to_owned(), callback));
            self.add(observed.clone());
            Box::new(move |to| observed.repeat(to))
        };
        callbacks.into_iter().map(guard).collect()
    }
}

struct Guarded {
    meter: Meter,
    callbacks: Callbacks,
}

macro_rules! as_they_are {
    ($($make:ident $builder:ident $instrument:ty $(, $more:ident)?;)*) => {$(
        fn $make(&self, builder: $builder<'_, $instrument>) -> $instrument {
            let mut inner = self.meter.$make(builder.name);
            (inner.description, inner.unit) = (builder.description, builder.unit);
            $(inner.$more = builder.$more;)?
            inner.build()
        }
    )*};
}

macro_rules! with_care {
    ($($make:ident $instrument:ty, $number:ty;)*) => {$(
        fn $make(&self, builder: AsyncInstrumentBuilder<'_, $instrument, $number>) -> $instrument {
            let callbacks = self.callbacks.guard(&builder.name, builder.callbacks);
            let mut inner = self.meter.$make(builder.name);
            (inner.description, inner.unit) = (builder.description, builder.unit);
            inner.callbacks = callbacks;
            inner.build()
        }
    )*};
}

impl InstrumentProvider for Guarded {
    as_they_are! {
        u64_counter InstrumentBuilder Counter<u64>;
        f64_counter InstrumentBuilder Counter<f64>;
        i64_up_down_counter InstrumentBuilder UpDownCounter<i64>;
        f64_up_down_counter InstrumentBuilder UpDownCounter<f64>;
        u64_gauge InstrumentBuilder Gauge<u64>;
        i64_gauge InstrumentBuilder Gauge<i64>;
        f64_gauge InstrumentBuilder Gauge<f64>;
        u64_histogram HistogramBuilder Histogram<u64>, boundaries;
        f64_histogram HistogramBuilder Histogram<f64>, boundaries;
    }

    with_care! {
        u64_observable_counter ObservableCounter<u64>, u64;
        f64_observable_counter ObservableCounter<f64>, f64;
        i64_observable_up_down_counter ObservableUpDownCounter<i64>, i64;
        f64_observable_up_down_counter ObservableUpDownCounter<f64>, f64;
        u64_observable_gauge ObservableGauge<u64>, u64;
        i64_observable_gauge ObservableGauge<i64>, i64;
        f64_observable_gauge ObservableGauge<f64>, f64;
    }
}
