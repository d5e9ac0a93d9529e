//! The one value that is alive for as long as telemetry flows.
//!
//! Two ways in: [`Telemetry::init`] for a program that leaves everything to throughline, and
//! [`Telemetry::build`] with [`Telemetry::layers`], which set nothing global, for an own subscriber, for
//! tests, for several services in one process. This is the only file that sets a global.
//!
//! ```
//! use std::time::Duration;
//! use throughline::{Config, Telemetry};
//! use tracing_subscriber::prelude::*;
//!
//! # let vars = [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "none"), ("OTEL_LOGS_EXPORTER", "none")];
//! let telemetry = Telemetry::build(Config::from_vars(vars))?;
//! let subscriber = tracing_subscriber::registry().with(telemetry.layers());
//! tracing::subscriber::with_default(subscriber, || tracing::info!("hello"));
//! telemetry.shutdown_blocking(Duration::from_secs(5))?;
//! # Ok::<(), throughline::Error>(())
//! ```
//!
//! # From where
//! From `#[tokio::main]`, a current-thread runtime, a test, or without any runtime: everything leaves on a thread of
//! its own, so telemetry may outlive the runtime in which it was made, and may be shut down or dropped inside of
//! one. A second [`Telemetry::init`] in a process is an error that says so.
//!
//! # How it ends
//! | the program | what is delivered |
//! |---|---|
//! | calls [`Telemetry::shutdown`] | everything, within the limit; the error names what is not |
//! | drops it: returns, also with an error, or unwinds after a panic | everything, within two seconds; a warning names what is not |
//! | loses a thread by a panic | nothing is lost; [`log_panics`] makes the panic a line and a record |
//! | is told SIGTERM | see [`stop_signal`](crate::stop_signal): what is under way is finished, then it is shut down |
//! | calls `std::process::exit`, aborts, is killed, or was built with `panic = "abort"` and panics | nothing that still waits: no destructor runs |
//!
//! [`Telemetry::shutdown`] consumes it: there is no second one. After it a [`Handle`] still tells its
//! [statistics](Handle::stats); its [flush](Handle::flush) is an error at once, and nothing more is recorded.
//!
//! After a `fork` without an `exec` the child has no export thread: what it records does not leave, and a flush or a
//! shutdown there is an error at once, which says so. The parent's telemetry goes on, and its
//! [directory](crate::config::Queue::directory) stays its own. Build telemetry after the fork.

use crate::{
    Error,
    config::{Config, Sampler},
    export::{ExportRuntime, Home},
    handle::Handle,
    layers::{self, BoxedLayer},
    log::log_panic,
    middleware::{ClientLayer, ServerLayer},
    pipeline::Settle,
    providers::Providers,
    resource::service_name,
    sampler::parent_decides,
    sender::Signal,
    view::View,
};
use opentelemetry::{
    Context, global,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
    trace::noop::NoopTracerProvider,
};
use opentelemetry_sdk::trace::TracerProviderBuilder;
use std::{
    fmt, mem, panic,
    sync::{
        Arc, Once,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tracing::Subscriber;
use tracing_subscriber::{layer::SubscriberExt, registry::LookupSpan};

/// How long a [`Telemetry`] that was not shut down may hold up its thread when it is dropped.
const DROP_LIMIT: Duration = Duration::from_secs(2);

static INITIALIZED: AtomicBool = AtomicBool::new(false);

/// Telemetry, running. Handle and guard in one: keep it until the end, then [shut it down](Self::shutdown).
///
/// Dropped without a shutdown, it still tries to deliver what was recorded, for about two seconds at most. What other
/// ends bring is on the [module's page](self).
#[must_use = "telemetry stops flowing when this is dropped"]
pub struct Telemetry {
    /// Taken by the shutdown, so that `Drop` has nothing left to do.
    running: Option<Running>,
    pub(crate) handle: Handle,
    summary: String,
    config: Config,
}

struct Running {
    providers: Arc<Providers>,
    /// Dropped before the view, which may be where the last of it goes.
    _runtime: ExportRuntime,
    _view: View,
}

impl Telemetry {
    /// Builds telemetry and makes it the program's: tracer and meter providers, propagator and a `tracing`
    /// subscriber. Says in one line where each signal goes.
    ///
    /// # Errors
    /// As [`Telemetry::build`], and if something global was set before: by an earlier `init`, or by a
    /// subscriber of your own. Then [`Telemetry::build`] and [`Telemetry::layers`] are the way.
    pub fn init(config: Config) -> Result<Self, Error> {
        if INITIALIZED.swap(true, Ordering::AcqRel) {
            return Err(Error::already_set("telemetry is already initialized in this process"));
        }
        let telemetry = Telemetry::set(config);
        if telemetry.is_err() {
            INITIALIZED.store(false, Ordering::Release);
        }
        telemetry
    }

    #[allow(clippy::disallowed_methods, reason = "the one place where globals are set")]
    fn set(mut config: Config) -> Result<Self, Error> {
        config.measurements.runtime.get_or_insert(true);
        let telemetry = Telemetry::build(config)?;
        let subscriber = tracing_subscriber::registry().with(telemetry.layers());
        tracing::subscriber::set_global_default(subscriber)
            .map_err(|_| Error::already_set("a tracing subscriber is already set"))?;
        let providers = &telemetry.handle.providers;
        // An error means that the program has a logger of its own: then its lines are not meant for us.
        let _ = tracing_log::LogTracer::init();
        if telemetry.config.log.panics {
            log_panics();
        }
        if !telemetry.config.disabled {
            global::set_tracer_provider(providers.tracer.clone());
            global::set_meter_provider(providers.meters.clone());
        }
        global::set_text_map_propagator(SharedPropagator(providers.propagator.clone()));
        tracing::info!(target: "throughline", "{}", telemetry.summary);
        for fault in telemetry.config.faults() {
            tracing::warn!(target: "throughline", "{fault}");
        }
        for notice in telemetry.config.notices().iter().chain(&telemetry.handle.providers.notices) {
            tracing::warn!(target: "throughline", "{notice}");
        }
        Ok(telemetry)
    }

    /// Builds telemetry without setting anything global: many can live in one process.
    ///
    /// # Errors
    /// If a destination cannot be understood, or not be used at all (its protocol or TLS is not compiled in, a file
    /// cannot be read), or the directory of the queue cannot: what is recorded would be lost. If a port of the embedded
    /// collector is taken by another program, or if the system refuses a thread.
    pub fn build(config: Config) -> Result<Self, Error> {
        Telemetry::build_with(config, |spans| spans)
    }

    /// As [`Telemetry::build`], with more that is told of spans.
    pub(crate) fn build_with(
        mut config: Config,
        more: impl FnOnce(TracerProviderBuilder) -> TracerProviderBuilder,
    ) -> Result<Self, Error> {
        config.usable()?;
        let around = tokio::runtime::Handle::try_current().ok();
        let view = View::open(&mut config)?;
        let runtime = ExportRuntime::start()?;
        let providers = {
            let _inside = runtime.handle().enter();
            Arc::new(Providers::build(&config, more)?)
        };
        if let Some(around) = around.filter(|_| config.measurements.runtime == Some(true)) {
            providers.runtimes.add(None, &around);
        }
        #[cfg(feature = "prometheus")]
        let page = providers.scrape.as_ref().and_then(|scrape| scrape.url());
        #[cfg(not(feature = "prometheus"))]
        let page: Option<String> = None;
        let summary = summary(&config, view.url.as_deref(), page.as_deref());
        let handle =
            Handle { providers: providers.clone(), runtime: runtime.handle().clone(), home: Home::here() };
        let running = Running { providers, _runtime: runtime, _view: view };
        Ok(Telemetry { running: Some(running), handle, summary, config })
    }

    /// The layers for a subscriber of your own: log lines on stdout, spans, log records. Once for each subscriber, and
    /// not beside a layer of tracing-opentelemetry: two of those in one subscriber panic at the first span.
    pub fn layers<S>(&self) -> BoxedLayer<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        layers::layers(&self.config, &self.handle.providers)
    }

    /// The layer that records what arrives, for `Router::layer` or a `tower::ServiceBuilder`. It goes by
    /// [`Config::server`].
    pub fn server_layer(&self) -> ServerLayer {
        let Providers { tracer, meter, exceptions, propagator, .. } = &*self.handle.providers;
        let layer = match self.config.disabled {
            true => ServerLayer::new(&NoopTracerProvider::new(), meter, propagator.clone()),
            false => ServerLayer::new(tracer, meter, propagator.clone()),
        };
        let mut options = self.config.server.clone();
        options.bound_instruments = true;
        options.parent_decides = parent_decides(&self.config);
        let layer =
            layer.with_options(options).on_notice(|text| tracing::warn!(target: "throughline", "{text}"));
        if self.config.disabled { layer } else { layer.with_exceptions(exceptions) }
    }

    /// The layer that records what leaves, around a client that is a tower service. It goes by [`Config::client`].
    pub fn client_layer(&self) -> ClientLayer {
        let Providers { tracer, meter, exceptions, propagator, .. } = &*self.handle.providers;
        let layer = match self.config.disabled {
            true => ClientLayer::new(&NoopTracerProvider::new(), meter, propagator.clone()),
            false => ClientLayer::new(tracer, meter, propagator.clone()),
        };
        let mut options = self.config.client.clone();
        options.bound_instruments = true;
        options.parent_decides = parent_decides(&self.config);
        let layer = layer.with_options(options);
        if self.config.disabled { layer } else { layer.with_exceptions(exceptions) }
    }

    /// The page with all measurements, for a route of the program's own server. It answers 503 in words where none was
    /// asked for. See [`scrape`](crate::scrape).
    #[cfg(feature = "prometheus")]
    pub fn scrape_service(&self) -> crate::scrape::ScrapeService {
        let scrape = self.handle.providers.scrape.as_ref().map(|scrape| scrape.service.clone());
        scrape.unwrap_or_else(|| crate::scrape::ScrapeService::none(self.config.disabled))
    }

    /// Where the page's own server listens; `None` if there is none.
    #[cfg(feature = "prometheus")]
    pub fn scrape_address(&self) -> Option<std::net::SocketAddr> {
        self.handle.providers.scrape.as_ref().and_then(|scrape| scrape.address)
    }

    /// Measures a Tokio runtime, under a name of its own: for programs that have several, and for telemetry that was
    /// made in none or by [`Telemetry::build`]. That in which [`Telemetry::init`] is called is measured already. It is
    /// not kept alive; one that has ended keeps its last values.
    ///
    /// ```
    /// # use throughline::{Config, Telemetry};
    /// # let telemetry = Telemetry::build(Config::from_vars([("OTEL_METRICS_EXPORTER", "none")]))?;
    /// let reports = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    /// telemetry.measure_runtime("reports", reports.handle());
    /// # Ok::<(), throughline::Error>(())
    /// ```
    pub fn measure_runtime(&self, name: &str, runtime: &tokio::runtime::Handle) {
        if !self.config.disabled {
            self.handle.providers.runtimes.add(Some(name), runtime);
        }
    }

    /// The cloneable part: to flush and to look at the statistics from anywhere.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Where each signal goes and what decided it, in one line without secrets: what `init` says at start.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// The configuration this was built from, the places that a view added among it.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Delivers what was recorded and stops: all signals at once, all within the one limit. What is not delivered
    /// then goes to the [queue's directory](crate::config::Queue::directory), if there is one, for the next start: that
    /// is no error, and said in one line; [`Stats::on_disk`](crate::Stats::on_disk) tells how much.
    ///
    /// # Errors
    /// If something is lost: names each signal, how much, where to and why. It is counted in [`Handle::stats`], as it
    /// is if this future is dropped. Spans that end later are not recorded.
    pub async fn shutdown(mut self, limit: Duration) -> Result<(), Error> {
        // Not dropped before the end, also if this future is: its drop counts what is lost.
        let running = self.running.take();
        let result = self.handle.settle(limit, Settle::Close).await;
        self.end(running);
        result
    }

    /// As [`Telemetry::shutdown`], where nothing can be awaited. Works with and without a runtime around it.
    ///
    /// # Errors
    /// As [`Telemetry::shutdown`].
    pub fn shutdown_blocking(mut self, limit: Duration) -> Result<(), Error> {
        self.stop(limit)
    }

    fn stop(&mut self, limit: Duration) -> Result<(), Error> {
        let Some(running) = self.running.take() else { return Ok(()) };
        let result = self.handle.settle_blocking(limit, Settle::Close);
        self.end(running);
        result
    }

    /// What a forked child has of it is the parent's: the threads, the locks of the directory, what waits.
    fn end<T>(&self, running: T) {
        if self.handle.home.is_here() { drop(running) } else { mem::forget(running) }
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Err(error) = self.stop(DROP_LIMIT) {
            tracing::warn!(target: "throughline", "dropped without a shutdown: {error}");
        }
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").field("summary", &self.summary).finish_non_exhaustive()
    }
}

/// Makes each panic an event too: one log line with its ids and place, and one record. Then the hook that was
/// there before runs. Once is enough for a process; [`Telemetry::init`] does it by
/// [option](crate::config::Log::panics).
///
/// ```
/// throughline::telemetry::log_panics();
/// ```
pub fn log_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let earlier = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            log_panic(panic);
            earlier(panic);
        }));
    });
}

/// After this nothing records any more, and what was not delivered is counted as lost.
impl Drop for Running {
    fn drop(&mut self) {
        self.providers.pipelines.iter().for_each(|pipeline| pipeline.abandon());
        // They only close what is closed by now.
        let _ = self.providers.tracer.shutdown();
        let _ = self.providers.meter.sdk.shutdown();
        let _ = self.providers.logger.as_ref().map(|(logger, _)| logger.shutdown());
    }
}

fn summary(config: &Config, view: Option<&str>, page: Option<&str>) -> String {
    let name = service_name(config);
    let version = env!("CARGO_PKG_VERSION");
    let by = |variable| if config.by_file.is_some() { "OTEL_CONFIG_FILE" } else { variable };
    if config.disabled {
        return format!("throughline {version}: {name} records nothing ({})", by("OTEL_SDK_DISABLED"));
    }
    // Signals with the same place share its mention.
    let mut places: Vec<(String, Vec<&str>)> = Vec::new();
    for signal in Signal::ALL {
        let export = config.export(signal);
        let place = match config.scrape.as_ref().filter(|_| signal == Signal::Metrics) {
            None => export.to_string(),
            Some(scrape) if export.destinations.is_empty() => scrape.in_words(page),
            Some(scrape) => format!("{export} and {}", scrape.in_words(page)),
        };
        match places.iter_mut().find(|(known, _)| *known == place) {
            Some((_, signals)) => signals.push(signal.name()),
            None => places.push((place, vec![signal.name()])),
        }
    }
    let places: Vec<String> =
        places.into_iter().map(|(place, signals)| format!("{} to {place}", signals.join(" and "))).collect();
    let by_sampler = by("OTEL_TRACES_SAMPLER");
    let sampler = match config.sampler {
        Sampler::AlwaysOff => format!("; no trace is sampled ({by_sampler})"),
        Sampler::ParentBasedAlwaysOff => format!("; no trace that begins here is sampled ({by_sampler})"),
        _ => String::new(),
    };
    let view = view.map_or(String::new(), |url| format!("; view at {url}"));
    format!("throughline {version}: {name} sends {}{sampler}{view}", places.join(", "))
}

/// The propagator that the layers use, also for `global::get_text_map_propagator`.
#[derive(Debug)]
struct SharedPropagator(Arc<dyn TextMapPropagator + Send + Sync>);

impl TextMapPropagator for SharedPropagator {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        self.0.inject_context(context, injector);
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        self.0.extract_with_context(context, extractor)
    }

    fn fields(&self) -> FieldIter<'_> {
        self.0.fields()
    }
}
