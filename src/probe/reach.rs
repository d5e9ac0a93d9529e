//! Whether anybody is there at all.

use super::FURTHER_PATIENCE;
use std::io;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

/// Why nobody is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreached {
    /// The name has no address.
    Unknown { host: String },
    /// The machine is there, the port is closed.
    Refused { host: String, port: u16 },
    /// No answer, or no way.
    Silent { host: String, port: u16 },
}

/// Makes a connection, and lets it go.
pub(super) async fn reach(host: &str, port: u16) -> Result<(), Unreached> {
    let bare = host.trim_matches(['[', ']']);
    let host = host.to_owned();
    let Ok(Ok(addresses)) = timeout(FURTHER_PATIENCE, lookup_host((bare, port))).await else {
        return Err(Unreached::Unknown { host });
    };
    let mut refused = false;
    for address in addresses {
        match timeout(FURTHER_PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => refused |= error.kind() == io::ErrorKind::ConnectionRefused,
            Err(_) => {}
        }
    }
    Err(if refused { Unreached::Refused { host, port } } else { Unreached::Silent { host, port } })
}
