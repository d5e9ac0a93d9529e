use super::told;
use crate::agent::Agent;

/// With the address of a pod.
fn of(text: &str) -> Agent {
    Agent::from_yaml(text, [("MY_POD_IP", "10.1.2.3")])
}

#[test]
fn values_without_settings_are_what_the_chart_has_less_what_is_not_there() {
    let agent = of("config: {receivers: {jaeger: null}}");
    assert_eq!(
        told(&agent),
        [
            "the chart's own configuration: receivers.zipkin is not there; switch it off with receivers.zipkin: null, \
         and name the receivers of its pipelines",
            "the chart's own configuration: receivers.prometheus is not there; switch it off with \
         receivers.prometheus: null, and name the receivers of its pipelines",
            "the chart's own configuration: service.pipelines.traces.receivers[1] is jaeger, which is not among the \
         receivers; add it there, or name another: otlp",
        ]
    );
}

#[test]
fn values_are_merged_key_by_key_lists_are_replaced_and_null_takes_away() {
    let agent = of("
mode: daemonset
config:
  receivers:
    otlp: {protocols: {grpc: null, http: {endpoint: '127.0.0.1:1'}}}
  exporters: {debug: {verbosity: normal}, nop: }
  processors: {batch: null, memory_limiter: null}
  extensions: {health_check: null}
  service:
    extensions: []
    pipelines:
      logs: null
      traces: {receivers: [otlp], processors: []}
      metrics: {receivers: [otlp], processors: [], exporters: [nop]}
presets: {}
");
    assert_eq!(
        told(&agent),
        [
            "line 2: mode, presets: of values for the chart only config is read, the rest is ignored; what presets would \
         add has to be written there"
        ]
    );
    assert_eq!(
        agent.lines(),
        [
            "receiver otlp: OTLP/HTTP at 127.0.0.1:1",
            "exporter debug: stdout",
            "exporter nop: nowhere",
            "pipeline traces: otlp > debug",
            "pipeline metrics: otlp > nop",
        ]
    );
}

#[test]
fn what_the_chart_has_uses_the_address_of_the_pod() {
    let text = "
config:
  service:
    pipelines:
      traces: {receivers: [otlp]}
      metrics: {receivers: [otlp]}
";
    let lines = |variables: &[(&str, &str)]| {
        let agent = Agent::from_yaml(text, variables.iter().copied());
        assert_eq!(told(&agent), [""; 0]);
        let config = agent.config().unwrap();
        assert!(config.max_memory.is_some_and(|bytes| bytes > 0));
        agent.lines().to_vec()
    };
    assert_eq!(
        lines(&[("MY_POD_IP", "fd00::7")]),
        [
            "receiver otlp: OTLP/gRPC at [fd00::7]:4317, OTLP/HTTP at [fd00::7]:4318",
            "exporter debug: stdout",
            "pipeline traces: otlp > memory_limiter, batch > debug",
            "pipeline metrics: otlp > memory_limiter, batch > debug",
            "pipeline logs: otlp > memory_limiter, batch > debug",
            "health at http://[fd00::7]:13133/",
        ]
    );
    assert!(lines(&[])[0].ends_with("OTLP/gRPC at 0.0.0.0:4317, OTLP/HTTP at 0.0.0.0:4318"));
}
