//! Which known file another one is: none, the continuation of one, or a copy.

use super::{
    Candidate, Content, Files, Id, StartAt, Tail,
    name::{directory, labels},
};
use std::{io, path::Path, time::Instant};

/// What a file is to those that are known.
enum Kin {
    /// None of them.
    New,
    /// What is left of this one.
    Rest(Id),
    /// A copy of one that is still there, or will be.
    Copy,
}

impl Files {
    /// Finds out which one it is, and reads it, if it is not there already.
    pub(super) fn adopt(&mut self, candidate: Candidate, now: Instant) -> io::Result<()> {
        let Candidate { path, identity, metadata } = candidate;
        if self.by_identity.contains_key(&identity) {
            // By another name, or found again meanwhile.
            return Ok(());
        }
        let mut content = Content::open(&path, self.options.gzip)?;
        let head = content.head(self.options.fingerprint_size)?;
        if head.is_empty() {
            return Ok(());
        }
        let kin = self.kin(&path, &head, metadata.len(), content.is_compressed(), now)?;
        let id = match kin {
            Kin::Copy => {
                self.copies.insert(identity, self.stamp(&metadata));
                return Ok(());
            }
            Kin::Rest(id) => id,
            Kin::New => {
                let mut tail = Tail::new(path.clone(), head.clone(), now);
                if self.is_first && self.options.start_at == StartAt::End {
                    tail.next = content.length()?;
                }
                self.add(tail)
            }
        };
        let (labels, directory) = (labels(&self.options, &path), directory(&path));
        let has_room = self.make_room();
        self.is_news = true;
        if let Some(tail) = self.tails.get_mut(&id) {
            (tail.path, tail.former, tail.labels, tail.directory) = (path, None, labels, directory);
            (tail.identity, tail.gone, tail.head) = (Some(identity), None, head);
            tail.observe(&metadata, now);
            tail.content = Some(content).filter(|_| has_room);
            self.by_identity.insert(identity, id);
        }
        Ok(())
    }

    fn kin(
        &mut self,
        path: &Path,
        head: &[u8],
        size: u64,
        is_compressed: bool,
        now: Instant,
    ) -> io::Result<Kin> {
        let alike: Vec<Id> =
            self.tails.iter().filter(|(_, tail)| is_alike(tail, path, head)).map(|(id, _)| *id).collect();
        // Those that were known first are the originals of the others.
        for id in alike {
            let Some(tail) = self.tails.get_mut(&id) else { continue };
            if !tail.is_live() {
                match size >= tail.next || is_compressed {
                    true => return Ok(Kin::Rest(id)),
                    false => continue,
                }
            }
            let is_in_its_place = tail.path == path || tail.former.as_deref() == Some(path);
            let has_name = match &tail.content {
                Some(content) => super::has_name(&content.metadata()?),
                None => true,
            };
            if is_in_its_place && has_name {
                // It was renamed, and this one put in its place.
                continue;
            }
            if tail.gone.is_none() && !tail.is_intact()? {
                // It was copied, truncated, and written again.
                self.replaced(id, now);
                return Ok(Kin::Rest(id));
            }
            return Ok(Kin::Copy);
        }
        Ok(Kin::New)
    }
}

/// Whether a file begins as one that is known did; or as one beside it, of which it is a copy that is still made.
fn is_alike(tail: &Tail, path: &Path, head: &[u8]) -> bool {
    let is_beside = || tail.gone.is_none() && tail.path.parent() == path.parent();
    if tail.head.len() > head.len() {
        return tail.head.starts_with(head) && is_beside();
    }
    match tail.head.is_empty() {
        true => tail.fingerprint.begins(head),
        false => head.starts_with(&tail.head),
    }
}
