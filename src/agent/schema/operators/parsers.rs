//! What reads lines.

use super::{
    super::{
        Holds::{Between, Boolean, Section as Part, Size, Text, Words},
        Key, Section, section,
    },
    OF_SCOPE, SEVERITY, SHARED, TIMESTAMP, TRACE,
};
use crate::config::file::schema::{key, required};

const PARSER: &[Key] = &[
    key("parse_from", Text, "The field that is read. Default: body."),
    key("parse_to", Text, "The field whose map gets what is read. Default: attributes."),
    key("body", Text, "A field that becomes the body then."),
    key("timestamp", Part(&TIMESTAMP), "When it happened."),
    key("severity", Part(&SEVERITY), "How severe it is."),
    key("trace", Part(&TRACE), "To which trace and span it belongs."),
    key("scope_name", Part(&OF_SCOPE), "The instrumentation scope."),
];

pub(super) static CONTAINER: Section = section(
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

pub(super) static JSON: Section = section(
    "json_parser",
    &[
        SHARED,
        &[key("parse_ints", Boolean, "Whether whole numbers become integers. Default: false.")],
        PARSER,
    ],
);

pub(super) static KEY_VALUE: Section = section(
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

pub(super) static REGEX: Section = section(
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

pub(super) static CSV: Section = section(
    "csv_parser",
    &[
        SHARED,
        &[
            key(
                "header",
                Text,
                "What the values are called, one name after the other: `id,severity,message`.",
            ),
            key("header_attribute", Text, "Or the attribute that holds that."),
            key(
                "header_delimiter",
                Text,
                "What stands between the names, one letter. Default: that of the values.",
            ),
            key("delimiter", Text, "What stands between the values, one letter. Default: a comma."),
            key("lazy_quotes", Boolean, "Whether a quote may stand where none belongs. Default: false."),
            key("ignore_quotes", Boolean, "Whether quotes are letters like others. Default: false."),
        ],
        PARSER,
    ],
);

pub(super) static JSON_ARRAY: Section = section(
    "json_array_parser",
    &[
        SHARED,
        &[key(
            "header",
            Text,
            "What the values are called, with commas between. Default: they become a list, for which parse_to has to be a place in attributes, or the body.",
        )],
        PARSER,
    ],
);

pub(super) static SYSLOG: Section = section(
    "syslog_parser",
    &[
        SHARED,
        &[
            required(
                "protocol",
                Words(&["rfc3164", "rfc5424"]),
                "How lines are written. Time and severity are read too.",
            ),
            key("location", Text, "The time zone of times that name none: those of rfc3164. Default: UTC."),
            key(
                "allow_skip_pri_header",
                Boolean,
                "Whether a line may begin without its priority. Default: false.",
            ),
            key(
                "enable_octet_counting",
                Boolean,
                "Whether each line begins with its length. Default: false.",
            ),
            key(
                "non_transparent_framing_trailer",
                Words(&["LF", "NUL"]),
                "What ends a line. Default: nothing.",
            ),
        ],
        PARSER,
    ],
);

pub(super) static URI: Section = section("uri_parser", &[SHARED, PARSER]);
