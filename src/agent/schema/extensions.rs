//! What else there is: who may send and who sends, where things are kept, who looks after it.

use super::{
    Holds::{Boolean, Section as Part, Text, Words},
    Kind, Section, idle, missing, section,
};
use crate::config::file::schema::key;

pub(in crate::agent) static KINDS: &[&Kind] = &[&BASICAUTH, &BEARERTOKENAUTH, &FILE_STORAGE, &HEALTH_CHECK];

static HEALTH_CHECK: Kind = Kind {
    name: "health_check",
    former: &[],
    signals: &[],
    section: &HEALTH_CHECK_SECTION,
    meaning: "Answers `GET /` with 200 while telemetry is taken, and with 503 while the collector stops. There can be one.",
};

static HEALTH_CHECK_SECTION: Section = section(
    "health_check",
    &[&[
        key(
            "endpoint",
            Text,
            "Address and port, or a port behind a colon for all addresses. Default: localhost:13133.",
        ),
        key("path", Words(&["/"]), "Default: /."),
        idle(
            "check_collector_pipeline",
            "A destination that is away is no reason to start the collector anew.",
        ),
        missing("response_body", "Ask for the status."),
        missing("tls", "Leave it out: probes need none."),
    ]],
);

static FILE_STORAGE: Kind = Kind {
    name: "file_storage",
    former: &[],
    signals: &[],
    section: &FILE_STORAGE_SECTION,
    meaning: "A directory for what outlives the process.",
};

static FILE_STORAGE_SECTION: Section = section(
    "file_storage",
    &[&[
        key("directory", Text, "Made if it is not there. Default: /var/lib/otelcol/file_storage."),
        key("create_directory", Boolean, "Has to be true for a directory that is not there. Default: true."),
        idle("directory_permissions", "Directories are made for their user only."),
        idle("timeout", "Files are locked at the start."),
        idle("compaction", "Files shrink by themselves."),
        idle("fsync", "What counts as written is written through."),
        idle("recreate", "What cannot be read is left out, and said."),
    ]],
);

static BASICAUTH: Kind = Kind {
    name: "basicauth",
    former: &["basic_auth"],
    signals: &[],
    section: &BASICAUTH_SECTION,
    meaning: "A user and a password: of those who may send, or of the collector.",
};

static BASICAUTH_SECTION: Section = section(
    "basicauth",
    &[&[
        key("htpasswd", Part(&HTPASSWD), "Who may send, for receivers."),
        key("client_auth", Part(&CLIENT_AUTH), "Who sends, for exporters."),
    ]],
);

static HTPASSWD: Section = section(
    "htpasswd",
    &[&[
        key(
            "file",
            Text,
            "A file with a line `user:password` for each user, read at the start. Passwords are written as they are, not hashed.",
        ),
        key("inline", Text, "The same lines. Those of the file win."),
    ]],
);

static CLIENT_AUTH: Section = section(
    "client_auth",
    &[&[
        key("username", Text, "The user."),
        key("password", Text, "The password; never printed."),
        key("password_file", Text, "The file that holds it, read again when it changes."),
        missing("username_file", "Write username."),
        missing("aws_secrets_manager", "Write password_file."),
    ]],
);

static BEARERTOKENAUTH: Kind = Kind {
    name: "bearertokenauth",
    former: &["bearer_token_auth"],
    signals: &[],
    section: &BEARERTOKENAUTH_SECTION,
    meaning: "A token: of those who may send, or of the collector.",
};

static BEARERTOKENAUTH_SECTION: Section = section(
    "bearertokenauth",
    &[&[
        key("token", Text, "The token; never printed."),
        key("filename", Text, "The file that holds it, read again when it changes."),
        key("scheme", Words(&["Bearer"]), "Default: Bearer."),
        missing("tokens", "Name several extensions, or write one token."),
        missing("header", "Tokens stand in `authorization`."),
    ]],
);
