//! Whether a collector is well, for those who watch over it.
//!
//! | `GET` | answers with |
//! |---|---|
//! | `/` | 200 as long as telemetry is taken, 503 from the moment at which the collector stops |
//! | `/metrics` | its own counters for Prometheus: what was taken and refused, is kept, and became of it at each destination |
//!
//! A destination that is away is no reason to start the collector anew: `/` does not tell of it, `/metrics` does. What `/`
//! says is what the OpenTelemetry Collector's extension says (B-072):
//!
//! ```json
//! {"status":"Server available","upSince":"2026-11-22T08:00:00.123456Z","uptime":"1h2m3.004s"}
//! ```

mod page; // the counters, for Prometheus

use crate::{intake::Intake, reply::Reply, serve::Handler};
use http::{HeaderValue, Request, Response, StatusCode, header::CONTENT_TYPE};
use hyper::body::Incoming;
use jiff::Timestamp;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const JSON: &str = "application/json";

/// Answers whoever asks how it is.
#[derive(Clone)]
pub(crate) struct Health {
    intake: Arc<Intake>,
    since: (Timestamp, Instant),
}

impl Health {
    pub(crate) fn new(intake: Arc<Intake>) -> Self {
        Health { intake, since: (Timestamp::now(), Instant::now()) }
    }

    /// Times are those of the start while it is well, and else those of nothing, as Go writes them.
    fn status(&self, is_well: bool) -> String {
        let (time, start) = self.since;
        match is_well {
            true => format!(
                r#"{{"status":"Server available","upSince":"{time:.6}","uptime":"{}"}}"#,
                passed(start.elapsed())
            ),
            false => {
                r#"{"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":""}"#.to_owned()
            }
        }
    }
}

impl Handler for Health {
    async fn answer(self, request: Request<Incoming>) -> Response<Reply> {
        let (status, kind, body) = match (request.uri().path(), self.intake.is_stopping()) {
            ("/", false) => (StatusCode::OK, JSON, self.status(true)),
            ("/", true) => (StatusCode::SERVICE_UNAVAILABLE, JSON, self.status(false)),
            ("/metrics", _) => {
                let page = page::page(&self.intake.counters(), &self.intake.forwarded());
                (StatusCode::OK, page::KIND, page)
            }
            _ => (StatusCode::NOT_FOUND, JSON, r#"{"error":"ask at / or /metrics"}"#.to_owned()),
        };
        let mut response = Response::new(Reply::of(body));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    }
}

/// `1h2m3.004s`, as Go writes it, to the millisecond.
fn passed(time: Duration) -> String {
    let (seconds, millis) = (time.as_secs(), time.subsec_millis());
    let small = match millis {
        0 => format!("{}s", seconds % 60),
        _ => format!("{}.{millis:03}", seconds % 60).trim_end_matches('0').to_owned() + "s",
    };
    match (seconds / 3600, seconds / 60 % 60) {
        (0, 0) if seconds == 0 && millis > 0 => format!("{millis}ms"),
        (0, 0) => small,
        (0, minutes) => format!("{minutes}m{small}"),
        (hours, minutes) => format!("{hours}h{minutes}m{small}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // B-072
    #[test]
    fn times_are_written_as_go_writes_them() {
        let written = |millis| passed(Duration::from_millis(millis));
        let times = [0, 7, 999, 1000, 9011, 10_000, 61_500, 3_600_000, 90_061_040];
        let expected = ["0s", "7ms", "999ms", "1s", "9.011s", "10s", "1m1.5s", "1h0m0s", "25h1m1.04s"];
        assert_eq!(times.map(written), expected);
    }
}
