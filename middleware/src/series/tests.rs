use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;

use super::*;

fn series(route: &str) -> Series {
    Series {
        convention: Convention::Http,
        method: "GET".into(),
        scheme: Some(Scheme::Http),
        target: Some(Route::new(route)),
        host: None,
        port: None,
        version: Some(Version::HTTP_11),
        status: Some(200),
        error: None,
    }
}

fn durations(is_bound: bool) -> Durations {
    let meter = SdkMeterProvider::builder().build().meter("test");
    Durations::new(meter.f64_histogram("duration").build(), is_bound)
}

#[test]
fn a_series_is_made_once_and_found_again() {
    for is_bound in [false, true] {
        let durations = durations(is_bound);
        let first: *const Recorder = durations.record(0.1, &series("/a"));
        let other: *const Recorder = durations.record(0.1, &series("/b"));
        assert_eq!(durations.record(0.1, &series("/a")) as *const Recorder, first);
        assert_ne!(first, other);
        assert_eq!(durations.known.entries.load(Ordering::Relaxed), 2);
    }
}

#[test]
fn every_part_of_a_series_tells_it_apart() {
    let durations = durations(false);
    let base = series("/a");
    let others = [
        Series { method: "PUT".into(), ..base.clone() },
        Series { scheme: Some(Scheme::Https), ..base.clone() },
        Series { target: None, ..base.clone() },
        Series { host: Some("h".into()), ..base.clone() },
        Series { port: Some(80), ..base.clone() },
        Series { version: Some(Version::HTTP_2), ..base.clone() },
        Series { status: Some(201), ..base.clone() },
        Series { error: Some(ErrorType::Status), ..base.clone() },
        Series { error: Some(ErrorType::Named("timeout")), ..base.clone() },
        Series { convention: Convention::Rpc, ..base.clone() },
    ];
    durations.record(0.1, &base);
    for (known, other) in others.iter().enumerate() {
        durations.record(0.1, other);
        durations.record(0.1, other);
        assert_eq!(durations.known.entries.load(Ordering::Relaxed), known + 2, "{other:?}");
    }
}

#[test]
fn what_does_not_fit_is_one_series_more() {
    let durations = durations(false);
    for route in 0..MOST_ENTRIES {
        let labels = &durations.record(0.1, &series(&format!("/{route}"))).labels;
        assert_ne!(labels[..], [KeyValue::new("otel.metric.overflow", true)]);
    }
    for route in MOST_ENTRIES..MOST_ENTRIES + 100 {
        let labels = &durations.record(0.1, &series(&format!("/{route}"))).labels;
        assert_eq!(labels[..], [KeyValue::new("otel.metric.overflow", true)]);
    }
    assert_eq!(durations.known.entries.load(Ordering::Relaxed), MOST_ENTRIES);
    let labels = &durations.record(0.1, &series("/7")).labels;
    assert_eq!(labels.len(), 5, "what is known stays known");
}

#[test]
fn threads_that_make_the_same_series_at_once_get_one() {
    let durations = durations(true);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for route in 0..500 {
                    durations.record(0.1, &series(&format!("/{route}")));
                }
            });
        }
    });
    assert_eq!(durations.known.entries.load(Ordering::Relaxed), 500);
}

#[test]
fn names_are_allocated_once() {
    let names = Names::new();
    assert_eq!(names.known("/users/{id}"), None);
    let first = names.shared("/users/{id}");
    assert_eq!(names.known("/users/{id}").unwrap().as_str().as_ptr(), first.as_str().as_ptr());
    assert_eq!(names.shared("/users/{id}").as_str().as_ptr(), first.as_str().as_ptr());
    for name in 0..10_000 {
        assert_eq!(names.shared(&name.to_string()).as_str(), name.to_string());
    }
    assert_eq!(names.0.entries.load(Ordering::Relaxed), MOST_ENTRIES);
}

#[test]
fn texts_that_differ_rarely_hash_alike() {
    let texts = (0..1_000).map(|number| format!("/route/{number}/of/a/service"));
    let places = texts.map(|text| hash_of(&text) as usize % SLOTS).collect::<std::collections::HashSet<_>>();
    assert!(places.len() > 800, "{}", places.len());
    assert_ne!(hash_of("ab"), hash_of("ba"));
    assert_ne!(hash_of(""), hash_of("\0"));
}
