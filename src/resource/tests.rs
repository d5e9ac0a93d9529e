use super::*;

fn value(config: &Config, key: &'static str) -> Option<String> {
    resource(config).get(&key.into()).map(|value| value.to_string())
}

// H-110, O-092
#[test]
fn the_service_name_beats_the_attribute_and_the_attribute_beats_the_fallback() {
    let both = [("OTEL_SERVICE_NAME", "a"), ("OTEL_RESOURCE_ATTRIBUTES", "service.name=b")];
    assert_eq!(value(&Config::from_vars(both), SERVICE_NAME).as_deref(), Some("a"));
    assert_eq!(value(&Config::from_vars(both[1..].to_vec()), SERVICE_NAME).as_deref(), Some("b"));
    let fallback = value(&Config::from_vars([("", ""); 0]), SERVICE_NAME).unwrap();
    assert!(fallback.starts_with("unknown_service:throughline"), "{fallback}");
}

// H-111
#[test]
fn each_start_has_its_own_instance_id_of_version_4() {
    let config = Config::from_vars([("", ""); 0]);
    let (one, two) =
        (value(&config, SERVICE_INSTANCE_ID).unwrap(), value(&config, SERVICE_INSTANCE_ID).unwrap());
    assert_ne!(one, two);
    assert_eq!(one.len(), 36);
    assert_eq!(one.as_bytes()[14], b'4');
    assert!(b"89ab".contains(&one.as_bytes()[19]));
    let own = Config::from_vars([("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=pod-1")]);
    assert_eq!(value(&own, SERVICE_INSTANCE_ID).as_deref(), Some("pod-1"));
}

// H-110…H-116
#[test]
fn each_detector_tells_its_own_and_nothing_else() {
    let told = |detectors: &[Detector], kubernetes: Option<&[(String, String)]>| -> Vec<String> {
        let mut keys: Vec<String> =
            detect(detectors, kubernetes, &read).into_iter().map(|(key, _)| key).collect();
        keys.sort();
        keys
    };
    assert_eq!(told(&[], None), [""; 0]);
    let process = told(&[Detector::Process], None);
    let pid = detect(&[Detector::Process], None, &|_| None).remove(0);
    assert_eq!(pid, ("process.pid".to_owned(), Value::from(i64::from(std::process::id()))));
    for (detector, start) in [
        (Detector::Process, "process."),
        (Detector::Host, "host."),
        (Detector::Os, "os."),
        (Detector::Container, "container.id"),
    ] {
        let keys = told(&[detector], None);
        assert!(keys.iter().all(|key| key.starts_with(start)), "{keys:?}");
    }
    if cfg!(target_os = "linux") {
        let expected = ["command", "creation.time", "executable.name", "executable.path", "pid"];
        // A number that has no name has no owner's.
        let process = Vec::from_iter(process.into_iter().filter(|key| key != "process.owner"));
        assert_eq!(process, expected.map(|name| format!("process.{name}")));
    }
    // Outside of Kubernetes there is none, whatever the variables say.
    assert_eq!(told(&[Detector::Kubernetes], None), [""; 0]);
    let pod = [("k8s.pod.name".to_owned(), "cart-1".to_owned())];
    assert_eq!(told(&[Detector::Kubernetes], Some(&pod)), ["k8s.pod.name"]);
}

// H-114
#[test]
fn the_variables_of_the_downward_api_count_only_inside_kubernetes() {
    let vars =
        [("K8S_POD_NAME", "cart-1"), ("K8S_NODE_NAME", "node-7"), ("KUBERNETES_SERVICE_HOST", "10.0.0.1")];
    let inside = Config::from_vars(vars);
    assert_eq!(value(&inside, "k8s.pod.name").as_deref(), Some("cart-1"));
    assert_eq!(value(&inside, "k8s.node.name").as_deref(), Some("node-7"));
    assert_eq!(value(&inside, "host.name"), None);
    assert_eq!(value(&Config::from_vars(vars[..2].to_vec()), "k8s.pod.name"), None);
    let left_out = vars.into_iter().chain([("THROUGHLINE_RESOURCE_DETECTORS", "os, Process")]);
    let left_out = Config::from_vars(left_out);
    assert_eq!(left_out.detectors, [Detector::Process, Detector::Os]);
    assert_eq!((value(&left_out, "k8s.pod.name"), value(&left_out, "host.arch")), (None, None));
    assert!(value(&left_out, "os.type").is_some());
    let none = Config::from_vars([("THROUGHLINE_RESOURCE_DETECTORS", "none")]);
    assert_eq!((value(&none, "process.pid"), none.detectors.len()), (None, 0));
}

#[test]
fn what_the_operator_says_wins_over_what_was_found() {
    let config = Config::from_vars([("OTEL_RESOURCE_ATTRIBUTES", "host.arch=pdp11,process.command=a%2Cb")]);
    assert_eq!(value(&config, "host.arch").as_deref(), Some("pdp11"));
    assert_eq!(value(&config, "process.command").as_deref(), Some("a,b"));
}
