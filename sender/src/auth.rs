//! Values of the `Authorization` header, made so that nobody base64-encodes by hand.

use crate::file::Watched;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderValue;
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// Who sends, for the `Authorization` header of each request. `Debug` shows neither user nor secret.
///
/// ```
/// use throughline_sender::{Credentials, Protocol, Remote, Secret};
///
/// let mut remote = Remote::new(Protocol::HttpProtobuf, "https://example.com/otlp/v1/traces".parse()?);
/// remote.credentials = Some(Credentials::Basic {
///     user: "1234".into(),
///     password: Secret::file("/var/run/secrets/grafana/token"),
/// });
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[derive(Clone)]
pub enum Credentials {
    /// A user and a password (RFC 7617). For Grafana Cloud the user is the OTLP instance id and the password an access
    /// policy token (B-031).
    Basic {
        /// Without a colon.
        user: String,
        /// May be empty.
        password: Secret,
    },
    /// A token (RFC 6750).
    Bearer(Secret),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Credentials::Basic { password, .. } => f.debug_tuple("Basic").field(password).finish(),
            Credentials::Bearer(token) => f.debug_tuple("Bearer").field(token).finish(),
        }
    }
}

/// A password or token, or the file that holds it. It has no `Display`, and `Debug` shows only the path.
///
/// A file is read when the sender starts, where one that cannot be read is an error, and again before a request if it
/// changed, also by the swap of a link as Kubernetes does it. A newline at its end is not part of the secret. If it
/// cannot be read later, that is said once and what was read before stays in use. It is read up to 64 KiB.
#[derive(Clone)]
pub struct Secret(Source);

#[derive(Clone)]
enum Source {
    Value(String),
    File(PathBuf),
}

impl Secret {
    /// The secret itself.
    pub fn value(secret: impl Into<String>) -> Self {
        Secret(Source::Value(secret.into()))
    }

    /// The secret in a file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Secret(Source::File(path.into()))
    }

    /// The file, if it is in one.
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Source::Value(_) => None,
            Source::File(path) => Some(path),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Value(_) => f.write_str("Secret"),
            Source::File(path) => f.debug_tuple("Secret").field(path).finish(),
        }
    }
}

/// The header value for a user and a password (RFC 7617), marked as sensitive: it stays out of `Debug`.
///
/// For Grafana Cloud the user is the OTLP instance id and the password an access policy token (B-031).
///
/// ```
/// let value = throughline_sender::basic("user", "pass");
/// assert_eq!(value.to_str()?, "Basic dXNlcjpwYXNz");
/// assert_eq!(format!("{value:?}"), "Sensitive");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn basic(user: &str, password: &str) -> HeaderValue {
    let encoded = STANDARD.encode(format!("{user}:{password}"));
    // Base64 and "Basic " are visible ASCII, which a header value always takes.
    let mut value = HeaderValue::try_from(format!("Basic {encoded}"))
        .unwrap_or_else(|_| HeaderValue::from_static("Basic"));
    value.set_sensitive(true);
    value
}

/// The header value for a token (RFC 6750), marked as sensitive; `None` if the token has characters that a
/// header cannot hold.
///
/// ```
/// assert_eq!(throughline_sender::bearer("abc").unwrap().to_str()?, "Bearer abc");
/// assert!(throughline_sender::bearer("line\nbreak").is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn bearer(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The password in such a value as [`basic`] makes.
pub(crate) fn password(value: &str) -> Option<String> {
    let (_, encoded) = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))?;
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    Some(pair.split_once(':')?.1.to_owned())
}

/// A secret is short; whatever is longer is another file.
const MAX_SECRET_BYTES: u64 = 64 << 10;

/// The header value of credentials, made anew when the file of the secret changes: what a sender shows, and what a
/// receiver wants to see.
pub struct Authorization {
    user: Option<String>,
    file: Option<Watched>,
    secret: String,
    value: HeaderValue,
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization").finish_non_exhaustive()
    }
}

impl Authorization {
    /// Reads the secret.
    ///
    /// # Errors
    /// If the file of the secret cannot be read or is empty, or the secret cannot stand in a header, or the user has a
    /// colon.
    pub fn new(credentials: &Credentials) -> Result<Self, String> {
        let (user, secret) = match credentials {
            Credentials::Basic { user, .. } if user.contains(':') => {
                return Err("the user has a colon, which ends a user".into());
            }
            Credentials::Basic { user, password } => (Some(user.clone()), password),
            Credentials::Bearer(token) => (None, token),
        };
        let (file, secret) = match &secret.0 {
            Source::Value(secret) => (None, secret.clone()),
            Source::File(path) => {
                let mut file = Watched::new(path, MAX_SECRET_BYTES);
                let secret = read(&mut file)?;
                (Some(file), secret)
            }
        };
        let value = header(user.as_deref(), file.as_ref(), &secret)?;
        Ok(Authorization { user, file, secret, value })
    }

    /// The value of the header.
    pub fn value(&self) -> &HeaderValue {
        &self.value
    }

    /// The password or token.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// Whether the file has changed since it was last read, be it only that it can no longer be found.
    pub fn has_changed(&self) -> bool {
        self.file.as_ref().is_some_and(Watched::has_changed)
    }

    /// Reads the file again if it changed. After a fault the value stays what it was.
    ///
    /// # Errors
    /// As for [`new`](Self::new), once for each change.
    pub fn renew(&mut self) -> Result<(), String> {
        if let Some(file) = self.file.as_mut().filter(|file| file.has_changed()) {
            let secret = read(file)?;
            self.value = header(self.user.as_deref(), Some(file), &secret)?;
            self.secret = secret;
        }
        Ok(())
    }
}

fn read(file: &mut Watched) -> Result<String, String> {
    let bytes = file.read()?;
    let path = file.path().display();
    let text = std::str::from_utf8(&bytes).map_err(|_| format!("{path} is not text in UTF-8"))?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    match line.strip_suffix('\r').unwrap_or(line) {
        "" => Err(format!("{path} is empty")),
        secret => Ok(secret.to_owned()),
    }
}

fn header(user: Option<&str>, file: Option<&Watched>, secret: &str) -> Result<HeaderValue, String> {
    let value = match user {
        Some(user) => Some(basic(user, secret)),
        None => bearer(secret),
    };
    value.ok_or_else(|| {
        let thing = file.map_or("the token".into(), |file| file.path().display().to_string());
        format!("{thing} has characters that a header cannot hold")
    })
}
