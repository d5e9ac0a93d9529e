//! What must hold of a configuration, whatever it was read from.

use throughline::{Config, sender::Signal};

/// All that it says of itself is a line without a control character, and it is refused if it has a fault.
pub(crate) fn check(config: &Config) {
    let lines = config.faults().iter().map(ToString::to_string);
    let lines = lines.chain(config.settings().map(ToString::to_string));
    let lines = lines.chain(Signal::ALL.map(|signal| config.export(signal).to_string()));
    for line in lines {
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
    assert_eq!(config.check().is_err(), !config.faults().is_empty());
}
