//! Whom a client tells ids, and what hosts that strangers choose can do: nothing.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use http::{HeaderMap, Request, Response};
use opentelemetry::{Context, baggage::BaggageExt, trace::FutureExt};
use throughline_middleware::options::{ClientOptions, Hosts};
use tower::{Layer, Service, ServiceExt};

use crate::{
    measured::counts,
    support::{Attributes, Telemetry, attributes, expected, lines},
};

/// A client that keeps the headers it is given and answers at once.
fn keeping(
    seen: &Arc<Mutex<Vec<HeaderMap>>>,
) -> impl Service<Request<String>, Response = Response<String>, Error = Infallible, Future: Send> + Clone + use<>
{
    let seen = Arc::clone(seen);
    tower::service_fn(move |request: Request<String>| {
        seen.lock().unwrap().push(request.headers().clone());
        std::future::ready(Ok(Response::new(String::new())))
    })
}

#[tokio::test]
async fn only_hosts_that_are_to_be_told_are_told_ids_and_baggage() {
    // P-035
    let only = || Hosts::only(["prices", "*.internal", "2001:db8::1"]).unwrap();
    let except = || Hosts::except(["prices", "*.internal", "2001:db8::1"]).unwrap();
    for (url, host, is_named) in [
        ("http://prices/a", None, true),
        ("http://PRICES:8080/a", None, true),
        ("https://user:pw@prices.:443/a", None, true),
        ("https://a.b.internal/", None, true),
        ("http://[2001:db8::1]:80/", None, true),
        ("/relative", Some("prices:80"), true),
        ("http://example.com/", None, false),
        ("http://prices.example.com/", None, false),
        ("http://prices@example.com/", None, false),
        // The URL says where it goes, whatever `Host` says.
        ("http://example.com/", Some("prices"), false),
        ("/relative", Some("junk prices"), false),
        ("/relative", None, false),
    ] {
        for (hosts, is_told) in [(only(), is_named), (except(), !is_named), (Hosts::default(), true)] {
            let (telemetry, seen) = (Telemetry::new(), Arc::default());
            let mut options = ClientOptions::default();
            options.injected_hosts = hosts;
            let client = telemetry.client().with_options(options).layer(keeping(&seen));
            let request =
                host.into_iter().fold(Request::get(url), |request, host| request.header("host", host));
            let context = Context::new().with_baggage([opentelemetry::KeyValue::new("tenant", "a")]);
            let call = client.oneshot(request.body(String::new()).unwrap());
            call.with_context(context).await.unwrap();
            let seen = seen.lock().unwrap().remove(0);
            let told = ["traceparent", "baggage"].map(|name| lines(&seen, name).len());
            assert_eq!(told, [usize::from(is_told); 2], "{url} {host:?}");
            // It is recorded all the same.
            assert_eq!(telemetry.ended().len(), 1);
        }
    }
}

#[tokio::test]
async fn what_the_program_itself_sends_to_a_host_that_is_told_nothing_stays() {
    // P-035
    let (telemetry, seen) = (Telemetry::new(), Arc::default());
    let mut options = ClientOptions::default();
    options.injected_hosts = Hosts::except(["example.com"]).unwrap();
    let client = telemetry.client().with_options(options).layer(keeping(&seen));
    let own = "00-12345678901234567890123456789012-1234567890123456-01";
    let request = Request::get("http://example.com/").header("traceparent", own).body(String::new()).unwrap();
    client.oneshot(request).await.unwrap();
    assert_eq!(lines(&seen.lock().unwrap()[0], "traceparent"), [own]);
}

#[tokio::test]
async fn a_host_that_is_none_is_not_told() {
    // H-066, H-050
    let long = "a".repeat(5000);
    for host in ["two words", "a/b?sig=secret", "h:port", "h:65536", "[::1", ":80", "", "a\"b", "<script>"] {
        let telemetry = Telemetry::new();
        let request = Request::get("/a").header("host", host).body(String::new()).unwrap();
        telemetry.client().layer(keeping(&Arc::default())).oneshot(request).await.unwrap();
        let [span] = telemetry.spans().await;
        let series = expected([
            ("http.request.method", "GET".into()),
            ("network.protocol.version", "1.1".into()),
            ("http.response.status_code", 200.into()),
        ]);
        assert_eq!(attributes(&span.attributes), series, "{host}");
        assert_eq!(counts(&telemetry, "http.client.request.duration"), [(series, 1)]);
    }
    let telemetry = Telemetry::new();
    let request = Request::get("/a").header("host", &long).body(String::new()).unwrap();
    telemetry.client().layer(keeping(&Arc::default())).oneshot(request).await.unwrap();
    let [span] = telemetry.spans().await;
    let told = attributes(&span.attributes);
    assert_eq!(told["server.address"], long[..4096].to_owned().into());
    assert_eq!(told["url.full"].as_str().len(), 4096);
}

#[tokio::test]
async fn hosts_that_strangers_choose_make_a_bounded_number_of_series() {
    // H-086, H-088: whoever calls what a stranger names (webhooks, crawlers) has the stranger's hosts
    let telemetry = Telemetry::new();
    let mut client = telemetry.client().layer(keeping(&Arc::default()));
    for number in 0..10_000 {
        let request = Request::get(format!("http://host{number}.example.com/")).body(String::new()).unwrap();
        client.call(request).await.unwrap();
    }
    let series = counts(&telemetry, "http.client.request.duration");
    assert!(series.len() <= 2_001, "{}", series.len());
    assert_eq!(series.iter().map(|(_, count)| count).sum::<u64>(), 10_000);
    let overflow: Attributes = expected([("otel.metric.overflow", true.into())]);
    assert!(series.iter().any(|(attributes, count)| *attributes == overflow && *count >= 8_000));
    // Spans are told theirs all the same.
    let last = attributes(&telemetry.ended()[9_999].attributes);
    assert_eq!(last["server.address"], "host9999.example.com".into());
}
