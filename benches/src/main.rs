//! Measures what throughline's layers cost beside their peers; `benches/run` builds and starts it.

// Who is measured.
mod peers;

// With which requests.
mod load;

// What they record with.
mod providers;

// One peer at work.
mod run;

// What is counted: allocations here, instructions from outside.
mod allocations;
mod callgrind;

// What is printed.
mod profile;
mod table;

use std::{env, error::Error, ffi::OsStr, process::Command};

use self::{run::Run, table::Table};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["list"] => peers::ALL.iter().for_each(|peer| println!("{}", peer.name)),
        ["profile", run] => profile::print(run.parse()?)?,
        // What this program asks of itself, each in a process of its own.
        ["drive", run, requests] => run.parse::<Run>()?.drive(requests.parse()?)?,
        ["allocations", run] => println!("{}", run.parse::<Run>()?.allocations()?),
        ["time", run] => println!("{}", run.parse::<Run>()?.nanoseconds()?),
        _ => Table::measure(&arguments)?.print(),
    }
    Ok(())
}

/// A program without the variables of this one: they would configure the SDK.
fn child(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(env::var_os("PATH").map(|path| ("PATH", path)));
    command
}
