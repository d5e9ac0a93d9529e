//! What variables say where the command line says nothing: each is an option, written another way.

use clap::{Arg, ArgAction, ArgMatches, Command, parser::ValueSource};
use std::{ffi::OsString, path::PathBuf};
use throughline::{Config, config::Origin};

/// The arguments, and behind them the options that only variables give, in words; nothing of it for another
/// command, or if the arguments cannot be understood.
pub(crate) fn with_variables(command: Command, mut arguments: Vec<OsString>) -> (Vec<OsString>, Vec<String>) {
    let mut added = Vec::new();
    let options = command.find_subcommand("collect").cloned();
    let read = command.ignore_errors(true).try_get_matches_from(&arguments);
    let given = read.as_ref().ok().and_then(ArgMatches::subcommand).filter(|(name, _)| *name == "collect");
    if let (Some((_, given)), Some(options)) = (given, options) {
        let file = given.get_one::<PathBuf>("env_file");
        let environment = file.map_or_else(Config::from_env, Config::from_env_or_file);
        let is_given =
            |option: &Arg| given.value_source(option.get_id().as_str()) == Some(ValueSource::CommandLine);
        // A file says all but where the view is. Servers are read with the variables of services: what is wrong in them may be
        // a secret, which must not be repeated here.
        let has_file = given.contains_id("config");
        let is_open = |option: &Arg| (!has_file || option.get_id() == "view") && option.get_id() != "balance";
        for option in options.get_arguments().filter(|option| !is_given(option) && is_open(option)) {
            let Some((long, variable)) = option.get_long().map(|long| (long, variable(long))) else {
                continue;
            };
            // As it is written: what cannot be understood is to be said here.
            let is_set = |setting: &&Setting| setting.origin != Origin::Default || setting.written.is_some();
            let set = environment.settings().filter(is_set);
            let Some(setting) = set.into_iter().find(|setting| setting.variable == variable) else {
                continue;
            };
            let value = setting.written.as_ref().unwrap_or(&setting.value);
            let several = matches!(option.get_action(), ArgAction::Append);
            let values = value.split(',').filter(|_| several).chain((!several).then_some(value.as_str()));
            arguments.extend(values.map(|value| format!("--{long}={}", value.trim()).into()));
            added.push(format!("--{long} ({variable})"));
        }
    }
    (arguments, added)
}

/// The variable that is an option.
fn variable(option: &str) -> String {
    let name = option.replace('-', "_").to_uppercase();
    match name.starts_with("QUEUE_") {
        // Of services, too.
        true => format!("THROUGHLINE_{name}"),
        false => format!("THROUGHLINE_COLLECTOR_{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use std::collections::BTreeMap;
    use throughline::config::env::{COLLECT, VARIABLES};

    /// The options that are variables, too: not those that say where options are.
    fn options() -> Vec<Arg> {
        let command = crate::Arguments::command();
        let options = command.find_subcommand("collect").unwrap().get_arguments();
        let own = options
            .filter(|option| !["env_file", "config", "check", "help"].contains(&option.get_id().as_str()));
        own.cloned().collect()
    }

    /// What an option says of itself, and its default.
    fn told(option: &Arg) -> (String, String) {
        let help = option.get_help().unwrap().to_string();
        let (meaning, default) = match help.split_once(" [default: ") {
            Some((meaning, default)) => (meaning.to_owned(), default.trim_end_matches([']', '.']).to_owned()),
            None => (
                help.clone(),
                option.get_default_values().iter().map(|value| value.to_string_lossy()).collect(),
            ),
        };
        let default = if default.is_empty() { "none".to_owned() } else { default };
        (meaning.trim_end_matches('.').to_owned(), default)
    }

    #[test]
    fn each_option_is_a_variable_and_says_the_same_of_itself() {
        let options: BTreeMap<String, (String, String)> =
            options().iter().map(|option| (variable(option.get_long().unwrap()), told(option))).collect();
        let shared = VARIABLES.iter().filter(|row| options.contains_key(row.name)).map(|row| row.name);
        assert_eq!(
            shared.collect::<Vec<_>>(),
            [
                "THROUGHLINE_QUEUE_BYTES",
                "THROUGHLINE_QUEUE_DIRECTORY",
                "THROUGHLINE_QUEUE_DIRECTORY_BYTES",
                "THROUGHLINE_COLLECTOR_GRPC",
                "THROUGHLINE_COLLECTOR_HTTP",
                "THROUGHLINE_COLLECTOR_VIEW",
                "THROUGHLINE_COLLECTOR_BALANCE",
            ]
        );
        let own = options.into_iter().filter(|(name, _)| VARIABLES.iter().all(|row| row.name != name));
        let rows = COLLECT.iter().map(|row| {
            (row.name.to_owned(), (row.meaning.trim_end_matches('.').to_owned(), row.default.to_owned()))
        });
        assert_eq!(own.collect::<BTreeMap<_, _>>(), rows.collect());
    }

    #[test]
    fn the_table_of_the_page_is_that_of_the_program() {
        let mut table = String::from("| option | variable | default | meaning |\n|---|---|---|---|\n");
        for option in options() {
            let (long, (meaning, default)) = (option.get_long().unwrap(), told(&option));
            table += &format!("| `--{long}` | `{}` | {default} | {meaning}. |\n", variable(long));
        }
        let page = include_str!("../../../../docs/collector.md");
        assert!(page.ends_with(&table), "docs/collector.md must end with:\n{table}");
    }

    #[test]
    fn another_command_and_what_cannot_be_understood_stay_as_they_are() {
        for arguments in
            [vec!["throughline", "check", "--all"], vec!["throughline"], vec!["throughline", "--help"]]
        {
            let arguments = Vec::from_iter(arguments.into_iter().map(OsString::from));
            assert_eq!(with_variables(crate::Arguments::command(), arguments.clone()), (arguments, vec![]));
        }
    }
}
