//! Headers are told by name, as they were sent, without their secrets.

use axum::{Router, routing::get};
use http::HeaderMap;
use throughline_middleware::options::{CapturedHeaders, ServerOptions};

use crate::support::{Attributes, Telemetry, ask, attributes, expected, get_request, list, serve};

fn capturing<const N: usize, const M: usize>(request: [&str; N], response: [&str; M]) -> ServerOptions {
    let mut options = ServerOptions::default();
    options.request_headers = CapturedHeaders::new(request).unwrap();
    options.response_headers = CapturedHeaders::new(response).unwrap();
    options
}

/// Sends these header lines and returns what the span tells of headers, and all keys of the measurement.
async fn told(options: ServerOptions, lines: &[u8]) -> (Attributes, Vec<String>) {
    let telemetry = Telemetry::new();
    let handler = async || {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("x-cache", "miss"), ("x-cache", "hit"), ("set-cookie", "session=1"), ("x-id", "8")]
        {
            headers.append(name, value.parse().unwrap());
        }
        (headers, "page")
    };
    let router = Router::new().route("/", get(handler)).layer(telemetry.server().with_options(options));
    let request = get_request("/");
    let (start, rest) = request.split_at(request.find("host").unwrap());
    ask(serve(router).await, [start.as_bytes(), lines, rest.as_bytes()].concat()).await;
    let [span] = telemetry.spans().await;
    let mut told = attributes(&span.attributes);
    told.retain(|key, _| key.contains(".header."));
    let [(measured, 1)] = &telemetry.requests()[..] else { panic!("one request") };
    (told, measured.keys().cloned().collect())
}

const LINES: &[u8] =
    b"X-Forwarded-For: 1.2.3.4\r\nx-forwarded-for: 1.2.3.5, 1.2.3.6\r\nuser-agent: curl/8\r\n\
                       authorization: Bearer hunter2\r\ncookie: a=1\r\nx-id: 7\r\nx-junk: \xff\xfe\r\n";

#[tokio::test]
async fn no_header_is_told_by_default_and_none_ever_reaches_a_measurement() {
    // H-070, H-084
    let (told, measured) = told(ServerOptions::default(), LINES).await;
    assert_eq!(told, Attributes::new());
    let (_, captured) = self::told(capturing(["x-id"], ["x-id"]), LINES).await;
    assert_eq!(captured, measured);
}

#[tokio::test]
async fn each_line_of_a_named_header_is_told_under_its_lower_case_name() {
    // H-046, H-070, H-071, H-072, H-073: a header that is not there is not told
    let options = capturing(["X-Forwarded-For", "User-Agent", "x-junk", "x-none"], ["X-Cache", "x-none"]);
    let (told, _) = told(options, LINES).await;
    assert_eq!(
        told,
        expected([
            ("http.request.header.x-forwarded-for", list(["1.2.3.4", "1.2.3.5, 1.2.3.6"])),
            ("http.request.header.user-agent", list(["curl/8"])),
            ("http.request.header.x-junk", list(["\u{fffd}\u{fffd}"])),
            ("http.response.header.x-cache", list(["miss", "hit"])),
        ])
    );
}

#[tokio::test]
async fn of_a_header_with_secrets_only_the_presence_is_told_unless_that_is_asked_for_too() {
    // H-074
    let names = ["authorization", "cookie", "x-api-key"];
    let (told, _) = told(capturing(names, ["set-cookie", "x-id"]), LINES).await;
    assert_eq!(
        told,
        expected([
            ("http.request.header.authorization", list(["REDACTED"])),
            ("http.request.header.cookie", list(["REDACTED"])),
            ("http.response.header.set-cookie", list(["REDACTED"])),
            ("http.response.header.x-id", list(["8"])),
        ])
    );
    let mut options = ServerOptions::default();
    options.request_headers = CapturedHeaders::new(names).unwrap().with_secrets();
    let (told, _) = self::told(options, LINES).await;
    assert_eq!(
        told,
        expected([
            ("http.request.header.authorization", list(["Bearer hunter2"])),
            ("http.request.header.cookie", list(["a=1"])),
        ])
    );
}

#[tokio::test]
async fn a_star_is_the_name_of_a_header_and_not_of_all() {
    // H-070
    let (told, _) = told(capturing(["*"], ["*"]), LINES).await;
    assert_eq!(told, Attributes::new());
}

#[tokio::test]
async fn a_header_of_many_long_lines_is_told_in_part() {
    // H-072: 16 lines of 4,096 bytes
    let line = [&b"x-long: "[..], &b"\xc3\xa9".repeat(4_000), b"\r\n"].concat();
    let (told, _) = told(capturing(["x-long"], []), &line.repeat(20)).await;
    let value: &'static str = "é".repeat(2_048).leak();
    assert_eq!(told, expected([("http.request.header.x-long", list([value; 16]))]));
}
