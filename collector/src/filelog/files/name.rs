//! What is told of the name of a file.

use crate::filelog::{Options, entry::Map};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The directory where a file really is.
pub(super) fn directory(path: &Path) -> Option<PathBuf> {
    Some(fs::canonicalize(path).ok()?.parent()?.to_owned())
}

/// What entries are told of the name of their file.
pub(super) fn labels(options: &Options, path: &Path) -> Map {
    let mut labels = options.attributes.clone();
    let mut label = |is_wanted: bool, key: &str, value: Option<String>| {
        if let Some(value) = value.filter(|_| is_wanted) {
            labels.insert(key, value);
        }
    };
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    label(options.include_file_name, "log.file.name", name(path));
    label(options.include_file_path, "log.file.path", Some(path.to_string_lossy().into_owned()));
    if options.include_file_name_resolved || options.include_file_path_resolved {
        let resolved = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        label(options.include_file_name_resolved, "log.file.name_resolved", name(&resolved));
        let path = resolved.to_string_lossy().into_owned();
        label(options.include_file_path_resolved, "log.file.path_resolved", Some(path));
    }
    labels
}
