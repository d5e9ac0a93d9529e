//! The span of the request, for those who serve it.

use opentelemetry::{Context, KeyValue, trace::TraceContextExt};

use crate::leg::Surroundings;

/// The SERVER span of a request, found in its extensions: to tell it what only the handler knows.
///
/// The active span may be another by then, one that `#[instrument]` opened. With the feature `axum` it is an
/// extractor, which never fails:
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use axum::{Router, extract::Path, routing::get};
/// use opentelemetry::KeyValue;
/// use throughline_middleware::{ServerLayer, ServerSpan};
///
/// async fn order(span: ServerSpan, Path(id): Path<u64>) -> String {
///     span.set(KeyValue::new("app.order.id", id as i64));
///     format!("order {id}")
/// }
/// let app: Router = Router::new().route("/orders/{id}", get(order)).layer(ServerLayer::default());
/// # }
/// ```
///
/// A request that is not recorded has none: then nothing is told.
#[derive(Clone, Debug, Default)]
pub struct ServerSpan(Option<Context>);

impl ServerSpan {
    /// Returns the span of an exchange, if it is recorded.
    #[inline]
    pub(crate) fn of(surroundings: &Surroundings) -> Option<Self> {
        match surroundings {
            Surroundings::Exchange(exchange) if exchange.is_recorded() => {
                Some(Self(Some(exchange.context().clone())))
            }
            _ => None,
        }
    }

    /// Sets an attribute of the span, until it ends. opentelemetry_sdk 0.33 does not replace one with the same key: set
    /// each once, and none that the layer sets.
    pub fn set(&self, attribute: KeyValue) {
        if let Some(context) = &self.0 {
            context.span().set_attribute(attribute);
        }
    }

    /// Returns the context of the span, for links and for work that outlives the request; empty if the request
    /// is not recorded.
    pub fn context(&self) -> Context {
        self.0.clone().unwrap_or_default()
    }
}

#[cfg(feature = "axum")]
impl<S: Sync> axum::extract::FromRequestParts<S> for ServerSpan {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        _state: &S,
    ) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}
