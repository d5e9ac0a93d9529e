//! Throws texts at the reader of the OpenTelemetry Collector's configurations. How: see variables.rs, with
//! `../examples/collector` and `../src/agent/tests` for seeds.

#![no_main]

use throughline::agent::Agent;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let agent = Agent::from_yaml(&text, [("A", "1"), ("MY_POD_IP", "10.1.2.3"), ("EMPTY", "")]);
    let lines = agent.faults().iter().map(ToString::to_string).chain(agent.lines().iter().cloned());
    for line in lines {
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
    assert_eq!(agent.config().is_err(), agent.faults().iter().any(|fault| fault.fatal));
});
