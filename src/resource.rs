//! Who is speaking: the attributes that every span, measurement and log record of a process shares.
//!
//! | attribute | from |
//! |---|---|
//! | `service.name` | [`Config::service_name`], else the attribute of that name, else `unknown_service:<program>` (H-110) |
//! | `service.instance.id` | a random UUID, made anew at each start (H-111), unless an attribute names it |
//! | `telemetry.sdk.*` | the OpenTelemetry SDK |
//! | `telemetry.distro.name`, `.version` | this crate (H-113) |
//! | `process.pid`, `.creation.time`, `.executable.name`, `.executable.path`, `.command`, `.owner` | the system (H-115) |
//! | `host.arch`; `host.name`, `host.id` outside of containers | the system (H-116) |
//! | `os.type`, `.name`, `.version`, `.description` | `/etc/os-release` |
//! | `container.id` | the control group, or the mounts that Docker and Podman make |
//! | `k8s.pod.uid`, `k8s.container.name`, `k8s.namespace.name` | the mounts and the service account (H-114) |
//! | `k8s.*` | [`Config::kubernetes`]: the variables of the downward API |
//! | all others | [`Config::resource_attributes`], which win over all but the name |
//!
//! In a manifest, what cannot be looked up from inside of a pod:
//!
//! ```yaml
//! env:
//!   - { name: K8S_POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
//!   - { name: K8S_NODE_NAME, valueFrom: { fieldRef: { fieldPath: spec.nodeName } } }
//! ```
//!
//! # Semantics
//! What cannot be known for certain is left out: the arguments of the command may hold secrets, the name of a
//! container's host is not that of its machine, and outside of Kubernetes there is no `k8s.*`. `container.id` is absent
//! in a pod whose control group is hidden from it. `THROUGHLINE_RESOURCE_DETECTORS` leaves groups out.
//!
//! # Limits
//! Files are read at the start, up to 1 MiB each. Outside of Linux only what needs no file is told.

mod container; // control groups and mounts
mod host; // the machine and its system
mod process; // this process

use crate::config::{AttributeValue, Config, Detector};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::{
    Resource,
    resource::TelemetryResourceDetector,
    trace::{IdGenerator, RandomIdGenerator},
};
use std::{fs::File, io::Read, time::Duration};

const SERVICE_NAME: &str = "service.name";
const SERVICE_INSTANCE_ID: &str = "service.instance.id";
/// A table of mounts has some hundred lines; whatever is longer is not what was looked for.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The name under which a service of this configuration appears.
pub(crate) fn service_name(config: &Config) -> String {
    let attribute = || {
        config.resource_attributes.iter().rev().find_map(|(key, value)| match value {
            AttributeValue::Text(name) if key == SERVICE_NAME && !name.is_empty() => Some(name.clone()),
            _ => None,
        })
    };
    config.service_name.clone().or_else(attribute).unwrap_or_else(|| {
        let program = std::env::current_exe().ok();
        match program.as_deref().and_then(|path| path.file_name()).and_then(|name| name.to_str()) {
            Some(name) => format!("unknown_service:{name}"),
            None => "unknown_service".into(),
        }
    })
}

pub(crate) fn resource(config: &Config) -> Resource {
    let given =
        config.resource_attributes.iter().cloned().map(|(key, value)| KeyValue::new(key, told(value)));
    let file = config.by_file.clone().unwrap_or_default();
    let detected = detect(&config.detectors, config.kubernetes.as_deref(), &read);
    let detected = detected.into_iter().filter(|(key, _)| file.detected.takes(key));
    Resource::builder_empty()
        .with_attributes(detected.map(|(key, value)| KeyValue::new(key, value)))
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes([
            KeyValue::new("telemetry.distro.name", "throughline"),
            KeyValue::new("telemetry.distro.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new(SERVICE_INSTANCE_ID, instance_id()),
        ])
        .with_attributes(given)
        .with_attribute(KeyValue::new(SERVICE_NAME, service_name(config)))
        .with_schema_url([], file.schema_url.unwrap_or_default())
        .build()
}

/// The value as the SDK has it.
fn told(value: AttributeValue) -> Value {
    match value {
        AttributeValue::Text(text) => text.into(),
        AttributeValue::Boolean(truth) => truth.into(),
        AttributeValue::Integer(integer) => integer.into(),
        AttributeValue::Number(number) => number.into(),
        AttributeValue::Texts(texts) => {
            Value::Array(Array::String(texts.into_iter().map(StringValue::from).collect()))
        }
        AttributeValue::Booleans(truths) => Value::Array(Array::Bool(truths)),
        AttributeValue::Integers(integers) => Value::Array(Array::I64(integers)),
        AttributeValue::Numbers(numbers) => Value::Array(Array::F64(numbers)),
    }
}

/// How long this process has run.
pub(crate) fn age() -> Option<Duration> {
    process::age(&read)
}

/// An attribute that was found out.
type Found = (String, Value);

/// What these detectors find in these files; `kubernetes` is what the downward API tells, if this is Kubernetes.
fn detect(
    detectors: &[Detector],
    kubernetes: Option<&[(String, String)]>,
    read: &dyn Fn(&str) -> Option<String>,
) -> Vec<Found> {
    let mounts = container::Mounts::of(read);
    let inside = container::is_inside(&mounts, kubernetes.is_some(), read);
    let mut found = Vec::new();
    for detector in detectors {
        match detector {
            Detector::Process => found.extend(process::process(read)),
            Detector::Host => found.extend(host::host(inside, read)),
            Detector::Os => found.extend(host::os(read)),
            Detector::Container => {
                found.extend(container::id(&mounts, kubernetes.is_some(), read).map(text("container.id")))
            }
            Detector::Kubernetes => {
                if let Some(told) = kubernetes {
                    found.extend(container::pod(&mounts, read));
                    // What the operator tells wins over what was found.
                    found.extend(told.iter().map(|(key, value)| (key.clone(), Value::from(value.clone()))));
                }
            }
        }
    }
    found
}

/// An attribute with a text.
fn text(key: &str) -> impl Fn(String) -> Found {
    move |value| (key.to_owned(), Value::from(value))
}

/// The beginning of a file; `None` if it cannot be read, is too long or is not text.
fn read(path: &str) -> Option<String> {
    let mut text = String::new();
    let length = File::open(path).ok()?.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).ok()?;
    u64::try_from(length).is_ok_and(|length| length <= MAX_FILE_BYTES).then_some(text)
}

/// A UUID of version 4, from the SDK's own source of random ids.
fn instance_id() -> String {
    let mut bytes = RandomIdGenerator::default().new_trace_id().to_bytes();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut id = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            id.push('-');
        }
        id += &format!("{byte:02x}");
    }
    id
}

#[cfg(test)]
mod tests;
