use super::{
    super::{Buckets, Extent, Form, Measured, Point},
    *,
};
use crate::trace::Attributes;

const SECOND: u64 = 1_000_000_000;

fn series(kind: Kind, temporality: Temporality, attributes: &[(&str, &str)], points: Vec<Point>) -> Series {
    let attribute = |(key, value): &(&str, &str)| crate::otlp::Attribute {
        key: (*key).to_owned(),
        value: Some(crate::otlp::Any { content: Some(crate::otlp::Content::Text((*value).to_owned())) }),
    };
    let form = Form { kind, temporality, monotonic: kind == Kind::Sum };
    let attributes: Attributes = attributes.iter().map(attribute).collect::<Vec<_>>().into();
    Series {
        service: "a".into(),
        scope: "s".into(),
        name: "m".to_owned(),
        unit: "s".to_owned(),
        form,
        resource: Attributes::default(),
        attributes,
        points,
        older: 0,
    }
}

fn point(time: u64, start: u64, measured: Measured) -> Point {
    Point { time: time * SECOND, start: start * SECOND, reset: false, measured, exemplars: Vec::new() }
}

fn number(value: f64) -> Measured {
    Measured::Number { value: Value::Double(value) }
}

fn histogram(counts: [u64; 3]) -> Measured {
    let counts = counts.to_vec();
    Measured::Histogram {
        count: counts.iter().sum(),
        extent: Extent::default(),
        bounds: vec![1.0, 2.0],
        counts,
    }
}

fn exponential(scale: i32, offset: i32, counts: &[u64]) -> Measured {
    Measured::Exponential {
        count: counts.iter().fold(0, |sum: u64, count| sum.saturating_add(*count)),
        extent: Extent::default(),
        scale,
        zero_count: 0,
        zero_threshold: 0.0,
        positive: Buckets { offset, counts: counts.to_vec() },
        negative: Buckets::default(),
    }
}

/// `time=value`, in seconds, of one line.
fn line(chart: &Chart, group: usize, shows: Shows) -> String {
    let line = chart.groups[group].lines.iter().find(|line| line.shows == shows).unwrap();
    let shown = |(time, value): &(u64, Option<f64>)| {
        let value = value.map_or("-".to_owned(), |value| format!("{value:.2}"));
        format!("{}={value}", *time as f64 / SECOND as f64)
    };
    line.points.iter().map(shown).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_sum_is_shown_as_a_rate_and_one_that_counts_anew_begins_at_zero() {
    let mut points: Vec<Point> = [(10, 5, 10.0), (20, 5, 40.0), (30, 25, 5.0)]
        .map(|(at, from, value)| point(at, from, number(value)))
        .into();
    points[2].reset = true;
    let chart = chart(&[series(Kind::Sum, Temporality::Cumulative, &[], points)], None);
    // From 20 to 25 nothing is known.
    assert_eq!(line(&chart, 0, Shows::Rate), "5=- 10=2.00 20=3.00 25=- 30=1.00");
}

#[test]
fn a_start_just_before_its_first_point_makes_no_enormous_rate() {
    let soon = |at: u64, start: u64, value: f64| Point { start, ..point(at, 0, number(value)) };
    let near = |at: u64| at * SECOND - SECOND / 1000;
    let of = |points: Vec<Point>| {
        let chart = chart(&[series(Kind::Sum, Temporality::Cumulative, &[], points)], None);
        line(&chart, 0, Shows::Rate)
    };
    let first = soon(20, near(20), 5.0);
    assert_eq!(of(vec![first.clone(), soon(30, near(20), 25.0)]), "10=- 20=0.50 30=2.00");
    assert_eq!(of(vec![first.clone()]), "19=- 20=5.00");
    // The same after a restart, but not before the last point of what ran until then.
    let restarted = Point { reset: true, ..soon(24, near(24), 8.0) };
    assert_eq!(of(vec![first, restarted, soon(34, near(24), 18.0)]), "16=- 20=1.25 24=2.00 34=1.00");
}

#[test]
fn a_delta_is_over_its_own_time() {
    let points = [(10, 0, 10.0), (20, 10, 40.0), (30, 25, 5.0)]
        .map(|(at, from, value)| point(at, from, number(value)));
    let chart = chart(&[series(Kind::Sum, Temporality::Delta, &[], points.into())], None);
    assert_eq!(line(&chart, 0, Shows::Rate), "10=- 20=4.00 25=- 30=1.00");
}

#[test]
fn a_first_point_whose_start_is_long_ago_only_tells_where_the_next_one_goes_on_from() {
    let points = |start| [(1000, 100.0), (1010, 130.0)].map(|(at, value)| point(at, start, number(value)));
    let of = |start| chart(&[series(Kind::Sum, Temporality::Cumulative, &[], points(start).into())], None);
    assert_eq!(line(&of(1), 0, Shows::Rate), "1000=- 1010=3.00");
    assert_eq!(line(&of(950), 0, Shows::Rate), "950=- 1000=2.00 1010=3.00");
}

#[test]
fn quantiles_are_those_of_what_came_between_two_points() {
    let points = vec![
        point(10, 5, histogram([100, 0, 0])),
        point(20, 5, histogram([100, 10, 0])),
        point(30, 5, histogram([100, 10, 0])),
    ];
    let chart = chart(&[series(Kind::Histogram, Temporality::Cumulative, &[], points)], None);
    assert_eq!(line(&chart, 0, Shows::P50), "5=- 10=0.50 20=1.50 30=-");
    assert_eq!(line(&chart, 0, Shows::P90), "5=- 10=0.90 20=1.90 30=-");
    assert_eq!(line(&chart, 0, Shows::P99), "5=- 10=0.99 20=1.99 30=-");
    assert_eq!(line(&chart, 0, Shows::Rate), "5=- 10=20.00 20=1.00 30=0.00");
}

#[test]
fn an_exponential_histogram_may_change_its_scale_meanwhile() {
    // Four values from 1 to √2, then as many from 4 to 16 besides, in buckets twice as wide as before.
    let points = vec![point(10, 5, exponential(1, 0, &[4])), point(20, 5, exponential(0, 0, &[4, 0, 2, 2]))];
    let chart = chart(&[series(Kind::ExponentialHistogram, Temporality::Cumulative, &[], points)], None);
    assert_eq!(line(&chart, 0, Shows::P50), "5=- 10=1.21 20=8.00");
}

#[test]
fn series_are_grouped_by_an_attribute_and_added_up_without_it() {
    let of = |route: &str, counts: [u64; 3]| {
        let points = vec![point(20, 10, histogram(counts))];
        series(Kind::Histogram, Temporality::Delta, &[("route", route)], points)
    };
    let all = [of("/b", [10, 0, 0]), of("/a", [0, 30, 0]), of("/a", [0, 0, 0])];
    let grouped = chart(&all, Some("route"));
    let names: Vec<_> = grouped.groups.iter().map(|group| group.value.as_deref()).collect();
    assert_eq!(names, [Some("/a"), Some("/b")]);
    assert_eq!(
        (line(&grouped, 0, Shows::P50), line(&grouped, 1, Shows::P50)),
        ("10=- 20=1.50".into(), "10=- 20=0.50".into())
    );
    assert_eq!(line(&chart(&all, None), 0, Shows::P50), "10=- 20=1.33");
    assert_eq!(line(&chart(&all, None), 0, Shows::Rate), "10=- 20=4.00");
    assert_eq!(chart(&all, Some("other")).groups.len(), 1);
}

#[test]
fn series_that_end_at_other_times_add_up_as_rates() {
    let of = |points: &[(u64, f64)]| {
        let points = points.iter().map(|(at, value)| point(*at, 10, number(*value)));
        series(Kind::Sum, Temporality::Cumulative, &[], points.collect())
    };
    let chart = chart(&[of(&[(20, 10.0), (30, 20.0)]), of(&[(25, 30.0), (35, 50.0)])], None);
    assert_eq!(line(&chart, 0, Shows::Rate), "10=- 20=3.00 25=3.00 30=3.00 35=2.00");
}

#[test]
fn a_gauge_is_shown_as_it_is_and_the_last_values_of_several_add_up() {
    let of = |points: &[(u64, f64)]| {
        series(
            Kind::Gauge,
            Temporality::Unspecified,
            &[],
            points.iter().map(|(at, v)| point(*at, 0, number(*v))).collect(),
        )
    };
    let chart = chart(&[of(&[(10, 1.0), (30, 2.0)]), of(&[(20, 10.0), (25, f64::NAN)])], None);
    assert_eq!(line(&chart, 0, Shows::Value), "10=1.00 20=11.00 25=1.00 30=2.00");
}

#[test]
fn however_much_there_is_lines_and_groups_and_exemplars_are_bounded() {
    let points = |count: u64| (1..=count).map(|at| point(at, at - 1, number(at as f64))).collect::<Vec<_>>();
    for (kind, temporality) in [(Kind::Gauge, Temporality::Unspecified), (Kind::Sum, Temporality::Delta)] {
        let many = chart(&[series(kind, temporality, &[], points(5000))], None);
        let line = &many.groups[0].lines[0];
        assert!(line.points.len() <= POINTS + 1 && line.points.len() > POINTS / 3, "{}", line.points.len());
        let highest = line.points.iter().filter_map(|(_, value)| *value).fold(0.0, f64::max);
        assert!(highest > 4980.0, "{highest}");
    }
    let names: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    let of = |name: &String| series(Kind::Gauge, Temporality::Unspecified, &[("by", name)], points(1));
    let grouped = chart(&names.iter().map(of).collect::<Vec<_>>(), Some("by"));
    assert_eq!((grouped.groups.len(), grouped.is_cut), (GROUPS, true));
}

#[test]
fn numbers_at_the_ends_of_their_range_break_nothing() {
    let odd = [f64::MAX, f64::MIN, f64::INFINITY, f64::NAN, 0.0];
    let scales = [i32::MIN, -11, 0, 20, i32::MAX];
    for (at, value) in odd.into_iter().enumerate() {
        for scale in scales {
            let points = vec![
                point(1, 0, exponential(scale, i32::MAX, &[1, u64::MAX])),
                point(2, 1, exponential(scales[at], i32::MIN, &[u64::MAX, u64::MAX])),
                point(3, 2, number(value)),
                Point { time: u64::MAX, ..point(4, 3, exponential(scale, 0, &[0, 3])) },
            ];
            for temporality in [Temporality::Delta, Temporality::Cumulative] {
                let made =
                    chart(&[series(Kind::ExponentialHistogram, temporality, &[], points.clone())], None);
                let values = made.groups.iter().flat_map(|group| &group.lines).flat_map(|line| &line.points);
                assert!(values.filter_map(|(_, value)| *value).all(|value| !value.is_nan()));
            }
            let bounds = vec![f64::NEG_INFINITY, value, f64::INFINITY];
            let odd = Measured::Histogram {
                count: 1,
                extent: Extent::default(),
                bounds,
                counts: vec![1, 2, 3, 4, 5],
            };
            let points = vec![point(2, 1, odd.clone()), point(3, 2, odd)];
            chart(&[series(Kind::Histogram, Temporality::Delta, &[], points)], None);
        }
    }
}
