//! A gRPC service as generated code makes it, with messages that are plain text and say what is to happen.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::BoxError;
use bytes::{Buf, BufMut, Bytes};
use http_body::Body;
use tokio::sync::Notify;
use tokio_stream::{Stream, StreamExt};
use tonic::{
    Request, Response, Status, Streaming,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    server::{Grpc, NamedService},
};
use tower::Service;

/// Answers `Unary` with what it was asked, `Down` with its words, `Up` with all words in one, `Both` word by word.
///
/// `panic` panics, `hang` never ends, a status by its name in small letters is that status.
#[derive(Clone, Default)]
pub(crate) struct Echo {
    /// Told whenever something hangs.
    pub(crate) hangs: Arc<Notify>,
    /// Told whenever something that hung is dropped.
    pub(crate) dropped: Arc<Notify>,
}

struct Hanging(Arc<Notify>);

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

type Words = Pin<Box<dyn Stream<Item = Result<String, Status>> + Send>>;

impl Echo {
    async fn obey(self, word: String) -> Result<String, Status> {
        match word.as_str() {
            "not_found" => Err(Status::not_found("no such thing")),
            "data_loss" => Err(Status::data_loss("gone")),
            "panic" => panic!("on purpose"),
            "hang" => {
                let _hanging = Hanging(self.dropped);
                self.hangs.notify_one();
                std::future::pending().await
            }
            _ => Ok(word),
        }
    }

    async fn unary(self, request: Request<String>) -> Result<Response<String>, Status> {
        let mut response = Response::new(self.obey(request.into_inner()).await?);
        response.metadata_mut().insert("x-reply", "first".parse().unwrap());
        response.metadata_mut().append("x-reply", "second".parse().unwrap());
        Ok(response)
    }

    async fn down(self, request: Request<String>) -> Result<Response<Words>, Status> {
        let words = Vec::from_iter(request.into_inner().split(' ').map(String::from));
        let words = tokio_stream::iter(words).then(move |word| self.clone().obey(word));
        Ok(Response::new(Box::pin(words)))
    }

    async fn up(self, request: Request<Streaming<String>>) -> Result<Response<String>, Status> {
        let words = request.into_inner().collect::<Result<Vec<_>, _>>().await?;
        Ok(Response::new(words.join(" ")))
    }

    async fn both(self, request: Request<Streaming<String>>) -> Result<Response<Words>, Status> {
        let words = request.into_inner().then(move |word| {
            let echo = self.clone();
            async move { echo.obey(word?).await }
        });
        Ok(Response::new(Box::pin(words)))
    }
}

impl NamedService for Echo {
    const NAME: &'static str = "test.Echo";
}

impl<B> Service<http::Request<B>> for Echo
where
    B: Body<Data = Bytes, Error: Into<BoxError> + Send> + Send + 'static,
{
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let (echo, mut grpc) = (self.clone(), Grpc::new(Text));
        Box::pin(async move {
            Ok(match request.uri().path() {
                "/test.Echo/Unary" => {
                    grpc.unary(tower::service_fn(|asked| echo.clone().unary(asked)), request).await
                }
                "/test.Echo/Down" => {
                    grpc.server_streaming(tower::service_fn(|asked| echo.clone().down(asked)), request).await
                }
                "/test.Echo/Up" => {
                    grpc.client_streaming(tower::service_fn(|asked| echo.clone().up(asked)), request).await
                }
                "/test.Echo/Both" => {
                    grpc.streaming(tower::service_fn(|asked| echo.clone().both(asked)), request).await
                }
                _ => Status::unimplemented("").into_http(),
            })
        })
    }
}

/// Messages that are plain text.
#[derive(Clone, Copy, Default)]
pub(crate) struct Text;

impl Codec for Text {
    type Encode = String;
    type Decode = String;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Text {
    type Item = String;
    type Error = Status;

    fn encode(&mut self, text: String, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(text.as_bytes());
        Ok(())
    }
}

impl Decoder for Text {
    type Item = String;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<String>, Status> {
        let text = buffer.copy_to_bytes(buffer.remaining()).to_vec();
        String::from_utf8(text).map(Some).map_err(|_| Status::internal("no text"))
    }
}
