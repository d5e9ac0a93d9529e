//! What a refusal is called: a code of gRPC, a status of HTTP, and a `google.rpc.Status` with details (O-055, O-064).

use super::form::Form;
use crate::{
    intake::Refusal,
    otlp::{BadRequest, Detail, Pause, RetryInfo, Rpc, Violation},
};
use http::StatusCode;
use prost::Message;
use serde_json::json;

/// After how many seconds a client that was sent away may come again.
pub(super) const COME_AGAIN: u16 = 1;

/// The codes that are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Ok = 0,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

/// Why there is no success.
pub(super) struct Status {
    pub(super) code: Code,
    pub(super) http: StatusCode,
    pub(super) message: String,
}

impl From<&Refusal> for Status {
    fn from(refusal: &Refusal) -> Self {
        let (code, http) = match refusal {
            Refusal::Malformed(_) => (Code::InvalidArgument, StatusCode::BAD_REQUEST),
            Refusal::TooLarge(_) => (Code::ResourceExhausted, StatusCode::PAYLOAD_TOO_LARGE),
            // Not 408, after which OTLP has clients give up what they hold.
            Refusal::Slow(_) => (Code::DeadlineExceeded, StatusCode::SERVICE_UNAVAILABLE),
            Refusal::Unsupported(_) => (Code::Unimplemented, StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Refusal::Foreign(_) => (Code::PermissionDenied, StatusCode::FORBIDDEN),
            Refusal::Unknown(_) => (Code::Unauthenticated, StatusCode::UNAUTHORIZED),
            Refusal::Unserved(_) => (Code::Unimplemented, StatusCode::NOT_FOUND),
            Refusal::Busy(_) => (Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
        };
        Status { code, http, message: refusal.cause().to_owned() }
    }
}

impl Status {
    pub(super) fn new(code: Code, http: StatusCode, message: &str) -> Self {
        Status { code, http, message: message.to_owned() }
    }

    /// Whether the same request may come again.
    pub(super) fn is_for_now(&self) -> bool {
        self.http == StatusCode::SERVICE_UNAVAILABLE
    }

    /// As a body of this form.
    pub(super) fn body(&self, form: Form) -> Vec<u8> {
        match form {
            Form::Protobuf => self.protobuf(),
            Form::Json => self.json(),
        }
    }

    /// Whether there is more to tell than code and message.
    pub(super) fn has_details(&self) -> bool {
        matches!(self.code, Code::InvalidArgument | Code::Unavailable)
    }

    pub(super) fn protobuf(&self) -> Vec<u8> {
        let detail = |name, value| Detail { type_url: type_url(name), value };
        let details = match self.code {
            Code::InvalidArgument => {
                let violation = Violation { field: "body".to_owned(), description: self.message.clone() };
                vec![detail("BadRequest", BadRequest { violations: vec![violation] }.encode_to_vec())]
            }
            Code::Unavailable => {
                let pause = RetryInfo { pause: Some(Pause { seconds: COME_AGAIN.into() }) };
                vec![detail("RetryInfo", pause.encode_to_vec())]
            }
            _ => Vec::new(),
        };
        Rpc { code: self.code as i32, message: self.message.clone(), details }.encode_to_vec()
    }

    fn json(&self) -> Vec<u8> {
        let mut status = json!({ "code": self.code as i32, "message": self.message });
        let detail = match self.code {
            Code::InvalidArgument => json!({
                "@type": type_url("BadRequest"),
                "fieldViolations": [{ "field": "body", "description": self.message }],
            }),
            Code::Unavailable => {
                json!({ "@type": type_url("RetryInfo"), "retryDelay": format!("{COME_AGAIN}s") })
            }
            _ => return status.to_string().into_bytes(),
        };
        status["details"] = json!([detail]);
        status.to_string().into_bytes()
    }
}

fn type_url(name: &str) -> String {
    format!("type.googleapis.com/google.rpc.{name}")
}
