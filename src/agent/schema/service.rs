//! What of all that runs.

use super::{
    Holds::{AnyTexts, Texts, Value},
    Section, idle, section,
};
use crate::config::file::schema::{key, required};

/// The whole file, but for the components, which are told by their names.
pub(in crate::agent) static FILE: Section = section(
    "the file",
    &[&[
        key("receivers", Value, "What takes telemetry, by name."),
        key("processors", Value, "What changes it."),
        key("exporters", Value, "What sends it on."),
        key("extensions", Value, "What else there is."),
        key("connectors", Value, "There are none."),
        required("service", Value, "What of all that runs."),
    ]],
);

pub(in crate::agent) static SERVICE: Section = section(
    "service",
    &[&[
        required(
            "pipelines",
            Value,
            "Ways, each `traces`, `metrics` or `logs`, with a name behind a slash if there are several.",
        ),
        key("extensions", AnyTexts, "The extensions that run."),
        idle(
            "telemetry",
            "The collector says what it does on stdout and stderr, and tells its counts on the view's /api/status.",
        ),
    ]],
);

pub(in crate::agent) static PIPELINE: Section = section(
    "a pipeline",
    &[&[
        required("receivers", Texts, "Where it begins."),
        key("processors", AnyTexts, "What is done, one after the other."),
        required("exporters", Texts, "Where it ends; each gets everything."),
    ]],
);
