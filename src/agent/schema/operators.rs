//! What is done to the lines of log files.

mod parsers; // what reads them

use super::{
    Holds::{
        Boolean, Interval, Limit, Pairs, Ratio, Section as Part, Sections, Size, Text, Texts, Value, Words,
    },
    Key, Kind, Section, section,
};
use crate::config::file::schema::{key, required};
use parsers::{CONTAINER, CSV, JSON, JSON_ARRAY, KEY_VALUE, REGEX, SYSLOG, URI};

/// Fields are `body`, `attributes.key`, `resource["key"]` and what is below them.
pub(in crate::agent) static KINDS: &[&Kind] = &[
    &operator("add", &ADD, "Puts a value into a field."),
    &operator("assign_keys", &ASSIGN_KEYS, "Makes a map of a list."),
    &operator(
        "container",
        &CONTAINER,
        "Reads lines as Docker, CRI-O and containerd write them, and puts parts together.",
    ),
    &operator("copy", &COPY, "Copies a value into another field."),
    &operator("csv_parser", &CSV, "Reads a row of values."),
    &operator("filter", &FILTER, "Drops entries."),
    &operator("flatten", &FLATTEN, "Puts what a map has in its place."),
    &operator("json_array_parser", &JSON_ARRAY, "Reads a JSON array."),
    &operator("json_parser", &JSON, "Reads a JSON object."),
    &operator("key_value_parser", &KEY_VALUE, "Reads pairs of keys and values."),
    &operator("move", &MOVE, "Moves a value to another field."),
    &operator("noop", &NOOP, "Nothing: others can send entries here."),
    &operator("recombine", &RECOMBINE, "Puts entries together."),
    &operator("regex_parser", &REGEX, "Reads what the named groups of a regular expression match."),
    &operator("regex_replace", &REGEX_REPLACE, "Replaces what a regular expression matches."),
    &operator("remove", &REMOVE, "Removes a value."),
    &operator("retain", &RETAIN, "Removes all other values."),
    &operator("router", &ROUTER, "Sends entries different ways."),
    &operator("sanitize_utf8", &SANITIZE, "Makes a text of bytes; what is no UTF-8 is replaced."),
    &operator("scope_name_parser", &SCOPE_NAME, "Reads the name of the instrumentation scope."),
    &operator("severity_parser", &SEVERITY_PARSER, "Reads how severe it is."),
    &operator("syslog_parser", &SYSLOG, "Reads lines of syslog."),
    &operator("time_parser", &TIME, "Reads when it happened."),
    &operator("trace_parser", &TRACE_PARSER, "Reads to which trace and span it belongs."),
    &operator("unquote", &UNQUOTE, "Takes off the quotes of a text, as Go writes them."),
    &operator("uri_parser", &URI, "Reads a URI: scheme, user, host, port, path, query."),
];

const fn operator(name: &'static str, section: &'static Section, meaning: &'static str) -> Kind {
    Kind { name, former: &[], signals: &[], section, meaning }
}

const SHARED: &[Key] = &[
    required("type", Text, "Which one it is."),
    key("id", Text, "What others call it. Default: its type."),
    key("output", Value, "Where its entries go, an id or a list of ids. Default: to the next one."),
    key("if", Text, "An expression: other entries pass by unchanged."),
    key(
        "on_error",
        Words(&["send", "send_quiet", "drop", "drop_quiet"]),
        "What becomes of entries that it cannot work on. Default: send.",
    ),
];

const TIMES: &[Key] = &[
    required("layout", Text, "How it is written: `%Y-%m-%dT%H:%M:%S.%LZ`."),
    key(
        "layout_type",
        Words(&["strptime", "gotime", "epoch"]),
        "The language of the layout. Default: strptime.",
    ),
    key("location", Text, "The time zone of times that name none."),
    key(
        "time_zone_locations",
        Pairs,
        "What abbreviations of zones mean: `PDT: America/Los_Angeles`. Default: what they mean at the location, or by themselves.",
    ),
];

const SEVERITIES: &[Key] = &[
    key(
        "preset",
        Words(&["none", "otel", "default"]),
        "What is known without being named. Default: default.",
    ),
    key(
        "mapping",
        Value,
        "Severities, `error`, `default` or a number, each with what means it: a word, a list of words, `min` and `max`.",
    ),
    key("overwrite_text", Boolean, "Whether the text becomes the name of the number. Default: false."),
];

const TRACES: &[Key] = &[
    key("trace_id", Part(&FROM), "Default: from body.trace_id."),
    key("span_id", Part(&FROM), "Default: from body.span_id."),
    key("trace_flags", Part(&FROM), "Default: from body.trace_flags."),
];

const FROM_KEYS: &[Key] = &[required("parse_from", Text, "The field.")];

static TIMESTAMP: Section = section("timestamp", &[FROM_KEYS, TIMES]);
static SEVERITY: Section = section("severity", &[FROM_KEYS, SEVERITIES]);
static TRACE: Section = section("trace", &[TRACES]);
static OF_SCOPE: Section = section("scope_name", &[FROM_KEYS]);
static FROM: Section = section("from", &[FROM_KEYS]);

static ADD: Section = section(
    "add",
    &[
        SHARED,
        &[
            required("field", Text, "Where."),
            required("value", Value, "What; a text `EXPR(…)` is an expression."),
        ],
    ],
);

const FROM_TO: &[Key] = &[required("from", Text, "The field."), required("to", Text, "The other one.")];
const FIELD: &[Key] = &[required("field", Text, "The field.")];

static COPY: Section = section("copy", &[SHARED, FROM_TO]);
static MOVE: Section = section("move", &[SHARED, FROM_TO]);
static FLATTEN: Section = section("flatten", &[SHARED, FIELD]);
static UNQUOTE: Section = section("unquote", &[SHARED, FIELD]);
static SANITIZE: Section =
    section("sanitize_utf8", &[SHARED, &[key("field", Text, "The field. Default: body.")]]);
static REMOVE: Section = section("remove", &[SHARED, FIELD]);
static RETAIN: Section = section("retain", &[SHARED, &[required("fields", Texts, "The fields that stay.")]]);
static NOOP: Section = section("noop", &[SHARED]);

static ASSIGN_KEYS: Section = section(
    "assign_keys",
    &[
        SHARED,
        &[
            required("field", Text, "Where the list is."),
            required("keys", Texts, "What its values are called, as many as there are."),
        ],
    ],
);

static REGEX_REPLACE: Section = section(
    "regex_replace",
    &[
        SHARED,
        &[
            required("field", Text, "Where the text is."),
            key("regex", Text, "The regular expression, as Go writes it."),
            key(
                "regex_name",
                Words(&["ansi_control_sequences"]),
                "Or one that is known: what controls a terminal.",
            ),
            key(
                "replace_with",
                Text,
                "What stands there then; `$1` is what a group matched, and `$$1` in a file. Default: nothing.",
            ),
        ],
    ],
);

static FILTER: Section = section(
    "filter",
    &[
        SHARED,
        &[
            required("expr", Text, "The expression that is true for what is dropped."),
            key("drop_ratio", Ratio, "The part of it that is dropped. Default: 1."),
        ],
    ],
);

static ROUTER: Section = section(
    "router",
    &[
        SHARED,
        &[
            required("routes", Sections(&ROUTE), "The first whose expression is true is taken."),
            key(
                "default",
                Value,
                "Where the other entries go, an id or a list of ids. Default: nowhere, they are dropped.",
            ),
        ],
    ],
);

static ROUTE: Section = section(
    "route",
    &[&[
        required("expr", Text, "The expression."),
        required("output", Value, "An id, or a list of ids."),
        key("attributes", Value, "Attributes that these entries get."),
    ]],
);

static SCOPE_NAME: Section = section("scope_name_parser", &[SHARED, FROM_KEYS]);
static TIME: Section = section("time_parser", &[SHARED, FROM_KEYS, TIMES]);
static SEVERITY_PARSER: Section = section("severity_parser", &[SHARED, FROM_KEYS, SEVERITIES]);
static TRACE_PARSER: Section = section("trace_parser", &[SHARED, TRACES]);

static RECOMBINE: Section = section(
    "recombine",
    &[
        SHARED,
        &[
            required("combine_field", Text, "The field whose texts are put together."),
            key("is_first_entry", Text, "The expression that is true for the first of them."),
            key("is_last_entry", Text, "Or the one that is true for the last."),
            key("combine_with", Text, "What stands between them. Default: a line feed."),
            key("max_batch_size", Limit, "How many are put together; 0: no bound. Default: 1000."),
            key("max_unmatched_batch_size", Limit, "How many before one matches; 0: no bound. Default: 100."),
            key(
                "overwrite_with",
                Words(&["oldest", "newest"]),
                "Which entry all else is of. Default: newest.",
            ),
            key("force_flush_period", Interval, "How long others are waited for. Default: 5s."),
            key(
                "source_identifier",
                Text,
                "The field that tells sources apart. Default: attributes[\"log.file.path\"].",
            ),
            key("max_sources", Limit, "How many sources there may be at once. Default: 1000."),
            key("max_log_size", Size, "How large the text may get; 0: no bound. Default: 0."),
        ],
    ],
);
