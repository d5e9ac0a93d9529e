//! A `tracing` subscriber of your own, with throughline's layers in it: `build` sets nothing that is global.
//!
//! `cargo run --example own_subscriber`

use std::{error::Error, time::Duration};
use throughline::{Config, Telemetry};
use tracing::Subscriber;
use tracing_subscriber::{Layer, layer::Context, prelude::*, registry::LookupSpan};

/// A layer that you have already.
struct Count;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Count {
    fn on_event(&self, event: &tracing::Event<'_>, context: Context<'_, S>) {
        let span = context.lookup_current().map_or("no span", |span| span.name());
        eprintln!("counted one of {} in {span}", event.metadata().level());
    }
}

#[tokio::main]
#[allow(clippy::disallowed_methods, reason = "here the program sets what is global")]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::build(Config::from_env())?;
    tracing_subscriber::registry().with(telemetry.layers()).with(Count).init();
    // What `init` would have set, for libraries that ask for it.
    opentelemetry::global::set_tracer_provider(telemetry.tracer_provider().clone());

    greet("ada");
    telemetry.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

#[tracing::instrument]
fn greet(name: &str) {
    tracing::info!("hello");
}
