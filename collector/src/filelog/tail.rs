//! One file, and how far it is read.

use super::{content::Content, cut::Cut, entry::Map, fingerprint::Fingerprint, identity::Identity};
use std::{
    collections::VecDeque,
    fs::Metadata,
    io,
    ops::Range,
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

/// How many bytes are read at once, unless an entry needs more.
pub(super) const CHUNK: usize = 256 * 1024;

/// How many bytes before the place where reading goes on are looked at again: they tell whether the file is still the
/// same. Enough for a few lines, since all may end alike.
const OVERLAP: usize = 1024;

/// A file.
#[derive(Debug)]
pub(super) struct Tail {
    /// Where it is, or was last.
    pub(super) path: PathBuf,
    /// Where it was before that.
    pub(super) former: Option<PathBuf>,
    /// The directory where links lead.
    pub(super) directory: Option<PathBuf>,
    /// What its entries are told of its name.
    pub(super) labels: Map,
    /// What the system knows it by; `None`: its content is no longer there.
    pub(super) identity: Option<Identity>,
    pub(super) fingerprint: Fingerprint,
    /// The bytes that the fingerprint is of, once they were seen.
    pub(super) head: Vec<u8>,
    pub(super) content: Option<Content>,
    /// Since when it is at no path that is looked for.
    pub(super) gone: Option<Instant>,
    /// What an earlier process had read and not delivered.
    pub(super) again: VecDeque<Range<u64>>,
    /// Where what nobody has read begins.
    pub(super) next: u64,
    /// What stands before it.
    before: Vec<u8>,
    size: u64,
    modified: Option<SystemTime>,
    /// When its size or time last changed.
    pub(super) changed: Instant,
    /// Whether there may be something to read.
    is_ready: bool,
    /// Whether it ends with an entry that may not be whole.
    has_rest: bool,
}

/// What one turn of reading came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// There may be more.
    More,
    /// That was all for now.
    Done,
    /// It is no longer the file that it was.
    Replaced,
}

impl Tail {
    /// A file of which nothing is known but how it begins.
    pub(super) fn new(path: PathBuf, head: Vec<u8>, now: Instant) -> Self {
        let fingerprint = Fingerprint::of(&head);
        Tail { head, ..Tail::known(path, fingerprint, now) }
    }

    /// A file that was known before.
    pub(super) fn known(path: PathBuf, fingerprint: Fingerprint, now: Instant) -> Self {
        Tail {
            path,
            former: None,
            directory: None,
            labels: Map::new(),
            identity: None,
            fingerprint,
            head: Vec::new(),
            content: None,
            gone: None,
            again: VecDeque::new(),
            next: 0,
            before: Vec::new(),
            size: 0,
            modified: None,
            changed: now,
            is_ready: true,
            has_rest: false,
        }
    }

    /// Whether it is somewhere where it can be read.
    pub(super) fn is_live(&self) -> bool {
        self.gone.is_none() || self.content.is_some()
    }

    /// Whether this process saw how it begins, or there is nothing to compare with.
    pub(super) fn is_known(&self) -> bool {
        !self.head.is_empty() || self.fingerprint.length() == 0
    }

    /// What the system says of it now.
    pub(super) fn observe(&mut self, metadata: &Metadata, now: Instant) {
        let (size, modified) = (metadata.len(), metadata.modified().ok());
        if size != self.size || modified != self.modified {
            (self.size, self.modified, self.changed, self.is_ready) = (size, modified, now, true);
        }
    }

    /// Whether it is shorter than what was read of it.
    pub(super) fn is_truncated(&self) -> bool {
        let is_compressed = self.content.as_ref().is_some_and(Content::is_compressed);
        self.size < self.next && !is_compressed && self.gone.is_none()
    }

    /// Whether a turn of reading could bring something.
    pub(super) fn is_ready(&self, quiet: Option<Duration>, now: Instant) -> bool {
        self.is_ready || self.is_due(quiet, now)
    }

    /// When its rest counts as an entry.
    pub(super) fn due(&self, quiet: Option<Duration>) -> Option<Instant> {
        self.changed.checked_add(quiet?).filter(|_| self.has_rest)
    }

    fn is_due(&self, quiet: Option<Duration>, now: Instant) -> bool {
        self.due(quiet).is_some_and(|due| due <= now)
    }

    /// What is known of how it begins, of up to so many bytes; `false`: it begins otherwise now.
    pub(super) fn learn(&mut self, length: usize) -> io::Result<bool> {
        let is_whole = self.head.len() >= length;
        let Some(content) = self.content.as_mut().filter(|_| !is_whole) else { return Ok(true) };
        let head = content.head(length)?;
        if self.fingerprint.length() > 0 && !self.fingerprint.begins(&head) {
            return Ok(false);
        }
        // What an earlier process knew by more bytes stays known by these.
        if head.len() > self.fingerprint.length() {
            self.fingerprint = Fingerprint::of(&head);
        }
        self.head = head;
        Ok(true)
    }

    /// Whether what was read of it is still there, as far as can be told.
    pub(super) fn is_intact(&mut self) -> io::Result<bool> {
        let mut seen = vec![0; self.before.len()];
        let at = self.next - seen.len() as u64;
        let Some(content) = &mut self.content else { return Ok(true) };
        Ok(content.read(at, &mut seen)? == seen.len() && seen == self.before)
    }

    /// Reads a part of it, and hands every entry on with its place. At the end, what is there is whole.
    pub(super) fn read(
        &mut self,
        cut: &Cut,
        quiet: Option<Duration>,
        now: Instant,
        buffer: &mut Vec<u8>,
        each: &mut dyn FnMut(&[u8], Range<u64>),
    ) -> io::Result<Turn> {
        let is_quiet = self.is_due(quiet, now);
        let (from, limit) = match self.again.front() {
            Some(range) => (range.start, Some(range.end)),
            None => (self.next, None),
        };
        let Some(content) = &mut self.content else { return Ok(Turn::Done) };
        let overlap = if limit.is_some() { 0 } else { self.before.len() };
        let most = limit.map_or(usize::MAX, |end| usize::try_from(end - from).unwrap_or(usize::MAX));
        let mut want = CHUNK.min(most);
        let (data, taken, is_end) = loop {
            buffer.resize((overlap + want).max(buffer.len()), 0);
            let window = &mut buffer[..overlap + want];
            let count = content.read(from - overlap as u64, window)?;
            if count < overlap || window[..overlap] != self.before[..overlap] {
                return Ok(Turn::Replaced);
            }
            let data = &window[overlap..count];
            let is_end = data.len() < want;
            let is_whole = if limit.is_some() { want == most || is_end } else { is_end && is_quiet };
            // Who writes on at the old place after a truncation leaves a hole.
            let is_hole = limit.is_none() && self.before.iter().all(|byte| *byte == 0);
            let mut taken = if is_hole { cut.hole(data) } else { 0 };
            while let Some(piece) = cut.first(&data[taken..], is_whole) {
                let start = from + taken as u64;
                taken += piece.length;
                each(piece.text, start..start + piece.length as u64);
            }
            if taken > 0 || is_end || want == most || want >= cut.needs() {
                break (data, taken, is_end);
            }
            want = want.saturating_mul(4).min(cut.needs()).min(most);
        };
        let (whole, known) = (taken == data.len(), from + data.len() as u64);
        if limit.is_some() {
            self.advance_again(taken as u64);
        } else {
            // It may have grown since it was looked at.
            if is_end && !content.is_compressed() {
                self.size = self.size.max(known);
            }
            self.before.clear();
            let end = overlap + taken;
            self.before.extend_from_slice(&buffer[end.saturating_sub(OVERLAP)..end]);
            self.next += taken as u64;
            (self.has_rest, self.is_ready) = (!whole, !is_end);
        }
        if buffer.len() > 2 * CHUNK {
            buffer.truncate(2 * CHUNK);
            buffer.shrink_to_fit();
        }
        Ok(if is_end && limit.is_none() { Turn::Done } else { Turn::More })
    }

    fn advance_again(&mut self, taken: u64) {
        let Some(range) = self.again.front_mut() else { return };
        range.start += taken;
        // A file that is shorter now has no more of it.
        if range.is_empty() || taken == 0 {
            self.again.pop_front();
        }
    }
}
