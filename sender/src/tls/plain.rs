//! Connectors without TLS, where the feature `tls` is off.

use crate::Remote;
use hyper_util::client::legacy::connect::HttpConnector;
use std::error::Error;

pub(crate) type Connector = HttpConnector;

pub(crate) struct Connectors;

impl Connectors {
    pub(crate) fn new(remote: &Remote) -> Result<Self, String> {
        match remote.url.scheme_str() {
            Some("https") => Err("https needs the feature `tls`; turn it on".into()),
            _ => Ok(Connectors),
        }
    }

    pub(crate) fn have_changed(&self) -> bool {
        false
    }

    pub(crate) fn connector(&mut self) -> Result<Connector, String> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Ok(connector)
    }
}

pub(crate) fn words(_: &(dyn Error + 'static), _: &Remote) -> Option<String> {
    None
}
