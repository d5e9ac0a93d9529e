//! Connections of a collector that knows no TLS.

use crate::{Error, config::Tls, serve::Stream};
use std::io;
use tokio::net::TcpStream;

/// None.
pub(crate) struct Security;

impl Security {
    pub(crate) fn new(tls: Option<&Tls>) -> Result<Self, Error> {
        match tls {
            None => Ok(Security),
            Some(_) => Err(Error::receive(
                "the collector cannot speak TLS; turn on the feature `tls` of throughline-collector"
                    .to_owned(),
            )),
        }
    }

    pub(crate) fn knows_clients(&self) -> bool {
        false
    }

    pub(crate) async fn shake(&self, stream: TcpStream) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(stream))
    }
}
