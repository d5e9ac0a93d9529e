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

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use http::Extensions;
use opentelemetry::StringValue;

/// The template of the route that serves a request, put into the extensions of a request or response.
///
/// Cheap to clone: make it once per route and insert clones. Give it few different values: each becomes a
/// span name and a series of the duration metric.
#[derive(Clone, Debug)]
pub struct Route(Template);

#[derive(Clone, Debug)]
enum Template {
    Text(Arc<str>),
    #[cfg(feature = "axum")]
    Matched(axum::extract::MatchedPath),
}

impl Route {
    /// Makes a route from its template, for example `/users/{id}`.
    ///
    /// ```
    /// # use throughline_middleware::Route;
    /// assert_eq!(Route::new("/users/{id}").as_str(), "/users/{id}");
    /// ```
    pub fn new(template: impl Into<Arc<str>>) -> Self {
        Self(Template::Text(template.into()))
    }

    /// Returns the template.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Template::Text(text) => text,
            #[cfg(feature = "axum")]
            Template::Matched(path) => path.as_str(),
        }
    }

    /// Finds the route in a request's extensions.
    #[inline]
    pub(crate) fn of_request(extensions: &Extensions) -> Option<Self> {
        extensions.get::<Self>().cloned().or_else(|| matched(extensions))
    }

    /// Finds the route that became known while the request was served.
    #[inline]
    pub(crate) fn of_response(extensions: &Extensions) -> Option<Self> {
        extensions.get::<Self>().cloned()
    }

    /// Returns the template as the value of an attribute.
    pub(crate) fn to_value(&self) -> StringValue {
        match &self.0 {
            Template::Text(text) => Arc::clone(text).into(),
            #[cfg(feature = "axum")]
            Template::Matched(path) => Arc::<str>::from(path.as_str()).into(),
        }
    }
}

/// Two routes are equal if their templates are.
impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Route {}

impl Hash for Route {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

#[cfg(feature = "axum")]
fn matched(extensions: &Extensions) -> Option<Route> {
    let path = extensions.get::<axum::extract::MatchedPath>()?;
    Some(Route(Template::Matched(path.clone())))
}

#[cfg(not(feature = "axum"))]
fn matched(_extensions: &Extensions) -> Option<Route> {
    None
}
