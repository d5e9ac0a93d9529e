//! `throughline check`: what a service with this environment would do, and whether it would work. `throughline collect`: a
//! collector. `throughline view`: files, or one trace.

mod check; // settings, faults, destinations, versions
mod collect; // OTLP in, OTLP out, and the view
mod lock; // Cargo.lock: one of each, or two that do not know each other
mod view; // files in a browser, a trace on a terminal

use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

/// One trace id through traces, metrics and logs.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Options),
    Collect(Box<collect::Options>),
    View(view::Options),
}

fn main() -> ExitCode {
    let given = std::env::args_os().collect();
    let (arguments, variables) = collect::with_variables(Arguments::command(), given);
    let read = Arguments::try_parse_from(arguments).unwrap_or_else(|fault| {
        if !variables.is_empty() {
            eprintln!("given by variables: {}", variables.join(", "));
        }
        fault.exit()
    });
    match read.command {
        Command::Check(options) => check::run(&options),
        Command::Collect(options) => collect::run(&options),
        Command::View(options) => view::run(&options),
    }
}
