use super::*;
use crate::filelog::entry::Map;

/// 2024-05-06T07:08:09Z.
const NOW: u64 = 1_714_979_289_000_000_000;

fn read(
    layout_type: LayoutType,
    layout: &str,
    location: Option<&str>,
    value: impl Into<Value>,
) -> Option<String> {
    let mut timestamp = Timestamp::new(Field::attribute("time"), layout);
    timestamp.layout_type = layout_type;
    timestamp.location = location.map(str::to_owned);
    let clock = Clock::new(&timestamp).unwrap_or_else(|fault| panic!("{layout}: {fault}"));
    let value: Value = value.into();
    let mut entry = Entry { observed: NOW, attributes: Map::from([("time", value)]), ..Entry::default() };
    clock.apply(&mut entry).ok()?;
    let instant = Instant::from_nanosecond(i128::from(entry.timestamp?)).unwrap();
    Some(instant.to_string())
}

fn strptime(layout: &str, text: &str) -> Option<String> {
    read(LayoutType::Strptime, layout, Some("UTC"), text)
}

fn gotime(layout: &str, text: &str) -> Option<String> {
    read(LayoutType::GoTime, layout, Some("UTC"), text)
}

#[test]
fn directives_read_what_they_say() {
    for (layout, text, expected) in [
        ("%Y-%m-%dT%H:%M:%S.%LZ", "2024-01-02T03:04:05.123456789Z", "2024-01-02T03:04:05.123456789Z"),
        ("%Y-%m-%dT%H:%M:%S.%LZ", "2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"),
        ("%Y-%m-%d %H:%M:%S.%f %z", "2022-01-02 07:24:56,123 -0700", "2022-01-02T14:24:56.123Z"),
        ("%Y-%m-%d", "2020-01-31", "2020-01-31T00:00:00Z"),
        ("%a %b %e %H:%M:%S %Z %Y", "Fri Jun  5 13:50:27 EST 2020", "2020-06-05T18:50:27Z"),
        ("%A, %d %B %Y %I:%M %p", "monday, 06 May 2024 12:08 AM", "2024-05-06T00:08:00Z"),
        ("%D %R", "01/02/2024 03:04", "2024-01-02T03:04:00Z"),
        ("%F %T", "2024-01-02 03:04:05", "2024-01-02T03:04:05Z"),
        ("%F %r", "2024-01-02 11:04:05 pm", "2024-01-02T23:04:05Z"),
        ("%c", "Tue Jan 02 15:04:05 2024", "2024-01-02T15:04:05Z"),
        ("%y%m%d %H%M%S", "240102 030405", "2024-01-02T03:04:05Z"),
        ("%y", "70", "1970-01-01T00:00:00Z"),
        ("%o/%g/%Y", " 1/2/2024", "2024-01-02T00:00:00Z"),
        ("%q/%g/%Y", "12/31/2024", "2024-12-31T00:00:00Z"),
        ("%F %T%j", "2024-01-02 03:04:05+02:00", "2024-01-02T01:04:05Z"),
        ("%F %T%i", "2024-01-02 03:04:05-04", "2024-01-02T07:04:05Z"),
        ("%F %T %k", "2024-01-02 03:04:05 +00:00:05", "2024-01-02T03:04:00Z"),
        ("%F %T %Z", "2024-01-02 03:04:05 UTC", "2024-01-02T03:04:05Z"),
        ("%F %T.%s", "2024-01-02 03:04:05.000000001", "2024-01-02T03:04:05.000000001Z"),
        ("%%%t%F", "%\t2024-01-02", "2024-01-02T00:00:00Z"),
    ] {
        assert_eq!(strptime(layout, text).as_deref(), Some(expected), "{layout} {text}");
    }
}

#[test]
fn examples_read_what_go_reads() {
    for (layout, text, expected) in [
        ("2006-01-02T15:04:05.999999999Z07:00", "2024-01-02T03:04:05.5+05:30", "2024-01-01T21:34:05.5Z"),
        ("2006-01-02T15:04:05Z07:00", "2024-01-02T03:04:05.25Z", "2024-01-02T03:04:05.25Z"),
        ("Jan 2 15:04:05 MST 2006", "Jun 5 13:50:27 EST 2020", "2020-06-05T18:50:27Z"),
        ("Mon Jan _2 15:04:05 2006", "Tue Jan  2 03:04:05 2024", "2024-01-02T03:04:05Z"),
        ("2006/002 15:04:05.000", "2024/366 03:04:05.120", "2024-12-31T03:04:05.12Z"),
        ("3:04PM 2006-1-2", "3:04PM 2024-11-2", "2024-11-02T15:04:00Z"),
        ("02 Jan 06", "02 Jan 24", "2024-01-02T00:00:00Z"),
        ("January 2006", "March 2024", "2024-03-01T00:00:00Z"),
    ] {
        assert_eq!(gotime(layout, text).as_deref(), Some(expected), "{layout} {text}");
    }
}

#[test]
fn what_does_not_fit_has_no_time() {
    for (layout, text) in [
        ("%Y-%m-%d", "2024-1-2"),
        ("%Y-%m-%d", "2024-01-02 "),
        ("%Y-%m-%d", "2024-13-02"),
        ("%Y-%m-%d", "2023-02-29"),
        ("%H:%M", "24:00"),
        ("%I", "13"),
        ("%F %T%z", "2024-01-02 03:04:05"),
        ("%F %T%z", "2024-01-02 03:04:05+9900"),
        ("%F %T %Z", "2024-01-02 03:04:05 QQQ"),
        ("%F", "1969-12-31"),
        ("%F", "ä024-01-02"),
        ("%p %F", "ä 2024-01-02"),
        ("%F", ""),
    ] {
        assert_eq!(strptime(layout, text), None, "{layout} {text}");
    }
    assert_eq!(gotime("05.000", "05.12"), None);
    assert_eq!(read(LayoutType::Strptime, "%F", None, 7_i64), None);
}

#[test]
fn what_is_left_out_is_as_it_is_now() {
    assert_eq!(strptime("%b %e %H:%M", "May  7 01:02").as_deref(), Some("2024-05-07T01:02:00Z"));
    assert_eq!(strptime("%b %e %H:%M", "Dec 24 01:02").as_deref(), Some("2023-12-24T01:02:00Z"));
    assert_eq!(strptime("%H:%M:%S", "23:04:05").as_deref(), Some("2024-05-06T23:04:05Z"));
    assert_eq!(strptime("%b %e", "Feb 29").as_deref(), Some("2024-02-29T00:00:00Z"));
}

#[test]
fn a_location_is_the_zone_of_times_that_name_none() {
    let read = |location: &str, text: &str| read(LayoutType::Strptime, "%F %T", Some(location), text);
    assert_eq!(read("Europe/Berlin", "2024-01-02 03:04:05").as_deref(), Some("2024-01-02T02:04:05Z"));
    assert_eq!(read("Europe/Berlin", "2024-07-02 03:04:05").as_deref(), Some("2024-07-02T01:04:05Z"));
    let zones = [("PDT", "America/Los_Angeles"), ("NZST", "Pacific/Auckland")];
    let timestamp = Timestamp {
        location: Some("Asia/Kolkata".into()),
        time_zone_locations: zones.map(|(name, zone)| (name.to_owned(), zone.to_owned())).into(),
        ..Timestamp::new(Field::BODY, "%a %b %d %H:%M:%S %Z %Y")
    };
    let clock = Clock::new(&timestamp).unwrap();
    for (text, hours) in [
        ("Wed Aug 27 15:08:58 IST 2025", -5.5),
        ("Wed Aug 27 15:08:58 PDT 2025", 7.0),
        ("Wed Aug 27 15:08:58 NZST 2025", -12.0),
        ("Wed Aug 27 15:08:58 UTC 2025", 0.0),
    ] {
        let seconds = 1_756_307_338 + (hours * 3600.0) as i64;
        assert_eq!(clock.nanoseconds(text, NOW), Ok(seconds as u64 * 1_000_000_000), "{text}");
    }
    let timestamp = Timestamp { location: Some("Mars/Olympus".into()), ..Timestamp::new(Field::BODY, "%F") };
    let fault = Clock::new(&timestamp).unwrap_err();
    assert_eq!(fault, r#""Mars/Olympus" is no time zone of this machine"#);
}

#[test]
fn epochs_are_counted_in_their_unit() {
    let read = |layout: &str, value: Value| read(LayoutType::Epoch, layout, None, value);
    for (layout, value, expected) in [
        ("s", Value::Integer(1_136_214_245), "2006-01-02T15:04:05Z"),
        ("s", "1136214245".into(), "2006-01-02T15:04:05Z"),
        ("s", Value::Double(1_136_214_245.9), "2006-01-02T15:04:05Z"),
        ("ms", Value::Integer(1_136_214_245_123), "2006-01-02T15:04:05.123Z"),
        ("us", "1136214245123456".into(), "2006-01-02T15:04:05.123456Z"),
        ("ns", Value::Integer(1_136_214_245_123_456_789), "2006-01-02T15:04:05.123456789Z"),
        ("s.ms", Value::Double(1_136_214_245.123), "2006-01-02T15:04:05.123Z"),
        ("s.us", "1136214245.123456".into(), "2006-01-02T15:04:05.123456Z"),
        ("s.ns", "1136214245.123456789".into(), "2006-01-02T15:04:05.123456789Z"),
        ("s.ns", Value::Integer(1_136_214_245), "2006-01-02T15:04:05Z"),
    ] {
        assert_eq!(read(layout, value.clone()).as_deref(), Some(expected), "{layout} {value:?}");
    }
    for (layout, value) in [
        ("s", Value::from("x")),
        ("s", Value::Integer(-1)),
        ("s", Value::Integer(i64::MAX)),
        ("s.ms", "1136214245".into()),
        ("s.ms", "1.-5".into()),
        ("s", Value::Bool(true)),
    ] {
        assert_eq!(read(layout, value.clone()), None, "{layout} {value:?}");
    }
}

#[test]
fn a_layout_with_a_fault_is_refused() {
    let fault = |layout_type, layout: &str| {
        let timestamp = Timestamp { layout_type, ..Timestamp::new(Field::BODY, layout) };
        Clock::new(&timestamp).unwrap_err()
    };
    assert!(fault(LayoutType::Strptime, "2006-01-02").contains("has digits"));
    assert!(fault(LayoutType::Strptime, "%Q").starts_with("%Q in \"%Q\" is no directive"));
    assert!(fault(LayoutType::Strptime, "%").starts_with("% in"));
    assert!(fault(LayoutType::Strptime, "%S%L").contains("behind a point or a comma"));
    assert!(fault(LayoutType::Strptime, "").contains("needs a layout"));
    assert!(fault(LayoutType::Epoch, "h").contains("use s, ms"));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(layout in "(%[a-zA-Z%]|[ .,:T-]){0,8}", text in r"[0-9A-Za-zä :.,+-]{0,40}") {
        if let Ok(clock) = Clock::new(&Timestamp::new(Field::BODY, layout)) {
            let _ = clock.nanoseconds(&text, NOW);
        }
    }

    #[test]
    fn every_second_is_read_back(second in 0_i64..10_000_000_000) {
        let written = Instant::from_second(second).unwrap().to_string();
        let layout = "2006-01-02T15:04:05.999999999Z07:00";
        let timestamp = Timestamp { layout_type: LayoutType::GoTime, ..Timestamp::new(Field::BODY, layout) };
        let clock = Clock::new(&timestamp).unwrap();
        proptest::prop_assert_eq!(clock.nanoseconds(&written, NOW), Ok(second as u64 * 1_000_000_000));
    }
}
