//! `THROUGHLINE_VIEW`: a collector with its view beside the service, or the one that is there already.

use crate::{Error, config::Config};

/// What was opened; closes when dropped.
#[derive(Default)]
pub(crate) struct View {
    pub(crate) url: Option<String>,
    #[cfg(feature = "collector")]
    collector: Option<throughline_collector::Collector>,
}

impl View {
    /// Opens the view if the configuration asks for it, and sends all signals there too.
    ///
    /// If a throughline collector already answers at the view's address, as when a second service is started on the
    /// same machine, the signals go to that one.
    #[cfg(feature = "collector")]
    pub(crate) fn open(config: &mut Config) -> Result<Self, Error> {
        use crate::sender::{Destination, Protocol, Remote, Signal};
        use throughline_collector::{Collector, find};

        if !config.view.enabled || config.disabled {
            return Ok(View::default());
        }
        let error = match Collector::start((&config.view).into()) {
            Ok(collector) => {
                let ports = [collector.grpc_address(), collector.http_address()].map(|a| a.map(|a| a.port()));
                config.show(
                    |_| Destination::Local(collector.inlet()),
                    |destination| leads_to(destination, ports),
                );
                return Ok(View { url: collector.view_url(), collector: Some(collector) });
            }
            Err(error) => error,
        };
        let running = config.view.address.filter(|_| error.is_address_in_use()).and_then(find);
        let Some((running, http)) = running.and_then(|running| Some((running.view, running.otlp_http?)))
        else {
            return Err(Error::collector(error));
        };
        let found = |signal: Signal| {
            // A socket address and a constant path are always a URL.
            let url = format!("http://{http}/{}", signal.http_path()).parse().unwrap_or_default();
            Destination::Remote(Remote::new(Protocol::HttpProtobuf, url))
        };
        config.show(found, |destination| leads_to(destination, [None, Some(http.port())]));
        Ok(View { url: Some(format!("http://{running}/")), collector: None })
    }

    #[cfg(not(feature = "collector"))]
    pub(crate) fn open(config: &mut Config) -> Result<Self, Error> {
        if config.view.enabled {
            config.fault("THROUGHLINE_VIEW", "needs the feature `collector` of throughline; it is ignored");
        }
        Ok(View::default())
    }

    /// Returns when the ports are free again. Blocks.
    pub(crate) fn close(self) {
        #[cfg(feature = "collector")]
        if let Some(collector) = self.collector {
            // It sends nothing on.
            let _ = collector.stop_blocking(std::time::Duration::ZERO);
        }
    }
}

/// Whether a destination is one of these ports of this machine: then it would get everything twice.
#[cfg(feature = "collector")]
fn leads_to(destination: &crate::sender::Destination, ports: [Option<u16>; 2]) -> bool {
    let crate::sender::Destination::Remote(remote) = destination else { return false };
    let host = remote.url.host().unwrap_or_default().trim_matches(['[', ']']);
    let here =
        host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    here && remote.url.port_u16().is_some_and(|port| ports.contains(&Some(port)))
}

/// A collector at the addresses of the configuration, with the default bounds.
#[cfg(feature = "collector")]
impl From<&crate::config::View> for throughline_collector::Config {
    fn from(view: &crate::config::View) -> Self {
        let mut config = throughline_collector::Config::default();
        config.grpc = view.grpc;
        config.http = view.http;
        config.view = view.address;
        config
    }
}
