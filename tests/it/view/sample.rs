//! Telemetry of a small shop, as a file: two services and a database, an order that fails, lines that mean harm, measurements
//! with and without traces.

use serde_json::{Value, json};

/// The first trace: an order that fails.
pub(super) const ORDER: &str = "0af7651916cd43dd8448eb211c80319c";

/// How many orders there are.
pub(super) const ORDERS: u64 = 40;

/// What somebody could send who wants to do harm.
pub(super) const HOSTILE: &str = "<script>document.title='taken'</script> \u{1b}[31mred \u{202e}txt.exe";

const START: u64 = 1_795_292_765_000_000_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1000 * MILLISECOND;

fn attributes(pairs: &[(&str, &str)]) -> Value {
    let value = |text: &str| match text.parse::<i64>() {
        Ok(number) => json!({ "intValue": number.to_string() }),
        Err(_) => json!({ "stringValue": text }),
    };
    pairs.iter().map(|(key, text)| json!({ "key": key, "value": value(text) })).collect()
}

fn resource(service: &str) -> Value {
    json!({ "attributes": attributes(&[("service.name", service), ("service.version", "1.4.2")]) })
}

fn trace(order: u64) -> String {
    if order == 0 { ORDER.to_owned() } else { format!("{:032x}", order + 0x1000) }
}

fn span(
    order: u64,
    id: u64,
    parent: u64,
    kind: u8,
    (name, from, to): (&str, u64, u64),
    pairs: &[(&str, &str)],
) -> Value {
    let start = START + order * SECOND;
    let mut span = json!({
        "traceId": trace(order), "spanId": format!("{:016x}", 16 * order + id), "name": name, "kind": kind,
        "startTimeUnixNano": (start + from * MILLISECOND).to_string(),
        "endTimeUnixNano": (start + to * MILLISECOND).to_string(),
        "attributes": attributes(pairs),
    });
    if parent > 0 {
        span["parentSpanId"] = format!("{:016x}", 16 * order + parent).into();
    }
    if order == 0 && kind != 3 {
        span["status"] = json!({ "code": 2, "message": "card refused" });
    }
    span
}

fn spans() -> [Value; 2] {
    let (mut front, mut back) = (Vec::new(), Vec::new());
    for order in 0..ORDERS {
        let took = 60 + 7 * (order % 11);
        let route = [
            ("http.request.method", "POST"),
            ("http.route", "/orders"),
            ("http.response.status_code", "201"),
        ];
        front.push(span(order, 1, 0, 2, ("POST /orders", 0, took), &route));
        let place = [("server.address", "back"), ("server.port", "8080"), ("http.request.method", "POST")];
        front.push(span(order, 2, 1, 3, ("POST", 2, took - 2), &place));
        let route = [("http.request.method", "POST"), ("http.route", "/charge/{card}")];
        back.push(span(order, 3, 2, 2, ("POST /charge/{card}", 4, took - 4), &route));
        let store = [("db.system.name", "postgresql"), ("server.address", "db"), ("server.port", "5432")];
        back.push(span(order, 4, 3, 3, ("INSERT charges", 10, 30), &store));
    }
    [("front", front), ("back", back)].map(|(service, spans)| {
        json!({ "resourceSpans": [{ "resource": resource(service), "scopeSpans": [{ "scope": { "name": "shop" }, "spans": spans }] }] })
    })
}

/// A log record of a service: its severity, level and message.
pub(super) fn log(service: &str, order: Option<u64>, (severity, level): (u8, &str), message: &str) -> Value {
    let mut record = json!({
        "timeUnixNano": (START + order.unwrap_or(ORDERS) * SECOND + 5 * MILLISECOND).to_string(),
        "severityNumber": severity, "severityText": level,
        "body": { "stringValue": message },
        "attributes": attributes(&[("user.id", &format!("{}", order.unwrap_or(0) % 7)), ("queue", "orders")]),
    });
    if let Some(order) = order {
        record["traceId"] = trace(order).into();
        record["spanId"] = format!("{:016x}", 16 * order + 1).into();
    }
    json!({ "resourceLogs": [{ "resource": resource(service), "scopeLogs": [{ "scope": { "name": "shop" }, "logRecords": [record] }] }] })
}

fn metrics() -> Vec<Value> {
    let bounds = [0.025, 0.05, 0.075, 0.1, 0.25];
    let request = |minute: u64| {
        let time = START + minute * 10 * SECOND;
        let orders = 10 * minute;
        let exemplar = |order: u64, traced: bool| {
            let mut exemplar = json!({
                "timeUnixNano": (time - order * SECOND).to_string(), "asDouble": 0.06 + 0.01 * order as f64,
                "filteredAttributes": attributes(&[("user.id", "7")]),
            });
            if traced {
                exemplar["traceId"] = trace(orders - order).into();
                exemplar["spanId"] = format!("{:016x}", 16 * (orders - order) + 1).into();
            }
            exemplar
        };
        let point = |route: &str, share: u64, exemplars: Vec<Value>| {
            let counts = [0, 0, 4 * minute * share, 3 * minute * share, 3 * minute * share, 0];
            json!({
                "startTimeUnixNano": START.to_string(), "timeUnixNano": time.to_string(),
                "count": (10 * minute * share).to_string(), "sum": 0.8 * minute as f64,
                "bucketCounts": counts.map(|count| count.to_string()), "explicitBounds": bounds,
                "attributes": attributes(&[("http.route", route), ("http.request.method", "POST")]), "exemplars": exemplars,
            })
        };
        let gauge = |value: u64| json!({ "dataPoints": [{ "timeUnixNano": time.to_string(), "asInt": value.to_string() }] });
        let points =
            [point("/orders", 1, vec![exemplar(1, true), exemplar(2, false)]), point("/returns", 2, vec![])];
        json!({ "resourceMetrics": [{ "resource": resource("front"), "scopeMetrics": [{ "scope": { "name": "shop" }, "metrics": [
            { "name": "http.server.request.duration", "unit": "s", "description": "Duration of HTTP server requests.",
              "histogram": { "aggregationTemporality": 2, "dataPoints": points } },
            { "name": "process.memory.usage", "unit": "By", "description": "The physical memory in use.", "gauge": gauge((40 + minute) << 20) },
            { "name": "tokio.alive_tasks", "unit": "{task}", "gauge": gauge(20 + minute % 3) },
        ] }] }] })
    };
    (1..=4).map(request).collect()
}

/// All of it: OTLP in JSON, one request a line.
pub(super) fn sample() -> String {
    let [front, back] = spans();
    let mut lines = vec![front, back];
    lines.extend((0..ORDERS).map(|order| log("front", Some(order), (9, "INFO"), "an order came")));
    lines.push(log("back", Some(0), (17, "ERROR"), "card refused"));
    lines.push(log("back", None, (13, "WARN"), HOSTILE));
    lines.extend(metrics());
    lines.iter().map(|line| format!("{line}\n")).collect()
}
