//! What else runs: who may send and who sends, where things outlive the process, who asks whether it is well.

use super::{
    components::{Component, Components},
    receivers::address,
    schema::Group,
};
use crate::{
    config::file::{
        check::meant,
        document::{Flaw, Node, shown},
    },
    sender::{Credentials, Secret},
};
use std::{net::SocketAddr, path::PathBuf};

/// What hashes of passwords begin with.
const HASHES: [&str; 4] = ["$", "{SHA", "{SSHA", "{CRYPT"];

/// The largest file of users, in bytes.
const MOST_USERS: u64 = 1 << 20;

/// The extensions of a service.
pub(super) struct Extensions<'a> {
    pub(super) running: Vec<Component<'a>>,
    /// Whose names are known, running or not.
    names: Vec<&'a str>,
}

impl<'a> Extensions<'a> {
    pub(super) fn new(running: Vec<Component<'a>>, components: &Components<'a>) -> Self {
        Extensions { running, names: components.names(Group::Extensions).collect() }
    }

    /// Where it answers whether it is well.
    pub(super) fn health(&self, flaws: &mut Vec<Flaw>) -> Option<SocketAddr> {
        let mut all = self.running.iter().filter(|extension| extension.kind.name == "health_check");
        let (first, second) = (all.next()?, all.next());
        if let Some(second) = second {
            flaws.push(Flaw::new(second.line, "there can be one health_check in service.extensions"));
        }
        address(first.node.get("endpoint"), "localhost:13133", &first.path("endpoint"), flaws)
    }

    /// The directory of the storage that a key names.
    pub(super) fn directory(
        &self,
        name: Option<&Node>,
        path: &str,
        flaws: &mut Vec<Flaw>,
    ) -> Option<PathBuf> {
        let storage = self.named(name?, &["file_storage"], path, flaws)?;
        let directory = storage.node.get("directory").and_then(Node::text);
        Some(directory.unwrap_or("/var/lib/otelcol/file_storage").into())
    }

    /// Who may send, by the `auth` of a receiver; empty: everybody.
    pub(super) fn clients(&self, auth: Option<&Node>, path: &str, flaws: &mut Vec<Flaw>) -> Vec<Credentials> {
        let Some(extension) = self.authenticator(auth, path, flaws) else { return Vec::new() };
        if extension.kind.name == "bearertokenauth" {
            return bearer(&extension, flaws).into_iter().collect();
        }
        match extension.node.get("htpasswd") {
            Some(htpasswd) => users(&extension, htpasswd, flaws),
            None => {
                let fault = format!("{path} needs {}", extension.path("htpasswd"));
                flaws.push(Flaw::new(auth.map_or(extension.line, |auth| auth.line), fault));
                Vec::new()
            }
        }
    }

    /// Who sends, by the `auth` of an exporter.
    pub(super) fn sender(
        &self,
        auth: Option<&Node>,
        path: &str,
        flaws: &mut Vec<Flaw>,
    ) -> Option<Credentials> {
        let extension = self.authenticator(auth, path, flaws)?;
        if extension.kind.name == "bearertokenauth" {
            return bearer(&extension, flaws);
        }
        let text = |key| extension.node.path(&["client_auth", key]).and_then(Node::text);
        let password = match (text("password_file"), text("password")) {
            (Some(file), _) => Secret::file(file),
            (None, password) => Secret::value(password.unwrap_or_default()),
        };
        match text("username") {
            Some(user) => Some(Credentials::Basic { user: user.to_owned(), password }),
            None => {
                let fault = format!("{path} needs {}", extension.path("client_auth.username"));
                flaws.push(Flaw::new(auth.map_or(extension.line, |auth| auth.line), fault));
                None
            }
        }
    }

    fn authenticator(&self, auth: Option<&Node>, path: &str, flaws: &mut Vec<Flaw>) -> Option<Component<'a>> {
        let name = auth?.get("authenticator")?;
        self.named(name, &["basicauth", "bearertokenauth"], &format!("{path}.authenticator"), flaws)
    }

    /// The extension of this name that runs and is of one of these kinds.
    fn named(&self, node: &Node, kinds: &[&str], path: &str, flaws: &mut Vec<Flaw>) -> Option<Component<'a>> {
        let name = node.text()?;
        let found = self.running.iter().find(|extension| extension.name == name);
        let fault = match found {
            Some(extension) if kinds.contains(&extension.kind.name) => return Some(*extension),
            Some(_) => format!("{path} is {}, which is none of {}", shown(name), kinds.join(", ")),
            None if self.names.contains(&name) => {
                format!("{path} is {}, which does not run; add it to service.extensions", shown(name))
            }
            None => {
                let way_out = match (meant(name, self.names.iter().copied()), self.names.is_empty()) {
                    (Some(meant), _) => format!("did you mean {}?", shown(meant)),
                    (None, true) => "there are none".to_owned(),
                    (None, false) => format!("there are {}", shown(&self.names.join(", "))),
                };
                format!("{path} is {}, which is not among the extensions; {way_out}", shown(name))
            }
        };
        flaws.push(Flaw::new(node.line, fault));
        None
    }
}

fn bearer(extension: &Component<'_>, flaws: &mut Vec<Flaw>) -> Option<Credentials> {
    let text = |key| extension.node.get(key).and_then(Node::text);
    match (text("filename"), text("token")) {
        (Some(file), _) => Some(Credentials::Bearer(Secret::file(file))),
        (None, Some(token)) => Some(Credentials::Bearer(Secret::value(token))),
        (None, None) => {
            flaws.push(Flaw::new(
                extension.line,
                format!("{} needs token or filename", extension.path("token")),
            ));
            None
        }
    }
}

/// The users of a file and of the lines beside it; of a user that is there twice, the first.
fn users(extension: &Component<'_>, htpasswd: &Node, flaws: &mut Vec<Flaw>) -> Vec<Credentials> {
    let path = extension.path("htpasswd");
    let mut users: Vec<(String, String)> = Vec::new();
    let mut add = |line: usize, text: &str, path: &str, flaws: &mut Vec<Flaw>| {
        for pair in text.lines().map(str::trim).filter(|pair| !pair.is_empty() && !pair.starts_with('#')) {
            // Not repeated: it may be the secret.
            let fault = match pair.split_once(':') {
                Some((_, password)) if HASHES.iter().any(|hash| password.starts_with(hash)) => {
                    "has a password that is hashed, which cannot be read here; write it as it is, into a file that only the collector may read"
                }
                Some((user, password)) if !user.is_empty() => {
                    if users.iter().all(|(known, _)| known != user) {
                        users.push((user.to_owned(), password.to_owned()));
                    }
                    continue;
                }
                _ => "has a line that is not user:password",
            };
            return flaws.push(Flaw::new(line, format!("{path} {fault}")));
        }
    };
    if let Some(node) = htpasswd.get("file") {
        let path = format!("{path}.file");
        match node.text().map(read).unwrap_or_else(|| Ok(String::new())) {
            Ok(text) => add(node.line, &text, &path, flaws),
            Err(fault) => flaws.push(Flaw::new(node.line, format!("{path} cannot be read: {fault}"))),
        }
    }
    if let Some(node) = htpasswd.get("inline") {
        add(node.line, node.text().unwrap_or_default(), &format!("{path}.inline"), flaws);
    }
    if users.is_empty() {
        // Nobody would get in, or, worse, everybody.
        flaws.push(Flaw::new(htpasswd.line, format!("{path} names nobody; write file or inline")));
    }
    let credentials =
        |(user, password): (String, String)| Credentials::Basic { user, password: Secret::value(password) };
    users.into_iter().map(credentials).collect()
}

fn read(path: &str) -> Result<String, String> {
    use std::io::Read;
    let mut text = String::new();
    let words = |error: std::io::Error| error.to_string();
    // Anything else, a pipe for example, may never end.
    if !std::fs::metadata(path).map_err(words)?.is_file() {
        return Err("it is not a file".to_owned());
    }
    let file = std::fs::File::open(path).map_err(words)?;
    file.take(MOST_USERS).read_to_string(&mut text).map_err(words)?;
    Ok(text)
}
