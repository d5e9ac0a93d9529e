//! What a file says of single instruments.

use super::{Holds, Holds::*, Section, key, required};

/// The SDK makes room for all series of an instrument at once.
const SERIES: Holds = Between(1, 100_000);
/// The kinds of instruments, as a file calls them.
const KINDS: &[&str] = &[
    "counter",
    "gauge",
    "histogram",
    "observable_counter",
    "observable_gauge",
    "observable_up_down_counter",
    "up_down_counter",
];
const OF_A_KIND: &str = "The same for instruments of this kind; readers share one. Default: that of all.";

sections! {
    VIEW "view" false [&[
        required("selector", Section(&SELECTOR), "Which instruments."),
        required("stream", Section(&STREAM), "What becomes of them."),
    ]];
    SELECTOR "selector" false [&[
        key("instrument_name", Text, "Their names, in any case; `*` stands for any characters, `?` for one. Default: all."),
        key("instrument_type", Words(KINDS), "Only those of this kind."),
        key("unit", Text, "Only those with this unit."),
        key("meter_name", Text, "Only those of the meter with this name."),
        key("meter_version", Text, "Only those of a meter with this version."),
        key("meter_schema_url", Text, "Only those of a meter with this schema."),
    ]];
    STREAM "stream" false [&[
        key("name", Text, "The name of the metric. Default: that of the instrument."),
        key("description", Text, "The description of the metric. Default: that of the instrument."),
        key("aggregation", Section(&AGGREGATION), "What is made of the measurements. Default: what suits the instrument."),
        key("aggregation_cardinality_limit", SERIES, "Series; what is beyond them is told in one more. Default: that of the readers."),
        key("attribute_keys", Section(&ATTRIBUTE_KEYS), "Which attributes are kept. Default: all."),
    ]];
    AGGREGATION "aggregation" true [&[
        key("default", Name, "What suits the instrument."),
        key("drop", Name, "Nothing: it is not told."),
        key("sum", Name, "Their sum. Not of gauges."),
        key("last_value", Name, "The last of them. Only of gauges."),
        key("explicit_bucket_histogram", Section(&BUCKETS), "A histogram with these bounds."),
        key("base2_exponential_bucket_histogram", Section(&EXPONENTIAL), "A histogram whose bounds follow the values."),
    ]];
    BUCKETS "explicit_bucket_histogram" false [&[
        key("boundaries", Numbers, "Upper bounds, each above the one before; an empty list: only count and sum. Default: those of the standard."),
        key("record_min_max", Idle, "The least and the greatest value are always told."),
    ]];
    EXPONENTIAL "base2_exponential_bucket_histogram" false [&[
        key("max_scale", Between(-10, 20), "The finest scale. Default: 20."),
        key("max_size", Between(2, 16_384), "Buckets of each sign. Default: 160."),
        key("record_min_max", Idle, "The least and the greatest value are always told."),
    ]];
    ATTRIBUTE_KEYS "attribute_keys" false [&[
        key("included", Texts, "Those that are kept."),
        key("excluded", Unsupported, "Name those that are included."),
    ]];
    CARDINALITY_LIMITS "cardinality_limits" false [&[
        key("default", SERIES, "Series of an instrument; what is beyond them is told in one more; readers share one. Default: 2000."),
        key("counter", SERIES, OF_A_KIND),
        key("gauge", SERIES, OF_A_KIND),
        key("histogram", SERIES, OF_A_KIND),
        key("observable_counter", SERIES, OF_A_KIND),
        key("observable_gauge", SERIES, OF_A_KIND),
        key("observable_up_down_counter", SERIES, OF_A_KIND),
        key("up_down_counter", SERIES, OF_A_KIND),
    ]];
}
