//! One attempt to deliver one request, by whichever way the destination asks for.

use crate::{Answer, Destination, Error, Heard, Inlet, Protocol, Signal, http::HttpTransport};
use bytes::Bytes;
use std::time::SystemTime;

pub(crate) enum Transport {
    Local(Signal, Inlet),
    Http(Box<HttpTransport>),
    #[cfg(feature = "grpc")]
    Grpc(Box<HttpTransport>),
}

impl Transport {
    pub(crate) fn new(signal: Signal, destination: &Destination) -> Result<Self, Error> {
        Ok(match destination {
            Destination::Local(inlet) => Transport::Local(signal, inlet.clone()),
            Destination::Remote(remote) => match remote.protocol {
                Protocol::HttpProtobuf => {
                    Transport::Http(Box::new(HttpTransport::new(signal, remote.clone())?))
                }
                Protocol::HttpJson => {
                    return Err(Error(format!("{remote}: http/json is not there yet; use http/protobuf")));
                }
                #[cfg(feature = "grpc")]
                Protocol::Grpc => Transport::Grpc(Box::new(HttpTransport::new(signal, remote.clone())?)),
                #[cfg(not(feature = "grpc"))]
                Protocol::Grpc => {
                    return Err(Error(format!(
                        "{remote}: needs the feature `grpc`; turn it on, or use http/protobuf"
                    )));
                }
            },
        })
    }

    /// One attempt within the destination's time limit.
    pub(crate) async fn attempt(&mut self, body: Bytes) -> Answer {
        match self {
            Transport::Local(signal, inlet) => inlet.accept(*signal, body),
            Transport::Http(http) => {
                http.renew();
                let answer = within(http, http.send(body)).await;
                answer.unwrap_or_else(|| http.silent())
            }
            #[cfg(feature = "grpc")]
            Transport::Grpc(http) => {
                http.renew();
                let answer = within(http, http.send_grpc(body)).await;
                answer.unwrap_or_else(|| http.silent())
            }
        }
    }

    /// Who answered last, and when by their clock.
    pub(crate) fn heard(&self) -> (Heard, Option<SystemTime>) {
        match self {
            Transport::Local(..) => (Heard::Nothing, None),
            Transport::Http(http) => http.heard(),
            #[cfg(feature = "grpc")]
            Transport::Grpc(http) => http.heard(),
        }
    }
}

/// The answer, unless the destination's time limit is over first.
async fn within(http: &HttpTransport, attempt: impl Future<Output = Answer>) -> Option<Answer> {
    match http.remote.timeout {
        limit if limit.is_zero() => Some(attempt.await),
        limit => tokio::time::timeout(limit, attempt).await.ok(),
    }
}
