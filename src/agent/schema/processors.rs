//! What changes telemetry, or the way it goes.

use super::{
    ALL,
    Holds::{Between, Count, Interval, Limit, Sections, Span, Text, Value, Words},
    Kind, Section, idle, missing, section,
};
use crate::config::file::schema::{key, required};

pub(in crate::agent) static KINDS: &[&Kind] = &[&ATTRIBUTES, &BATCH, &MEMORY_LIMITER, &RESOURCE];

static BATCH: Kind = Kind {
    name: "batch",
    former: &[],
    signals: ALL,
    section: &BATCH_SECTION,
    meaning: "Puts together what waits in front of the exporters of its pipelines.",
};

static BATCH_SECTION: Section = section(
    "batch",
    &[&[
        key("timeout", Span, "The longest wait for others; 0: none. Default: 200ms."),
        key(
            "send_batch_size",
            Limit,
            "With so many spans, data points or log records waiting they are sent; 0: only the time counts. Default: 8192.",
        ),
        key(
            "send_batch_max_size",
            Limit,
            "More are not sent as one request; a larger request goes alone; 0: as send_batch_size. Default: 0.",
        ),
        missing("metadata_keys", "Leave it out."),
        idle("metadata_cardinality_limit", "There are no keys of metadata."),
    ]],
);

static MEMORY_LIMITER: Kind = Kind {
    name: "memory_limiter",
    former: &[],
    signals: ALL,
    section: &MEMORY_LIMITER_SECTION,
    meaning: "Bounds the bytes of requests in memory, of all pipelines together: with more of them, who sends is told to come again. The limit is the one less the spike.",
};

static MEMORY_LIMITER_SECTION: Section = section(
    "memory_limiter",
    &[&[
        required("check_interval", Interval, "Every request is checked; this has to be there, as elsewhere."),
        key("limit_mib", Count, "The limit, in MiB."),
        key("spike_limit_mib", Count, "In MiB. Default: a fifth of the limit."),
        key(
            "limit_percentage",
            Between(1, 100),
            "The limit, as a part of the memory that the process may have, where limit_mib does not say it.",
        ),
        key(
            "spike_limit_percentage",
            Between(1, 100),
            "The spike as a part of that. Default: a fifth of the limit.",
        ),
        idle("min_gc_interval_when_soft_limited", "There is no garbage."),
        idle("min_gc_interval_when_hard_limited", "There is no garbage."),
        idle("max_gc_interval_when_soft_limited", "There is no garbage."),
        idle("max_gc_interval_when_hard_limited", "There is no garbage."),
    ]],
);

static RESOURCE: Kind = Kind {
    name: "resource",
    former: &[],
    signals: ALL,
    section: &RESOURCE_SECTION,
    meaning: "Changes attributes of resources.",
};

static RESOURCE_SECTION: Section =
    section("resource", &[&[required("attributes", Sections(&ACTION), "One after the other.")]]);

static ATTRIBUTES: Kind = Kind {
    name: "attributes",
    former: &[],
    signals: ALL,
    section: &ATTRIBUTES_SECTION,
    meaning: "Changes attributes of spans, data points and log records.",
};

static ATTRIBUTES_SECTION: Section = section(
    "attributes",
    &[&[
        required("actions", Sections(&ACTION), "One after the other."),
        missing("include", "Actions are done to all."),
        missing("exclude", "Actions are done to all."),
    ]],
);

pub(in crate::agent) static ACTION: Section = section(
    "action",
    &[&[
        required("action", Words(ACTIONS), "What is done, in lower case."),
        key("key", Text, "To which attribute. Needed, unless `delete` has a pattern."),
        key("value", Value, "What it becomes, for insert, update and upsert: text, number, true or false."),
        key("from_attribute", Text, "Or what another one holds; without that one nothing is done."),
        key("default_value", Value, "Then this instead."),
        key(
            "pattern",
            Text,
            "A regular expression: of keys for `delete`, of the value for `extract`, which puts what its named groups match into attributes of these names.",
        ),
        key("converted_type", Words(&["int", "double", "string"]), "The type for `convert`."),
        key(
            "from_context",
            Text,
            "Or what is known of who sends: `client.address`, `auth.username`, or a header, `metadata.<name>`; where it is not known nothing is done.",
        ),
    ]],
);

const ACTIONS: &[&str] = &["insert", "update", "upsert", "delete", "hash", "extract", "convert"];
