//! Connectors without TLS, where the feature `tls` is off.

use crate::{Remote, resolve::Resolver};
use hyper_util::client::legacy::connect::HttpConnector;
use std::error::Error;

pub(crate) type Connector = HttpConnector<Resolver>;

pub(crate) struct Connectors(Resolver);

impl Connectors {
    pub(crate) fn new(remote: &Remote) -> Result<Self, String> {
        match remote.url.scheme_str() {
            Some("https") => Err("https needs the feature `tls`; turn it on".into()),
            _ => Ok(Connectors(Resolver::new(remote.address))),
        }
    }

    pub(crate) fn have_changed(&self) -> bool {
        false
    }

    pub(crate) fn fault(&self, _: &Remote) -> Option<String> {
        None
    }

    pub(crate) fn connector(&mut self) -> Result<Connector, String> {
        let mut connector = HttpConnector::new_with_resolver(self.0.clone());
        connector.set_nodelay(true);
        Ok(connector)
    }
}

pub(crate) fn words(_: &(dyn Error + 'static), _: &Remote) -> Option<String> {
    None
}
