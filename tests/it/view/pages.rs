//! Each page in a browser: what it shows, what its keys do, in both colour schemes.

use super::{browser::visit, shop};
use crate::support::get;
use std::net::SocketAddr;
use throughline_collector::{Collector, Config, Token};

/// A collector at free ports.
pub(super) fn start(change: impl FnOnce(&mut Config)) -> Collector {
    let any = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut config = Config::default();
    (config.grpc, config.http, config.view) = (any, any, any);
    change(&mut config);
    Collector::start(config).unwrap()
}

/// Twelve visits of the shop, of which the eleventh failed; the last one is the newest.
fn shop() -> Collector {
    let collector = start(|_| ());
    for number in 1..=12 {
        shop::visit(&collector, number, u64::from(number) * 7, u64::from(13 - number) * 20, number == 11);
    }
    collector
}

#[tokio::test]
async fn every_page_is_reached_by_its_tab_and_its_number_and_the_keys_are_told() {
    let collector = shop();
    visit("shell", &collector.view_url().unwrap(), &[]).await;
}

#[tokio::test]
async fn traces_are_searched_sorted_and_compared() {
    let collector = shop();
    visit("traces", &collector.view_url().unwrap(), &[]).await;
}

#[tokio::test]
async fn a_trace_is_read_with_the_mouse_and_with_the_keys() {
    let collector = shop();
    visit("trace", &collector.view_url().unwrap(), &[]).await;
}

#[tokio::test]
async fn without_a_script_links_and_forms_do_the_same() {
    let collector = shop();
    shop::large(&collector, 99, 20, 99);
    visit("scriptless", &collector.view_url().unwrap(), &[]).await;
}

#[tokio::test]
async fn pages_follow_what_arrives_late_and_out_of_order_until_they_are_paused() {
    let collector = start(|_| ());
    let otlp = format!("http://{}", collector.http_address().unwrap());
    visit("live", &collector.view_url().unwrap(), &[("OTLP", &otlp)]).await;
}

#[tokio::test]
async fn a_trace_of_ten_thousand_spans_is_folded_and_stays_as_it_was_unfolded() {
    let collector = start(|_| ());
    assert_eq!(shop::large(&collector, 1, 100, 99), 10_001);
    let otlp = format!("http://{}", collector.http_address().unwrap());
    visit("large", &collector.view_url().unwrap(), &[("OTLP", &otlp)]).await;
}

#[tokio::test]
async fn what_is_hostile_is_text() {
    let collector = start(|_| ());
    hostile(&collector);
    assert_eq!(
        collector
            .import(super::hostile::telemetry(super::hostile::TRACE, super::sample::HOSTILE).as_bytes())
            .refused,
        0
    );
    visit("hostile", &collector.view_url().unwrap(), &[("OTHER", super::hostile::TRACE)]).await;
}

/// Markup, escapes of terminals, marks that turn the direction round, and a value of a mebibyte, wherever a text can be.
fn hostile(collector: &Collector) {
    const HOSTILE: &str =
        "</script><script>window.stolen=1</script><img src=x onerror=window.stolen=1>\"'&\u{1b}[31m\u{202e}";
    let mut span = shop::span(1, 1, 0, HOSTILE, 1_000_000_000, 2_000_000_000);
    let key = |value: &str| shop::text(HOSTILE, value);
    span.attributes = vec![
        key(HOSTILE),
        shop::text("large", &"<b>".repeat(350_000)),
        shop::text("http.request.method", "GET"),
        shop::text("url.full", "http://a/';touch /tmp/x;'\u{1b}[2J"),
    ];
    span.status =
        Some(opentelemetry_proto::tonic::trace::v1::Status { code: 2, message: HOSTILE.to_owned() });
    span.trace_state = HOSTILE.to_owned();
    span.events = vec![opentelemetry_proto::tonic::trace::v1::span::Event {
        name: HOSTILE.to_owned(),
        attributes: vec![key(HOSTILE)],
        ..Default::default()
    }];
    let mut record = shop::line(1, 1, 1_500_000_000, 17, HOSTILE);
    record.severity_text = HOSTILE.to_owned();
    record.attributes = vec![key(HOSTILE)];
    shop::send(collector, HOSTILE, vec![span]);
    shop::log(collector, HOSTILE, vec![record]);
}

#[tokio::test]
async fn with_a_token_the_printed_address_lets_a_browser_in_and_nothing_else_does() {
    let token = Token::random().unwrap();
    let collector = start(|config| config.view_token = Some(token));
    let url = collector.view_url().unwrap();
    let (bare, _) = url.split_once("?token=").unwrap();
    for path in ["", "api/traces", "api/status", "style.css", "live", "trace/abc"] {
        let (status, body) = get(&format!("{bare}{path}"), &[]).await.unwrap();
        assert_eq!((status, body.contains("token is missing or wrong")), (401, true), "{path}");
    }
    visit("token", bare, &[("INVITATION", &url)]).await;
}

#[tokio::test]
async fn of_a_hundred_thousand_spans_a_page_sends_and_renders_what_is_seen() {
    let collector = start(|_| ());
    for trace in 1..=1000 {
        shop::large(&collector, trace, 1, 98);
    }
    assert_eq!(collector.counters().spans, 100_000);
    let url = collector.view_url().unwrap();
    for (path, rows) in
        [("", 100), ("?q=%22item+0.98%22&sort=duration", 100), ("?status=errors&limit=1000", 1000)]
    {
        let (status, page) = get(&format!("{url}{path}"), &[]).await.unwrap();
        assert_eq!((status, page.matches("name=\"trace\" value=").count()), (200, rows), "{path}");
        assert!(page.len() < 1400 * rows, "{path}: {} bytes", page.len());
    }
}
