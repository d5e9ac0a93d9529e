use super::{walk::Moment, *};
use crate::check::field;
use bytes::Bytes;
use prost::Message;
use std::collections::HashSet;

/// A field of eight bytes.
fn fixed(number: u8, value: u64) -> Vec<u8> {
    [&[number << 3 | 1][..], &value.to_le_bytes()].concat()
}

fn attribute(number: u8, name: &str, value: &str) -> Vec<u8> {
    field(number, &[field(1, name.as_bytes()), field(2, &field(1, value.as_bytes()))].concat())
}

/// A point of a gauge or sum.
fn number(moment: (u64, u64), value: i64, attributes: &[(&str, &str)]) -> Vec<u8> {
    let attributes: Vec<u8> = attributes.iter().flat_map(|(name, value)| attribute(7, name, value)).collect();
    [attributes, fixed(3, moment.0), fixed(2, moment.1), fixed(6, value as u64)].concat()
}

/// A request with points of the metric `m`: the number of its kind, and its temporality.
fn request(service: &str, kind: u8, temporality: u8, points: &[Vec<u8>]) -> Vec<u8> {
    let points: Vec<u8> = points.iter().flat_map(|point| field(1, point)).collect();
    let data = [points, vec![2 << 3, temporality], if kind == 7 { vec![3 << 3, 1] } else { vec![] }].concat();
    let metric = [field(1, b"m"), field(2, b"what it is"), field(3, b"s"), field(kind, &data)].concat();
    let resource = field(1, &attribute(1, "service.name", service));
    field(1, &[resource, field(2, &field(2, &metric))].concat())
}

const SUM: u8 = 7;
const DELTA: u8 = 1;
const CUMULATIVE: u8 = 2;

/// In the order in which they came, which is the opposite of the one in which they are read.
fn kept(requests: &[Vec<u8>]) -> Vec<(u64, Bytes)> {
    let numbered = (0..).zip(requests).map(|(number, body)| (number, Bytes::copy_from_slice(body)));
    numbered.collect::<Vec<_>>().into_iter().rev().collect()
}

fn look(requests: &[Vec<u8>], query: &Query) -> Vec<Series> {
    series(kept(requests), query, |traces| traces)
}

fn points(series: &Series) -> Vec<(u64, bool, String)> {
    let value = |measured: &Measured| serde_json::to_value(measured).unwrap();
    let text = |measured| {
        let value = value(measured);
        value.get("value").or(value.get("count")).unwrap().to_string()
    };
    series.points.iter().map(|point| (point.time, point.reset, text(&point.measured))).collect()
}

fn shown(points: &[(u64, bool, &str)]) -> Vec<(u64, bool, String)> {
    points.iter().map(|(time, reset, value)| (*time, *reset, (*value).to_owned())).collect()
}

#[test]
fn a_series_is_what_has_resource_and_attributes_in_common_in_whatever_order() {
    let one = |time, attributes: &[(&str, &str)]| number((time, 1), time as i64, attributes);
    let requests = [
        request("a", SUM, CUMULATIVE, &[one(10, &[("x", "1"), ("y", "2")]), one(11, &[("x", "2")])]),
        request("b", SUM, CUMULATIVE, &[one(12, &[("x", "2")])]),
        request("a", SUM, CUMULATIVE, &[one(20, &[("y", "2"), ("x", "1")]), one(21, &[])]),
    ];
    let found = look(&requests, &Query::of("m"));
    let labels = |series: &Series| {
        let attributes: Vec<String> = series.attributes.iter().map(|(k, v)| format!("{k}={v}")).collect();
        (series.service.to_string(), attributes.join(" "), points(series))
    };
    let mut labelled: Vec<_> = found.iter().map(labels).collect();
    labelled.sort();
    let expected = [
        ("a", "", &[(21, false, "21")][..]),
        ("a", "x=2", &[(11, false, "11")]),
        ("a", "y=2 x=1", &[(10, false, "10"), (20, false, "20")]),
        ("b", "x=2", &[(12, false, "12")]),
    ];
    let expected: Vec<_> =
        expected.iter().map(|(a, b, points)| ((*a).to_owned(), (*b).to_owned(), shown(points))).collect();
    assert_eq!(labelled, expected);

    let mut query = Query::of("m");
    query.service = Some("a".to_owned());
    query.attributes = vec![("x".to_owned(), "1".to_owned())];
    assert_eq!(look(&requests, &query).iter().map(|s| s.points.len()).collect::<Vec<_>>(), [2]);
    assert_eq!(look(&requests, &Query::of("n")), []);

    let listed = instruments(kept(&requests), None, 10);
    let counted: Vec<_> = listed.iter().map(|i| (i.service.as_str(), i.series, i.points, i.latest)).collect();
    assert_eq!(counted, [("a", 3, 4, 21), ("b", 1, 1, 12)]);
    assert_eq!((&*listed[0].name, &*listed[0].unit, &*listed[0].description), ("m", "s", "what it is"));
    assert_eq!(instruments(kept(&requests), Some("b"), 10), &listed[1..]);
    // Of more than are wanted, those of the newest requests.
    assert_eq!(instruments(kept(&requests), None, 1)[0].service, "a");
}

#[test]
fn a_cumulative_point_that_counts_anew_has_a_mark_and_others_have_none() {
    let sums = [((10, 1), 5), ((20, 1), 7), ((30, 1), 2), ((40, 35), 9), ((50, 35), 9)];
    let requests =
        |temporality| sums.map(|(at, value)| request("a", SUM, temporality, &[number(at, value, &[])]));
    let marks = |temporality| {
        look(&requests(temporality), &Query::of("m"))[0].points.iter().map(|p| p.reset).collect::<Vec<_>>()
    };
    assert_eq!(marks(CUMULATIVE), [false, false, true, true, false]);
    assert_eq!(marks(DELTA), [false; 5]);
    // What was before the time that is asked for still counts, and so does what is too much to be listed.
    let mut query = Query::of("m");
    (query.from, query.to) = (25, 45);
    assert_eq!(points(&look(&requests(2), &query)[0]), shown(&[(30, true, "2"), (40, true, "9")]));
    (query.from, query.points) = (10, 2);
    let cut = look(&requests(2), &query).remove(0);
    assert_eq!((points(&cut), cut.older), (shown(&[(30, true, "2"), (40, true, "9")]), 2));
    query.from = 60;
    assert_eq!(look(&requests(2), &query), []);
}

#[test]
fn a_sum_that_may_fall_is_only_reset_by_its_start() {
    let gauge = |(at, value)| request("a", 5, 0, &[number(at, value, &[])]);
    let fallen = [((10, 1), 5), ((20, 1), 3), ((30, 25), 4)].map(gauge);
    assert!(look(&fallen, &Query::of("m"))[0].points.iter().all(|point| !point.reset));
    let count = |time, start, count| [fixed(3, time), fixed(2, start), fixed(4, count)].concat();
    for (kind, temporality, expected) in
        [(9, 2, [false, true, true]), (11, 0, [false, true, true]), (10, 1, [false; 3])]
    {
        let counts = [count(10, 1, 5), count(20, 1, 3), count(30, 25, 4)];
        let requests = counts.map(|point| request("a", kind, temporality, &[point]));
        let found = look(&requests, &Query::of("m"));
        assert_eq!(found[0].points.iter().map(|p| p.reset).collect::<Vec<_>>(), expected, "{kind}");
    }
}

#[test]
fn a_point_that_arrived_twice_is_there_once_and_late_ones_are_in_their_places() {
    let point = |time, value| request("a", SUM, CUMULATIVE, &[number((time, 1), value, &[])]);
    let requests = [point(20, 2), point(10, 1), point(20, 2), point(30, 3), point(10, 1)];
    let found = look(&requests, &Query::of("m"));
    assert_eq!(points(&found[0]), shown(&[(10, false, "1"), (20, false, "2"), (30, false, "3")]));
}

#[test]
fn a_point_without_a_value_says_so_and_nothing_of_the_count() {
    let missing = [fixed(3, 20), fixed(2, 1), vec![8 << 3, 1]].concat();
    let requests = [number((10, 1), 5, &[]), missing, number((30, 1), 4, &[])];
    let found = look(&[request("a", SUM, CUMULATIVE, &requests)], &Query::of("m"));
    assert_eq!(points(&found[0]), shown(&[(10, false, "5"), (20, false, "null"), (30, true, "4")]));
}

#[test]
fn no_more_series_and_points_are_listed_than_the_bounds_allow() {
    let many: Vec<Vec<u8>> = (0..1500).map(|n| number((5, 1), n, &[("n", &n.to_string())])).collect();
    let mut query = Query::of("m");
    query.series = usize::MAX;
    let found = look(&[request("a", SUM, CUMULATIVE, &many)], &query);
    assert_eq!(found.len(), 1000);
    let long: Vec<Vec<u8>> = (1..=500).map(|n| number((n, 1), n as i64, &[])).collect();
    query.points = usize::MAX;
    let found = look(&[request("a", SUM, CUMULATIVE, &long)], &query);
    assert_eq!((found[0].points.len(), found[0].older, found[0].points[0].time), (100, 400, 401));
}

#[test]
fn data_in_pieces_is_one_and_of_several_choices_the_last_one_counts() {
    let data = |time| field(1, &number((time, 1), 3, &[]));
    let metric = [field(1, b"m"), field(5, &data(1)), field(7, &data(2)), field(7, &data(3))].concat();
    let body = field(1, &field(2, &field(2, &metric)));
    let found = look(&[body], &Query::of("m"));
    assert_eq!(found[0].form.kind, Kind::Sum);
    assert_eq!(points(&found[0]), shown(&[(2, false, "3"), (3, false, "3")]));
}

#[test]
fn exemplars_say_whether_their_trace_is_kept() {
    let exemplar = |trace: &[u8], span: &[u8]| {
        field(
            5,
            &[fixed(2, 9), fixed(6, 4), field(4, span), field(5, trace), attribute(7, "k", "v")].concat(),
        )
    };
    let point = [
        number((10, 1), 5, &[]),
        exemplar(&[1; 16], &[2; 8]),
        exemplar(&[3; 16], &[2; 8]),
        exemplar(&[], &[]),
    ]
    .concat();
    let requests = kept(&[request("a", SUM, CUMULATIVE, &[point])]);
    let found = series(requests, &Query::of("m"), |asked| {
        assert_eq!(asked, HashSet::from([[1; 16], [3; 16]]));
        HashSet::from([[3; 16]])
    });
    let exemplars: Vec<_> = found[0].points[0]
        .exemplars
        .iter()
        .map(|e| {
            (
                e.trace_id.clone(),
                e.span_id.clone(),
                e.stored,
                e.time,
                e.value.clone(),
                e.attributes.iter().count(),
            )
        })
        .collect();
    let expected = |trace: Option<&str>, stored| {
        let span = trace.map(|_| "02".repeat(8));
        (trace.map(|pair| pair.repeat(16)), span, stored, 9, Value::Int(4), 1)
    };
    assert_eq!(exemplars, [expected(Some("01"), false), expected(Some("03"), true), expected(None, false)]);
}

#[test]
fn every_kind_of_point_is_written_in_json_with_all_that_it_has() {
    let json = |bytes: Vec<u8>, kind| {
        let point = build::point(&bytes, Moment { time: 7, start: 3 }, kind, &mut HashSet::new());
        serde_json::to_string(&point).unwrap()
    };
    let number = message::Number { amount: Some(message::Amount::Double(f64::NAN)), ..Default::default() };
    assert_eq!(
        json(number.encode_to_vec(), Kind::Gauge),
        r#"{"time":7,"start":3,"reset":false,"value":"NaN"}"#
    );
    let histogram = message::Histogram {
        count: 3,
        sum: Some(1.5),
        min: Some(0.25),
        counts: vec![1, 2],
        bounds: vec![0.5],
        ..Default::default()
    };
    assert_eq!(
        json(histogram.encode_to_vec(), Kind::Histogram),
        r#"{"time":7,"start":3,"reset":false,"count":3,"sum":1.5,"min":0.25,"max":null,"bounds":[0.5],"counts":[1,2]}"#
    );
    let exponential = message::Exponential {
        count: 4,
        scale: -1,
        zero_count: 1,
        zero_threshold: 0.125,
        positive: Some(message::Buckets { offset: -2, counts: vec![3] }),
        ..Default::default()
    };
    assert_eq!(
        json(exponential.encode_to_vec(), Kind::ExponentialHistogram),
        concat!(
            r#"{"time":7,"start":3,"reset":false,"count":4,"sum":null,"min":null,"max":null,"scale":-1,"#,
            r#""zero_count":1,"zero_threshold":0.125,"positive":{"offset":-2,"counts":[3]},"#,
            r#""negative":{"offset":0,"counts":[]}}"#
        )
    );
    let quantiles = vec![message::Quantile { quantile: 0.5, value: 2.0 }];
    let summary = message::Summary { count: 2, sum: 4.0, quantiles, ..Default::default() };
    assert_eq!(
        json(summary.encode_to_vec(), Kind::Summary),
        r#"{"time":7,"start":3,"reset":false,"count":2,"sum":4.0,"quantiles":[[0.5,2.0]]}"#
    );
}

#[test]
fn the_latest_points_are_a_request_with_everything_that_they_belong_to() {
    let one = |time, route| number((time, 1), time as i64, &[("route", route)]);
    let requests = [
        request("a", SUM, CUMULATIVE, &[one(10, "/"), one(10, "/gone")]),
        request("b", 5, 0, &[one(11, "/")]),
        request("a", SUM, CUMULATIVE, &[one(20, "/")]),
    ];
    let latest = |from| {
        let request = latest(kept(&requests), from).unwrap().request;
        assert!(crate::scan::scan(throughline_sender::Signal::Metrics, &request).is_ok());
        let mut found = look(&[request], &Query::of("m"));
        found.sort_by_key(|series| series.points[0].time);
        found
    };
    let mut expected = look(&requests, &Query::of("m"));
    for series in &mut expected {
        series.points = series.points.split_off(series.points.len() - 1);
    }
    expected.sort_by_key(|series| series.points[0].time);
    assert_eq!(expected.len(), 3);
    assert_eq!(latest(0), expected);
    assert_eq!(latest(11), &expected[1..]);
}

// B-008: a process that takes the place of another is no collision.
#[test]
fn two_processes_of_one_name_collide_if_both_live_at_a_time() {
    let of = |service: &str, time: u64, start: u64, temporality| {
        request(service, SUM, temporality, &[number((time, start), 1, &[("route", "/")])])
    };
    let colliding = |requests: &[Vec<u8>]| Vec::from_iter(latest(kept(requests), 0).unwrap().colliding);
    let cumulative = |service, time, start| of(service, time, start, CUMULATIVE);
    let lives =
        [cumulative("a", 10, 1), cumulative("a", 20, 1), cumulative("a", 30, 20), cumulative("b", 25, 2)];
    assert_eq!(colliding(&lives), [""; 0]);
    let at_a_time =
        [cumulative("a", 10, 1), cumulative("a", 30, 20), cumulative("a", 40, 1), cumulative("b", 25, 2)];
    assert_eq!(colliding(&at_a_time), ["a"]);
    // In whatever order they come.
    assert_eq!(colliding(&[cumulative("a", 40, 1), cumulative("a", 30, 20)]), ["a"]);
    // Neither what tells no start, nor what starts anew each time.
    assert_eq!(colliding(&[cumulative("a", 30, 20), cumulative("a", 40, 0)]), [""; 0]);
    assert_eq!(colliding(&[of("a", 30, 20, DELTA), of("a", 40, 1, DELTA)]), [""; 0]);
}
