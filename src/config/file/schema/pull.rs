//! What a file says of the page that Prometheus fetches.

use super::{Holds::*, Section, key, renamed, required, views};

sections! {
    PULL "pull" false [&[
        required("exporter", Section(&EXPORTER), "Who fetches."),
        key("producers", Unsupported, "Leave it out."),
        key("cardinality_limits", Section(&views::CARDINALITY_LIMITS), "How many series an instrument has."),
    ]];
    EXPORTER "exporter of pull" true [&[
        key("prometheus/development", Section(&PROMETHEUS), "Prometheus, at `/metrics` (feature `prometheus`)."),
        renamed("prometheus", "prometheus/development"),
    ]];
    PROMETHEUS "prometheus/development" false [&[
        key("host", Text, "Where the page is; in a pod 0.0.0.0. Default: localhost."),
        key("port", Between(0, 65_535), "Its port; 0: any that is free. One that is taken fails the start. Default: 9464."),
        key("scope_info_enabled", Boolean, "Every series has the labels `otel_scope_*`. Default: true."),
        key("target_info_enabled/development", Words(&["true"]), "The resource is there as `target_info`. Default: true."),
        key("resource_constant_labels", Unsupported, "Join with target_info in PromQL, or relabel where Prometheus fetches."),
        key("translation_strategy", Words(&["underscore_escaping_with_suffixes"]), "How names are written. Default: underscore_escaping_with_suffixes."),
        renamed("without_scope_info", "scope_info_enabled, the other way round"),
        renamed("without_target_info/development", "target_info_enabled/development, the other way round"),
        renamed("with_resource_constant_labels", "resource_constant_labels"),
    ]];
}
