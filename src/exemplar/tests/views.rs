use super::*;
use opentelemetry::Key;
use std::time::SystemTime;

pub(super) fn exponential(_: &Instrument) -> Option<SdkStream> {
    let aggregation =
        Aggregation::Base2ExponentialHistogram { max_size: 160, max_scale: 20, record_min_max: true };
    SdkStream::builder().with_aggregation(aggregation).build().ok()
}

fn named(name: &'static str) -> View {
    Box::new(move |_| SdkStream::builder().with_name(name).build().ok())
}

fn with_keys(name: &'static str, keys: &'static [&'static str]) -> View {
    Box::new(move |_| {
        let keys = keys.iter().copied().map(Key::from_static_str);
        SdkStream::builder().with_name(name).with_allowed_attribute_keys(keys).build().ok()
    })
}

fn with_bounds(name: &'static str, bounds: &'static [f64]) -> View {
    Box::new(move |_| {
        let boundaries = bounds.to_vec();
        let aggregation = Aggregation::ExplicitBucketHistogram { boundaries, record_min_max: true };
        SdkStream::builder().with_name(name).with_aggregation(aggregation).build().ok()
    })
}

#[test]
fn a_metric_that_a_view_renames_has_the_exemplars_of_its_instrument() {
    let measured = Measured::of(ExemplarFilter::TraceBased, || vec![named("Renamed here")]);
    let counter = measured.meter().u64_counter("c").with_description("d").with_unit("By").build();
    let _active = active(1, true);
    counter.add(1, &[one("a", "1")]);
    assert_eq!(measured.cumulative(), expected([("test/Renamed here{a=1}", "1 by 1", "{}")]));
}

// O-100: "MUST retain any attributes available in the measurement that are not preserved"
#[test]
fn attributes_that_a_view_drops_are_told_with_the_exemplar() {
    let measured = Measured::of(ExemplarFilter::TraceBased, || vec![with_keys("c", &["a", "x"])]);
    let counter = measured.meter().u64_counter("c").build();
    let sets = [
        vec![one("a", "1"), one("b", "1")],
        vec![one("b", "2")],
        vec![one("b", "3"), one("a", "2"), one("d", "3")],
        vec![one("a", "3")],
    ];
    for (number, set) in (1..).zip(&sets) {
        let _active = active(number, true);
        counter.add(number, set);
    }
    let all = [
        ("test/c{a=1}", "1 by 1", "{b=1}"),
        ("test/c{a=2}", "3 by 3", "{b=3,d=3}"),
        ("test/c{a=3}", "4 by 4", "{}"),
        ("test/c{}", "2 by 2", "{b=2}"),
    ];
    assert_eq!(measured.cumulative(), expected(all));
}

#[test]
fn measurements_that_a_view_brings_together_share_the_buckets_of_their_point() {
    let measured = Measured::of(ExemplarFilter::TraceBased, || vec![with_keys("h", &["a"])]);
    let histogram = measured.meter().u64_histogram("h").with_boundaries(vec![10.0, 20.0]).build();
    for (span, value, user) in [(1, 5, "ada"), (2, 6, "bob"), (3, 15, "ada")] {
        let _active = active(span, true);
        histogram.record(value, &[one("a", "1"), one("user", user)]);
        // Two measurements at the same nanosecond have no order.
        let now = SystemTime::now();
        while SystemTime::now() == now {}
    }
    let all = [("test/h{a=1}", "15 by 3", "{user=ada}"), ("test/h{a=1}", "6 by 2", "{user=bob}")];
    assert_eq!(measured.cumulative(), expected(all));
}

#[test]
fn several_views_of_an_instrument_have_each_their_own() {
    let measured = Measured::of(ExemplarFilter::TraceBased, || {
        vec![
            with_bounds("coarse", &[10.0]),
            with_bounds("fine", &[1.0, 2.0, 10.0]),
            with_keys("few", &["a"]),
            Box::new(|_| {
                SdkStream::builder().with_name("sum").with_aggregation(Aggregation::Sum).build().ok()
            }),
            Box::new(|_| SdkStream::builder().with_aggregation(Aggregation::Drop).build().ok()),
        ]
    });
    let histogram = measured.meter().u64_histogram("h").with_boundaries(vec![5.0]).build();
    for value in 1..=3 {
        let _active = active(value, true);
        histogram.record(value, &[one("b", "1")]);
    }
    let place = |name: &str| format!("test/{name}");
    let all: Vec<Told> =
        measured.cumulative().into_iter().filter(|told| !told.0.starts_with("test/sum")).collect();
    let expected = [
        ("coarse{b=1}", "3 by 3", "{}"),
        ("few{}", "3 by 3", "{b=1}"),
        ("fine{b=1}", "1 by 1", "{}"),
        ("fine{b=1}", "2 by 2", "{}"),
        ("fine{b=1}", "3 by 3", "{}"),
    ];
    assert_eq!(all, expected.map(|(name, value, other)| (place(name), value.to_owned(), other.to_owned())));
    assert_eq!(measured.cumulative().len(), all.len() + 1);
}

#[test]
fn an_instrument_that_a_view_drops_is_not_measured_and_one_without_buckets_has_one_exemplar() {
    let measured = Measured::of(ExemplarFilter::AlwaysOn, || {
        vec![Box::new(|instrument: &Instrument| {
            let dropped = SdkStream::builder().with_aggregation(Aggregation::Drop);
            (instrument.name() == "dropped").then(|| dropped.build().ok()).flatten()
        })]
    });
    measured.meter().u64_counter("dropped").build().add(1, &[]);
    let histogram = measured.meter().u64_histogram("h").with_boundaries(vec![]).build();
    (0..9).for_each(|_| histogram.record(1, &[]));
    assert_eq!(measured.cumulative(), expected([("test/h{}", "1", "{}")]));
}
