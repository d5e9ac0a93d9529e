use http::{HeaderMap, HeaderValue};
use opentelemetry::{
    Context,
    baggage::{Baggage as Members, BaggageExt},
    propagation::TextMapPropagator,
};

use super::Baggage;
use crate::propagation::{HeaderExtractor, HeaderInjector};

fn extract<V: AsRef<[u8]>>(lines: impl IntoIterator<Item = V>) -> Context {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append("baggage", HeaderValue::from_bytes(line.as_ref()).unwrap());
    }
    Baggage.extract_with_context(&Context::new(), &HeaderExtractor(&headers))
}

fn members(context: &Context) -> Vec<(String, String, String)> {
    let mut members =
        Vec::from_iter(context.baggage().iter().map(|(name, (value, properties))| {
            (name.to_string(), value.to_string(), properties.to_string())
        }));
    members.sort();
    members
}

fn member(name: &str, value: &str, properties: &str) -> (String, String, String) {
    (name.to_owned(), value.to_owned(), properties.to_owned())
}

fn inject(context: &Context) -> Vec<String> {
    let mut headers = HeaderMap::new();
    Baggage.inject_context(context, &mut HeaderInjector(&mut headers));
    headers.get_all("baggage").iter().map(|line| line.to_str().unwrap().to_owned()).collect()
}

#[test]
fn members_are_read_from_all_lines() {
    // P-060, P-061, P-065, P-067
    for (lines, expected) in [
        (vec!["a=1"], vec![member("a", "1", "")]),
        (vec!["a=1,b=2", "c=3"], vec![member("a", "1", ""), member("b", "2", ""), member("c", "3", "")]),
        (vec!["SomeKey=SomeValue=equals"], vec![member("SomeKey", "SomeValue=equals", "")]),
        (
            vec!["a \t = \t 1 \t ; \t p \t ; \t q=2 , b=2"],
            vec![member("a", "1", "p;q=2"), member("b", "2", "")],
        ),
        (vec!["a,b=1,,=2,c d=3,e=f g,\"=1"], vec![member("b", "1", "")]),
        (vec!["a="], vec![member("a", "", "")]),
        (vec!["a=1,a=2", "a=3"], vec![member("a", "3", "")]),
    ] {
        assert_eq!(members(&extract(&lines)), expected, "{lines:?}");
    }
}

#[test]
fn a_member_that_is_not_text_is_skipped_and_the_others_of_its_line_stay() {
    // P-065
    let expected = [member("a", "1", ""), member("c", "3", "")];
    for lines in [
        &[b"a=1,b=\xff,c=3".as_slice()][..],
        &[b"a=1,b=\xc3\xa9,c=3"],
        &["a=1,é=2;c=4,c=3".as_bytes()],
        &[b"a=1", b"b=\xff", b"c=3"],
        &[b"\xff,a=1", b"c=3,\xff"],
    ] {
        assert_eq!(members(&extract(lines)), expected, "{lines:?}");
    }
}

#[test]
fn reading_stops_at_64_members_and_at_8192_bytes() {
    // P-064: what is over is not even looked at, so that much of it costs little
    let many = Vec::from_iter((0..64).map(|index| format!("key{index:02}=v")));
    let read = members(&extract([many.join(","), String::from("key00=over")]));
    assert_eq!(read, Vec::from_iter((0..64).map(|index| member(&format!("key{index:02}"), "v", ""))));

    // Coded, three times as long as in memory.
    let coded = format!("a={}", "%41".repeat(3000));
    assert!(members(&extract([coded.as_str()])).is_empty());
    assert!(members(&extract([coded.as_str(), "b=2"])).is_empty());
    assert_eq!(members(&extract(["b=2", coded.as_str()])), [member("b", "2", "")]);
    // Ends behind `b=2`, and takes no part of a member.
    let line = format!("c=3,{},b=234,é", "v".repeat(8184));
    assert_eq!(members(&extract([line])), [member("c", "3", "")]);
    assert!(members(&extract([",".repeat(8192), String::from("b=2")])).is_empty());
    assert_eq!(members(&extract([",".repeat(8188), String::from("b=2")])), [member("b", "2", "")]);
}

#[test]
fn values_are_coded_on_the_wire_and_come_back_as_they_were() {
    // P-062, P-067
    for (value, wire) in [
        ("DF 28", "DF%2028"),
        ("Amélie", "Am%C3%A9lie"),
        ("50%", "50%25"),
        ("%41", "%2541"),
        ("a\\b", "a%5Cb"),
        ("a,b;c\"d\"", "a%2Cb%3Bc%22d%22"),
        ("a+b=c", "a+b=c"),
        ("", ""),
    ] {
        let mut baggage = Members::new();
        baggage.insert("key", value.to_owned());
        let line = inject(&Context::new().with_baggage(baggage));
        assert_eq!(line, [format!("key={wire}")]);
        assert_eq!(members(&extract(&line)), [member("key", value, "")]);
    }
}

#[test]
fn what_is_not_utf8_or_not_coded_is_kept_as_well_as_it_can_be() {
    // P-062
    for (wire, value) in [
        ("%FF", "\u{fffd}"),
        ("a%C3", "a\u{fffd}"),
        ("%c3%a9", "é"),
        ("100%", "100%"),
        ("%4", "%4"),
        ("%zz", "%zz"),
        ("%%41", "%A"),
        ("a+b", "a+b"),
    ] {
        assert_eq!(members(&extract([format!("key={wire}")])), [member("key", value, "")], "{wire}");
    }
}

#[test]
fn properties_are_passed_on() {
    // P-063
    let context = extract(["a=1;p;q=%20x , b=2;;bad property;r = 3"]);
    assert_eq!(inject(&context), ["a=1;p;q=%20x,b=2;r = 3"]);
}

#[test]
fn what_is_over_the_limits_is_left_out_by_whole_members() {
    // P-019, P-064
    let many = Vec::from_iter((0..65).map(|index| format!("key{index:02}=value")));
    let line = inject(&extract([many.join(",")])).remove(0);
    assert_eq!(line.split(',').collect::<Vec<_>>(), many[..64]);

    let long = Vec::from_iter((0..10).map(|index| format!("key{index}={}", "v".repeat(1000))));
    let line = inject(&extract([long.join(",")])).remove(0);
    assert_eq!(line.split(',').collect::<Vec<_>>(), long[..8]);

    let exact = format!("key={}", "v".repeat(8192 - 4));
    assert_eq!(inject(&extract([&exact])), [exact.as_str()]);

    // Coded, three times as long as in memory.
    let mut baggage = Members::new();
    baggage.insert("coded", " ".repeat(4000));
    baggage.insert("plain", "v");
    assert_eq!(inject(&Context::new().with_baggage(baggage)), ["plain=v"]);

    assert!(!extract(["k=v,".repeat(16 * 1024)]).baggage().is_empty());
}

#[test]
fn no_baggage_is_no_header_and_leaves_the_context_alone() {
    // P-066, P-074
    assert!(inject(&Context::new()).is_empty());
    let mut baggage = Members::new();
    baggage.insert("kept", "1");
    let context = Context::new().with_baggage(baggage);
    for headers in [
        HeaderMap::new(),
        HeaderMap::from_iter([(
            http::header::HeaderName::from_static("baggage"),
            HeaderValue::from_static("no member"),
        )]),
    ] {
        let context = Baggage.extract_with_context(&context, &HeaderExtractor(&headers));
        assert_eq!(members(&context), [member("kept", "1", "")]);
    }
}
