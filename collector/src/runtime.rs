//! The thread where a collector lives, from its start to its end.

use crate::{
    Config, Destinations, Error, Exit, Lost, Way,
    filelog::Readers,
    intake::Intake,
    ports::{Addresses, Ports},
    start,
};
use std::{
    io,
    sync::{Arc, mpsc::SyncSender},
    time::Duration,
};
use throughline_sender::{Destination, Signal};
use tokio::{
    runtime::{self, Runtime},
    sync::oneshot::{Receiver, Sender},
};
use tracing::dispatcher::{Dispatch, set_default};

/// Starts everything, says that it is ready or why not, and stops it within the time that it is told in the end.
pub(crate) fn run(
    config: Config,
    ports: Ports,
    addresses: Addresses,
    ready: &SyncSender<Result<Arc<Intake>, Error>>,
    end: Receiver<Duration>,
    over: Sender<()>,
) -> Result<(), Lost> {
    // The spans and events of the HTTP implementation would come in again, without end.
    let _quiet = set_default(&Dispatch::none());
    let runtime = match runtime(&config) {
        Ok(runtime) => runtime,
        Err(fault) => {
            let _ = ready.send(Err(Error::thread(fault)));
            return Ok(());
        }
    };
    let outcome = runtime.block_on(live(config, ports, addresses, ready, end));
    // Nobody waits for a page that is still being made.
    runtime.shutdown_background();
    let _ = over.send(());
    outcome
}

async fn live(
    config: Config,
    ports: Ports,
    addresses: Addresses,
    ready: &SyncSender<Result<Arc<Intake>, Error>>,
    end: Receiver<Duration>,
) -> Result<(), Lost> {
    let file_logs = config.file_logs.clone();
    let started = start(config, ports, addresses).and_then(|intake| {
        let readers = Readers::start(&file_logs, &intake)?;
        Ok((intake, readers))
    });
    let (started, mut running) = match started {
        Ok((intake, readers)) => (Ok(Arc::clone(&intake)), Some((intake, readers))),
        Err(fault) => (Err(fault), None),
    };
    if ready.send(started).is_err() {
        return Ok(());
    }
    let Some((intake, readers)) = &mut running else { return Ok(()) };
    match end.await {
        Ok(limit) => {
            readers.halt().await;
            let outcome = intake.close(limit).await;
            readers.finish().await;
            outcome
        }
        // The handle was dropped.
        Err(_) => Ok(()),
    }
}

fn runtime(config: &Config) -> io::Result<Runtime> {
    let mut builder = runtime::Builder::new_current_thread();
    // One that makes pages, one that makes those for Prometheus, one that decodes large requests, one for each terminal
    // and file that are waited for, and one for each disk, of which the servers of a destination have several.
    let disks = |destination: &Destination| if let Destination::Balanced(_) = destination { 4 } else { 1 };
    let all = |destinations: &Destinations| {
        let all = Signal::ALL.into_iter().flat_map(|signal| destinations.of(signal));
        all.map(disks).sum::<usize>()
    };
    let of_exit =
        |exit: &Exit| if let Way::Network(destinations) = &exit.way { all(destinations) } else { 1 };
    let waiting = all(&config.destinations) + config.exits.iter().map(of_exit).sum::<usize>();
    builder.max_blocking_threads(5 + waiting).thread_name("throughline-collector").enable_all().build()
}
