//! Looks for files. A directory that did not change is not read again.

use super::{
    Options,
    pattern::{Excluded, Route, Step},
};
use crate::Error;
use std::{
    collections::{HashMap, HashSet},
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

/// How many files are looked at: more than a node has.
const MAX_PATHS: usize = 1 << 16;

/// How deep `**` goes.
const MAX_DEPTH: usize = 64;

/// A directory that changed so shortly before it was read may change again without a new time: that is how coarse the
/// clocks of file systems are.
const COARSE: Duration = Duration::from_secs(2);

/// Where is looked, and what is known of it.
pub(super) struct Search {
    routes: Vec<Route>,
    excluded: Excluded,
    directories: HashMap<PathBuf, Directory>,
    round: u64,
}

struct Directory {
    modified: Option<SystemTime>,
    read: SystemTime,
    names: Arc<[Name]>,
    /// When it was last asked for.
    round: u64,
}

struct Name {
    name: OsString,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Directory,
    /// It may be one.
    Link,
    Other,
}

/// What one look found.
#[derive(Default)]
pub(super) struct Found {
    /// In the order of the patterns, each once. Some may not be there.
    pub(super) paths: Vec<PathBuf>,
    /// Directories that cannot be read.
    pub(super) faults: Vec<(PathBuf, io::Error)>,
    known: HashSet<PathBuf>,
}

impl Search {
    pub(super) fn new(options: &Options) -> Result<Self, Error> {
        let mut routes = Vec::new();
        for pattern in &options.include {
            routes.extend(Route::of(&options.name, pattern)?);
        }
        let excluded = Excluded::of(&options.name, &options.exclude)?;
        Ok(Search { routes, excluded, directories: HashMap::new(), round: 0 })
    }

    /// All paths that match now.
    pub(super) fn look(&mut self) -> Found {
        self.round += 1;
        let mut found = Found::default();
        // Taken out while it is walked, since the walk remembers directories.
        let routes = std::mem::take(&mut self.routes);
        for route in &routes {
            self.walk(&route.root, &route.steps, 0, &mut found);
        }
        self.routes = routes;
        let round = self.round;
        self.directories.retain(|_, directory| directory.round == round);
        found
    }

    fn walk(&mut self, path: &Path, steps: &[Step], depth: usize, found: &mut Found) {
        let (step, rest) = match steps {
            [] => return self.add(path, found),
            [Step::Name(name), rest @ ..] => return self.walk(&path.join(name), rest, depth, found),
            [step, rest @ ..] => (step, rest),
        };
        if depth > MAX_DEPTH {
            return;
        }
        if *step == Step::Any {
            self.walk(path, rest, depth, found);
        }
        let names = match self.names(path) {
            Ok(names) => names,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return,
            Err(fault) if fault.kind() == io::ErrorKind::NotADirectory => return,
            Err(fault) => return found.faults.push((path.to_owned(), fault)),
        };
        for Name { name, kind } in names.iter() {
            let goes_on = match step {
                // A link could lead in a circle.
                Step::Any => *kind == Kind::Directory,
                _ if rest.is_empty() => *kind != Kind::Directory && step.matches(&name.to_string_lossy()),
                _ => *kind != Kind::Other && step.matches(&name.to_string_lossy()),
            };
            match (goes_on, step) {
                (false, _) => {}
                (true, Step::Any) => self.walk(&path.join(name), steps, depth + 1, found),
                (true, _) => self.walk(&path.join(name), rest, depth + 1, found),
            }
        }
    }

    fn add(&self, path: &Path, found: &mut Found) {
        if self.excluded.holds(path) || !found.known.insert(path.to_owned()) {
            return;
        }
        if found.paths.len() < MAX_PATHS {
            found.paths.push(path.to_owned());
        } else if found.known.len() == MAX_PATHS + 1 {
            let fault = format!("there are more than {MAX_PATHS} files; name fewer");
            found.faults.push((path.to_owned(), io::Error::other(fault)));
        }
    }

    fn names(&mut self, path: &Path) -> io::Result<Arc<[Name]>> {
        let modified = fs::metadata(path)?.modified().ok();
        if let Some(directory) = self.directories.get_mut(path) {
            let age = modified.and_then(|modified| directory.read.duration_since(modified).ok());
            if modified == directory.modified && age.is_some_and(|age| age > COARSE) {
                directory.round = self.round;
                return Ok(Arc::clone(&directory.names));
            }
        }
        let read = SystemTime::now();
        let mut names = Vec::new();
        for entry in fs::read_dir(path)?.take(MAX_PATHS) {
            let entry = entry?;
            let kind = match entry.file_type() {
                Ok(kind) if kind.is_dir() => Kind::Directory,
                Ok(kind) if kind.is_symlink() => Kind::Link,
                _ => Kind::Other,
            };
            names.push(Name { name: entry.file_name(), kind });
        }
        names.sort_by(|one, other| one.name.cmp(&other.name));
        let names: Arc<[Name]> = names.into();
        let directory = Directory { modified, read, names: Arc::clone(&names), round: self.round };
        self.directories.insert(path.to_owned(), directory);
        Ok(names)
    }
}

#[cfg(test)]
mod tests;
