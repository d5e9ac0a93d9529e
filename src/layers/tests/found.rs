use super::*;
use opentelemetry::trace::Status;
use tracing::{Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

#[test]
fn what_asks_for_the_span_of_opentelemetry_finds_it_and_changes_it() {
    let stage = Stage::new(&[]);
    let linked = request(TraceFlags::SAMPLED).span().span_context().clone();
    stage.inside(|| {
        let span = info_span!("work");
        span.set_parent(request(TraceFlags::SAMPLED)).unwrap();
        span.set_attribute("before", 1);
        let own = span.context().span().span_context().clone();
        span.in_scope(|| {
            assert_eq!(Span::current().context().span().span_context(), &own);
            assert_eq!(Context::current().span().span_context(), &own);
            Span::current().set_attribute("inside", true);
            Span::current().add_link(linked.clone());
            Span::current().set_status(Status::error("late"));
            assert!(Span::current().set_parent(Context::new()).is_err(), "it has begun");
        });
        info_span!("after").follows_from(span.id());
    });
    let [after, work] = &stage.spans()[..] else { panic!("two spans") };
    assert_eq!((work.parent_span_id, work.span_context.trace_id()), (SpanId::from(9), TraceId::from(7)));
    let attributes = work.attributes.iter().map(|pair| pair.key.as_str());
    assert_eq!(attributes.collect::<Vec<_>>(), ["before", "inside"]);
    assert_eq!(work.status, Status::error("late"));
    let links = |span: &SpanData| span.links.iter().map(|link| link.span_context.clone()).collect::<Vec<_>>();
    assert_eq!((links(work), links(after)), (vec![linked], vec![work.span_context.clone()]));
}
