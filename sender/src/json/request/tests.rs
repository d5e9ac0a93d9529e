//! Texts made by hand; requests of other encoders, and all that this one can write, are in `tests/it`.

use crate::{
    Signal,
    json::{from_json, to_json},
};
use std::borrow::Cow;

const ALL: usize = 1 << 30;

fn request(signal: Signal, json: &[u8]) -> Result<Vec<u8>, &'static str> {
    match from_json(signal, json, ALL) {
        Ok(request) => Ok(request.unwrap()),
        Err(fault) => Err(fault.reason),
    }
}

/// A log record, written anew.
fn log(record: &str) -> Result<String, &'static str> {
    let json = format!(r#" {{ "resourceLogs" : [ {{"scopeLogs":[{{"logRecords":[{record}]}}] }} ] }} "#);
    let json = to_json(Signal::Logs, &request(Signal::Logs, json.as_bytes())?).unwrap();
    let json = String::from_utf8(json).unwrap();
    let inner = json.strip_prefix(r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":["#).unwrap();
    Ok(inner.strip_suffix("]}]}]}").unwrap().to_owned())
}

/// A value, written anew.
fn value(value: &str) -> Result<String, &'static str> {
    let record = log(&format!(r#"{{"body":{value}}}"#))?;
    Ok(record.strip_prefix(r#"{"body":"#).unwrap().strip_suffix('}').unwrap().to_owned())
}

/// The only point of a metric, written anew.
fn point(data: &str, point: &str) -> Result<String, &'static str> {
    let around = |point: &str| {
        format!(
            r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"{data}":{{"dataPoints":[{point}]}}}}]}}]}}]}}"#
        )
    };
    let bytes = request(Signal::Metrics, around(point).as_bytes())?;
    let json = String::from_utf8(to_json(Signal::Metrics, &bytes).unwrap()).unwrap();
    let (before, behind) = around("\n").split_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    Ok(json.strip_prefix(&before).unwrap().strip_suffix(&behind).unwrap().to_owned())
}

// O-080
#[test]
fn unknown_names_are_ignored_at_every_level_whatever_they_hold() {
    let anything = r#"{"a":[{}, [], [1,-2.5e+3 , "\u00e9\"" ,true,false,null,{"b":{"a":1,"a":2}}],"x"]}"#;
    let record = format!(
        r#"{{"new":{anything}, "severity_number":9, "SeverityNumber":9, "severityNumber":5, "body":{{"x":{anything},"intValue":1}}, "":0}}"#
    );
    assert_eq!(log(&record), Ok(r#"{"severityNumber":5,"body":{"intValue":"1"}}"#.into()));
    assert_eq!(
        request(Signal::Traces, br#"{"resource_spans":[{"scope_spans":[7]}],"more":null}"#),
        Ok(vec![])
    );
    // They must be JSON all the same.
    for torn in [
        "{",
        "[",
        "[1 2]",
        "{1:2}",
        r#"{"a" 1}"#,
        "tru",
        "nul",
        "01",
        "1.",
        "-",
        ".5",
        "+1",
        "1e",
        "[1,]",
        "NaN",
        "'a'",
    ] {
        assert!(request(Signal::Logs, format!(r#"{{"x":{torn}}}"#).as_bytes()).is_err(), "{torn}");
    }
}

// O-081
#[test]
fn ids_are_read_in_any_case_and_must_have_their_length() {
    let ids = |trace: &str, span: &str| log(&format!(r#"{{"traceId":"{trace}","spanId":"{span}"}}"#));
    assert_eq!(
        ids("5B8EFff798038103d269b633813FC60C", "EEE19b7ec3C1b174"),
        Ok(r#"{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"}"#.into())
    );
    assert_eq!(ids("", ""), Ok("{}".into()));
    let fault = Err("an id is not of 32 or 16 hexadecimal digits");
    for (trace, span) in [
        ("5B8E", ""),
        ("5b8efff798038103d269b633813fc60", ""),
        ("5b8efff798038103", ""),
        ("5b8efff798038103d269b633813fc60c00", ""),
        ("5b8efff798038103d269b633813fc60g", ""),
        ("", "5b8efff798038103d269b633813fc60c"),
        ("", "+ee19b7ec3c1b174"),
        ("", "éee19b7ec3c1b17"),
        ("W47/95gDgQPSabYzgT/GDA==", ""),
    ] {
        assert_eq!(ids(trace, span), fault, "{trace} {span}");
    }
}

// O-081: other bytes, in the notations of other encoders.
#[test]
fn bytes_are_base64_of_either_alphabet_with_or_without_padding() {
    for text in ["//4A", "__4A", r"\/\/4A"] {
        assert_eq!(value(&format!(r#"{{"bytesValue":"{text}"}}"#)), Ok(r#"{"bytesValue":"//4A"}"#.into()));
    }
    for text in ["/w==", "/w", "_w", "_w==", "/x=="] {
        assert_eq!(value(&format!(r#"{{"bytesValue":"{text}"}}"#)), Ok(r#"{"bytesValue":"/w=="}"#.into()));
    }
    assert_eq!(value(r#"{"bytesValue":""}"#), Ok(r#"{"bytesValue":""}"#.into()));
    for text in ["/", "a b=", "!!!!", "é", "====", "_/8A"] {
        assert_eq!(value(&format!(r#"{{"bytesValue":"{text}"}}"#)), Err("a text is not base64"), "{text}");
    }
}

// O-082
#[test]
fn enumerations_are_numbers_and_unknown_ones_are_kept() {
    assert_eq!(log(r#"{"severityNumber":99}"#), Ok(r#"{"severityNumber":99}"#.into()));
    assert_eq!(log(r#"{"severityNumber":-1}"#), Ok(r#"{"severityNumber":-1}"#.into()));
    for name in [r#""SEVERITY_NUMBER_INFO""#, r#""9""#] {
        assert_eq!(log(&format!(r#"{{"severityNumber":{name}}}"#)), Err("an enumeration is not a number"));
    }
    for number in ["2147483648", "0.5"] {
        let fault = Err("a number that its field cannot hold");
        assert_eq!(log(&format!(r#"{{"severityNumber":{number}}}"#)), fault);
    }
}

// O-083
#[test]
fn integers_are_read_from_numbers_and_from_strings() {
    for number in ["18446744073709551615", "\"18446744073709551615\""] {
        let read = log(&format!(r#"{{"timeUnixNano":{number}}}"#));
        assert_eq!(read, Ok(r#"{"timeUnixNano":"18446744073709551615"}"#.into()));
    }
    for number in ["1.5e18", "\"1.5e18\"", "1500000000000000000.0", "15E+17"] {
        assert_eq!(
            value(&format!(r#"{{"intValue":{number}}}"#)),
            Ok(r#"{"intValue":"1500000000000000000"}"#.into())
        );
    }
    assert_eq!(
        value(r#"{"intValue":"-9223372036854775808"}"#),
        Ok(r#"{"intValue":"-9223372036854775808"}"#.into())
    );
    for number in [
        "9223372036854775808",
        "\"\"",
        "\" 1\"",
        "\"1 \"",
        "\"0x1\"",
        "\"01\"",
        "1.5",
        "\"NaN\"",
        "true",
        "[]",
    ] {
        assert!(value(&format!(r#"{{"intValue":{number}}}"#)).is_err(), "{number}");
    }
    assert!(log(r#"{"timeUnixNano":-1}"#).is_err());
    assert_eq!(log(r#"{"timeUnixNano":-0,"flags":"255"}"#), Ok(r#"{"flags":255}"#.into()));
    assert!(log(r#"{"flags":4294967296}"#).is_err());
    assert_eq!(point("sum", r#"{"asInt":"-5"}"#), Ok(r#"{"asInt":"-5"}"#.into()));
    assert_eq!(point("sum", r#"{"asInt":0}"#), Ok(r#"{"asInt":"0"}"#.into()));
    assert_eq!(
        point(
            "histogram",
            r#"{"count":"3","bucketCounts":[1,"2",0],"explicitBounds":[1,"2.5"],"sum":0,"min":null}"#
        ),
        Ok(r#"{"count":"3","sum":0.0,"bucketCounts":["1","2","0"],"explicitBounds":[1.0,2.5]}"#.into())
    );
    assert_eq!(
        point(
            "exponentialHistogram",
            r#"{"scale":-2,"positive":{"offset":"2147483647","bucketCounts":[300,1]}}"#
        ),
        Ok(r#"{"scale":-2,"positive":{"offset":2147483647,"bucketCounts":["300","1"]}}"#.into())
    );
}

// O-084, O-087
#[test]
fn doubles_are_numbers_whole_ones_among_them_or_the_words_of_what_is_none() {
    for (text, same) in [
        ("3", "3.0"),
        ("\"3\"", "3.0"),
        ("-0", "-0.0"),
        ("0.1", "0.1"),
        ("1e-7", "1e-7"),
        ("123456789012345678901234567890", "1.2345678901234568e29"),
        (r#""NaN""#, r#""NaN""#),
        (r#""Infinity""#, r#""Infinity""#),
        (r#""-Infinity""#, r#""-Infinity""#),
    ] {
        assert_eq!(
            value(&format!(r#"{{"doubleValue":{text}}}"#)),
            Ok(format!(r#"{{"doubleValue":{same}}}"#))
        );
    }
    for text in ["NaN", "\"nan\"", "\"inf\"", "1e999", "\"\"", "\".5\"", "Infinity"] {
        assert!(value(&format!(r#"{{"doubleValue":{text}}}"#)).is_err(), "{text}");
    }
}

// O-085, O-087
#[test]
fn null_is_unset_and_what_is_missing_is_empty() {
    assert_eq!(
        log(r#"{"timeUnixNano":null,"body":null,"attributes":null,"traceId":null,"severityText":null}"#),
        Ok("{}".into())
    );
    for same in [
        r#"{"arrayValue":{}}"#,
        r#"{"kvlistValue":{}}"#,
        "{}",
        r#"{"stringValue":""}"#,
        r#"{"boolValue":false}"#,
    ] {
        assert_eq!(value(same), Ok(same.into()));
    }
    assert_eq!(value(r#"{"stringValue":null,"intValue":null}"#), Ok("{}".into()));
    assert_eq!(
        log(r#"{"attributes":[{"key":"a","value":{}},{}]}"#),
        Ok(r#"{"attributes":[{"key":"a","value":{}},{}]}"#.into())
    );
    for empty in ["{}", " \r\n\t{ } ", r#"{"resourceSpans":[]}"#, r#"{"resourceSpans":null}"#] {
        assert_eq!(request(Signal::Traces, empty.as_bytes()), Ok(vec![]), "{empty}");
    }
    assert_eq!(request(Signal::Traces, br#"{"resourceSpans":[null]}"#), Err("not an object"));
}

#[test]
fn escapes_are_what_they_stand_for_and_half_a_pair_is_replaced() {
    let texts = [
        (r#"\"\\\/\b\f\n\r\t\u0000\u00e9\uD83D\uDE00"#, "\"\\/\u{8}\u{c}\n\r\t\0é😀"),
        (r"\ud83d!\ude00\ud83d\u0041\ud83d\ud83d\ude00", "\u{fffd}!\u{fffd}\u{fffd}A\u{fffd}😀"),
        (r"\ud83d\\ude00", "\u{fffd}\\ude00"),
        ("é😀\u{7f}", "é😀\u{7f}"),
    ];
    for (escaped, text) in texts {
        let json = format!(r#"{{"resourceLogs":[{{"schemaUrl":"{escaped}"}}]}}"#);
        let bytes = request(Signal::Logs, json.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(bytes[4..].to_vec()).unwrap(), text, "{escaped}");
    }
    for torn in [r"\x", r"\u12", r"\u12g4", "\\", "\n", "\0", r"\u+123"] {
        assert!(value(&format!(r#"{{"stringValue":"{torn}"}}"#)).is_err(), "{torn:?}");
    }
    // A name may be escaped as well.
    assert_eq!(log(r#"{"severity\u004eumber":7}"#), Ok(r#"{"severityNumber":7}"#.into()));
}

// O-088
#[test]
fn a_name_that_stands_twice_is_a_fault() {
    let fault = Err("a name stands twice, or two of one choice");
    assert_eq!(log(r#"{"severityNumber":1,"severityNumber":1}"#), fault);
    assert_eq!(log(r#"{"body":{},"body":{}}"#), fault);
    assert_eq!(value(r#"{"stringValue":"a","intValue":1}"#), fault);
    assert_eq!(log(r#"{"severityNumber":1,"severityNumber":null}"#), Ok(r#"{"severityNumber":1}"#.into()));
}

// O-088
#[test]
fn what_nests_too_deep_is_a_fault_however_deep() {
    let nested = |levels: usize| {
        let (open, close) = (r#"{"arrayValue":{"values":["#.repeat(levels), "]}}".repeat(levels));
        format!(r#"{open}{{"intValue":"1"}}{close}"#)
    };
    assert_eq!(value(&nested(40)), Ok(nested(40)));
    for levels in [50, 100, 1_000_000] {
        assert_eq!(value(&nested(levels)), Err("messages nest too deep"), "{levels}");
    }
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let unknown = |levels: usize| format!(r#"{{"x":{}1{}}}"#, open.repeat(levels), close.repeat(levels));
        assert_eq!(log(&unknown(128)), Ok("{}".into()));
        for levels in [129, 1_000_000] {
            assert_eq!(log(&unknown(levels)), Err("lists and objects nest too deep"), "{levels}");
        }
    }
}

// O-088
#[test]
fn a_text_of_ten_megabytes_is_a_text() {
    let text = "é\\n".repeat(3_500_000);
    let json = format!(r#"{{"resourceLogs":[{{"schemaUrl":"{text}"}}]}}"#);
    let bytes = request(Signal::Logs, json.as_bytes()).unwrap();
    assert_eq!(bytes.len(), 3 * 3_500_000 + 10);
    assert!(bytes.ends_with("é\n".as_bytes()));
}

#[test]
fn what_is_no_request_is_a_fault_at_its_place() {
    for (json, reason, at) in [
        (&b""[..], "not an object", 0),
        (b"[]", "not an object", 0),
        (b"null", "not an object", 0),
        (b"{} {}", "something stands behind the request", 3),
        (b"{\"resourceSpans\":{}}", "not a list", 17),
        (b"{\"resourceSpans\":[{\"schemaUrl\":1}]}", "not a text", 31),
        (b"{\"a\":\"\xff\"}", "the text is not UTF-8", 6),
        (b"\xef\xbb\xbf{}", "not an object", 0),
        (b"{,}", "a name in quotes is missing", 1),
        (b"{\"resourceSpans\":[],}", "a name in quotes is missing", 20),
    ] {
        let fault = from_json(Signal::Traces, json, ALL).unwrap_err();
        assert_eq!((fault.reason, fault.at), (reason, at), "{}", String::from_utf8_lossy(json));
    }
}

#[test]
fn little_json_that_would_be_much_protobuf_is_not_written_beyond_the_bound() {
    let json = |count: usize| {
        let bounds = vec!["1"; count].join(",");
        format!(
            r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"histogram":{{"dataPoints":[{{"explicitBounds":[{bounds}]}}]}}}}]}}]}}]}}"#
        )
    };
    let json = json(100_000);
    let whole = request(Signal::Metrics, json.as_bytes()).unwrap();
    assert!(whole.len() > 3 * json.len() && whole.len() < 4 * json.len());
    assert!(whole.capacity() <= 4 * json.len());
    for most in [0, 10, json.len(), whole.len() - 1] {
        assert_eq!(from_json(Signal::Metrics, json.as_bytes(), most), Ok(None));
    }
    assert_eq!(from_json(Signal::Metrics, json.as_bytes(), whole.len() + 16), Ok(Some(whole)));
}

#[test]
fn no_cut_and_no_change_of_a_request_panics() {
    let json = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"é","value":{"arrayValue":{"values":[{"doubleValue":-1.5e3},{"bytesValue":"/w=="}]}}}]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"1","traceId":"5b8efff798038103d269b633813fc60c","flags":1,"x":[{"y":[]}]}]}]}]}"#;
    assert!(request(Signal::Logs, json.as_bytes()).is_ok());
    for at in 0..json.len() {
        assert!(request(Signal::Logs, &json.as_bytes()[..at]).is_err());
        for byte in *b"\"\\{}[]:,u\xff0-.en " {
            let mut changed = Cow::Borrowed(json.as_bytes());
            changed.to_mut()[at] = byte;
            let _ = request(Signal::Logs, &changed);
            changed.to_mut().insert(at, byte);
            let _ = request(Signal::Logs, &changed);
        }
    }
}
