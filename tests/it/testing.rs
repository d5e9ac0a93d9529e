//! What a test asks of `throughline::testing` is what was recorded, and nothing of other tests.

mod shop; // the file that docs/testing.md shows

use crate::support::{client, request, serve};
use axum::{Router, body::Body, http::Request, routing::get};
use http_body_util::BodyExt;
use opentelemetry::{
    KeyValue,
    metrics::MeterProvider,
    trace::{
        Span as _, SpanContext, SpanId, Status as OtelStatus, TraceFlags, TraceId, TraceState, Tracer,
        TracerProvider,
    },
};
use std::{sync::Arc, time::Duration};
use throughline::{
    Config, Telemetry, carry,
    sender::Signal,
    testing::{self, Receiver, Recorded, Status, Value},
};
use tokio::sync::Notify;
use tower::ServiceExt;
use tracing::Instrument;

async fn shop() -> &'static str {
    tracing::info!(item = "tea", count = 2, "added");
    let pack = async { tracing::warn!("slowly") }.instrument(tracing::info_span!("pack", box_size = 3));
    let bill = async {}.instrument(tracing::info_span!("bill"));
    tokio::join!(pack, bill);
    drop(tokio::spawn(carry(async {
        tokio::task::yield_now().await;
        tracing::info_span!("send").in_scope(|| tracing::info!("sent"));
    })));
    "done"
}

fn app(telemetry: &Telemetry) -> Router {
    Router::new().route("/shop", get(shop)).layer(telemetry.server_layer())
}

async fn ask(app: Router, path: &str) {
    let response = app.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    response.into_body().collect().await.unwrap();
}

const TREE: &str = r#"
    #1 SERVER GET /shop
       http.request.method = "GET"
       http.response.status_code = 200
       http.route = "/shop"
       network.protocol.version = "1.1"
       url.path = "/shop"
       url.scheme = "http"
       INFO it::testing: "added" count=2 item="tea"
       #2 INTERNAL bill
       #3 INTERNAL pack
          box_size = 3
          WARN it::testing: "slowly"
       #4 INTERNAL send
          INFO it::testing: "sent"
"#;

#[tokio::test]
async fn a_request_is_one_tree_with_its_lines_and_what_it_spawned() {
    let telemetry = testing::telemetry();
    ask(app(&telemetry), "/shop").await;
    let sent = |recorded: &Recorded| !recorded.logs.all("sent").is_empty();
    let recorded = telemetry.recorded_when(sent).await;
    recorded.tree().assert_eq(TREE);
    assert_eq!(recorded, telemetry.recorded().await);

    let spans = &recorded.spans;
    spans
        .tree()
        .only([])
        .hide(["item"])
        .assert_eq("#1 SERVER GET /shop\n   #2 INTERNAL bill\n   #3 INTERNAL pack\n   #4 INTERNAL send");
    let (server, pack) = (spans.one("GET /shop"), spans.one("pack"));
    assert_eq!((spans.parent(pack), spans.parent(server)), (Some(server), None));
    assert_eq!((spans.roots(), spans.children(server).len()), (vec![server], 3));
    assert_eq!(
        (&server["http.response.status_code"], &server["none"]),
        (&Value::Integer(200), &Value::Absent)
    );
    assert_eq!(pack["box_size"], 3);
    assert_eq!(recorded.logs.of(pack), [recorded.logs.one("slowly")]);
    assert_eq!(recorded.logs.one("added")["item"], "tea");
    assert!(recorded.logs.to_string().starts_with("INFO it::testing: \"added\" count=2 item=\"tea\"\n"));

    let duration = recorded.metrics.one("http.server.request.duration");
    assert_eq!((duration.kind, duration.unit.as_str(), duration.count()), ("histogram", "s", 1));
    assert_eq!(
        (duration.with("http.route", "/shop").count(), duration.with("http.route", "/").count()),
        (1, 0)
    );
    assert_eq!(duration.points[0].buckets.iter().map(|(_, count)| count).sum::<u64>(), 1);
    assert_eq!(
        duration.to_string(),
        "http.server.request.duration (histogram in s)\n   http.request.method=\"GET\" http.response.status_code=200 \
         http.route=\"/shop\" network.protocol.version=\"1.1\" url.scheme=\"http\": 1 measured\n"
    );
}

#[tokio::test]
async fn tests_side_by_side_do_not_see_each_other() {
    let threads = (0..8).map(|number| {
        std::thread::spawn(move || {
            let telemetry = testing::telemetry();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                for _ in 0..=number {
                    ask(app(&telemetry), "/shop").await;
                }
                let sent = |of: &Recorded| of.logs.all("sent").len() > number && of.unfinished.is_empty();
                let recorded = telemetry.recorded_when(sent).await;
                (
                    recorded.spans.roots().len(),
                    recorded.spans.len(),
                    recorded.logs.len(),
                    recorded.metrics.one("http.server.request.duration").count(),
                )
            })
        })
    });
    for (number, thread) in Vec::from_iter(threads).into_iter().enumerate() {
        let calls = number + 1;
        assert_eq!(thread.join().unwrap(), (calls, 4 * calls, 3 * calls, calls as u64));
    }
}

#[tokio::test]
async fn what_is_still_under_way_is_waited_for_on_any_clock() {
    let (telemetry, release) = (testing::telemetry(), Arc::new(Notify::new()));
    let held = release.clone();
    let slow = get(move || async move { held.notified().await });
    let app = Router::new().route("/slow", slow).layer(telemetry.server_layer());
    let address = serve(app).await;
    let call = tokio::spawn(client().request(request("GET", format!("http://{address}/slow"), &[])));
    telemetry.recorded_when(|_| true).await;
    while telemetry.recorded_when(|_| true).await.unfinished.is_empty() {
        tokio::task::yield_now().await;
    }
    // It ends only after the wait below has begun, unless that takes long.
    let ending = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        release.notify_one();
    });
    assert_eq!(telemetry.spans().await.one("GET /slow")["http.response.status_code"], 200);
    assert_eq!(call.await.unwrap().unwrap().status(), 200);
    ending.join().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_stands_still_ends_no_wait() {
    let telemetry = testing::telemetry();
    let span = telemetry.tracer_provider().tracer("test").start("worked");
    let ending = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        drop(span);
    });
    let recorded = telemetry.recorded().await;
    assert_eq!((recorded.spans.len(), recorded.unfinished.len()), (1, 0));
    ending.join().unwrap();
    let later = std::thread::spawn({
        let tracer = telemetry.tracer_provider().tracer("test");
        move || {
            std::thread::sleep(Duration::from_millis(200));
            drop(tracer.start("later"));
        }
    });
    telemetry.recorded_when(|recorded| recorded.spans.len() == 2).await;
    later.join().unwrap();

    let receiver = Receiver::start();
    let address = receiver.http_address();
    let connecting = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        std::net::TcpStream::connect(address).unwrap()
    });
    assert!(receiver.until(|receiver| receiver.connections() == 1).await);
    connecting.join().unwrap();
}

#[test]
fn a_span_that_does_not_end_is_named_and_no_test_hangs() {
    let telemetry = testing::telemetry();
    let tracer = telemetry.tracer_provider().tracer("test");
    let (stuck, start) = (tracer.start("stuck"), std::time::Instant::now());
    drop(tracer.start("done"));
    let recorded = telemetry.recorded_blocking();
    assert!(start.elapsed() < Duration::from_secs(40), "ten seconds are promised: {:?}", start.elapsed());
    assert_eq!(recorded.unfinished, ["stuck"]);
    recorded.tree().assert_eq("#1 INTERNAL done\nstuck has not ended");
    drop(stuck);
}

/// Everything a span can have; ids as numbers, in an order that the run does not change.
#[test]
fn a_tree_shows_failures_events_links_and_other_traces() {
    let telemetry = testing::telemetry_with(Config::from_vars([("THROUGHLINE_LOG_OUTPUT", "none")]));
    let tracer = telemetry.tracer_provider().tracer("test");
    let caller =
        SpanContext::new(TraceId::from(1), SpanId::from(2), TraceFlags::SAMPLED, true, TraceState::NONE);
    let mut work = tracer.start("work\nhard");
    work.set_status(OtelStatus::error("no luck"));
    work.set_attribute(KeyValue::new("server.port", 80));
    work.set_attribute(KeyValue::new("list", opentelemetry::Value::Array(vec![1, 2].into())));
    work.add_event(
        "exception",
        vec![KeyValue::new("exception.type", "Fault"), KeyValue::new("exception.stacktrace", "…")],
    );
    let context = work.span_context().clone();
    let mut other = tracer.span_builder("after").start_with_context(&tracer, &opentelemetry::Context::new());
    other.add_link(context, vec![]);
    other.add_link(caller.clone(), vec![KeyValue::new("why", "batch")]);
    other.set_status(OtelStatus::Ok);
    drop((work, other));
    let parent = opentelemetry::trace::TraceContextExt::with_remote_span_context(
        &opentelemetry::Context::new(),
        caller,
    );
    drop(tracer.start_with_context("called", &parent));
    tracing::info!("alone");
    let recorded = telemetry.recorded_blocking();
    recorded.tree().assert_eq(
        r#"
        trace 1
        #1 INTERNAL after
           ok
           link to #3
           link elsewhere why="batch"
        trace 2
        #2 INTERNAL called (parent elsewhere)
        trace 3
        #3 INTERNAL work\nhard
           list = [1, 2]
           failed: "no luck"
           event exception exception.type="Fault"
        INFO it::testing: "alone"
        "#,
    );
    let span = recorded.spans.one("work\nhard");
    assert_eq!((&span.status, &span["server.port"]), (&Status::Error("no luck".into()), &Value::Integer(80)));
    recorded.spans.tree().only(["server.port"]).hide(["why"]).assert_eq(
        "trace 1\n#1 INTERNAL after\n   ok\n   link to #3\n   link elsewhere\ntrace 2\n#2 INTERNAL called (parent elsewhere)\n\
         trace 3\n#3 INTERNAL work\\nhard\n   server.port = 80\n   failed: \"no luck\"\n   event exception",
    );
}

#[test]
fn what_is_not_as_expected_is_shown_line_by_line() {
    let telemetry = testing::telemetry();
    tracing::info_span!("outer").in_scope(|| drop(tracing::info_span!("inner")));
    let spans = telemetry.recorded_blocking().spans;
    let fails = |check: &dyn Fn()| {
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).unwrap_err();
        panic.downcast::<String>().unwrap()
    };
    assert_eq!(
        *fails(&|| spans.tree().assert_eq("#1 INTERNAL outer\n   #2 CLIENT inner")),
        "throughline::testing: not what is expected (-), but (+):\n  #1 INTERNAL outer\n-    #2 CLIENT inner\n+    #2 INTERNAL inner\n"
    );
    assert_eq!(
        *fails(&|| drop(spans.one("middle").clone())),
        "throughline::testing: 0 spans are named \"middle\", not one, in\n#1 INTERNAL outer\n   #2 INTERNAL inner\n"
    );
}

#[tokio::test]
async fn measurements_are_what_they_are_however_often_they_are_asked_for() {
    let telemetry = testing::telemetry();
    let meter = telemetry.meter_provider().meter("cart");
    let orders = meter.u64_counter("cart.orders").build();
    let size = meter.f64_gauge("cart.size").build();
    for (count, tenant) in [(2, "a"), (3, "b"), (4, "a")] {
        orders.add(count, &[KeyValue::new("tenant", tenant)]);
        size.record(count as f64 / 2.0, &[]);
        telemetry.metrics().await;
    }
    let metrics = telemetry.metrics().await;
    assert_eq!(
        (metrics.one("cart.orders").sum(), metrics.one("cart.orders").with("tenant", "a").sum()),
        (9.0, 6.0)
    );
    assert_eq!(
        metrics.to_string(),
        "cart.orders (counter)\n   tenant=\"a\": 6\n   tenant=\"b\": 3\ncart.size (gauge)\n   2\n"
    );
}

#[tokio::test]
async fn a_receiver_tells_the_same_tree() {
    let receiver = Receiver::start();
    let telemetry = Telemetry::build(Config::from_vars([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.grpc_endpoint()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc".into()),
        ("RUST_LOG", "info,throughline=off".into()),
    ]))
    .unwrap();
    let subscriber =
        tracing_subscriber::layer::SubscriberExt::with(tracing_subscriber::registry(), telemetry.layers());
    let _subscriber = tracing::subscriber::set_default(subscriber);
    ask(app(&telemetry), "/shop").await;
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    telemetry.handle().flush(crate::support::PATIENCE).await.unwrap();
    receiver.recorded().tree().assert_eq(TREE);
    assert_eq!(
        [Signal::Traces, Signal::Logs, Signal::Metrics].map(|signal| receiver.items(signal)),
        [4, 3, 1]
    );
    assert_eq!(receiver.complaints(), [""; 0]);
}
