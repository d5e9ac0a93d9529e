//! The ways in which a program ends, and what of its telemetry is delivered then.
//!
//! `cargo run --example endings shutdown`, and so on:
//!
//! | ending | delivered |
//! |---|---|
//! | `shutdown` | everything, within the limit; what is not, is named |
//! | `drop`, `error` | everything, within two seconds; what is not, is counted in a warning |
//! | `panic` | as with `drop`, and the panic as a record, which is an option |
//! | `thread` | the panic of a thread ends nothing |
//! | `exit`, `abort` | nothing that waits: neither runs a destructor |

use std::{error::Error, process, thread, time::Duration};
use throughline::{Config, Telemetry};

fn main() -> Result<(), Box<dyn Error>> {
    let ending = std::env::args().nth(1).unwrap_or_else(|| "shutdown".into());
    let mut config = Config::from_env();
    config.log.panics = true;
    let telemetry = Telemetry::init(config)?;
    work();
    match ending.as_str() {
        "drop" => drop(telemetry),
        "error" => return Err("the program gave up".into()),
        "panic" => give_up(),
        "thread" => {
            // Its panic is that of the thread.
            let _ = thread::spawn(give_up).join();
            work();
            telemetry.shutdown_blocking(Duration::from_secs(5))?;
        }
        "exit" => process::exit(0),
        "abort" => process::abort(),
        _ => telemetry.shutdown_blocking(Duration::from_secs(5))?,
    }
    Ok(())
}

#[tracing::instrument]
fn work() {
    tracing::info!("working");
}

#[allow(clippy::panic, reason = "what this shows")]
fn give_up() {
    panic!("no way on");
}
