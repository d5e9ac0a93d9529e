use super::super::*;
use crate::filelog::entry::{Entry, Field, Map, Value};

mod checking; // all that is wrong at once
mod recombining; // what belongs together

fn field(text: &str) -> Field {
    text.parse().unwrap()
}

fn pipeline(operators: &[Operator]) -> Pipeline {
    Pipeline::new(operators).unwrap_or_else(|fault| panic!("{fault}"))
}

fn fault(operators: &[Operator]) -> String {
    Pipeline::new(operators).unwrap_err().to_string()
}

/// What comes out for lines of a file, at once and in the end.
fn run(pipeline: &mut Pipeline, lines: &[(&str, &str)]) -> Vec<Entry> {
    let mut out = Vec::new();
    for (mark, (path, line)) in (1..).zip(lines) {
        let mut entry = Entry { mark, observed: mark * 1_000_000_000, ..Entry::of(*line) };
        entry.attributes.insert("log.file.path", *path);
        pipeline.run(entry, &mut |entry| out.push(entry));
    }
    pipeline.flush(&mut |entry| out.push(entry));
    out
}

fn bodies(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.body.text().unwrap()).collect()
}

fn one(operators: &[Operator], entry: Entry) -> Entry {
    let mut out = Vec::new();
    pipeline(operators).run(entry, &mut |entry| out.push(entry));
    out.pop().unwrap()
}

fn with_id(id: &str, task: Task) -> Operator {
    Operator { id: Some(id.to_owned()), ..task.into() }
}

fn to(output: &str, operator: Operator) -> Operator {
    Operator { outputs: vec![output.to_owned()], ..operator }
}

fn add(key: &str, value: &str) -> Task {
    Task::Add { field: Field::attribute(key), value: value.into() }
}

const PATH: &str = "/var/log/pods/shop_auth-7d9_0b2f9a34-11c2-4e0e-9f0e-0242ac120002/auth/3.log";

/// The operators of a configuration that a team runs.
fn reference() -> Vec<Operator> {
    let mut timestamp = Timestamp::new(field("attributes.time"), "%Y-%m-%dT%H:%M:%S.%LZ");
    timestamp.layout_type = LayoutType::Strptime;
    let containerd = Task::Regex {
        regex: "^(?P<time>[^ ^Z]+Z) (?P<stream>stdout|stderr) (?P<logtag>[^ ]*) ?(?P<log>.*)$".to_owned(),
        cache: 0,
        parse: Parse { timestamp: Some(timestamp), ..Parse::default() },
    };
    let path = Task::Regex {
        regex: r"^.*\/(?P<namespace>[^_]+)_(?P<pod_name>[^_]+)_(?P<uid>[a-f0-9\-]{36})\/(?P<container_name>[^\._]+)\/(?P<restart_count>\d+)\.log$".to_owned(),
        cache: 128,
        parse: Parse { from: field(r#"attributes["log.file.path"]"#), ..Parse::default() },
    };
    let shift = |from: &str, to: &str| Operator::from(Task::Move { from: field(from), to: field(to) });
    vec![
        with_id(
            "get-format",
            Task::Router {
                routes: vec![Route::new(r#"body matches "^[^ Z]+Z""#, "parser-containerd")],
                default: Vec::new(),
            },
        ),
        to("extract_metadata_from_filepath", with_id("parser-containerd", containerd)),
        with_id("extract_metadata_from_filepath", path),
        shift(r#"attributes["log.file.path"]"#, r#"resource["filename"]"#),
        shift("attributes.container_name", r#"resource["container"]"#),
        shift("attributes.namespace", r#"resource["namespace"]"#),
        shift("attributes.pod_name", r#"resource["pod"]"#),
        Task::Add { field: field(r#"resource["cluster"]"#), value: "minikube".into() }.into(),
    ]
}

#[test]
fn the_reference_configuration_does_what_it_says() {
    let line =
        "2024-01-02T03:04:05.678901234Z stderr F level=error trace_id=4bf92f3577b34da6a3ce929d0e0e4736";
    let mut pipeline = pipeline(&reference());
    let out = run(&mut pipeline, &[(PATH, line), (PATH, "no container wrote this")]);
    let expected = Entry {
        body: line.into(),
        attributes: Map::from([
            ("time", "2024-01-02T03:04:05.678901234Z".into()),
            ("stream", "stderr".into()),
            ("logtag", "F".into()),
            ("log", "level=error trace_id=4bf92f3577b34da6a3ce929d0e0e4736".into()),
            ("uid", "0b2f9a34-11c2-4e0e-9f0e-0242ac120002".into()),
            ("restart_count", "3".into()),
        ]),
        resource: Map::from([
            ("filename", PATH.into()),
            ("container", "auth".into()),
            ("namespace", "shop".into()),
            ("pod", "auth-7d9".into()),
            ("cluster", "minikube".into()),
        ]),
        timestamp: Some(1_704_164_645_678_901_234),
        observed: 1_000_000_000,
        mark: 1,
        ..Entry::default()
    };
    assert_eq!(out, [expected]);
    assert_eq!(pipeline.counts(), Counts { filtered: 1, ..Counts::default() });
}

// B-064
#[test]
fn the_container_operator_reads_all_formats_and_puts_parts_together() {
    let mut pipeline = pipeline(&[Task::Container(Container::default()).into()]);
    let out = run(
        &mut pipeline,
        &[
            (PATH, "2024-01-02T03:04:05.1Z stdout P one "),
            (PATH, "2024-01-02T03:04:05.2Z stderr F other"),
            (PATH, "2024-01-02T03:04:05.3Z stdout F line"),
            (PATH, "2024-01-02T03:04:05.4+01:00 stdout F crio"),
            (
                PATH,
                r#"{"log":"docker\n","stream":"stdout","time":"2024-01-02T03:04:05.5Z","attrs":{"a":"b"}}"#,
            ),
            ("/x", "2024-01-02T03:04:05.6Z stdout F elsewhere"),
            (PATH, "2024-01-02T03:04:05.7Z stdout P no end"),
        ],
    );
    assert_eq!(bodies(&out), ["other", "one line", "crio", "docker", "elsewhere", "no end"]);
    let expected = Entry {
        body: "one line".into(),
        attributes: Map::from([
            ("log.file.path", PATH.into()),
            ("log.iostream", "stdout".into()),
            ("logtag", "F".into()),
        ]),
        resource: Map::from([
            ("k8s.namespace.name", "shop".into()),
            ("k8s.pod.name", "auth-7d9".into()),
            ("k8s.pod.uid", "0b2f9a34-11c2-4e0e-9f0e-0242ac120002".into()),
            ("k8s.container.name", "auth".into()),
            ("k8s.container.restart_count", "3".into()),
        ]),
        timestamp: Some(1_704_164_645_300_000_000),
        observed: 3_000_000_000,
        mark: 1,
        ..Entry::default()
    };
    assert_eq!(out[1], expected);
    assert_eq!(out[2].timestamp, Some(1_704_161_045_400_000_000));
    let docker = Map::from([
        ("log.file.path", PATH.into()),
        ("log.iostream", "stdout".into()),
        ("attrs", Map::from([("a", "b".into())]).into()),
    ]);
    assert_eq!(out[3].attributes, docker);
    // The path of the one is no pod's: it goes on, and is counted.
    assert_eq!(pipeline.counts(), Counts { failed: 1, ..Counts::default() });
}

#[test]
fn parts_are_put_together_whatever_their_path_says() {
    let lines = [("/x", "2024-01-02T03:04:05Z stdout P one "), ("/x", "2024-01-02T03:04:05Z stdout F line")];
    let mut sent = pipeline(&[Task::Container(Container::default()).into()]);
    assert_eq!(bodies(&run(&mut sent, &lines)), ["one line"]);
    assert_eq!(sent.counts(), Counts { failed: 2, ..Counts::default() });
    let operator = Task::Container(Container::default()).into();
    let mut dropped = pipeline(&[Operator { on_error: OnError::Drop, ..operator }]);
    assert_eq!(run(&mut dropped, &lines), []);
    assert_eq!(dropped.counts(), Counts { dropped: 2, ..Counts::default() });
}

#[test]
fn a_line_of_parts_is_no_longer_than_it_may_be() {
    let container = Container { max_log_size: 8, format: Some(Format::Containerd), ..Container::default() };
    let mut pipeline = pipeline(&[Task::Container(container).into()]);
    let part = (PATH, "2024-01-02T03:04:05Z stdout P 12345");
    let out = run(&mut pipeline, &[part, part, part, (PATH, "2024-01-02T03:04:05+01:00 stdout F x")]);
    // containerd writes no such time: it goes on as it is.
    assert_eq!(bodies(&out), ["1234512345", "2024-01-02T03:04:05+01:00 stdout F x", "12345"]);
    assert_eq!(pipeline.counts().failed, 1);
}

#[test]
fn a_trace_id_in_a_line_becomes_that_of_the_record() {
    let severity = Severity { overwrite_text: true, ..Severity::new(Field::attribute("level")) };
    let parse = Parse { severity: Some(severity), trace: Some(trace_in_attributes()), ..Parse::default() };
    let regex = r"^(?P<level>\w+) trace_id=(?P<trace_id>\w*) span_id=(?P<span_id>\w*)";
    let operator = Task::Regex { regex: regex.to_owned(), cache: 0, parse };
    let line = "warning trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7 hello";
    let entry = one(&[operator.into()], Entry::of(line));
    assert_eq!(entry.trace_id, Some(0x4bf92f3577b34da6a3ce929d0e0e4736_u128.to_be_bytes()));
    assert_eq!(entry.span_id, Some(0x00f067aa0ba902b7_u64.to_be_bytes()));
    assert_eq!((entry.severity_number, &*entry.severity_text), (13, "WARN"));
}

fn trace_in_attributes() -> TraceContext {
    TraceContext {
        trace_id: Field::attribute("trace_id"),
        span_id: Field::attribute("span_id"),
        trace_flags: Field::attribute("trace_flags"),
    }
}

#[test]
fn what_is_embedded_in_a_parser_is_done_whatever_becomes_of_the_rest() {
    let mut parse = Parse { to: field("body"), ..Parse::default() };
    parse.timestamp = Some(Timestamp::new(field("body.ts"), "%Y-%m-%d"));
    parse.severity = Some(Severity::new(field("body.sev")));
    parse.scope_name = Some(field("body.logger"));
    let operator = Operator::from(Task::Json { integers: true, parse });
    let mut pipeline = pipeline(&[operator]);
    let out = run(&mut pipeline, &[("", r#"{"ts":"yesterday","sev":"INFO","logger":"web","n":1}"#)]);
    let [entry] = &*out else { panic!("{out:?}") };
    assert_eq!((entry.timestamp, entry.severity_number, &*entry.scope_name), (None, 9, "web"));
    assert_eq!(entry.body.map().unwrap().value("n"), Some(&Value::Integer(1)));
    assert_eq!(pipeline.counts().failed, 1);
}

#[test]
fn values_are_put_where_they_are_to_be() {
    let shift = |from: &str, to: &str| Operator::from(Task::Move { from: field(from), to: field(to) });
    let mut entry = Entry::of(Map::from([
        ("message", "hello".into()),
        ("user", Map::from([("name", "ada".into()), ("id", Value::Integer(7))]).into()),
        ("noise", Value::Bool(true)),
    ]));
    entry.attributes.insert("old", "x");
    let entry = one(
        &[
            shift("body.user.name", "attributes.user"),
            Task::Copy { from: field("attributes.user"), to: field("resource.owner") }.into(),
            Task::Flatten { field: field("body.user") }.into(),
            Task::Add { field: field("attributes.line"), value: r#"EXPR(body.message + "!")"#.into() }.into(),
            Task::Add { field: field("attributes.fixed"), value: "a EXPR(x)".into() }.into(),
            Task::Remove { field: field("attributes.old") }.into(),
            Task::Retain { fields: vec![field("body.message"), field("body.id"), field("body.absent")] }
                .into(),
        ],
        entry,
    );
    assert_eq!(entry.body, Map::from([("message", "hello".into()), ("id", Value::Integer(7))]).into());
    let attributes = [("user", "ada".into()), ("line", "hello!".into()), ("fixed", "a EXPR(x)".into())];
    assert_eq!(entry.attributes, Map::from(attributes));
    assert_eq!(entry.resource, Map::from([("owner", "ada".into())]));
    // What cannot be there stays where it was.
    let entry = one(&[shift("attributes.user", "resource")], entry);
    assert_eq!(entry.attributes.value("user"), Some(&"ada".into()));
}

#[test]
fn an_entry_that_cannot_be_worked_on_becomes_what_on_error_says() {
    for (on_error, comes_out, counts) in [
        (OnError::Send, 1, Counts { failed: 1, ..Counts::default() }),
        (OnError::SendQuiet, 1, Counts { failed: 1, ..Counts::default() }),
        (OnError::Drop, 0, Counts { dropped: 1, ..Counts::default() }),
        (OnError::DropQuiet, 0, Counts { dropped: 1, ..Counts::default() }),
    ] {
        let operator = Operator { on_error, ..Task::Remove { field: field("attributes.absent") }.into() };
        let mut pipeline = pipeline(&[operator, add("a", "b").into()]);
        let out = run(&mut pipeline, &[("", "line")]);
        assert_eq!(out.len(), comes_out);
        assert!(out.iter().all(|entry| entry.attributes.value("a").is_some()));
        assert_eq!(pipeline.counts(), counts);
    }
}

#[test]
fn entries_pass_by_an_operator_whose_condition_is_false() {
    let operator = Operator { condition: Some("body == 'x'".into()), ..add("a", "b").into() };
    let mut pipeline = pipeline(&[operator]);
    let out = run(&mut pipeline, &[("", "x"), ("", "y")]);
    let has: Vec<bool> = out.iter().map(|entry| entry.attributes.value("a").is_some()).collect();
    assert_eq!((has, pipeline.counts()), (vec![true, false], Counts::default()));
}

#[test]
fn a_router_sends_each_entry_one_way() {
    let mut route = Route::new("body startsWith 'b'", "two");
    route.attributes = Map::from([("first", "EXPR(body)-x".into())]);
    let routes = vec![Route::new("body startsWith 'a'", "one"), route];
    let router = |default: &[&str]| {
        let default = default.iter().map(|id| (*id).to_owned()).collect();
        Operator::from(Task::Router { routes: routes.clone(), default })
    };
    let rest = [
        to("end", with_id("one", add("way", "one"))),
        to("end", with_id("two", add("way", "two"))),
        with_id("end", Task::Noop),
    ];
    let lines = [("", "a"), ("", "b"), ("", "c")];
    let mut pipeline = pipeline(&[&[router(&[])], &rest[..]].concat());
    let out = run(&mut pipeline, &lines);
    let ways: Vec<_> =
        out.iter().map(|entry| entry.attributes.value("way").unwrap().text().unwrap()).collect();
    assert_eq!((ways, pipeline.counts().filtered), (vec!["one", "two"], 1));
    assert_eq!(out[1].attributes.value("first"), Some(&"b-x".into()));

    let mut pipeline =
        super::super::Pipeline::new(&[&[router(&["one", "end"])], &rest[..]].concat()).unwrap();
    assert_eq!(bodies(&run(&mut pipeline, &lines)), ["a", "b", "c", "c"]);

    // What has no text cannot be asked, and has no way.
    let mut out = Vec::new();
    pipeline.run(Entry::of(7), &mut |entry| out.push(entry));
    assert_eq!((out.len(), pipeline.counts().failed), (2, 1));
}

#[test]
fn a_filter_drops_the_part_that_it_is_told() {
    for (drop_ratio, dropped) in [(1.0, 8), (0.0, 0), (0.25, 2), (0.5, 4)] {
        let filter = Task::Filter { expression: "body contains 'x'".into(), drop_ratio };
        let mut pipeline = pipeline(&[filter.into()]);
        let out = run(&mut pipeline, &[[("", "x"); 8], [("", "y"); 8]].concat());
        assert_eq!((out.len(), pipeline.counts().filtered), (16 - dropped as usize, dropped));
    }
    // What the expression has no value for goes on.
    let filter = Task::Filter { expression: "body.x".into(), drop_ratio: 1.0 };
    let mut pipeline = pipeline(&[filter.into()]);
    assert_eq!(run(&mut pipeline, &[("", "x")]).len(), 1);
    assert_eq!(pipeline.counts().failed, 1);
}

#[test]
fn operators_are_known_by_their_id() {
    let noop = || Operator::from(Task::Noop);
    let ids = super::ids(
        &[noop(), with_id("noop1", Task::Noop), noop(), with_id("x", Task::Noop)],
        &mut Vec::new(),
    );
    assert_eq!(ids, ["noop", "noop1", "noop2", "x"]);
    assert_eq!(
        fault(&[with_id("x", Task::Noop), with_id("x", Task::Noop)]),
        "operator 2: the id \"x\" stands twice; give it another one"
    );
    assert_eq!(fault(&[to("y", noop())]), "operator 1: the output \"y\" is no operator; there are noop");
    assert_eq!(fault(&[noop(), to("noop", noop())]), "operator 1: entries of noop would come back to it");
    assert_eq!(fault(&[to("noop", noop())]), "operator 1: entries of noop would come back to it");
}

#[test]
fn what_cannot_run_is_refused() {
    let regex =
        |regex: &str| Operator::from(Task::Regex { regex: regex.into(), cache: 0, parse: Parse::default() });
    for (operator, words) in [
        (regex("("), "is no regular expression"),
        (Operator { condition: Some("x".into()), ..Task::Noop.into() }, "x is unknown"),
        (Task::Filter { expression: "true".into(), drop_ratio: 1.5 }.into(), "drop_ratio 1.5"),
        (
            Task::Router { routes: vec![Route::new("true", "x")], default: Vec::new() }.into(),
            "the output \"x\"",
        ),
        (
            to("noop", Task::Router { routes: Vec::new(), default: Vec::new() }.into()),
            "neither if nor output",
        ),
        (Task::Add { field: Field::BODY, value: "EXPR(1 +)".into() }.into(), "a value is missing"),
        (Task::Flatten { field: Field::BODY }.into(), "body has no place"),
        (Task::Retain { fields: Vec::new() }.into(), "retain needs fields"),
        (
            Task::KeyValue { delimiter: "=".into(), pair_delimiter: "=".into(), parse: Parse::default() }
                .into(),
            "have to be different",
        ),
        (Task::Time(Timestamp::new(Field::BODY, "%Q")).into(), "%Q"),
    ] {
        let fault = fault(&[operator]);
        assert!(fault.starts_with("operator 1: ") && fault.contains(words), "{fault}");
    }
    assert!(fault(&vec![Task::Noop.into(); 251]).contains("at most 250"));
}
