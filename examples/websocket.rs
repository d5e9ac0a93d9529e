//! A WebSocket: the handshake is a request like any other, and each message a trace of its own that is linked to it.
//!
//! `cargo run --example websocket [ADDRESS]`, then a client, such as `websocat ws://127.0.0.1:8080/chat`. A span as long as the
//! connection would be told when it ends, hours later; server-sent events, which are one answer, are in `options`.

use axum::{
    Router,
    extract::ws::{Message, WebSocket, WebSocketUpgrade},
    response::Response,
    routing::get,
};
use opentelemetry::{
    Context,
    context::FutureExt,
    global,
    trace::{Link, SpanContext, SpanKind, TraceContextExt, Tracer},
};
use std::{error::Error, net::SocketAddr, time::Duration};
use throughline::{Config, Telemetry};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::init(Config::from_env())?;
    let app = Router::new().route("/chat", get(open)).layer(telemetry.server_layer());
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}/chat", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(throughline::stop_signal())
        .await?;
    telemetry.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

async fn open(upgrade: WebSocketUpgrade) -> Response {
    let handshake = Context::current().span().span_context().clone();
    // Messages that never end would fill the memory before they are looked at.
    upgrade.max_message_size(64 * 1024).on_upgrade(|socket| chat(socket, handshake))
}

async fn chat(mut socket: WebSocket, handshake: SpanContext) {
    while let Some(Ok(Message::Text(text))) = socket.recv().await {
        let tracer = global::tracer("chat");
        let span = tracer
            .span_builder("process message")
            .with_kind(SpanKind::Consumer)
            .with_links(vec![Link::with_context(handshake.clone())])
            .start_with_context(&tracer, &Context::new());
        let answer = async {
            tracing::info!(characters = text.chars().count(), "a message");
            socket.send(Message::Text(format!("you said: {text}").into())).await
        };
        if answer.with_context(Context::new().with_span(span)).await.is_err() {
            break;
        }
    }
}
