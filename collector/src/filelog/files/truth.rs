//! Whether a file is still the one that it was.

use super::{Candidate, Content, Files, Id, Identity};
use std::{collections::HashSet, fs, io, path::PathBuf, time::Instant};

impl Files {
    /// Truncated files, and those that an earlier process knew and are not what they were.
    pub(super) fn verify(
        &mut self,
        here: &HashSet<Id>,
        now: Instant,
        candidates: &mut Vec<Candidate>,
        faults: &mut Vec<(PathBuf, io::Error)>,
    ) {
        for id in here.iter().copied() {
            let Some(tail) = self.tails.get_mut(&id) else { continue };
            if tail.is_known() {
                if tail.is_truncated() {
                    self.replaced(id, now);
                }
                continue;
            }
            let path = tail.path.clone();
            let head = Content::open(&path, self.options.gzip)
                .and_then(|mut content| content.head(self.options.fingerprint_size));
            match head {
                Ok(head) if tail.fingerprint.begins(&head) => {
                    tail.head = head;
                    if tail.is_truncated() {
                        self.replaced(id, now);
                    }
                }
                Ok(_) => {
                    if let (Some(identity), Ok(metadata)) = (self.lose(id, now), fs::metadata(&path)) {
                        candidates.push(Candidate { path, identity, metadata });
                    }
                }
                Err(fault) => faults.push((path, fault)),
            }
        }
    }

    /// What has its place on disk is another file: what it is, the next look finds out.
    pub(super) fn lose(&mut self, id: Id, now: Instant) -> Option<Identity> {
        let tail = self.tails.get_mut(&id)?;
        let identity = tail.identity.take()?;
        (tail.content, tail.gone) = (None, Some(now));
        self.by_identity.remove(&identity);
        self.epoch += 1;
        Some(identity)
    }
}
