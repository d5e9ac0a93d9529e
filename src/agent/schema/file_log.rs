//! Which log files are read, and how.

use super::{
    Holds::{AnyTexts, Boolean, Interval, Limit, Section as Part, Size, Span, Text, Texts, Value, Words},
    Section, idle, missing, section,
};
use crate::config::file::schema::{key, required};

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
            Words(&["utf-8", "utf8", "ascii", "utf-16le", "utf-16be", "nop"]),
            "What the bytes mean; nop: bytes. Default: utf-8.",
        ),
        key("preserve_leading_whitespaces", Boolean, "Default: false."),
        key("preserve_trailing_whitespaces", Boolean, "Default: false."),
        key("poll_interval", Interval, "How often files are looked for and read. Default: 200ms."),
        key(
            "force_flush_period",
            Span,
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
        missing("delete_after_read", "Let whoever writes the files delete them."),
        missing("header", "Use operators."),
        missing("ordering_criteria", "Leave it out: all files are read."),
        missing("include_file_record_number", "Leave it out."),
        missing("include_file_record_offset", "Leave it out."),
        missing("include_file_owner_name", "Leave it out."),
        missing("include_file_owner_group_name", "Leave it out."),
        missing("include_file_permissions", "Leave it out."),
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
