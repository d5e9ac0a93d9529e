//! Who is speaking: the attributes that every span, measurement and log record of a process shares.
//!
//! | attribute | from |
//! |---|---|
//! | `service.name` | [`Config::service_name`], else the attribute of that name, else `unknown_service:<program>` (H-110) |
//! | `service.instance.id` | a random UUID, made anew at each start (H-111), unless an attribute names it |
//! | `telemetry.sdk.*` | the OpenTelemetry SDK |
//! | `telemetry.distro.name`, `.version` | this crate (H-113) |
//! | all others | [`Config::resource_attributes`] |

use crate::config::{AttributeValue, Config};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::{
    Resource,
    resource::TelemetryResourceDetector,
    trace::{IdGenerator, RandomIdGenerator},
};

const SERVICE_NAME: &str = "service.name";
const SERVICE_INSTANCE_ID: &str = "service.instance.id";

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
        config.resource_attributes.iter().cloned().map(|(key, given)| KeyValue::new(key, value(given)));
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes([
            KeyValue::new("telemetry.distro.name", "throughline"),
            KeyValue::new("telemetry.distro.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new(SERVICE_INSTANCE_ID, instance_id()),
        ])
        .with_attributes(given)
        .with_attribute(KeyValue::new(SERVICE_NAME, service_name(config)))
        .build()
}

fn value(given: AttributeValue) -> Value {
    match given {
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
mod tests {
    use super::*;

    fn value(config: &Config, key: &'static str) -> Option<String> {
        resource(config).get(&key.into()).map(|value| value.to_string())
    }

    // H-110, O-092
    #[test]
    fn the_service_name_beats_the_attribute_and_the_attribute_beats_the_fallback() {
        let both = [("OTEL_SERVICE_NAME", "a"), ("OTEL_RESOURCE_ATTRIBUTES", "service.name=b")];
        assert_eq!(value(&Config::from_vars(both), SERVICE_NAME).as_deref(), Some("a"));
        assert_eq!(value(&Config::from_vars(both[1..].to_vec()), SERVICE_NAME).as_deref(), Some("b"));
        let fallback = value(&Config::from_vars([("", ""); 0]), SERVICE_NAME).unwrap();
        assert!(fallback.starts_with("unknown_service:throughline"), "{fallback}");
    }

    // H-111
    #[test]
    fn each_start_has_its_own_instance_id_of_version_4() {
        let config = Config::from_vars([("", ""); 0]);
        let (one, two) =
            (value(&config, SERVICE_INSTANCE_ID).unwrap(), value(&config, SERVICE_INSTANCE_ID).unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), 36);
        assert_eq!(one.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&one.as_bytes()[19]));
        let own = Config::from_vars([("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=pod-1")]);
        assert_eq!(value(&own, SERVICE_INSTANCE_ID).as_deref(), Some("pod-1"));
    }
}
