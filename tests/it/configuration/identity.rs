//! Who speaks: the whole resource, as it arrives.

use crate::{
    lifecycle::record,
    support::{
        PATIENCE,
        receiver::{Decoded, Receiver, attributes},
    },
};
use opentelemetry::metrics::MeterProvider;
use std::collections::BTreeMap;
use throughline::{Config, Telemetry, sender::Signal};

// H-110, H-111, H-112, H-113, H-115
#[tokio::test]
async fn every_signal_has_the_whole_identity_of_the_process_and_the_same_one() {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let telemetry = Telemetry::build(Config::from_vars([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_SERVICE_NAME", "cart"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.name=other,service.namespace=shop,service.version=1.4.2,service.criticality=high,\
             deployment.environment.name=staging",
        ),
        ("THROUGHLINE_RESOURCE_DETECTORS", "process"),
    ]))
    .unwrap();
    record(&telemetry);
    telemetry.meter_provider().meter("test").u64_counter("c").build().add(1, &[]);
    telemetry.shutdown(PATIENCE).await.unwrap();

    let resources = receiver.resources();
    assert_eq!(resources.iter().map(|(signal, ..)| *signal).collect::<Vec<_>>(), Signal::ALL);
    let mut told = attributes(&resources[0].2.attributes);
    for (_, schema, resource) in &resources {
        assert_eq!((schema.as_str(), attributes(&resource.attributes)), ("", told.clone()));
    }
    // What a test cannot know. A user without a name is no owner.
    told.remove("process.owner");
    for made in ["service.instance.id", "process.creation.time", "telemetry.sdk.version"] {
        assert!(told.remove(made).is_some(), "{made}");
    }
    let program = std::env::current_exe().unwrap();
    let text = |text: &str| format!("{text:?}");
    let name = text(program.file_name().unwrap().to_str().unwrap());
    let expected = [
        ("deployment.environment.name", text("staging")),
        ("process.command", text(&std::env::args().next().unwrap())),
        ("process.executable.name", name),
        ("process.executable.path", text(program.to_str().unwrap())),
        ("process.pid", std::process::id().to_string()),
        ("service.criticality", text("high")),
        ("service.name", text("cart")),
        ("service.namespace", text("shop")),
        ("service.version", text("1.4.2")),
        ("telemetry.distro.name", text("throughline")),
        ("telemetry.distro.version", text(env!("CARGO_PKG_VERSION"))),
        ("telemetry.sdk.language", text("rust")),
        ("telemetry.sdk.name", text("opentelemetry")),
    ];
    assert_eq!(told, BTreeMap::from(expected.map(|(key, value)| (key.to_owned(), value))));
}
