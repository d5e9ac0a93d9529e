//! All files, and what became of each: the same, grown, renamed, copied, truncated, deleted.

mod kin; // which known file another one is
mod name; // what is told of its name
mod traces; // where a file went
mod truth; // whether it is still the one that it was

use super::{
    Options, StartAt,
    content::Content,
    identity::{Identity, has_name},
    ledger::Id,
    search::Found,
    tail::Tail,
};
use name::{directory, labels};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::{self, Metadata},
    io,
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

/// How long a file that was renamed may be quiet until it is closed: who writes it may not have noticed yet.
const LINGER: Duration = Duration::from_secs(10);

/// The same for one that was deleted, whose place on disk is free only then.
const LINGER_DELETED: Duration = Duration::from_secs(1);

/// How long a file that is nowhere is remembered: it may come back, or its copy.
const REMEMBERED: Duration = Duration::from_secs(600);

/// How many of these.
const MAX_REMEMBERED: usize = 1000;

/// How many faults are remembered as said.
const MAX_TOLD: usize = 1000;

/// All files that are known.
pub(super) struct Files {
    options: Options,
    pub(super) tails: BTreeMap<Id, Tail>,
    by_identity: HashMap<Identity, Id>,
    /// Files that hold what another one holds, and how things stood when that was found out.
    copies: HashMap<Identity, Stamp>,
    /// Grows whenever a copy may have become the only one.
    epoch: u64,
    /// What went wrong since the last look.
    faults: Vec<(PathBuf, io::Error)>,
    /// What was said of which path, until it holds no more.
    told: HashMap<PathBuf, io::ErrorKind>,
    next: u64,
    /// Whether something changed that the next process should know.
    pub(super) is_news: bool,
    /// Whether files that are found now were there before this process.
    is_first: bool,
}

/// The size and time of a file, and the epoch.
type Stamp = (u64, Option<SystemTime>, u64);

/// A file at a path that is looked for, about which it is to be found out which one it is.
struct Candidate {
    path: PathBuf,
    identity: Identity,
    metadata: Metadata,
}

impl Files {
    /// What an earlier process knew; `None`: there was none.
    pub(super) fn new(options: &Options, known: Option<Vec<Tail>>) -> Self {
        let mut files = Files {
            options: options.clone(),
            tails: BTreeMap::new(),
            by_identity: HashMap::new(),
            copies: HashMap::new(),
            epoch: 0,
            faults: Vec::new(),
            told: HashMap::new(),
            next: 0,
            is_news: false,
            is_first: known.is_none(),
        };
        for tail in known.unwrap_or_default() {
            files.add(tail);
        }
        files
    }

    /// Takes in what a look found, and says what is wrong, each thing once.
    pub(super) fn look(&mut self, found: Found, now: Instant) -> Vec<String> {
        let mut faults = found.faults;
        faults.append(&mut self.faults);
        let (here, mut candidates) = self.meet(found.paths, now, &mut faults);
        for (id, tail) in &mut self.tails {
            if !here.contains(id) && tail.gone.is_none() {
                (tail.gone, tail.changed) = (Some(now), now);
                self.epoch += 1;
            }
        }
        self.observe_gone(now);
        self.verify(&here, now, &mut candidates, &mut faults);
        self.trace(now);
        let identities: HashSet<_> = candidates.iter().map(|candidate| candidate.identity).collect();
        self.copies.retain(|identity, _| identities.contains(identity));
        candidates.retain(|candidate| self.is_wanted(candidate));
        for candidate in candidates {
            let path = candidate.path.clone();
            if let Err(fault) = self.adopt(candidate, now) {
                faults.push((path, fault));
            }
        }
        self.forget(now);
        self.is_first = false;
        self.news(faults)
    }

    /// Which files that are known are at these paths, and which others.
    fn meet(
        &mut self,
        paths: Vec<PathBuf>,
        now: Instant,
        faults: &mut Vec<(PathBuf, io::Error)>,
    ) -> (HashSet<Id>, Vec<Candidate>) {
        // Whether one of its names is the one that is known.
        let mut names: HashMap<Id, (bool, PathBuf)> = HashMap::new();
        let mut candidates = Vec::new();
        for path in paths {
            let metadata = match fs::metadata(&path) {
                Ok(metadata) if metadata.is_file() => metadata,
                Err(fault) if fault.kind() != io::ErrorKind::NotFound => {
                    faults.push((path, fault));
                    continue;
                }
                _ => continue,
            };
            let identity = Identity::of(&metadata, &path);
            let known = self.by_identity.get(&identity).copied();
            match known.and_then(|id| Some((id, self.tails.get_mut(&id)?))) {
                Some((id, tail)) => {
                    let is_own = tail.path == path;
                    if let Some(name) = names.get_mut(&id) {
                        name.0 |= is_own;
                        continue;
                    }
                    names.insert(id, (is_own, path));
                    tail.observe(&metadata, now);
                    // It may be another one that got its place on disk.
                    if tail.gone.take().is_some() && tail.content.is_none() {
                        tail.head.clear();
                    }
                }
                None => candidates.push(Candidate { path, identity, metadata }),
            }
        }
        let here = names.keys().copied().collect();
        for (id, (_, path)) in names.into_iter().filter(|(_, (is_own, _))| !is_own) {
            self.rename(id, path);
        }
        (here, candidates)
    }

    /// Opens a file, if it is not, and as few as there may be are; `false`: it has to wait.
    pub(super) fn open(&mut self, id: Id, now: Instant) -> io::Result<bool> {
        let Some(tail) = self.tails.get(&id).filter(|tail| tail.content.is_none()) else { return Ok(true) };
        let path = tail.path.clone();
        if tail.gone.is_some() || !self.make_room() {
            return Ok(false);
        }
        let content = Content::open(&path, self.options.gzip)?;
        let (identity, directory) = (Identity::of(&content.metadata()?, &path), directory(&path));
        let Some(tail) = self.tails.get_mut(&id).filter(|tail| tail.identity == Some(identity)) else {
            // Another file is in its place: the next look will tell.
            return Ok(false);
        };
        (tail.content, tail.directory) = (Some(content), directory);
        tail.head.clear();
        let is_same = tail.learn(self.options.fingerprint_size)?;
        if !is_same {
            self.lose(id, now);
        }
        Ok(is_same)
    }

    /// Learns how a file begins, while it is still short; `false`: it begins otherwise now.
    pub(super) fn learn(&mut self, id: Id) -> io::Result<bool> {
        let length = self.options.fingerprint_size;
        self.tails.get_mut(&id).map_or(Ok(true), |tail| tail.learn(length))
    }

    /// Closes a file that cannot be read; it is opened again.
    pub(super) fn shut(&mut self, id: Id, fault: io::Error) {
        if let Some(tail) = self.tails.get_mut(&id) {
            tail.content = None;
            if self.faults.len() < MAX_TOLD {
                self.faults.push((tail.path.clone(), fault));
            }
        }
    }

    /// How many files are open.
    pub(super) fn opened(&self) -> usize {
        self.tails.values().filter(|tail| tail.content.is_some()).count()
    }

    /// What a file was is no longer there: what is in its place is a new one, and it may have left a copy.
    pub(super) fn replaced(&mut self, id: Id, now: Instant) {
        let Some(old) = self.tails.get_mut(&id) else { return };
        self.epoch += 1;
        let (content, identity) = (old.content.take(), old.identity.take());
        let (is_gone, path) = (old.gone.replace(now), old.path.clone());
        old.changed = now;
        let mut tail = Tail::new(path, Vec::new(), now);
        (tail.content, tail.identity, tail.gone) = (content, identity, is_gone);
        (tail.labels, tail.directory) = (old.labels.clone(), old.directory.clone());
        if let Some(Ok(metadata)) = tail.content.as_ref().map(Content::metadata) {
            tail.observe(&metadata, now);
        }
        self.add(tail);
        self.trace(now);
    }

    /// For how long a file has to be quiet until its rest is whole.
    pub(super) fn quiet(&self, tail: &Tail) -> Option<Duration> {
        let period = self.options.force_flush_period;
        match tail.gone {
            Some(_) => Some(linger(tail)),
            None => Some(period).filter(|period| !period.is_zero()),
        }
    }

    /// The paths of files that are elsewhere now and not read to their end: what is in their place comes after them.
    pub(super) fn predecessors(&self, now: Instant) -> HashSet<PathBuf> {
        let is_before = |tail: &&Tail| {
            tail.gone.is_some() && tail.content.is_some() && tail.is_ready(self.quiet(tail), now)
        };
        self.tails.values().filter(is_before).map(|tail| tail.path.clone()).collect()
    }

    /// Closes a file that is nowhere any more and has nothing more to tell.
    pub(super) fn close(&mut self, id: Id, now: Instant) {
        if let Some(tail) = self.tails.get_mut(&id)
            && tail.gone.is_some()
            && tail.content.is_some()
            && now.duration_since(tail.changed) >= linger(tail)
        {
            tail.content = None;
            self.epoch += 1;
        }
    }

    /// Looks at what is open and has no name that is looked for.
    fn observe_gone(&mut self, now: Instant) {
        for tail in self.tails.values_mut().filter(|tail| tail.gone.is_some()) {
            if let Some(Ok(metadata)) = tail.content.as_ref().map(Content::metadata) {
                tail.observe(&metadata, now);
            }
        }
    }

    fn add(&mut self, tail: Tail) -> Id {
        self.next += 1;
        self.is_news = true;
        let id = Id(self.next);
        if let Some(identity) = tail.identity {
            self.by_identity.insert(identity, id);
        }
        self.tails.insert(id, tail);
        id
    }

    fn stamp(&self, metadata: &Metadata) -> Stamp {
        (metadata.len(), metadata.modified().ok(), self.epoch)
    }

    fn is_wanted(&self, candidate: &Candidate) -> bool {
        let age = || candidate.metadata.modified().ok()?.elapsed().ok();
        let is_old =
            self.options.exclude_older_than.is_some_and(|oldest| age().is_some_and(|age| age > oldest));
        let is_copy = self.copies.get(&candidate.identity) == Some(&self.stamp(&candidate.metadata));
        candidate.metadata.len() > 0 && !is_old && !is_copy
    }

    /// A file that is open somewhere else is made room for by one that is read and can be opened again.
    fn make_room(&mut self) -> bool {
        if self.opened() < self.options.max_concurrent_files {
            return true;
        }
        let now = Instant::now();
        let idle =
            |tail: &&mut Tail| tail.content.is_some() && tail.gone.is_none() && !tail.is_ready(None, now);
        let victim = self.tails.values_mut().filter(idle).min_by_key(|tail| tail.changed);
        victim.is_some_and(|tail| tail.content.take().is_some())
    }

    fn rename(&mut self, id: Id, path: PathBuf) {
        let labels = labels(&self.options, &path);
        self.is_news = true;
        if let Some(tail) = self.tails.get_mut(&id) {
            tail.former = Some(std::mem::replace(&mut tail.path, path));
            (tail.labels, tail.directory) = (labels, directory(&tail.path));
        }
    }

    /// What is nowhere for long, or too many of these.
    fn forget(&mut self, now: Instant) {
        let is_lost = |tail: &Tail| !tail.is_live();
        let mut lost: Vec<_> = self
            .tails
            .iter()
            .filter(|(_, tail)| is_lost(tail))
            .filter_map(|(id, tail)| Some((tail.gone?, *id)))
            .collect();
        lost.sort();
        let excess = lost.len().saturating_sub(MAX_REMEMBERED);
        for (at, (gone, id)) in lost.into_iter().enumerate() {
            if at < excess || now.duration_since(gone) > REMEMBERED {
                self.is_news = true;
                let identity = self.tails.remove(&id).and_then(|tail| tail.identity);
                if let Some(identity) =
                    identity.filter(|identity| self.by_identity.get(identity) == Some(&id))
                {
                    self.by_identity.remove(&identity);
                }
            }
        }
    }

    fn news(&mut self, faults: Vec<(PathBuf, io::Error)>) -> Vec<String> {
        let mut news = Vec::new();
        let mut told = HashMap::new();
        for (path, fault) in faults.into_iter().take(MAX_TOLD) {
            if self.told.get(&path) != Some(&fault.kind()) {
                news.push(format!("{path:?} cannot be read: {fault}; it is tried again"));
            }
            told.insert(path, fault.kind());
        }
        self.told = told;
        news
    }
}

fn linger(tail: &Tail) -> Duration {
    let is_deleted = tail
        .content
        .as_ref()
        .and_then(|content| content.metadata().ok())
        .is_some_and(|metadata| !has_name(&metadata));
    if is_deleted { LINGER_DELETED } else { LINGER }
}
