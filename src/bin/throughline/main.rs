//! `throughline check`: what a service with this environment would do, and whether it would work. `throughline collect`: a
//! collector. `throughline view`: files, or one trace.

mod check; // settings, faults, destinations, versions
mod collect; // OTLP in, OTLP out, and the view
mod lock; // Cargo.lock: one of each, or two that do not know each other
mod view; // files in a browser, a trace on a terminal

use clap::{Parser, Subcommand};
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
    match Arguments::parse().command {
        Command::Check(options) => check::run(&options),
        Command::Collect(options) => collect::run(&options),
        Command::View(options) => view::run(&options),
    }
}
