//! Where a file went that is at no path that is looked for, and is not open: it left while nobody looked.

use super::{Content, Files, Id, Identity, Tail};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long is looked for it: a rename is done at once, a copy or a compression takes a while.
const SEARCHED: Duration = Duration::from_secs(2);

/// How many names of a directory are looked at.
const MAX_NAMES: usize = 10_000;

impl Files {
    /// Opens what is found again: renamed, copied or compressed, in the directory where it was.
    pub(super) fn trace(&mut self, now: Instant) {
        let is_searched = |tail: &Tail| {
            !tail.is_live() && tail.gone.is_some_and(|gone| now.duration_since(gone) < SEARCHED)
        };
        let searched: Vec<Id> =
            self.tails.iter().filter(|(_, tail)| is_searched(tail)).map(|(id, _)| *id).collect();
        for id in searched {
            let Some((path, content)) = self.tails.get(&id).and_then(|tail| self.found(tail)) else {
                continue;
            };
            if !self.make_room() {
                return;
            }
            self.is_news = true;
            if let Some(tail) = self.tails.get_mut(&id) {
                // If it gets a name that is looked for, it is this one.
                let identity = content.metadata().ok().map(|metadata| Identity::of(&metadata, &path));
                let former = std::mem::replace(&mut tail.identity, identity);
                if let Some(former) = former.filter(|former| self.by_identity.get(former) == Some(&id)) {
                    self.by_identity.remove(&former);
                }
                if let Some(identity) = identity {
                    self.by_identity.insert(identity, id);
                }
                tail.content = Some(content);
                tail.changed = now;
            }
        }
    }

    fn found(&self, tail: &Tail) -> Option<(PathBuf, Content)> {
        let directory = tail.directory.as_deref().or_else(|| tail.path.parent())?;
        let name = tail.path.file_name()?.to_string_lossy().into_owned();
        for entry in fs::read_dir(directory).ok()?.flatten().take(MAX_NAMES) {
            let path = entry.path();
            let Some(metadata) = fs::metadata(&path).ok().filter(fs::Metadata::is_file) else { continue };
            let identity = Identity::of(&metadata, &path);
            let is_it = tail.identity == Some(identity);
            let is_other = self.by_identity.contains_key(&identity) && !is_it;
            let has_its_name = entry.file_name().to_string_lossy().starts_with(&name) && path != tail.path;
            // What had the whole fingerprint cannot be another file by chance.
            let may_be_copy =
                has_its_name && tail.fingerprint.length() >= self.options.fingerprint_size.min(64);
            if is_other || !(is_it || may_be_copy) {
                continue;
            }
            if let Some(content) = self.same(tail, &path, metadata.len()) {
                return Some((path, content));
            }
        }
        None
    }

    /// The file, if it begins as the other did, and is no shorter than what was read of that.
    fn same(&self, tail: &Tail, path: &Path, size: u64) -> Option<Content> {
        let mut content = Content::open(path, true).ok()?;
        let head = content.head(self.options.fingerprint_size).ok()?;
        let is_long_enough = content.is_compressed() || size >= tail.next;
        (is_long_enough && tail.fingerprint.begins(&head)).then_some(content)
    }
}
