//! Which route served a request.
//!
//! A route names the span (`GET /users/{id}`) and is the attribute `http.route` of the span and of its
//! duration. It is always a *template* of few values, never the path (semantic conventions, `http.route`).
//!
//! With the feature `axum` it is axum's `MatchedPath`, in axum's own syntax (`/users/{id}`, `/files/{*rest}`)
//! and with the prefix of every `nest`. Requests that no route matched have none, and so have requests
//! whose layer was put around the whole router instead of into it with `Router::layer`, or that went on into a
//! `nest_service`: unless a layer further in hands its route up.
//!
//! Anything else that knows the route says so with a [`Route`] in the extensions of the request (before the
//! layer) or of the response (after it):
//!
//! ```
//! use http::{Request, Response};
//! use throughline_middleware::Route;
//!
//! async fn serve(request: Request<String>) -> Response<String> {
//!     let route = if request.uri().path().starts_with("/users/") { "/users/{id}" } else { "/{*rest}" };
//!     let mut response = Response::new(String::from("hello"));
//!     response.extensions_mut().insert(Route::new(route));
//!     response
//! }
//! ```
//!
//! A route in the response beats one in the request, and both beat `MatchedPath`.

use std::sync::Arc;

use http::Extensions;
use opentelemetry::StringValue;

use crate::series::Names;

/// The template of the route that serves a request, put into the extensions of a request or response.
///
/// Cheap to clone: make it once per route and insert clones. Give it few different values: each becomes a
/// span name and a series of the duration metric.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route(Arc<str>);

impl Route {
    /// Makes a route from its template, for example `/users/{id}`.
    ///
    /// ```
    /// # use throughline_middleware::Route;
    /// assert_eq!(Route::new("/users/{id}").as_str(), "/users/{id}");
    /// ```
    pub fn new(template: impl Into<Arc<str>>) -> Self {
        Self(template.into())
    }

    /// Returns the template.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Finds the route in a request's extensions.
    pub(crate) fn of_request(extensions: &Extensions) -> Option<Self> {
        extensions.get::<Self>().cloned().or_else(|| matched_path(extensions).map(Self::new))
    }

    /// Finds the route in a request's extensions, as a text that is shared with earlier requests.
    pub(crate) fn shared_of_request(extensions: &Extensions, names: &Names) -> Option<StringValue> {
        match extensions.get::<Self>() {
            Some(route) => Some(route.clone().into_value()),
            None => matched_path(extensions).map(|path| names.shared(path)),
        }
    }

    /// Finds the route that became known while the request was served.
    pub(crate) fn of_response(extensions: &Extensions) -> Option<Self> {
        extensions.get::<Self>().cloned()
    }

    /// Gives the template away as the value of an attribute.
    pub(crate) fn into_value(self) -> StringValue {
        self.0.into()
    }
}

#[cfg(feature = "axum")]
fn matched_path(extensions: &Extensions) -> Option<&str> {
    extensions.get::<axum::extract::MatchedPath>().map(axum::extract::MatchedPath::as_str)
}

#[cfg(not(feature = "axum"))]
fn matched_path(_extensions: &Extensions) -> Option<&str> {
    None
}
