use super::*;
use crate::Config;

/// What a value of a variable decides, and what is told of it.
fn read<T>(variable: &Variable, value: &str, decided: impl Fn(Config) -> T) -> (T, Vec<String>) {
    let config = Config::from_vars([(variable.name, value)]);
    let told = Vec::from_iter(config.faults().iter().map(ToString::to_string));
    (decided(config), told)
}

/// Checks rows of a value, what it decides, and what is told of it after the variable's name.
fn check<T: PartialEq + std::fmt::Debug>(
    variable: &Variable,
    decided: impl Fn(Config) -> T,
    rows: impl IntoIterator<Item = (&'static str, T, Option<String>)>,
) {
    for (value, expected, told) in rows {
        let told = Vec::from_iter(told.map(|told| format!("{}: {told}", variable.name)));
        assert_eq!(read(variable, value, &decided), (expected, told), "{}={value}", variable.name);
    }
}

fn told(text: &str) -> Option<String> {
    Some(text.into())
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn without_variables_the_defaults_of_the_layers_hold() {
    let config = Config::from_vars([("", ""); 0]);
    assert_eq!(format!("{:?}", config.server), format!("{:?}", ServerOptions::default()));
    assert_eq!(format!("{:?}", config.client), format!("{:?}", ClientOptions::default()));
}

// H-022, H-023
#[test]
fn known_methods_replace_the_whole_list_on_both_sides() {
    let default = ServerOptions::default().known_methods;
    let rows = [
        ("GET, FOO,,get", texts(&["GET", "FOO", "get"]), None),
        ("", default.clone(), None),
        (",", default.clone(), told("names nothing; the default holds")),
        ("GET,P OST", texts(&["GET"]), told(r#""P OST" is not the name of a method; it is left out"#)),
        ("G:", default, told(r#""G:" is not the name of a method; it is left out"#)),
    ];
    check(&env::KNOWN_METHODS, |config| config.server.known_methods, rows.clone());
    check(&env::KNOWN_METHODS, |config| config.client.known_methods, rows);
}

// H-070, H-071
#[test]
fn captured_headers_belong_to_one_side_and_one_direction() {
    type Place = fn(Config) -> CapturedHeaders;
    let places: [(&Variable, Place); 4] = [
        (&env::SERVER_REQUEST_HEADERS, |config| config.server.request_headers),
        (&env::SERVER_RESPONSE_HEADERS, |config| config.server.response_headers),
        (&env::CLIENT_REQUEST_HEADERS, |config| config.client.request_headers),
        (&env::CLIENT_RESPONSE_HEADERS, |config| config.client.response_headers),
    ];
    let headers = |names: &[&str]| CapturedHeaders::new(names).unwrap();
    for (variable, place) in places {
        let rows = [
            ("X-Request-Id, x-tenant", headers(&["x-request-id", "x-tenant"]), None),
            ("", headers(&[]), None),
            ("*", headers(&[]), told(r#""*" does not mean all; name each header; it is left out"#)),
            (
                "x tenant,accept",
                headers(&["accept"]),
                told(r#""x tenant" is not the name of a header; it is left out"#),
            ),
        ];
        check(variable, place, rows);
        for (_, other) in places.into_iter().filter(|(other, _)| other.name != variable.name) {
            assert_eq!(read(variable, "x-tenant", other), (headers(&[]), vec![]), "{}", variable.name);
        }
    }
}

// H-065
#[test]
fn one_bad_proxy_means_that_nobody_is_trusted() {
    let nobody = TrustedProxies::default;
    let networks = |networks: &[&str]| TrustedProxies::networks(networks).unwrap();
    let refused = |member: &str| {
        let remedy = "use an address, or an address and a length as in 10.0.0.0/8; nobody is trusted";
        Some(format!("{member:?} is not a network; {remedy}"))
    };
    let rows = [
        ("10.0.0.0/8, fd00::/8,192.0.2.7", networks(&["10.0.0.0/8", "fd00::/8", "192.0.2.7"]), None),
        ("*", TrustedProxies::everybody(), None),
        ("", nobody(), None),
        (",", nobody(), told("names nothing; nobody is trusted")),
        ("10.0.0.0/8,*", nobody(), refused("*")),
        ("10.0.0.0/8,proxy.internal", nobody(), refused("proxy.internal")),
        ("10.0.0.0/33", nobody(), refused("10.0.0.0/33")),
    ];
    check(&env::TRUSTED_PROXIES, |config| config.server.trusted_proxies, rows);
}

// H-063, H-065
#[test]
fn the_headers_of_the_proxies_are_never_guessed() {
    let read = |value, proxies| {
        let vars = [("THROUGHLINE_PROXY_HEADERS", value), ("THROUGHLINE_TRUSTED_PROXIES", proxies)];
        let config = Config::from_vars(vars);
        let told = Vec::from_iter(config.faults().iter().map(|fault| fault.message.clone()));
        (config.server.trusted_proxies, told)
    };
    let everybody = TrustedProxies::everybody;
    assert_eq!(read("", "*"), (everybody(), vec![]));
    assert_eq!(read("X-Forwarded", "*"), (everybody(), vec![]));
    assert_eq!(read("forwarded", "*"), (everybody().with_headers(ProxyHeaders::Forwarded), vec![]));
    let unknown = r#""forward" is unknown; use x-forwarded, forwarded; nobody is trusted"#;
    assert_eq!(read("forward", "*"), (TrustedProxies::default(), vec![unknown.into()]));
    let alone = "means nothing without THROUGHLINE_TRUSTED_PROXIES";
    assert_eq!(read("forwarded", ""), (TrustedProxies::default(), vec![alone.into()]));
}

// P-035
#[test]
fn one_bad_host_means_that_none_is_sent_ids() {
    let only = |hosts: &[&str]| Hosts::only(hosts).unwrap();
    let except = |hosts: &[&str]| Hosts::except(hosts).unwrap();
    let refused = |member: &str| {
        let remedy = "use a name, an address or `*.` and a name; no host is sent ids";
        Some(format!("{member:?} is not a host; {remedy}"))
    };
    let rows = [
        ("prices,*.svc.cluster.local", only(&["prices", "*.svc.cluster.local"]), None),
        ("!api.example.com, !*.example.org", except(&["api.example.com", "*.example.org"]), None),
        ("", Hosts::default(), None),
        (",", only(&[]), told("names nothing; no host is sent ids")),
        ("prices:8080", only(&[]), refused("prices:8080")),
        ("prices,!api.example.com", only(&[]), refused("!api.example.com")),
        ("!http://api.example.com", only(&[]), refused("http://api.example.com")),
    ];
    check(&env::INJECTED_HOSTS, |config| config.client.injected_hosts, rows);
}

// H-032
#[test]
fn the_scheme_is_one_of_two() {
    let rows = [
        ("https", Scheme::Https, None),
        ("HTTPS", Scheme::Https, None),
        ("http", Scheme::Http, None),
        ("ftp", Scheme::Http, told(r#""ftp" is unknown; use http, https"#)),
    ];
    check(&env::SERVER_SCHEME, |config| config.server.scheme, rows);
}

#[test]
fn excluded_paths_are_paths() {
    let refused = |member: &str| {
        let remedy = "begin it with /, end it with * to mean all that begin so; it is left out";
        Some(format!("{member:?} is not a path; {remedy}"))
    };
    let rows = [
        ("/healthz, /internal/*", texts(&["/healthz", "/internal/*"]), None),
        ("", vec![], None),
        ("healthz,/ready", texts(&["/ready"]), refused("healthz")),
        ("/a/*/b", vec![], refused("/a/*/b")),
        ("*", vec![], refused("*")),
    ];
    check(&env::EXCLUDED_PATHS, |config| config.server.excluded_paths, rows);
}

// H-053
#[test]
fn attributes_and_query_keys_are_taken_as_they_are_on_both_sides() {
    let rows = |default: Vec<String>| {
        [
            ("client.address, sig ", texts(&["client.address", "sig"]), None),
            ("", default.clone(), None),
            (",", default, told("names nothing; the default holds")),
        ]
    };
    let keys = ServerOptions::default().sensitive_query_keys;
    assert_eq!(keys.len(), 7);
    check(&env::SENSITIVE_QUERY_KEYS, |config| config.server.sensitive_query_keys, rows(keys.clone()));
    check(&env::SENSITIVE_QUERY_KEYS, |config| config.client.sensitive_query_keys, rows(keys));
    check(&env::OMITTED_ATTRIBUTES, |config| config.server.omitted, rows(vec![]));
    check(&env::OMITTED_ATTRIBUTES, |config| config.client.omitted, rows(vec![]));
}

#[test]
fn switches_are_truth_values_and_a_bad_one_holds_the_careful_side() {
    type Place = fn(Config) -> bool;
    let switches: [(&Variable, Place, bool, bool); 9] = [
        (&env::PUBLIC_ENDPOINT, |config| config.server.public_endpoint, false, true),
        (&env::SERVER_TIMING, |config| config.server.server_timing, false, false),
        (&env::REQUEST_SPAN, |config| config.server.request_span, false, false),
        (&env::ACTIVE_REQUESTS, |config| config.server.active_requests, false, false),
        (&env::ACTIVE_REQUESTS, |config| config.client.active_requests, false, false),
        (&env::BODY_SIZES, |config| config.server.body_sizes, false, false),
        (&env::BODY_SIZES, |config| config.client.body_sizes, false, false),
        (&env::EXCEPTION_MESSAGES, |config| config.server.exception_messages, true, false),
        (&env::EXCEPTION_MESSAGES, |config| config.client.exception_messages, true, false),
    ];
    for (variable, place, default, careful) in switches {
        let refused = format!("\"yes\" is not a truth value, {careful} holds; use true or false");
        let rows = [
            ("true", true, None),
            ("1", true, None),
            ("False", false, None),
            ("0", false, None),
            ("", default, None),
            ("yes", careful, Some(refused)),
        ];
        check(variable, place, rows);
    }
}

#[test]
fn lists_are_bounded() {
    let many = |member: &str| vec![member; MOST_MEMBERS + 1].join(",");
    let (paths, told) = read(&env::EXCLUDED_PATHS, &many("/a"), |config| config.server.excluded_paths);
    assert_eq!(paths.len(), MOST_MEMBERS);
    assert_eq!(told, ["THROUGHLINE_EXCLUDED_PATHS: has more than 256 members; the rest is left out"]);
    let (proxies, told) = read(&env::TRUSTED_PROXIES, &many("::1"), |config| config.server.trusted_proxies);
    assert_eq!(proxies, TrustedProxies::default());
    assert_eq!(told, ["THROUGHLINE_TRUSTED_PROXIES: has more than 256 members; nobody is trusted"]);
    let (hosts, told) = read(&env::INJECTED_HOSTS, &many("!a"), |config| config.client.injected_hosts);
    assert_eq!(hosts, Hosts::only::<&str>([]).unwrap());
    assert_eq!(told, ["THROUGHLINE_INJECTED_HOSTS: has more than 256 members; no host is sent ids"]);
}

// H-090, H-106
#[test]
fn opting_in_to_what_holds_anyway_is_no_fault() {
    let vars =
        [("OTEL_SEMCONV_STABILITY_OPT_IN", "http/dup"), ("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs")];
    assert_eq!(Config::from_vars(vars).faults(), []);
}
