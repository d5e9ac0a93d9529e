//! The private runtime on which everything leaves the process.
//!
//! One thread, one current-thread runtime, telemetry suppressed: whatever the HTTP client below does is not
//! recorded and cannot feed back into what is sent, and no export depends on the runtime of the program,
//! which may be single-threaded, blocked, or already gone.

use crate::Error;
use opentelemetry::Context;
use std::{
    cell::Cell,
    process,
    sync::{Mutex, mpsc},
    thread,
    time::Duration,
};
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

/// How long a stop waits for the thread.
const END_LIMIT: Duration = Duration::from_millis(250);

thread_local! {
    static IS_EXPORT: Cell<bool> = const { Cell::new(false) };
}

/// Whether this is a thread of an export runtime, which must not wait for one.
pub(crate) fn is_export_thread() -> bool {
    IS_EXPORT.get()
}

/// The process that has the export thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Home(u32);

impl Home {
    pub(crate) fn here() -> Self {
        Home(process::id())
    }

    /// Whether this is that process. A child that it forks has the memory without the thread: to wait there would be to
    /// wait for nobody.
    pub(crate) fn is_here(self) -> bool {
        self.0 == process::id()
    }
}

/// Said in such a child.
pub(crate) const FORKED: &str = "telemetry was built before this process was forked, and nothing leaves from here; build it \
                                 after the fork";

#[derive(Debug)]
pub(crate) struct ExportRuntime {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    /// In a lock only to be shareable.
    ended: Mutex<mpsc::Receiver<()>>,
}

impl ExportRuntime {
    pub(crate) fn start() -> Result<Self, Error> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            // The threads that block, for files and callbacks, too. The scope lasts as long as the thread.
            .on_thread_start(|| {
                IS_EXPORT.set(true);
                std::mem::forget(Context::enter_telemetry_suppressed_scope());
            })
            .build()
            .map_err(|error| Error::system("the export runtime cannot be made", error))?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let (end, ended) = mpsc::channel();
        thread::Builder::new()
            .name("throughline-export".into())
            .spawn(move || {
                IS_EXPORT.set(true);
                let _suppressed = Context::enter_telemetry_suppressed_scope();
                // An error means that the sender is gone, which is a stop as well.
                let _ = runtime.block_on(stopped);
                // A name look-up that hangs in the system must not hold up the end of the process.
                runtime.shutdown_background();
                drop(end);
            })
            .map_err(|error| Error::system("the export thread cannot be started", error))?;
        Ok(ExportRuntime { handle, stop: Some(stop), ended: Mutex::new(ended) })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for ExportRuntime {
    fn drop(&mut self) {
        drop(self.stop.take());
        // Comes at once, unless something on the thread blocks: then the thread is left to itself.
        let _ = self.ended.get_mut().map(|ended| ended.recv_timeout(END_LIMIT));
    }
}
