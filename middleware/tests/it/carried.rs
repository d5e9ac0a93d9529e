//! Whatever arrives, nothing panics, what is written is valid and bounded, and what was written can be read.

use std::{fs, path::Path};

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    baggage::{Baggage, BaggageExt},
    propagation::TextMapPropagator,
    trace::{SpanContext, TraceContextExt, TraceState},
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use throughline_middleware::propagation::{Composite, Format, ListExtractor};

#[path = "../../fuzz/body.rs"]
mod body;

/// Few enough that the suite stays quick; the fuzz target is for more.
const CASES: u32 = 256;

/// Runs a property on the same values each time.
fn hold<S: Strategy>(strategy: S, property: impl Fn(S::Value)) {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let property = |value| {
        property(value);
        Ok(())
    };
    runner.run(&strategy, property).unwrap();
}

#[test]
fn the_seeds_of_the_fuzz_target_do_no_harm() {
    // P-019, P-074
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let seeds = Vec::from_iter(fs::read_dir(seeds).unwrap().map(|seed| seed.unwrap().path()));
    assert!(seeds.len() >= 10, "{seeds:?}");
    for seed in seeds {
        let seed = fs::read(seed).unwrap();
        body::propagate(&seed);
        for end in 0..seed.len() {
            body::propagate(&seed[..end]);
            let mut changed = seed.clone();
            changed[end] ^= 0x80;
            body::propagate(&changed);
        }
    }
}

#[test]
fn any_bytes_in_any_headers_do_no_harm() {
    // P-004, P-016, P-019, P-045, P-065, P-074
    let noise = vec(any::<u8>(), 0..200);
    let pieces = [
        "00",
        "-",
        "463ac35c9f6413ad48485a3953bb6124",
        "a2fb4a1d1a96d312",
        "01",
        "03",
        "ff",
        "=",
        ",",
        ";",
        ":",
        " ",
        "\t",
        "%41",
        "%",
        "%FF",
        "a",
        "foo@@bar",
        "Root=1-",
        "463ac35c",
        "-9f6413ad48485a3953bb6124",
        "Parent=",
        "Sampled=1",
        "d",
        "1",
        "0",
        "true",
        "é",
        "\u{0}",
        "\"",
    ];
    let grammar = vec(select(Vec::from(pieces)), 0..12).prop_map(|pieces| pieces.concat().into_bytes());
    let line = (0..13_u8, prop_oneof![noise, grammar]).prop_map(|(name, value)| [vec![name], value].concat());
    hold(vec(line, 0..8), |lines| body::propagate(&lines.join(&b'\n')));
}

#[test]
fn what_is_written_is_read_as_what_it_was() {
    // P-001 to P-003, P-030, P-044, P-062, P-080, P-085, P-086
    let ids = (1..=u128::MAX, 1..=u64::MAX, 0..4_u8);
    let key = "[a-z0-9][a-z0-9_*/-]{0,40}";
    let state = vec((key, "[ !-+.-<>-~]{0,40}[!-+.-<>-~]"), 0..8);
    let members = vec(("[a-z!#$&'*+.^_`|~-]{1,30}", any::<String>()), 0..8);
    hold((ids, state, members), |((trace, span, flags), state, members)| {
        let mut state = state;
        state.sort();
        state.dedup_by(|(left, _), (right, _)| left == right);
        let state = TraceState::from_key_value(state).unwrap();
        let (trace, span) = (TraceId::from(trace), SpanId::from(span));
        let written = SpanContext::new(trace, span, TraceFlags::new(flags), true, state);
        let mut baggage = Baggage::new();
        for (name, value) in members {
            baggage.insert(name, value);
        }
        let context = Context::new().with_remote_span_context(written.clone()).with_baggage(baggage);
        for format in
            [Format::TraceContext, Format::Baggage, Format::B3, Format::B3Multi, Format::Jaeger, Format::XRay]
        {
            let propagator = Composite::of([format]);
            let mut headers = HeaderMap::new();
            propagator.inject_headers(&context, &mut headers);
            let read = propagator.extract_fresh(&headers);
            let read_span = read.span().span_context().clone();
            match format {
                Format::Baggage => assert!(!read_span.is_valid()),
                Format::TraceContext => assert_eq!(read_span, written),
                _ => {
                    let expected = (trace, span, written.is_sampled(), true);
                    let read = (
                        read_span.trace_id(),
                        read_span.span_id(),
                        read_span.is_sampled(),
                        read_span.is_remote(),
                    );
                    assert_eq!(read, expected, "{format:?}");
                }
            }
            if matches!(format, Format::Baggage | Format::Jaeger) {
                assert_eq!(pairs(&read), pairs(&context), "{format:?}");
            }
        }
    });
}

fn pairs(context: &Context) -> Vec<(String, String)> {
    let pairs = context.baggage().iter();
    let mut pairs = Vec::from_iter(pairs.map(|(name, (value, _))| (name.to_string(), value.to_string())));
    pairs.sort();
    pairs
}

#[test]
fn much_of_anything_becomes_little() {
    // P-019, P-046, P-064: 64 KiB in one value, 10,000 members in one or in as many lines, and no text
    let members = Vec::from_iter((0..10_000).map(|index| format!("k{index}={index}")));
    let parent = "00-463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-01";
    let mut much = vec![vec![members.join(",").into_bytes()], Vec::new()];
    much[1].extend(members.iter().map(|member| member.clone().into_bytes()));
    for piece in [&b"0"[..], b"\xff", b"%41", b",", b";", b"-", b":", b"=", b" ", b"a=1;", b"\xc3\xa9"] {
        much.push(vec![piece.repeat(64 * 1024 / piece.len())]);
    }
    for (name, lines) in (0..13).flat_map(|name| much.iter().map(move |lines| (name, lines))) {
        let lines = lines.iter().map(|line| [&[name], line.as_slice()].concat());
        let first = [&[0], parent.as_bytes()].concat();
        let data = Vec::from_iter([first].into_iter().filter(|_| name != 0).chain(lines));
        body::propagate(&data.join(&b'\n'));
    }
    // 10,000 headers of Jaeger's baggage.
    let mut headers = HeaderMap::new();
    for index in 0..10_000 {
        let name = HeaderName::try_from(format!("uberctx-{index}")).unwrap();
        headers.insert(name, HeaderValue::from_static("v"));
    }
    let propagator = Composite::of([Format::Jaeger]);
    let context = propagator.extract_fresh(&headers);
    assert_eq!(context.baggage().len(), 64);
    let list = Vec::from_iter(headers.iter().map(|(name, line)| (name.as_str(), line.as_bytes())));
    let context = propagator.extract_with_context(&Context::new(), &ListExtractor(&list));
    assert_eq!(context.baggage().len(), 64);
}
