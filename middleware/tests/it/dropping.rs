//! What a request drops still belongs to it: the span is active and has not ended.

use std::{
    convert::Infallible,
    future,
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::{Context as Task, Poll, Waker},
};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use opentelemetry::{
    Context,
    trace::{SpanId, TraceContextExt},
};
use opentelemetry_sdk::trace::SpanData;
use tower::{Layer, Service, ServiceExt};

use crate::support::{Telemetry, attributes};

/// Notes when it is dropped which span is active, and whether that is still recording.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<(SpanId, bool)>>>);

impl Notes {
    fn guard(&self) -> Guard {
        Guard(self.clone())
    }

    fn take(&self) -> Vec<(SpanId, bool)> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

struct Guard(Notes);

impl Drop for Guard {
    fn drop(&mut self) {
        let note = Context::map_current(|context| {
            (context.span().span_context().span_id(), context.span().is_recording())
        });
        self.0.0.lock().unwrap().push(note);
    }
}

/// A body of this many frames with a guard.
struct Guarded(usize, #[expect(dead_code, reason = "dropped with the body")] Guard);

impl Body for Guarded {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Task<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let left = self.0.checked_sub(1);
        self.0 = left.unwrap_or(0);
        Poll::Ready(left.map(|_| Ok(Frame::data(Bytes::from_static(b"frame")))))
    }
}

fn id(span: &SpanData) -> SpanId {
    span.span_context.span_id()
}

#[tokio::test]
async fn what_a_cancelled_handler_drops_sees_its_span() {
    // H-079, H-07A
    let (telemetry, notes) = (Telemetry::new(), Notes::default());
    let hangs = tower::service_fn(|_: Request<String>| {
        let guard = notes.guard();
        async move {
            let _guard = guard;
            future::pending::<Result<Response<Guarded>, Infallible>>().await
        }
    });
    let mut task = Task::from_waker(Waker::noop());
    let mut client = Box::pin(telemetry.client().layer(hangs).call(Request::new(String::new())));
    assert!(client.as_mut().poll(&mut task).is_pending());
    drop(client);
    let mut server = Box::pin(telemetry.server().layer(hangs).call(Request::new(String::new())));
    assert!(server.as_mut().poll(&mut task).is_pending());
    drop(server);
    // Never polled.
    drop(telemetry.server().layer(hangs).call(Request::new(String::new())));
    let spans: [_; 3] = telemetry.spans().await;
    assert_eq!(notes.take(), spans.each_ref().map(|span| (id(span), true)));
}

#[tokio::test]
async fn what_a_dropped_body_drops_sees_its_span() {
    // H-079
    let (telemetry, notes) = (Telemetry::new(), Notes::default());
    let serves = tower::service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(Guarded(2, notes.guard())))
    });
    let unread = telemetry.server().layer(serves).oneshot(Request::new(())).await.unwrap();
    drop(unread);
    let mut partly = telemetry.server().layer(serves).oneshot(Request::new(())).await.unwrap();
    partly.body_mut().frame().await.unwrap().unwrap();
    drop(partly);
    let spans: [_; 2] = telemetry.spans().await;
    assert_eq!(notes.take(), spans.each_ref().map(|span| (id(span), true)));
}

#[tokio::test]
async fn what_a_complete_body_drops_sees_its_span_although_it_has_ended() {
    // H-009
    let (telemetry, notes) = (Telemetry::new(), Notes::default());
    let serves = tower::service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(Guarded(2, notes.guard())))
    });
    let mut read = telemetry.server().layer(serves).oneshot(Request::new(())).await.unwrap();
    while read.body_mut().frame().await.is_some() {}
    assert_eq!(telemetry.ended().len(), 1);
    drop(read);
    let head = Request::builder().method(Method::HEAD).body(()).unwrap();
    drop(telemetry.server().layer(serves).oneshot(head).await.unwrap());
    let spans: [_; 2] = telemetry.spans().await;
    assert_eq!(notes.take(), spans.each_ref().map(|span| (id(span), false)));
    assert!(!Context::current().has_active_span());
}

#[tokio::test]
async fn a_request_that_a_panic_further_out_drops_ends_with_the_panic() {
    // H-079, H-101
    for (content_type, status) in [("text/plain", None), ("application/grpc", Some("UNKNOWN"))] {
        let telemetry = Telemetry::new();
        let hangs = tower::service_fn(async |_: Request<()>| {
            future::pending::<Result<Response<Guarded>, Infallible>>().await
        });
        let mut server = telemetry.server().layer(hangs);
        let request = Request::post("/test.Echo/Unary").header("content-type", content_type);
        let request = request.body(()).unwrap();
        let connection = std::panic::AssertUnwindSafe(|| {
            let mut served = pin!(server.call(request));
            assert!(served.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_pending());
            panic!("on purpose");
        });
        std::panic::catch_unwind(connection).unwrap_err();
        let [span] = telemetry.spans().await;
        let told = attributes(&span.attributes);
        assert_eq!(told["error.type"], "panic".into());
        assert_eq!(told.get("rpc.response.status_code"), status.map(Into::into).as_ref());
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_by_a_panic_elsewhere_is_no_panic_of_its_own() {
    // H-07A
    let telemetry = Telemetry::new();
    let hangs = tower::service_fn(async |_: Request<String>| {
        future::pending::<Result<Response<Guarded>, Infallible>>().await
    });
    let client = telemetry.client().layer(hangs);
    let caller = std::panic::AssertUnwindSafe(|| {
        let mut client = client;
        let mut call = pin!(client.call(Request::new(String::new())));
        assert!(call.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_pending());
        panic!("on purpose");
    });
    assert!(std::panic::catch_unwind(caller).is_err());
    let [span] = telemetry.spans().await;
    assert!(span.attributes.iter().all(|attribute| attribute.key.as_str() != "error.type"));
}

#[tokio::test]
async fn what_a_future_keeps_beyond_its_answer_sees_its_span() {
    let (telemetry, notes) = (Telemetry::new(), Notes::default());
    let service = tower::service_fn(|_: Request<String>| {
        let guard = notes.guard();
        future::poll_fn(move |_| {
            let _kept = &guard;
            Poll::Ready(Ok::<_, Infallible>(Response::new(String::from("answer"))))
        })
    });
    let response = telemetry.server().layer(service).oneshot(Request::new(String::new())).await.unwrap();
    let dropped = notes.take();
    drop(response);
    assert_eq!(dropped, [(id(&telemetry.ended()[0]), true)]);
}
