//! Where one signal goes, decided from the variables (O-001…O-020).

use super::{
    Export, credentials, endpoint, env,
    env::{Environment, Variable},
    export::Decided,
    exporter::{Exporter, exporters},
};
use crate::{
    console,
    sender::{Compression, DEFAULT_TIMEOUT, Protocol, Remote, Signal, Tls},
};
use std::time::Duration;

pub(super) fn export(environment: &mut Environment, signal: Signal) -> Export {
    let chosen = exporters(environment, signal);
    // Read also when it is not used: all faults are told at once.
    let remote = remote(environment, signal);
    let at_node = matches!(endpoint::node(environment), Some(Ok(_)));
    let mut export = match &chosen {
        None if signal == Signal::Logs && at_node => Export::new(Decided::Agent),
        None => Export::to(remote),
        Some(chosen) if chosen.value.is_empty() => Export::new(Decided::Variable(chosen.name.clone())),
        Some(chosen) => {
            let decided = Decided::Variable(chosen.name.clone());
            let mut export = Export::new(decided.clone());
            for exporter in &chosen.value {
                match exporter {
                    Exporter::Otlp => export.add_remote(remote.clone()),
                    Exporter::Console => export.add(console::lines(), decided.clone()),
                    Exporter::Stdout => export.add(console::json(), decided.clone()),
                    Exporter::Prometheus => {}
                }
            }
            export
        }
    };
    batches(environment, signal, &mut export);
    export
}

fn batches(environment: &mut Environment, signal: Signal, export: &mut Export) {
    let (delay, sizes) = match signal {
        Signal::Traces => (&env::BSP_DELAY, Some([&env::BSP_QUEUE, &env::BSP_BATCH])),
        Signal::Logs => (&env::BLRP_DELAY, Some([&env::BLRP_QUEUE, &env::BLRP_BATCH])),
        Signal::Metrics => (&env::METRIC_INTERVAL, None),
    };
    export.schedule_delay = environment.delay(delay);
    let Some([queue, batch]) = sizes else { return };
    export.max_queue = environment.count(queue).unwrap_or(export.max_queue);
    let most = export.max_queue;
    match environment.count(batch) {
        Some(asked) if asked > most => {
            let fault = format!("{asked} is more than the {most} that may wait; {most} holds");
            environment.fault(batch.name, &fault);
            export.max_batch = most;
        }
        asked => export.max_batch = asked.unwrap_or(export.max_batch).min(most),
    }
}

/// The destination of OTLP and what decided it; `Err`: the variable that should have, but cannot be understood.
type Decision = Result<(Remote, Decided), String>;

fn remote(environment: &mut Environment, signal: Signal) -> Decision {
    let protocol = match environment.choice(&env::PROTOCOL, Some(signal)).map(|found| found.value) {
        Some("grpc") => Protocol::Grpc,
        Some("http/json") => Protocol::HttpJson,
        _ => Protocol::HttpProtobuf,
    };
    let place = endpoint::url(environment, signal, protocol);
    let url = place.as_ref().map(|(url, _)| url.clone()).unwrap_or_default();
    let mut remote = Remote::new(protocol, url);
    credentials::read(environment, signal, &mut remote);
    remote.compression = match environment.choice(&env::COMPRESSION, Some(signal)).map(|found| found.value) {
        Some("gzip") => Compression::Gzip,
        Some("zstd") => Compression::Zstd,
        _ => Compression::None,
    };
    remote.timeout = timeout(environment, signal);
    remote.tls = tls(environment, signal, &remote);
    let (_, decided) = place?;
    remote.advice = endpoint::advice(&remote, &decided);
    Ok((remote, decided))
}

fn tls(environment: &mut Environment, signal: Signal, remote: &Remote) -> Tls {
    let plain = remote.url.scheme_str() == Some("http");
    let mut path = |variable: &Variable| {
        let found = environment.path(variable, Some(signal))?;
        if plain {
            environment.fault(&found.name, "is not used where the endpoint is not https");
        }
        Some(found.value)
    };
    Tls {
        certificate: path(&env::CERTIFICATE),
        client_certificate: path(&env::CLIENT_CERTIFICATE),
        client_key: path(&env::CLIENT_KEY),
    }
}

/// The shorter one of two: what the exporter may take for an attempt and, where that is set, what a batch may (E-09,
/// E-10, E-11). Zero is no limit in both.
fn timeout(environment: &mut Environment, signal: Signal) -> Duration {
    let of_batch = match signal {
        Signal::Traces => &env::BSP_TIMEOUT,
        Signal::Logs => &env::BLRP_TIMEOUT,
        Signal::Metrics => &env::METRIC_TIMEOUT,
    };
    let of_exporter = environment.milliseconds(&env::TIMEOUT, Some(signal)).unwrap_or(DEFAULT_TIMEOUT);
    let of_batch = environment.milliseconds(of_batch, None).unwrap_or_default();
    let limits = [of_exporter, of_batch].into_iter().filter(|limit| !limit.is_zero());
    limits.min().unwrap_or_default()
}
