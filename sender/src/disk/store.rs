//! The requests of one sender on disk. All of it blocks.

use super::{
    Disk,
    segment::{self, EMPTY_BYTES, Fate, Fault, Left, Record, bytes_for},
    slot::Slot,
};
use crate::{Credentials, Destination, Error, Request, Signal};
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::SystemTime,
};

/// A file that is larger gets no more records. A file is deleted when all of its records are done, and a broken
/// head makes what follows it in its file unreadable: both speak for small ones.
const SEGMENT_BYTES: u64 = 1 << 20;
const ENDING: &str = ".otlp";

/// Where a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    segment: u64,
    record: Record,
}

impl Place {
    pub(crate) fn items(&self) -> u64 {
        self.record.items
    }

    pub(crate) fn bytes(&self) -> usize {
        self.record.length as usize
    }
}

/// What is to be noted of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Note {
    Fate(Fate),
    /// So many of its items, the first ones, have been delivered or refused.
    Settled(u64),
}

/// A request that an earlier process left.
#[derive(Debug)]
pub(crate) struct FoundRequest {
    pub(crate) place: Place,
    /// It may have been taken already.
    pub(crate) attempted: bool,
    /// So many of its items, the first ones, have been delivered or refused.
    pub(crate) settled: u64,
}

/// What was on disk at the start.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Oldest first.
    pub(crate) requests: Vec<FoundRequest>,
    /// Items of requests that cannot be read.
    pub(crate) torn: u64,
    /// What an operator should know.
    pub(crate) notices: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Store {
    home: PathBuf,
    slot: Slot,
    limit: u64,
    used: u64,
    /// Bytes of all stores that share the limit, this one among them.
    shared: Arc<AtomicU64>,
    /// By name, which is the time of the making.
    segments: BTreeMap<u64, Segment>,
    /// Takes the next records.
    current: Option<u64>,
}

#[derive(Debug, Default)]
struct Segment {
    bytes: u64,
    waiting: usize,
}

impl Store {
    /// Takes a directory for this process, and what earlier processes left for the same destination.
    pub(crate) fn open(
        disk: &Disk,
        signal: Signal,
        destination: &Destination,
    ) -> Result<(Store, Found), Error> {
        Store::of_group(disk, signal, destination, &Arc::default())
    }

    /// The same, for the first of several that share a limit.
    pub(crate) fn of_group(
        disk: &Disk,
        signal: Signal,
        destination: &Destination,
        shared: &Arc<AtomicU64>,
    ) -> Result<(Store, Found), Error> {
        let home = disk.directory.join(name(signal, destination));
        let open = || {
            let (slot, left) = Slot::claim(&home)?;
            for slot_left in &left {
                adopt(&slot, slot_left)?;
            }
            let mut store = Store::in_slot(disk, &home, slot, shared);
            let found = store.scan()?;
            Ok((store, found))
        };
        open().map_err(|error: io::Error| disk.unusable(&error))
    }

    /// One more that shares its limit, with nothing in it: what earlier processes left, the first one has.
    pub(crate) fn beside(
        disk: &Disk,
        signal: Signal,
        destination: &Destination,
        shared: &Arc<AtomicU64>,
    ) -> Result<(Store, Found), Error> {
        let home = disk.directory.join(name(signal, destination));
        let is_empty = |directory: &Path| Ok(names(directory)?.is_empty());
        let slot = Slot::claim_if(&home, is_empty).map_err(|error| disk.unusable(&error))?;
        Ok((Store::in_slot(disk, &home, slot, shared), Found::default()))
    }

    fn in_slot(disk: &Disk, home: &Path, slot: Slot, shared: &Arc<AtomicU64>) -> Store {
        let (home, shared) = (home.to_owned(), shared.clone());
        let (segments, current) = (BTreeMap::new(), None);
        Store { home, slot, limit: disk.bytes, used: 0, shared, segments, current }
    }

    /// Counts bytes of files that are there now.
    fn grow(&mut self, bytes: u64) {
        self.used += bytes;
        self.shared.fetch_add(bytes, Relaxed);
    }

    fn shrink(&mut self, bytes: u64) {
        self.used -= bytes;
        self.shared.fetch_sub(bytes, Relaxed);
    }

    fn scan(&mut self) -> io::Result<Found> {
        let mut found = Found::default();
        let (mut torn, mut foreign) = (0, 0);
        for name in names(&self.slot.directory)? {
            let path = self.path(name);
            let Some(contents) = segment::scan(&path)? else {
                foreign += 1;
                continue;
            };
            if let Some(items) = contents.torn {
                torn += 1;
                found.torn += items;
            }
            if contents.records.is_empty() {
                fs::remove_file(path)?;
                continue;
            }
            self.grow(contents.bytes);
            self.segments.insert(name, Segment { bytes: contents.bytes, waiting: contents.records.len() });
            let place = |Left { record, attempted, settled }| FoundRequest {
                place: Place { segment: name, record },
                attempted,
                settled,
            };
            found.requests.extend(contents.records.into_iter().map(place));
        }
        let directory = self.slot.directory.display();
        if torn > 0 {
            found.notices.push(format!(
                "{torn} requests in {directory} break off, as after a power failure; they are counted as dropped"
            ));
        }
        if foreign > 0 {
            found
                .notices
                .push(format!("{foreign} files in {directory} are not of throughline; they are left alone"));
        }
        Ok(found)
    }

    /// Writes as many of these requests as there is room for, and through to the disk: as [`Fate::Attempted`], until
    /// something else is noted.
    pub(crate) fn append(&mut self, requests: &[Request]) -> io::Result<Vec<Place>> {
        let mut places = Vec::new();
        while places.len() < requests.len() {
            let rest = &requests[places.len()..];
            match self.append_to_one(rest) {
                Ok(written) if written.is_empty() => break,
                Ok(written) => places.extend(written),
                // Some are written: let the caller know of them, and meet the fault at the next call.
                Err(_) if !places.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(places)
    }

    fn append_to_one(&mut self, requests: &[Request]) -> io::Result<Vec<Place>> {
        let current = self.current.and_then(|name| Some((name, self.segments.get(&name)?.bytes)));
        let (name, start) = match current.filter(|(_, bytes)| *bytes < SEGMENT_BYTES) {
            Some(current) => current,
            None => (self.next_name(), 0),
        };
        let mut end = start.max(EMPTY_BYTES);
        let mut fitting = Vec::new();
        for request in requests {
            let more = end + bytes_for(request);
            if self.shared.load(Relaxed) - start + more > self.limit
                || (end >= SEGMENT_BYTES && !fitting.is_empty())
            {
                break;
            }
            end = more;
            fitting.push(request);
        }
        if fitting.is_empty() {
            return Ok(vec![]);
        }
        let (records, end) = match segment::append(&self.path(name), start, &fitting) {
            Ok(written) => written,
            Err(error) => {
                self.current = None;
                // Somebody removed the directory, the lock in it too.
                if error.kind() == io::ErrorKind::NotFound && !self.slot.directory.is_dir() {
                    self.slot = Slot::claim(&self.home)?.0;
                }
                return Err(error);
            }
        };
        if start == 0 {
            sync(&self.slot.directory);
        }
        let segment = self.segments.entry(name).or_default();
        let more = end - segment.bytes;
        segment.bytes = end;
        segment.waiting += records.len();
        self.grow(more);
        self.current = Some(name);
        Ok(records.into_iter().map(|record| Place { segment: name, record }).collect())
    }

    /// Reads a request for an attempt to send it.
    pub(crate) fn read(&self, place: &Place) -> Result<Bytes, Fault> {
        segment::read(&self.path(place.segment), &place.record)
    }

    /// Notes what became of a request; deletes the file with the last one.
    pub(crate) fn note(&mut self, place: &Place, note: Note) -> io::Result<()> {
        let path = self.path(place.segment);
        let fate = match note {
            Note::Settled(items) => return segment::settle(&path, &place.record, items),
            Note::Fate(fate) => fate,
        };
        if fate != Fate::Done {
            return segment::mark(&path, &place.record, fate);
        }
        let Some(segment) = self.segments.get_mut(&place.segment) else { return Ok(()) };
        segment.waiting = segment.waiting.saturating_sub(1);
        if segment.waiting > 0 {
            return segment::mark(&path, &place.record, fate);
        }
        let bytes = segment.bytes;
        self.shrink(bytes);
        self.segments.remove(&place.segment);
        self.current = self.current.filter(|name| *name != place.segment);
        fs::remove_file(path)
    }

    fn path(&self, name: u64) -> PathBuf {
        path(&self.slot.directory, name)
    }

    /// Later than all before, also if the clock was set back.
    fn next_name(&self) -> u64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(since.as_micros()).unwrap_or(0);
        self.segments.keys().next_back().map_or(now, |last| now.max(last.saturating_add(1)))
    }

    /// The most bytes that its files may have.
    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.slot.directory
    }
}

/// What is left is no longer this process's.
impl Drop for Store {
    fn drop(&mut self) {
        self.shrink(self.used);
    }
}

/// Moves what an ended process left into the directory of this one.
fn adopt(slot: &Slot, left: &Slot) -> io::Result<()> {
    for name in names(&left.directory)? {
        let free = (name..=u64::MAX).map(|name| path(&slot.directory, name)).find(|path| !path.exists());
        if let Some(free) = free {
            fs::rename(path(&left.directory, name), free)?;
        }
    }
    Ok(())
}

/// The segments in a directory, oldest first. Other names are nobody's business.
fn names(directory: &Path) -> io::Result<Vec<u64>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let file_name = entry?.file_name();
        let digits = file_name.to_str().and_then(|name| name.strip_suffix(ENDING));
        let Some(name) = digits.filter(|digits| digits.len() == 20).and_then(|digits| digits.parse().ok())
        else {
            continue;
        };
        names.push(name);
    }
    names.sort_unstable();
    Ok(names)
}

fn path(directory: &Path, name: u64) -> PathBuf {
    directory.join(format!("{name:020}{ENDING}"))
}

/// A new name in a directory outlives a power failure only so. Where directories cannot be opened it does anyway.
fn sync(directory: &Path) {
    let _ = fs::File::open(directory).and_then(|directory| directory.sync_all());
}

/// Bytes of telemetry that wait below a directory for destinations that nobody sends to.
pub(super) fn unclaimed(directory: &Path) -> Vec<(String, u64)> {
    let Ok(homes) = fs::read_dir(directory) else { return Vec::new() };
    let waiting = |home: &Path| -> u64 {
        let slots = Slot::unclaimed(home);
        let names = slots.iter().flat_map(|slot| {
            let names = names(&slot.directory).unwrap_or_default();
            names.into_iter().map(|name| path(&slot.directory, name))
        });
        names.filter_map(|path| fs::metadata(path).ok()).map(|file| file.len()).sum()
    };
    let homes = homes.flatten().map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()));
    let mut unclaimed: Vec<_> = homes.map(|(name, home)| (name, waiting(&home))).collect();
    unclaimed.retain(|(_, bytes)| *bytes > 0);
    unclaimed.sort();
    unclaimed
}

/// The same for the same signal and destination in every version: what people can read of it, and a hash of what
/// tells it from others. No secret is part of it.
fn name(signal: Signal, destination: &Destination) -> String {
    let shown = destination.to_string();
    let remote = match destination {
        Destination::Remote(remote) => Some(remote),
        Destination::Balanced(balance) => balance.remotes().first(),
        Destination::Local(_) => None,
    };
    let tenant = remote.and_then(|remote| remote.headers.get("x-scope-orgid"));
    let user = remote.and_then(|remote| remote.credentials.as_ref());
    let tenant = tenant.map_or(&b""[..], |tenant| tenant.as_bytes());
    // Grafana Cloud tells its customers apart by it.
    let user = match user {
        Some(Credentials::Basic { user, .. }) => user.as_bytes(),
        _ => b"",
    };
    let hash = [signal.name().as_bytes(), shown.as_bytes(), tenant, user].join(&0).iter().fold(
        // FNV-1a.
        0xcbf2_9ce4_8422_2325_u64,
        |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3),
    );
    let readable = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let host = shown.split_once("://").map_or(&*shown, |(_, rest)| rest);
    let host: String = host.chars().map(readable).take(60).collect();
    format!("{}-{host}-{hash:016x}", signal.name())
}
