use super::*;

#[test]
fn a_histogram_is_classic_buckets_in_both_formats() {
    let point = HistogramDataPoint {
        attributes: attributes(&[("http.route", "/a"), ("le", "x")]),
        count: 6,
        sum: Some(4.5),
        bucket_counts: vec![1, 2, 3],
        explicit_bounds: vec![0.005, 1.0],
        ..HistogramDataPoint::default()
    };
    let metric = Metric {
        unit: "s".into(),
        description: "How \"long\"\\\n".into(),
        ..metric("http.server.request.duration", histogram(point))
    };
    let request = request(vec![metric]);
    let labels = r#"exported_le="x",http_route="/a",otel_scope_name="shop""#;
    let name = "http_server_request_duration_seconds";
    let body = |first: &str, second: &str| {
        vec![
            format!("{name}_bucket{{{labels},le=\"{first}\"}} 1"),
            format!("{name}_bucket{{{labels},le=\"{second}\"}} 3"),
            format!("{name}_bucket{{{labels},le=\"+Inf\"}} 6"),
            format!("{name}_sum{{{labels}}} 4.5"),
            format!("{name}_count{{{labels}}} 6"),
        ]
    };
    let mut text = vec![format!("# HELP {name} How \"long\"\\\\\\n"), format!("# TYPE {name} histogram")];
    text.extend(body("0.005", "1"));
    assert_eq!(shown(&request, Options::new(Text)), (text, vec![]));
    let mut open = vec![
        format!("# HELP {name} How \\\"long\\\"\\\\\\n"),
        format!("# TYPE {name} histogram"),
        format!("# UNIT {name} seconds"),
    ];
    open.extend(body("0.005", "1.0"));
    open.push("# EOF".into());
    assert_eq!(shown(&request, Options::new(OpenMetrics)), (open, vec![]));
}

#[test]
fn an_exponential_histogram_is_the_same_values_in_classic_buckets() {
    let side = |offset, bucket_counts| Some(Buckets { offset, bucket_counts });
    let point = |scale, positive, negative| ExponentialHistogramDataPoint {
        count: 12,
        sum: Some(20.0),
        scale,
        zero_count: 2,
        positive,
        negative,
        ..ExponentialHistogramDataPoint::default()
    };
    let shown = |point| lines(&request(vec![metric("e", exponential(point))]), Text)[1..].to_vec();
    let bucket = |le: &str, count: u64| format!("e_bucket{{le=\"{le}\"}} {count}");
    let rest = || [bucket("+Inf", 12), "e_sum 20".into(), "e_count 12".into()];

    // (1, 2], (2, 4] and, below zero, [-2, -1).
    let simple =
        [bucket("-2", 0), bucket("-1", 1), bucket("0", 3), bucket("1", 3), bucket("2", 7), bucket("4", 12)];
    assert_eq!(shown(point(0, side(0, vec![4, 5]), side(0, vec![1]))), [&simple[..], &rest()].concat());
    // The same at scale 1 in halves, at the finest scale, and in a finer one that is taken together.
    let halves = [bucket("0", 2), bucket("1", 2), bucket("1.4142135623730951", 3), bucket("2", 12)];
    assert_eq!(shown(point(1, side(0, vec![1, 9]), None)), [&halves[..], &rest()].concat());
    let finest = [bucket("0", 2), bucket("1", 2), bucket("1.189207115002721", 12)];
    assert_eq!(shown(point(4, side(0, vec![0, 1, 2, 7]), None)), [&finest[..], &rest()].concat());
    // So wide that half of the bounds go, and their values stay.
    let mut wide = vec![0; 82];
    (wide[0], wide[81]) = (4, 6);
    let lines = shown(point(2, side(-1, wide), None));
    assert_eq!(lines.len(), 1 + 42 + 1 + 3, "{lines:#?}");
    assert_eq!(lines[..3], [bucket("0", 2), bucket("0.7071067811865476", 2), bucket("1", 6)]);
    assert_eq!(lines[42..44], [bucket("1048576", 6), bucket("1482910.4003789306", 12)]);
}
