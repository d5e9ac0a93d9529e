//! Lines of containers, as their runtimes write them.

use super::Parse;

/// How the lines of containers are read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Container {
    /// Who wrote them. Default: each line tells.
    pub format: Option<Format>,
    /// Whether pod, namespace and container become attributes of the resource; they are read from the attribute
    /// `log.file.path`. Default: they do.
    pub add_metadata_from_filepath: bool,
    /// How large a line may get of which parts are put together, in bytes; 0: as large as it is. Default: 1 MiB.
    pub max_log_size: usize,
    /// From where, to where, and what else.
    pub parse: Parse,
}

impl Default for Container {
    fn default() -> Self {
        Container {
            format: None,
            add_metadata_from_filepath: true,
            max_log_size: 1024 * 1024,
            parse: Parse::default(),
        }
    }
}

/// Who writes the lines of containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Docker.
    Docker,
    /// CRI-O.
    Crio,
    /// containerd.
    Containerd,
}
