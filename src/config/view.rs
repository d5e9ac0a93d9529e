//! The collector and its view in this process, decided from the variables.

use super::{Between, Fault, env, env::Environment};
use std::net::SocketAddr;

/// The collector and its view in this process; needs the feature `collector`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct View {
    /// Default: false.
    pub enabled: bool,
    /// Where OTLP/gRPC is taken; `None`: nowhere. Default: 127.0.0.1:4317.
    pub grpc: Option<SocketAddr>,
    /// Where OTLP/HTTP is taken; `None`: nowhere. Default: 127.0.0.1:4318.
    pub http: Option<SocketAddr>,
    /// Where the pages are; `None`: nowhere. Default: 127.0.0.1:4319.
    pub address: Option<SocketAddr>,
    /// Servers among which `throughline collect` divides what it sends, in the place of the host of each destination.
    /// Default: `None`, all goes there.
    pub balance: Option<Between>,
}

impl View {
    pub(super) fn read(environment: &mut Environment) -> Self {
        View {
            enabled: environment.boolean(&env::VIEW, None).unwrap_or(false),
            grpc: address(environment, &env::COLLECTOR_GRPC, 4317),
            http: address(environment, &env::COLLECTOR_HTTP, 4318),
            address: address(environment, &env::COLLECTOR_VIEW, 4319),
            balance: balance(environment),
        }
    }
}

/// To send everything to the one host that was named would be a guess.
fn balance(environment: &mut Environment) -> Option<Between> {
    let found = environment.text(&env::COLLECTOR_BALANCE, None)?;
    let read = found.value.parse();
    read.map_err(|fault: String| environment.faults.push(Fault::fatal(&found.name, &fault))).ok()
}

fn address(environment: &mut Environment, variable: &env::Variable, port: u16) -> Option<SocketAddr> {
    let default = Some(SocketAddr::from(([127, 0, 0, 1], port)));
    let Some(found) = environment.text(variable, None) else { return default };
    if found.value.eq_ignore_ascii_case("off") {
        return None;
    }
    match found.value.replace("localhost", "127.0.0.1").parse() {
        Ok(address) => Some(address),
        Err(_) => {
            let fault = format!("{:?} is not an address; write 127.0.0.1:{port}, or off", found.value);
            environment.fault(&found.name, &fault);
            default
        }
    }
}
