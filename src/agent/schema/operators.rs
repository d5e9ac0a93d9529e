//! What is done to the lines of log files.

use super::{
    Holds::{
        AnyTexts, Between, Boolean, Interval, Limit, Ratio, Section as Part, Sections, Size, Text, Texts,
        Value, Words,
    },
    Key, Kind, Section, idle, section,
};
use crate::config::file::schema::{key, required};

/// Fields are `body`, `attributes.key`, `resource["key"]` and what is below them.
pub(in crate::agent) static KINDS: &[&Kind] = &[
    &operator("add", &ADD, "Puts a value into a field."),
    &operator(
        "container",
        &CONTAINER,
        "Reads lines as Docker, CRI-O and containerd write them, and puts parts together.",
    ),
    &operator("copy", &COPY, "Copies a value into another field."),
    &operator("filter", &FILTER, "Drops entries."),
    &operator("flatten", &FLATTEN, "Puts what a map has in its place."),
    &operator("json_parser", &JSON, "Reads a JSON object."),
    &operator("key_value_parser", &KEY_VALUE, "Reads pairs of keys and values."),
    &operator("move", &MOVE, "Moves a value to another field."),
    &operator("noop", &NOOP, "Nothing: others can send entries here."),
    &operator("recombine", &RECOMBINE, "Puts entries together."),
    &operator("regex_parser", &REGEX, "Reads what the named groups of a regular expression match."),
    &operator("remove", &REMOVE, "Removes a value."),
    &operator("retain", &RETAIN, "Removes all other values."),
    &operator("router", &ROUTER, "Sends entries different ways."),
    &operator("scope_name_parser", &SCOPE_NAME, "Reads the name of the instrumentation scope."),
    &operator("severity_parser", &SEVERITY_PARSER, "Reads how severe it is."),
    &operator("time_parser", &TIME, "Reads when it happened."),
    &operator("trace_parser", &TRACE_PARSER, "Reads to which trace and span it belongs."),
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

const PARSER: &[Key] = &[
    key("parse_from", Text, "The field that is read. Default: body."),
    key("parse_to", Text, "The field whose map gets what is read. Default: attributes."),
    key("body", Text, "A field that becomes the body then."),
    key("timestamp", Part(&TIMESTAMP), "When it happened."),
    key("severity", Part(&SEVERITY), "How severe it is."),
    key("trace", Part(&TRACE), "To which trace and span it belongs."),
    key("scope_name", Part(&OF_SCOPE), "The instrumentation scope."),
];

const TIMES: &[Key] = &[
    required("layout", Text, "How it is written: `%Y-%m-%dT%H:%M:%S.%LZ`."),
    key(
        "layout_type",
        Words(&["strptime", "gotime", "epoch"]),
        "The language of the layout. Default: strptime.",
    ),
    key("location", Text, "The time zone of times that name none."),
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
        "Severities, `error` or a number, each with what means it: a word, a list of words, `min` and `max`.",
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

static CONTAINER: Section = section(
    "container",
    &[
        SHARED,
        &[
            key(
                "format",
                Words(&["docker", "crio", "containerd"]),
                "Who wrote it. Default: each line tells.",
            ),
            key(
                "add_metadata_from_filepath",
                Boolean,
                "Whether namespace, pod and container become attributes of the resource; needs `include_file_path`. Default: true.",
            ),
            key("max_log_size", Size, "How large an entry of parts may get; 0: no bound. Default: 1MiB."),
        ],
        PARSER,
    ],
);

const FROM_TO: &[Key] = &[required("from", Text, "The field."), required("to", Text, "The other one.")];
const FIELD: &[Key] = &[required("field", Text, "The field.")];

static COPY: Section = section("copy", &[SHARED, FROM_TO]);
static MOVE: Section = section("move", &[SHARED, FROM_TO]);
static FLATTEN: Section = section("flatten", &[SHARED, FIELD]);
static REMOVE: Section = section("remove", &[SHARED, FIELD]);
static RETAIN: Section = section("retain", &[SHARED, &[required("fields", Texts, "The fields that stay.")]]);
static NOOP: Section = section("noop", &[SHARED]);

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

static JSON: Section = section(
    "json_parser",
    &[
        SHARED,
        &[key("parse_ints", Boolean, "Whether whole numbers become integers. Default: false.")],
        PARSER,
    ],
);

static KEY_VALUE: Section = section(
    "key_value_parser",
    &[
        SHARED,
        &[
            key("delimiter", Text, "What stands between key and value. Default: =."),
            key("pair_delimiter", Text, "What stands between pairs. Default: white space."),
        ],
        PARSER,
    ],
);

static REGEX: Section = section(
    "regex_parser",
    &[
        SHARED,
        &[
            required("regex", Text, "The regular expression, as Go writes it."),
            key("cache", Part(&CACHE), "Remembers what was read of the same text."),
        ],
        PARSER,
    ],
);

static CACHE: Section =
    section("cache", &[&[key("size", Between(0, 1 << 20), "How many texts are remembered. Default: 0.")]]);

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

pub(in crate::agent) static FILE_LOG: Section = section(
    "file_log",
    &[&[
        required("include", Texts, "Patterns of paths: `*`, `?`, `[a-z]`, `{one,two}`, `**`."),
        key("exclude", AnyTexts, "Patterns of paths that are not read."),
        key("exclude_older_than", Interval, "How long ago a file that is not known yet may have changed."),
        key(
            "start_at",
            Words(&["beginning", "end"]),
            "Where files that are there at the first start are read from. Default: end.",
        ),
        key("operators", Value, "What is done to entries, a list."),
        key(
            "storage",
            Text,
            "The extension `file_storage` where it is written down how far files are read. Default: nowhere.",
        ),
        key("include_file_name", Boolean, "Adds `log.file.name`. Default: true."),
        key("include_file_path", Boolean, "Adds `log.file.path`. Default: false."),
        key("include_file_name_resolved", Boolean, "Adds `log.file.name_resolved`. Default: false."),
        key("include_file_path_resolved", Boolean, "Adds `log.file.path_resolved`. Default: false."),
        key("attributes", Value, "Attributes that every entry gets."),
        key("resource", Value, "Attributes that the resource of every entry gets."),
        key("multiline", Part(&MULTILINE), "What an entry is, if not a line."),
        key(
            "encoding",
            Words(&["utf-8", "utf8", "ascii", "nop"]),
            "What the bytes mean; nop: bytes. Default: utf-8.",
        ),
        key("preserve_leading_whitespaces", Boolean, "Default: false."),
        key("preserve_trailing_whitespaces", Boolean, "Default: false."),
        key("poll_interval", Interval, "How often files are looked for and read. Default: 200ms."),
        key(
            "force_flush_period",
            super::Holds::Span,
            "How long a file is quiet until its last entry counts as whole; 0: for ever. Default: 500ms.",
        ),
        key("fingerprint_size", Size, "By how many of its first bytes a file is known. Default: 1kb."),
        key("max_log_size", Size, "The largest entry; a larger one is divided. Default: 1MiB."),
        key("max_concurrent_files", Limit, "How many files are open at once. Default: 1024."),
        key(
            "compression",
            Words(&["", "auto", "gzip"]),
            "auto, gzip: files whose name ends with `.gz` are decompressed. Default: none are.",
        ),
        idle("retry_on_failure", "While the ways out are full, nothing is read, and nothing lost."),
        idle("max_batches", "All files are read."),
        idle("initial_buffer_size", "Buffers grow as they are needed."),
        idle("acquire_fs_lock", "Files are read without a lock."),
        idle("polls_to_archive", "What was read is remembered."),
        super::missing("delete_after_read", "Let whoever writes the files delete them."),
        super::missing("header", "Use operators."),
        super::missing("ordering_criteria", "Leave it out: all files are read."),
        super::missing("include_file_record_number", "Leave it out."),
        super::missing("include_file_record_offset", "Leave it out."),
        super::missing("include_file_owner_name", "Leave it out."),
        super::missing("include_file_owner_group_name", "Leave it out."),
        super::missing("include_file_permissions", "Leave it out."),
    ]],
);

static MULTILINE: Section = section(
    "multiline",
    &[&[
        key("line_start_pattern", Text, "The regular expression that matches where an entry begins."),
        key("line_end_pattern", Text, "Or the one behind whose match it ends."),
        key("omit_pattern", Boolean, "Whether what matches is left out. Default: false."),
    ]],
);
