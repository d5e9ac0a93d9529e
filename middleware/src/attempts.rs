//! What a program may say of a request before it leaves.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use crate::route::Route;

/// Counts the attempts of one request: put it into the extensions of the request *before* what retries, and the
/// client layer inside tells each attempt after the first its number, as `http.request.resend_count`.
///
/// ```
/// use http::Request;
/// use throughline_middleware::Attempts;
///
/// let request = Request::get("http://prices:8080/today").extension(Attempts::default()).body(())?;
/// # Ok::<_, http::Error>(())
/// ```
///
/// It counts whatever sends the request again with its extensions: tower's `retry`, if the policy clones the request,
/// redirects of tower-http from 0.7 on. The middleware for reqwest brings its own. Calls of gRPC are not numbered.
#[derive(Clone, Debug, Default)]
pub struct Attempts(Arc<AtomicU32>);

impl Attempts {
    /// Counts an attempt, and returns how many there were before.
    pub(crate) fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// The template of a request's URL, for example `/users/{id}`, put into the extensions of a request that leaves.
///
/// It becomes `url.template` of span and duration, and names the span: `GET /users/{id}`. Give it few values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UrlTemplate(pub(crate) Route);

impl UrlTemplate {
    /// Makes a template; cheap to clone, so make it once.
    ///
    /// ```
    /// use http::Request;
    /// use throughline_middleware::UrlTemplate;
    ///
    /// let request = Request::get("http://users:8080/users/42").extension(UrlTemplate::new("/users/{id}")).body(())?;
    /// # Ok::<_, http::Error>(())
    /// ```
    pub fn new(template: impl Into<Arc<str>>) -> Self {
        Self(Route::new(template))
    }
}
