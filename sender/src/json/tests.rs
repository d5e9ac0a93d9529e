//! Requests made by hand, byte by byte; what other encoders make is in `tests/it`.

use super::*;

fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    prost::encode_length_delimiter(content.len(), &mut bytes).unwrap();
    bytes.extend_from_slice(content);
    bytes
}

fn fixed(number: u8, value: u64) -> Vec<u8> {
    [&[number << 3 | 1][..], &value.to_le_bytes()].concat()
}

fn double(number: u8, value: f64) -> Vec<u8> {
    fixed(number, value.to_bits())
}

/// A log record as JSON, without what is around it.
fn log(record: &[u8]) -> String {
    let json = to_json(Signal::Logs, &field(1, &field(2, &field(2, record)))).unwrap();
    let json = String::from_utf8(json).unwrap();
    let inner = json.strip_prefix(r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":["#);
    inner.and_then(|inner| inner.strip_suffix("]}]}]}")).unwrap().to_owned()
}

/// A value as JSON.
fn value(value: &[u8]) -> String {
    let json = log(&field(5, value));
    json.strip_prefix(r#"{"body":"#).and_then(|json| json.strip_suffix('}')).unwrap().to_owned()
}

/// The only point of a metric as JSON.
fn point(data: u8, point: &[u8]) -> String {
    let metric = field(2, &field(2, &field(data, &field(1, point))));
    let json = String::from_utf8(to_json(Signal::Metrics, &field(1, &metric)).unwrap()).unwrap();
    json.split_once(r#"{"dataPoints":["#).unwrap().1.strip_suffix("]}}]}]}]}").unwrap().to_owned()
}

// O-083
#[test]
fn integers_of_64_bits_are_strings_and_those_of_32_are_not() {
    assert_eq!(value(b"\x18\x01"), r#"{"intValue":"1"}"#);
    let negative = [&b"\x18"[..], &[0xff; 9], &[1]].concat();
    assert_eq!(value(&negative), r#"{"intValue":"-1"}"#);
    assert_eq!(log(&fixed(1, u64::MAX)), r#"{"timeUnixNano":"18446744073709551615"}"#);
    assert_eq!(
        log(b"\x10\x11\x38\x05\x45\xff\0\0\0"),
        r#"{"severityNumber":17,"droppedAttributesCount":5,"flags":255}"#
    );
    assert_eq!(point(7, &fixed(6, -5i64 as u64)), r#"{"asInt":"-5"}"#);
    assert_eq!(
        point(9, &[fixed(4, 3), field(6, &[1; 16])].concat()),
        r#"{"count":"3","bucketCounts":["72340172838076673","72340172838076673"]}"#
    );
    // Signed, and packed numbers of any length.
    assert_eq!(
        point(10, b"\x30\x03\x42\x06\x08\x04\x12\x02\x05\x07"),
        r#"{"scale":-2,"positive":{"offset":2,"bucketCounts":["5","7"]}}"#
    );
}

// O-084
#[test]
fn doubles_are_numbers_where_json_has_them() {
    for (number, json) in [
        (0.1, "0.1"),
        (3.0, "3.0"),
        (-2.5e-9, "-2.5e-9"),
        (f64::MAX, "1.7976931348623157e308"),
        (5e-324, "5e-324"),
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (f64::NAN, r#""NaN""#),
        (f64::INFINITY, r#""Infinity""#),
        (f64::NEG_INFINITY, r#""-Infinity""#),
    ] {
        assert_eq!(value(&double(4, number)), format!(r#"{{"doubleValue":{json}}}"#));
    }
}

// O-080, O-082, O-085
#[test]
fn what_is_zero_is_left_out_unless_it_was_chosen_or_may_be_absent() {
    let zeros =
        [&fixed(1, 0)[..], b"\x10\0", &field(3, b""), b"\x38\0", b"\x45\0\0\0\0", &field(9, b"")].concat();
    assert_eq!(log(&zeros), "{}");
    assert_eq!(log(&field(5, b"")), r#"{"body":{}}"#);
    assert_eq!(value(b"\x0a\0"), r#"{"stringValue":""}"#);
    assert_eq!(value(b"\x10\0"), r#"{"boolValue":false}"#);
    assert_eq!(value(b"\x18\0"), r#"{"intValue":"0"}"#);
    assert_eq!(value(b"\x2a\0"), r#"{"arrayValue":{}}"#);
    assert_eq!(value(b"\x3a\0"), r#"{"bytesValue":""}"#);
    assert_eq!(
        point(9, &[fixed(4, 0), double(5, 0.0), double(11, 0.0), field(7, b"")].concat()),
        r#"{"sum":0.0,"min":0.0}"#
    );
    assert_eq!(point(5, &double(4, 0.0)), r#"{"asDouble":0.0}"#);
    assert_eq!(to_json(Signal::Traces, b"").unwrap(), b"{}");
}

// O-081
#[test]
fn ids_are_hexadecimal_and_other_bytes_base64() {
    let ids =
        [field(9, b"\x5b\x8e\xff\xf7\x98\x03\x81\x03\xd2\x69\xb6\x33\x81\x3f\xc6\x0c"), field(10, &[0; 8])]
            .concat();
    assert_eq!(log(&ids), r#"{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"0000000000000000"}"#);
    assert_eq!(value(&field(7, b"\xff\xfe\0")), r#"{"bytesValue":"//4A"}"#);
    let span = [field(4, &[0xab; 8]), field(13, &field(2, &[1]))].concat();
    let json = to_json(Signal::Traces, &field(1, &field(2, &field(2, &span)))).unwrap();
    assert!(json.ends_with(br#"[{"parentSpanId":"abababababababab","links":[{"spanId":"01"}]}]}]}]}"#));
}

#[test]
fn text_is_escaped_as_json_demands_and_no_further() {
    assert_eq!(
        value(&field(1, "\"\\/\n\r\t\0\u{1b}\u{7f}é😀".as_bytes())),
        "{\"stringValue\":\"\\\"\\\\/\\n\\r\\t\\u0000\\u001b\u{7f}é😀\"}"
    );
}

#[test]
fn what_other_encoders_may_write_is_understood() {
    // A later value replaces an earlier one; a list may be interrupted; order is free.
    let record =
        [field(3, b"later"), field(6, &field(1, b"a")), field(3, b"last"), field(6, &field(1, b"b"))]
            .concat();
    assert_eq!(log(&record), r#"{"severityText":"last","attributes":[{"key":"a"},{"key":"b"}]}"#);
    // Messages in pieces are one message.
    let (one, other) = (field(1, &field(1, &field(1, b"a"))), field(1, b"\x10\x02"));
    let json = to_json(Signal::Logs, &field(1, &[one, other].concat())).unwrap();
    assert_eq!(
        json,
        br#"{"resourceLogs":[{"resource":{"attributes":[{"key":"a"}],"droppedAttributesCount":2}}]}"#
    );
    // Of several choices the last, even if it was left for another one in between.
    let element = |text: &[u8]| field(5, &field(1, &field(1, text)));
    assert_eq!(
        value(&[element(b"a"), b"\x18\x01".to_vec(), element(b"b"), element(b"c")].concat()),
        r#"{"arrayValue":{"values":[{"stringValue":"b"},{"stringValue":"c"}]}}"#
    );
    // Numbers not packed, in both forms.
    assert_eq!(
        point(9, &[fixed(6, 1), field(6, &2u64.to_le_bytes()), double(7, 0.5)].concat()),
        r#"{"bucketCounts":["1","2"],"explicitBounds":[0.5]}"#
    );
    // What is too wide for its type.
    assert_eq!(
        log(b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x38\x85\x80\x80\x80\x10"),
        r#"{"severityNumber":-1,"droppedAttributesCount":5}"#
    );
    // Unknown fields, groups among them.
    assert_eq!(log(b"\x10\x09\xa3\x06\x08\x01\xa4\x06\xf2\x01\x01x"), r#"{"severityNumber":9}"#);
}

#[test]
fn what_is_not_a_request_is_a_fault() {
    let fault =
        |record: &[u8]| to_json(Signal::Logs, &field(1, &field(2, &field(2, record)))).unwrap_err().reason;
    assert_eq!(fault(b"\x0a\x01x"), "a known field has the wrong wire type");
    assert_eq!(fault(b"\x28\x01"), "a known field has the wrong wire type");
    assert_eq!(fault(&field(3, b"\xff")), "a text is not UTF-8");
    assert_eq!(fault(b"\x2a\x05x"), "a length goes past the end");
    let torn = field(1, &field(2, &field(2, &field(9, &field(1, &field(6, &[1; 9]))))));
    assert_eq!(to_json(Signal::Metrics, &torn).unwrap_err().reason, "the bytes end inside a number");
    let nested = |levels: usize| (0..levels).fold(field(1, b"x"), |value, _| field(5, &field(1, &value)));
    assert!(value(&nested(40)).contains(r#"{"stringValue":"x"}"#));
    assert_eq!(fault(&field(5, &nested(2000))), "messages nest too deep");
    assert_eq!(to_json(Signal::Logs, &field(1, &field(9, b""))).unwrap(), br#"{"resourceLogs":[{}]}"#);
}

#[test]
fn little_protobuf_that_would_be_much_json_is_a_fault() {
    let records = field(1, &field(2, &field(2, b"\x10\x01").repeat(1000)));
    let json = to_json(Signal::Logs, &records).unwrap();
    assert!(json.len() > 5 * records.len());
    assert_eq!(write(Signal::Logs, &records, json.len()), Ok(json.clone()));
    for most in [json.len() - 10, json.len() / 2, 0] {
        let fault = write(Signal::Logs, &records, most).unwrap_err();
        assert_eq!(fault.reason, "the request is too large as JSON");
    }
}

/// Bytes that are nearly a request, from a generator that is the same in every run.
#[test]
fn hostile_bytes_never_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let attribute = [field(1, b"key"), field(2, &field(5, &field(1, &field(1, b"text"))))].concat();
    let point = [fixed(4, 7), double(5, 0.5), field(6, &[1; 16]), field(9, &attribute), b"\x50\x01".to_vec()]
        .concat();
    let whole = [
        field(
            1,
            &field(
                2,
                &field(
                    2,
                    &[field(1, &[1; 16]), field(9, &attribute), b"\x85\x01\x01\x03\0\0".to_vec()].concat(),
                ),
            ),
        ),
        field(1, &field(2, &field(2, &field(9, &field(1, &point))))),
        field(
            1,
            &field(2, &field(2, &[fixed(1, 5), field(5, &field(3, b"")), field(6, &attribute)].concat())),
        ),
    ];
    let mut taken = 0;
    for round in 0..20_000 {
        let signal = Signal::ALL[round % 3];
        let mut bytes = whole[next(3)].clone();
        for _ in 0..next(5) {
            let at = next(bytes.len());
            match next(3) {
                0 => bytes[at] = next(256) as u8,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, next(256) as u8),
            }
        }
        if let Ok(json) = to_json(signal, &bytes) {
            String::from_utf8(json).unwrap();
            taken += 1;
        }
    }
    assert!((1000..19_000).contains(&taken), "{taken} of 20000 were taken");
}
