use super::*;

#[test]
fn attributes_in_another_order_or_twice_are_those_of_one_point() {
    let measured = Measured::new();
    let histogram = measured.meter().u64_histogram("h").with_boundaries(vec![1.0, 2.0]).build();
    let (a, b) = (one("a", "1"), one("b", "2"));
    let _active = active(1, true);
    histogram.record(1, &[a.clone(), b.clone()]);
    histogram.record(2, &[b.clone(), a.clone()]);
    histogram.record(3, &[a, one("a", "other"), b]);
    let all = ["1 by 1", "2 by 1", "3 by 1"].map(|value| ("test/h{a=1,b=2}", value, "{}"));
    let told = measured.cumulative();
    // The SDK may tell the point with the attribute it has twice.
    let told: Vec<Told> =
        told.into_iter().map(|(place, value, other)| (place.replace("a=other,", ""), value, other)).collect();
    assert_eq!(told, expected(all));
}

#[test]
fn an_exemplar_is_at_the_point_with_its_attributes_only() {
    let measured = Measured::new();
    let counter = measured.meter().u64_counter("c").build();
    let sets = [vec![], vec![one("a", "1")], vec![one("a", "2")], vec![one("a", "1"), one("b", "1")]];
    for (number, set) in (1..).zip(&sets) {
        let _active = active(number, true);
        counter.add(number, set);
    }
    let all = [
        ("test/c{a=1,b=1}", "4 by 4", "{}"),
        ("test/c{a=1}", "2 by 2", "{}"),
        ("test/c{a=2}", "3 by 3", "{}"),
        ("test/c{}", "1 by 1", "{}"),
    ];
    assert_eq!(measured.cumulative(), expected(all));
}

#[test]
fn an_instrument_made_twice_is_one_also_in_capitals_and_one_of_another_scope_is_another() {
    let measured = Measured::new();
    let versioned = |version| {
        InstrumentationScope::builder("test").with_version(version).with_schema_url("https://s").build()
    };
    let (first, second) = (measured.meter(), measured.meter());
    let (one, two) = (versioned("1"), versioned("2"));
    let (one, two) = (measured.provider.meter_with_scope(one), measured.provider.meter_with_scope(two));
    let bounds = || vec![1.0, 2.0, 3.0];
    let histograms = [
        first.u64_histogram("h").with_boundaries(bounds()).build(),
        first.u64_histogram("h").with_boundaries(bounds()).build(),
        second.u64_histogram("H").with_boundaries(bounds()).build(),
        one.u64_histogram("h").with_boundaries(bounds()).build(),
        two.u64_histogram("h").with_boundaries(bounds()).build(),
    ];
    for (number, histogram) in (1..).zip(histograms) {
        let _active = active(number, true);
        histogram.record(number, &[]);
    }
    let request = ExportMetricsServiceRequest::decode(measured.added(&measured.cumulative).body).unwrap();
    let mut scopes: Vec<(String, Vec<String>)> = Vec::new();
    for of_scope in &request.resource_metrics[0].scope_metrics {
        let exemplars = of_scope.metrics.iter().flat_map(|metric| points(metric.data.clone().unwrap()));
        let values =
            exemplars.flat_map(|(_, exemplars)| exemplars).map(|exemplar| value(&exemplar)).collect();
        scopes.push((of_scope.scope.as_ref().unwrap().version.clone(), values));
    }
    scopes.sort();
    let texts = |values: &[&str]| values.iter().map(|value| value.to_string()).collect::<Vec<_>>();
    assert_eq!(
        scopes,
        [
            (String::new(), texts(&["1 by 1", "2 by 2", "3 by 3"])),
            ("1".into(), texts(&["4 by 4"])),
            ("2".into(), texts(&["5 by 5"])),
        ]
    );
}

#[test]
fn instruments_of_one_name_and_different_kinds_keep_theirs() {
    let measured = Measured::new();
    let meter = measured.meter();
    let _active = active(1, true);
    meter.u64_counter("x").build().add(1, &[]);
    meter.f64_counter("x").build().add(2.5, &[]);
    meter.i64_up_down_counter("x").build().add(-3, &[]);
    meter.u64_histogram("x").build().record(4, &[]);
    meter.u64_counter("x").with_unit("By").build().add(5, &[]);
    let all = ["-3 by 1", "1 by 1", "2.5 by 1", "4 by 1", "5 by 1"].map(|value| ("test/x{}", value, "{}"));
    assert_eq!(measured.cumulative(), expected(all));
}

// Metrics SDK, "cardinality limits"
#[test]
fn what_is_beyond_the_limit_of_series_is_told_at_the_overflow_with_all_its_attributes() {
    let measured = Measured::of(ExemplarFilter::TraceBased, || {
        vec![Box::new(|_: &Instrument| SdkStream::builder().with_cardinality_limit(2).build().ok())]
    });
    let counter = measured.meter().u64_counter("c").build();
    let (a, b) = (one("a", "1"), one("b", "1"));
    let sets = [vec![a.clone()], vec![one("a", "2")], vec![a.clone(), b], vec![a]];
    for (number, set) in (1..).zip(&sets) {
        let _active = active(number, true);
        counter.add(number, set);
        // Each is read, so that the last one is drawn.
        measured.cumulative();
    }
    let all = [
        ("test/c{a=1}", "4 by 4", "{}"),
        ("test/c{a=2}", "2 by 2", "{}"),
        ("test/c{otel.metric.overflow=BoolValue(true)}", "3 by 3", "{a=1,b=1}"),
    ];
    assert_eq!(measured.cumulative(), expected(all));
}

#[test]
fn what_is_kept_of_an_instrument_is_bounded_and_the_newest_has_room() {
    let measured = Measured::of(ExemplarFilter::AlwaysOn, Vec::new);
    let counter = measured.meter().u64_counter("c").build();
    for number in 0..20_000 {
        counter.add(1, &[Attribute::new("number", number)]);
    }
    let known = measured.exemplars.0.as_ref().unwrap().known.lock().unwrap();
    let sets = known.values().flatten().next().unwrap().reservoir.collect();
    assert_eq!(sets.len(), 8 * 320);
    let has = |number: i64| sets.iter().any(|set| set.attributes[0] == Attribute::new("number", number));
    assert!((19_900..20_000).all(has) && !has(0));
}

#[test]
fn the_first_two_thousand_series_all_have_exemplars() {
    let measured = Measured::of(ExemplarFilter::AlwaysOn, Vec::new);
    let counter = measured.meter().u64_counter("c").build();
    for number in 0..2_000 {
        counter.add(1, &[Attribute::new("number", number)]);
    }
    assert_eq!(measured.cumulative().len(), 2_000);
}

#[test]
fn threads_that_measure_at_once_are_all_told() {
    let measured = Measured::new();
    let histogram = measured.meter().u64_histogram("h").with_boundaries(vec![]).build();
    std::thread::scope(|scope| {
        for thread in 1..=4 {
            let histogram = histogram.clone();
            let measured = &measured;
            scope.spawn(move || {
                let _active = active(thread, true);
                for _ in 0..500 {
                    histogram.record(thread, &[Attribute::new("thread", thread as i64)]);
                }
                measured.cumulative();
            });
        }
    });
    let all: [(String, String); 4] = [1, 2, 3, 4]
        .map(|thread| (format!("test/h{{thread=IntValue({thread})}}"), format!("{thread} by {thread}")));
    let told: Vec<_> = measured.cumulative().into_iter().map(|(place, value, _)| (place, value)).collect();
    assert_eq!(told, all);
}
