use super::*;
use crate::check::field;
use bytes::Bytes;

/// A span of a test, in short.
#[derive(Clone)]
struct Short {
    trace: u8,
    id: u8,
    parent: u8,
    kind: u8,
    start: u64,
    took: u64,
    failed: bool,
    attributes: Vec<(&'static str, &'static str)>,
}

const SERVER: u8 = 2;
const CLIENT: u8 = 3;
const PRODUCER: u8 = 4;
const CONSUMER: u8 = 5;

fn span(trace: u8, id: u8, parent: u8, kind: u8, took: u64) -> Short {
    Short { trace, id, parent, kind, start: 1_000_000_000, took, failed: false, attributes: Vec::new() }
}

impl Short {
    fn with(mut self, attributes: &[(&'static str, &'static str)]) -> Self {
        self.attributes.extend(attributes);
        self
    }

    fn failed(self) -> Self {
        Short { failed: true, ..self }
    }

    fn at(self, start: u64) -> Self {
        Short { start, ..self }
    }

    fn bytes(&self) -> Vec<u8> {
        let attribute = |(name, value): &(&str, &str)| {
            let value = match value.parse::<u8>() {
                Ok(number) => vec![3 << 3, number],
                Err(_) => field(1, value.as_bytes()),
            };
            field(9, &[field(1, name.as_bytes()), field(2, &value)].concat())
        };
        let fixed = |number: u8, value: u64| [&[number << 3 | 1][..], &value.to_le_bytes()].concat();
        let parent = if self.parent == 0 { Vec::new() } else { field(4, &[self.parent; 8]) };
        [
            field(1, &[self.trace; 16]),
            field(2, &[self.id; 8]),
            parent,
            field(5, b"the span"),
            vec![6 << 3, self.kind],
            fixed(7, self.start),
            fixed(8, self.start + self.took),
            self.attributes.iter().flat_map(attribute).collect(),
            if self.failed { field(15, &[3 << 3, 2]) } else { Vec::new() },
        ]
        .concat()
    }
}

fn request(service: &str, spans: &[Short]) -> Vec<u8> {
    let name = [field(1, b"service.name"), field(2, &field(1, service.as_bytes()))].concat();
    let resource = field(1, &field(1, &name));
    let spans: Vec<u8> = spans.iter().flat_map(|span| field(2, &span.bytes())).collect();
    field(1, &[resource, field(2, &spans)].concat())
}

fn calls(requests: &[Vec<u8>], last: Option<u64>) -> Calls {
    let bodies = (0..).zip(requests).map(|(number, body)| (number, Bytes::copy_from_slice(body)));
    Calls::of(gather(bodies.collect::<Vec<_>>().into_iter().rev()), last)
}

/// `from -> to calls errors p50`, in the order of the names.
fn edges(map: &Map) -> Vec<String> {
    let mut edges: Vec<String> = map
        .edges
        .iter()
        .map(|edge| {
            let Figures { calls, errors, p50, .. } = edge.figures;
            format!("{} -> {} {calls} {errors} {p50}", map.nodes[edge.from].id, map.nodes[edge.to].id)
        })
        .collect();
    edges.sort();
    edges
}

fn drawn(requests: &[Vec<u8>]) -> Vec<String> {
    edges(&draw(&calls(requests, None)))
}

#[test]
fn a_call_is_a_pair_of_spans_and_counts_as_its_caller_saw_it() {
    let front = [span(1, 1, 9, SERVER, 100), span(1, 2, 1, CLIENT, 80), span(1, 4, 1, CLIENT, 7).failed()];
    let back = [span(1, 3, 2, SERVER, 60), span(1, 5, 4, SERVER, 5)];
    let requests = [request("front", &front), request("back", &back)];
    let expected = ["front -> back 2 1 7", "outside:outside -> front 1 0 100"];
    assert_eq!(drawn(&requests), expected);
    // Whoever comes first, and however often.
    assert_eq!(drawn(&[requests[1].clone(), requests[0].clone(), requests[1].clone()]), expected);
    let map = draw(&calls(&requests, None));
    let answered: Vec<_> =
        map.nodes.iter().map(|node| (&*node.id, node.figures.calls, node.figures.p50)).collect();
    assert_eq!(answered, [("back", 2, 5), ("front", 1, 100), ("outside:outside", 0, 0)]);
}

#[test]
fn what_sends_no_spans_is_who_the_caller_says_it_calls() {
    let calls = [
        span(1, 2, 1, CLIENT, 1).with(&[("db.system.name", "postgresql"), ("server.address", "db")]),
        span(1, 3, 1, CLIENT, 2).with(&[("server.address", "api.example"), ("server.port", "44")]),
        span(1, 4, 1, CLIENT, 3).with(&[("peer.service", "ledger"), ("server.address", "10.0.0.1")]),
        span(1, 5, 1, CLIENT, 4).with(&[("db.system", "redis")]),
        // Nothing tells whom it calls.
        span(1, 6, 1, CLIENT, 5),
        span(1, 7, 1, CLIENT, 6).with(&[("server.address", "::1"), ("server.port", "80")]),
    ];
    let map = draw(&self::calls(&[request("shop", &calls)], None));
    let expected = [
        "shop -> database:db 1 0 1",
        "shop -> database:redis 1 0 4",
        "shop -> peer:[::1]:80 1 0 6",
        "shop -> peer:api.example:44 1 0 2",
        "shop -> peer:ledger 1 0 3",
    ];
    assert_eq!(edges(&map), expected);
    let system = |id: &str| map.nodes.iter().find(|node| node.id == id).unwrap().system.clone();
    assert_eq!(system("database:db").as_deref(), Some("postgresql"));
}

#[test]
fn an_address_that_a_service_answers_at_is_that_service_also_where_its_span_is_missing() {
    let place = [("server.address", "back"), ("server.port", "80")];
    let front = [
        span(1, 1, 0, CLIENT, 10).with(&place),
        span(1, 2, 0, CLIENT, 30).with(&place),
        span(1, 3, 0, CLIENT, 5).with(&[("peer.service", "idle")]),
    ];
    let back = [span(1, 4, 1, SERVER, 9)];
    let idle = [span(2, 5, 0, 1, 1)];
    let requests = [request("front", &front), request("back-service", &back), request("idle", &idle)];
    assert_eq!(drawn(&requests), ["front -> back-service 2 0 10", "front -> idle 1 0 5"]);
}

#[test]
fn a_call_through_a_service_without_client_spans_and_one_of_a_client_inside_a_client_are_one_call_each() {
    let proxy = [span(1, 1, 0, 1, 50)];
    let back = [
        span(1, 2, 1, SERVER, 40),
        span(1, 3, 2, SERVER, 30),
        span(1, 4, 3, CLIENT, 20).with(&[("db.system.name", "search")]),
        span(1, 5, 4, CLIENT, 10).with(&[("server.address", "search"), ("server.port", "92")]),
    ];
    let requests = [request("proxy", &proxy), request("back", &back)];
    assert_eq!(drawn(&requests), ["back -> peer:search:92 1 0 10", "proxy -> back 1 0 40"]);
    let map = draw(&calls(&requests, None));
    assert_eq!(map.nodes.iter().find(|node| node.id == "back").unwrap().figures.calls, 1);
}

#[test]
fn a_call_that_was_answered_twice_is_one_call() {
    let front = [span(1, 1, 0, CLIENT, 10)];
    let back = [span(1, 2, 1, SERVER, 4).failed(), span(1, 3, 1, SERVER, 5).at(1_000_000_004)];
    assert_eq!(drawn(&[request("front", &front), request("back", &back)]), ["front -> back 1 0 10"]);
}

#[test]
fn messages_go_by_their_destination() {
    let queue = [("messaging.destination.name", "orders"), ("messaging.system", "kafka")];
    let shop = [span(1, 1, 0, PRODUCER, 3).with(&queue)];
    let mail = [span(1, 2, 1, CONSUMER, 9).with(&queue).failed(), span(2, 3, 0, CONSUMER, 7).with(&queue)];
    let expected = ["queue:orders -> mail 2 1 7", "shop -> queue:orders 1 0 3"];
    assert_eq!(drawn(&[request("shop", &shop), request("mail", &mail)]), expected);
    assert_eq!(drawn(&[request("shop", &shop)]), expected[1..]);
}

#[test]
fn routes_are_those_of_http_and_rpc_and_else_the_names_of_spans() {
    let answers = [
        span(1, 1, 0, SERVER, 10).with(&[("http.route", "/a/{id}"), ("http.request.method", "GET")]),
        span(1, 2, 0, SERVER, 20).with(&[("http.request.method", "GET"), ("http.route", "/a/{id}")]).failed(),
        span(1, 3, 0, SERVER, 30).with(&[("rpc.service", "cart.Cart"), ("rpc.method", "Add")]),
        span(1, 4, 0, SERVER, 40),
    ];
    let map = draw(&calls(&[request("a", &answers)], None));
    let routes: Vec<_> = map
        .routes
        .iter()
        .map(|Route { service, route, figures }| {
            (&**service, &**route, figures.calls, figures.errors, figures.p50, figures.p99)
        })
        .collect();
    let expected = [
        ("a", "GET /a/{id}", 2, 1, 10, 20),
        ("a", "cart.Cart/Add", 1, 0, 30, 30),
        ("a", "the span", 1, 0, 40, 40),
    ];
    assert_eq!(routes, expected);
}

#[test]
fn a_window_has_the_calls_that_ended_in_it_and_their_rate() {
    const SECOND: u64 = 1_000_000_000;
    let answers: Vec<Short> =
        (1..=10).map(|at| span(1, at, 0, SERVER, 5).at(u64::from(at) * SECOND)).collect();
    let all = draw(&calls(&[request("a", &answers)], None));
    assert_eq!((all.from, all.to, all.routes[0].figures.calls), (SECOND, 10 * SECOND + 5, 10));
    let last = draw(&calls(&[request("a", &answers)], Some(4 * SECOND - 1)));
    assert_eq!((last.from, last.routes[0].figures.calls, last.spans), (7 * SECOND, 4, 4));
    assert!((last.routes[0].figures.rate - 4.0 / 3.000_000_005).abs() < 1e-9, "{last:?}");
    assert_eq!(draw(&calls(&[], Some(1))), Map::default());
}

#[test]
fn the_calls_behind_an_edge_and_a_route_are_the_newest_and_the_slowest() {
    let answers: Vec<Short> =
        (1..=9).map(|at| span(1, at, 0, SERVER, 100 - u64::from(at)).at(at.into())).collect();
    let calls = calls(&[request("a", &answers)], None);
    let edge = Between::Nodes("outside:outside".into(), "a".into());
    let route = Between::Route("a".into(), "the span".into());
    for wanted in [&edge, &route] {
        let (newest, slowest) = calls.between(wanted, 2);
        let starts = |calls: &[Call]| calls.iter().map(|call| call.start).collect::<Vec<_>>();
        assert_eq!((starts(&newest), starts(&slowest)), (vec![9, 8], vec![1, 2]));
    }
    assert_eq!(calls.between(&Between::Route("a".into(), "other".into()), 2), (vec![], vec![]));
}

#[test]
fn what_is_listed_is_bounded_and_has_most_calls() {
    let many: Vec<Vec<u8>> = (0..300u32)
        .map(|number| {
            let (high, low) = ((number / 200 + 1) as u8, (number % 200 + 1) as u8);
            let mut answers = vec![span(high, low, 0, SERVER, 1)];
            if number == 299 {
                answers.push(span(9, 9, 0, SERVER, 1));
            }
            request(&format!("service {number:03}"), &answers)
        })
        .collect();
    let map = draw(&calls(&many, None));
    assert_eq!((map.nodes.len(), map.is_cut), (200, true));
    assert!(map.nodes.iter().any(|node| node.name == "service 299"));
    assert!(map.edges.iter().all(|edge| edge.from < 200 && edge.to < 200));
}

#[test]
fn random_spans_never_make_a_call_that_no_span_stands_for() {
    // The same numbers in each run.
    let mut state = 88172645463325252u64;
    let mut below = |bound: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % bound
    };
    for _ in 0..200 {
        let names = ["a", "b", "c"];
        let requests: Vec<Vec<u8>> = (0..below(6))
            .map(|_| {
                let spans: Vec<Short> = (0..below(8))
                    .map(|_| {
                        let (trace, id, parent) = (1 + below(2) as u8, 1 + below(12) as u8, below(13) as u8);
                        let made = span(trace, id, parent, below(7) as u8, below(1000));
                        if below(3) == 0 { made.with(&[("server.address", "a")]) } else { made }
                    })
                    .collect();
                request(names[below(3) as usize], &spans)
            })
            .collect();
        let calls = calls(&requests, None);
        let map = draw(&calls);
        let total: u64 = map.edges.iter().map(|edge| edge.figures.calls).sum();
        // A span with a kind that takes part stands for a call, or for two where a message waits in between.
        assert!(total <= 2 * map.spans as u64, "{total} of {}", map.spans);
        for edge in &map.edges {
            assert!(edge.figures.errors <= edge.figures.calls && edge.figures.p50 <= edge.figures.p99);
        }
        assert_eq!(map, draw(&self::calls(&requests, None)), "not the same each time");
    }
}
