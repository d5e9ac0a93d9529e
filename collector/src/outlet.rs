//! What a collector writes itself, to a terminal and to a file: ways out like all others, but closed behind their queues.

use crate::{Error, Way, debug, file};
use std::{path::PathBuf, sync::Arc, time::Duration};
use throughline_sender::{Destination, Inlet};
use tokio::task::spawn_blocking;

/// How long a terminal is waited for: nobody may be reading.
const FOR_TERMINAL: Duration = Duration::from_secs(1);

/// How long a file has for its last lines, even if its queue took all of the time.
const LEAST_FOR_FILE: Duration = Duration::from_millis(100);

/// One of them; clones are the same one.
#[derive(Clone)]
pub(crate) enum Outlet {
    Terminal(Arc<debug::Exporter>),
    File(Arc<file::Exporter>, PathBuf),
}

impl Outlet {
    /// Starts one, if it is the collector itself that writes there.
    pub(crate) fn start(way: &Way) -> Result<Option<Outlet>, Error> {
        Ok(match way {
            Way::Network(_) => None,
            Way::Terminal(options) => {
                Some(Outlet::Terminal(Arc::new(options.start().map_err(Error::thread)?)))
            }
            Way::File(options) => {
                let path = options.path.clone();
                let exporter = options.clone().start().map_err(|fault| Error::file(&path, fault))?;
                Some(Outlet::File(Arc::new(exporter), path))
            }
        })
    }

    /// Where its senders send.
    pub(crate) fn destination(&self) -> Destination {
        Destination::Local(match self {
            Outlet::Terminal(exporter) => Inlet::named("debug", Arc::clone(exporter)),
            Outlet::File(exporter, path) => {
                Inlet::named(&format!("file {}", path.display()), Arc::clone(exporter))
            }
        })
    }

    /// Takes no more and waits until everything is written; else it says what is not. What a terminal does not show is
    /// not lost: it is no place where telemetry arrives.
    pub(crate) async fn close(self, limit: Duration) -> Result<(), String> {
        let closing = spawn_blocking(move || match self {
            Outlet::Terminal(exporter) => {
                exporter.close(limit.min(FOR_TERMINAL));
                Ok(())
            }
            Outlet::File(exporter, path) => match exporter.close(limit.max(LEAST_FOR_FILE)) {
                true => Ok(()),
                false => Err(format!(
                    "file {}: not everything is written ({} requests lost so far)",
                    path.display(),
                    exporter.written().lost
                )),
            },
        });
        // It could only have panicked.
        closing.await.unwrap_or(Ok(()))
    }
}
