//! What spans and log records may hold, decided from the variables (E-13…E-16).

use super::{env, env::Environment, env::Variable};

/// What a span may hold. What is beyond it is dropped, and its number is told in the span, event or link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpanLimits {
    /// Attributes of the span. Their length is also that of the attributes of events and links.
    pub attributes: AttributeLimits,
    /// Events. Default: 128.
    pub events: usize,
    /// Links. Default: 128.
    pub links: usize,
    /// Attributes of an event. Default: 128.
    pub event_attributes: usize,
    /// Attributes of a link. Default: 128.
    pub link_attributes: usize,
}

/// What the attributes of a span or of a log record may be (E-13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttributeLimits {
    /// Attributes; more are dropped, and their number is told in the span or record. Default: 128.
    pub count: usize,
    /// Characters of a text in an attribute, or bytes; longer ones are cut. `None`: no limit. Default: `None`.
    pub value_length: Option<usize>,
}

const DEFAULT_COUNT: usize = 128;

impl SpanLimits {
    pub(super) fn read(environment: &mut Environment) -> Self {
        let attributes =
            AttributeLimits::read(environment, [&env::SPAN_ATTRIBUTE_COUNT, &env::SPAN_ATTRIBUTE_LENGTH]);
        let mut count = |variable| environment.limit(variable).unwrap_or(DEFAULT_COUNT);
        SpanLimits {
            attributes,
            events: count(&env::SPAN_EVENTS),
            links: count(&env::SPAN_LINKS),
            event_attributes: count(&env::EVENT_ATTRIBUTES),
            link_attributes: count(&env::LINK_ATTRIBUTES),
        }
    }
}

impl AttributeLimits {
    /// The limits of these two variables, else the general ones.
    pub(super) fn read(environment: &mut Environment, [count, length]: [&Variable; 2]) -> Self {
        let mut read = |own, general| {
            let general = environment.limit(general);
            environment.limit(own).or(general)
        };
        AttributeLimits {
            count: read(count, &env::ATTRIBUTE_COUNT).unwrap_or(DEFAULT_COUNT),
            value_length: read(length, &env::ATTRIBUTE_LENGTH),
        }
    }
}
