//! The private runtime on which everything leaves the process.
//!
//! One thread, one current-thread runtime, telemetry suppressed: whatever the HTTP client below does is not
//! recorded and cannot feed back into what is sent, and no export depends on the runtime of the program,
//! which may be single-threaded, blocked, or already gone.

use crate::Error;
use opentelemetry::Context;
use std::thread::{self, JoinHandle};
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

#[derive(Debug)]
pub(crate) struct ExportRuntime {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ExportRuntime {
    pub(crate) fn start() -> Result<Self, Error> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::system("the export runtime cannot be made", error))?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new()
            .name("throughline-export".into())
            .spawn(move || {
                let _suppressed = Context::enter_telemetry_suppressed_scope();
                // An error means that the sender is gone, which is a stop as well.
                let _ = runtime.block_on(stopped);
                // A name look-up that hangs in the system must not hold up the end of the process.
                runtime.shutdown_background();
            })
            .map_err(|error| Error::system("the export thread cannot be started", error))?;
        Ok(ExportRuntime { handle, stop: Some(stop), thread: Some(thread) })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for ExportRuntime {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            let _ = thread.join();
        }
    }
}
