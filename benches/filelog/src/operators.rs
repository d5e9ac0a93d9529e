//! The operators that the reference configuration has for the logs of pods.

use throughline_collector::filelog::{
    entry::{Field, Value},
    operator::{Operator, Parse, Route, Task, Timestamp},
};

const CRI: &str = r"^(?P<time>[^ ^Z]+Z) (?P<stream>stdout|stderr) (?P<logtag>[^ ]*) ?(?P<log>.*)$";
const PATH: &str = r"^.*\/(?P<namespace>[^_]+)_(?P<pod_name>[^_]+)_(?P<uid>[a-f0-9\-]{36})\/(?P<container_name>[^\._]+)\/(?P<restart_count>\d+)\.log$";

pub fn reference() -> Vec<Operator> {
    let mut cri = Parse::default();
    cri.timestamp = Some(Timestamp::new(Field::attribute("time"), "%Y-%m-%dT%H:%M:%S.%LZ"));
    let mut path = Parse::default();
    path.from = Field::attribute("log.file.path");
    let mut parser = operator(Task::Regex { regex: CRI.to_owned(), cache: 0, parse: cri });
    parser.id = Some("parser-containerd".to_owned());
    parser.outputs = vec!["extract_metadata_from_filepath".to_owned()];
    let mut metadata = operator(Task::Regex { regex: PATH.to_owned(), cache: 128, parse: path });
    metadata.id = Some("extract_metadata_from_filepath".to_owned());
    let moves = [
        (r#"attributes["log.file.path"]"#, r#"resource["filename"]"#),
        ("attributes.container_name", r#"resource["container"]"#),
        ("attributes.namespace", r#"resource["namespace"]"#),
        ("attributes.pod_name", r#"resource["pod"]"#),
    ];
    let router = Task::Router {
        routes: vec![Route::new(r#"body matches "^[^ Z]+Z""#, "parser-containerd")],
        default: Vec::new(),
    };
    let mut operators = vec![operator(router), parser, metadata];
    operators.extend(moves.map(|(from, to)| operator(Task::Move { from: field(from), to: field(to) })));
    operators
        .push(operator(Task::Add { field: field(r#"resource["cluster"]"#), value: Value::from("minikube") }));
    operators
}

fn operator(task: Task) -> Operator {
    Operator::from(task)
}

fn field(path: &str) -> Field {
    path.parse().expect("a field")
}
