//! Measures what throughline's layers cost beside their peers; `benches/run` builds and starts it.

#![allow(clippy::duplicate_mod, reason = "one file for two release lines of OpenTelemetry: see providers.rs")]

// Who is measured.
mod peers;

// With which requests.
mod load;

// Which log lines.
mod lines;

// What they record with.
mod providers;

// One peer at work.
mod run;

// What is counted: allocations here, instructions from outside.
mod allocations;
mod callgrind;

// What is told of it.
mod bars;
mod figures;
mod profile;
mod table;

use std::{
    env,
    error::Error,
    ffi::OsStr,
    process::{Command, ExitCode},
};

use self::{figures::Figures, run::Run};

fn main() -> ExitCode {
    match obey() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Does what the arguments say, and tells whether that went well.
fn obey() -> Result<bool, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["list"] => peers::ALL.iter().for_each(|peer| println!("{}", peer.name)),
        ["profile", run] => profile::print(run.parse()?)?,
        // What this program asks of itself, each in a process of its own.
        ["drive", run, requests] => run.parse::<Run>()?.drive(requests.parse()?)?,
        ["allocations", run] => println!("{}", run.parse::<Run>()?.allocations()?),
        ["time", run] => println!("{}", run.parse::<Run>()?.nanoseconds()?),
        ["--check"] => return tell(&[]),
        _ => drop(tell(&words)?),
    }
    Ok(true)
}

/// Prints what the peers cost, and tells whether all bars hold.
fn tell(peers: &[&str]) -> Result<bool, Box<dyn Error>> {
    let figures = Figures::measure(peers)?;
    table::print(&figures);
    Ok(bars::print(&figures))
}

/// A program without the variables of this one: they would configure the SDK.
fn child(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(env::var_os("PATH").map(|path| ("PATH", path)));
    command
}
