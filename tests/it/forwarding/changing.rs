use super::*;
use opentelemetry_proto::tonic::common::v1::any_value;
use throughline::{
    collector::{Action, Context, Place, Processor, Value},
    sender::{Credentials, Secret},
};

fn insert(key: &str, context: Context) -> Action {
    Action::Insert(key.into(), Value::ContextOr(context, Box::new(Value::Text("unknown".into()))))
}

// B-067: from_context, over both protocols and without a socket.
#[tokio::test]
async fn who_sends_is_told_where_processors_ask_for_it() {
    let receiver = Receiver::start();
    let credentials = Credentials::Basic { user: "ada".into(), password: Secret::value("secret") };
    let collector = start(vec![to(&receiver, Protocol::Grpc)], |config| {
        config.receive.credentials = vec![credentials.clone()];
        let processor = Processor::resource([
            insert("client.address", Context::Address),
            insert("tenant", Context::Header("X-Scope-OrgID".into())),
            insert("enduser.id", Context::User),
        ]);
        let scope = Action::Insert("by".into(), Value::Context(Context::User));
        config.processors = vec![processor, Processor::at(Place::Scope, [scope])];
    });
    let (grpc, http) = (collector.grpc_address().unwrap(), collector.http_address().unwrap());
    let urls = [
        (Protocol::Grpc, format!("http://{grpc}")),
        (Protocol::HttpProtobuf, format!("http://{http}/v1/traces")),
    ];
    for (number, (protocol, url)) in urls.into_iter().enumerate() {
        let mut remote = Remote::new(protocol, url.parse().unwrap());
        remote.credentials = Some(credentials.clone());
        remote.headers.insert("x-scope-orgid", "blue".parse().unwrap());
        let client = start(vec![Destination::Remote(remote)], |_| {});
        client.inlet().accept(Signal::Traces, request(0..1));
        until("what was sent", || async { (taken(&receiver).len() == number + 1).then_some(()) }).await;
        assert_eq!(
            told(&receiver),
            [["127.0.0.1", "blue", "ada"].map(str::to_owned).to_vec(), vec!["ada".into()]]
        );
    }
    collector.inlet().accept(Signal::Traces, request(0..1));
    until("what was handed over", || async { (taken(&receiver).len() == 3).then_some(()) }).await;
    assert_eq!(told(&receiver), [vec!["unknown".to_owned(); 3], vec![]]);
}

/// The values of the attributes of resource and scope that came last.
fn told(receiver: &Receiver) -> [Vec<String>; 2] {
    let body = receiver.bodies(Signal::Traces).pop().unwrap();
    let mut request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut of = request.resource_spans.remove(0);
    let scope = of.scope_spans.remove(0).scope.unwrap_or_default();
    [of.resource.unwrap().attributes, scope.attributes].map(|attributes| {
        let values = attributes.into_iter().map(|pair| pair.value.and_then(|value| value.value));
        values
            .map(|value| match value {
                Some(any_value::Value::StringValue(text)) => text,
                other => panic!("{other:?}"),
            })
            .collect()
    })
}
