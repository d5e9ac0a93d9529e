//! How far files are read, where the next process finds it.
//!
//! One small file of JSON, written anew as a whole: beside it, through to the disk, and then in its place. What is in it
//! is delivered; of what the files say it holds nothing but hashes.

use super::{
    Options,
    fingerprint::Fingerprint,
    identity::Identity,
    ledger::{Id, merge},
    tail::Tail,
};
use crate::Error;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    ops::Range,
    path::{Path, PathBuf},
    time::Instant,
};

/// How many places in a file may be open; with more, all between the first and the last is.
const MAX_OPEN: usize = 1000;

const VERSION: u32 = 1;

/// The file, locked for as long as this lives.
pub(super) struct Checkpoints {
    directory: PathBuf,
    path: PathBuf,
    /// What is in it.
    written: Vec<u8>,
    _lock: File,
}

#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    files: Vec<Record>,
}

#[derive(Serialize, Deserialize)]
struct Record {
    path: PathBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    directory: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<Identity>,
    fingerprint: Fingerprint,
    /// Everything before is delivered, …
    offset: u64,
    /// … but not what is here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    open: Vec<(u64, u64)>,
}

impl Checkpoints {
    /// Opens the file of these options, and reads what an earlier process wrote; `None`: there was none.
    pub(super) fn open(options: &Options, directory: &Path) -> Result<(Self, Option<Vec<Tail>>), Error> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        let name: String =
            options.name.chars().map(|letter| if is_plain(letter) { letter } else { '_' }).collect();
        let path = directory.join(format!("{name}.json"));
        let unusable = |fault: io::Error| {
            let words = format!(
                "its storage {directory:?} cannot be used: {fault}; name a directory that can be written"
            );
            Error::file_log(&options.name, words)
        };
        fs::create_dir_all(directory).map_err(unusable)?;
        let lock = create(&directory.join(format!("{name}.lock"))).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let words =
                    format!("its checkpoints {path:?} are another's; end that, or name another directory");
                return Err(Error::file_log(&options.name, words));
            }
            Err(TryLockError::Error(fault)) => return Err(unusable(fault)),
        }
        let written = match fs::read(&path) {
            Ok(written) => written,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(fault) => return Err(unusable(fault)),
        };
        let known = known(&written).map_err(|fault| {
            let words = format!(
                "its checkpoints {path:?} cannot be read: {fault}; delete the file to begin as the first time"
            );
            Error::file_log(&options.name, words)
        })?;
        Ok((Checkpoints { directory: directory.to_owned(), path, written, _lock: lock }, known))
    }

    /// Writes it anew, if something changed; whether it did.
    pub(super) fn write(
        &mut self,
        tails: &BTreeMap<Id, Tail>,
        mut open: HashMap<Id, Vec<Range<u64>>>,
    ) -> io::Result<bool> {
        let is_known = |(_, tail): &(&Id, &Tail)| tail.fingerprint.length() > 0;
        let record = |(id, tail): (&Id, &Tail)| Record::of(tail, open.remove(id).unwrap_or_default());
        let files = tails.iter().filter(is_known).map(record).collect();
        let document = serde_json::to_vec(&Document { version: VERSION, files })?;
        if document == self.written {
            return Ok(false);
        }
        let beside = self.path.with_extension("json.new");
        let mut file = create(&beside)?;
        file.set_len(0)?;
        file.write_all(&document)?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        // Where a directory cannot be written through, the system does it in its own time.
        let _ = File::open(&self.directory).and_then(|directory| directory.sync_all());
        self.written = document;
        Ok(true)
    }
}

impl Record {
    fn of(tail: &Tail, mut open: Vec<Range<u64>>) -> Self {
        open.extend(tail.again.iter().cloned());
        merge(&mut open);
        if let ([first, .., last], true) = (&open[..], open.len() > MAX_OPEN) {
            let all = first.start..last.end;
            open.clear();
            open.push(all);
        }
        Record {
            path: tail.path.clone(),
            directory: tail.directory.clone(),
            identity: tail.identity,
            fingerprint: tail.fingerprint.clone(),
            offset: tail.next,
            open: open.into_iter().map(|range| (range.start, range.end)).collect(),
        }
    }
}

fn known(document: &[u8]) -> Result<Option<Vec<Tail>>, String> {
    if document.is_empty() {
        return Ok(None);
    }
    let Document { version, files } = serde_json::from_slice(document).map_err(|fault| fault.to_string())?;
    if version != VERSION {
        return Err(format!("it is of version {version}"));
    }
    let now = Instant::now();
    let tail = |record: Record| {
        let mut tail = Tail::known(record.path, record.fingerprint, now);
        let mut open = Vec::from_iter(record.open.into_iter().map(|(from, to)| from..to.min(record.offset)));
        open.retain(|range| !range.is_empty());
        merge(&mut open);
        (tail.directory, tail.identity, tail.next) = (record.directory, record.identity, record.offset);
        tail.again = open.into();
        // Until it is found.
        tail.gone = Some(now);
        tail
    };
    Ok(Some(files.into_iter().map(tail).collect()))
}

/// For its user only.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options { name: "file_log/pods".into(), ..Options::default() }
    }

    fn place(test: &str) -> PathBuf {
        std::env::temp_dir().join(format!("throughline-checkpoint-{test}-{}", std::process::id()))
    }

    #[test]
    fn what_is_written_is_known_to_the_next_process_alone() {
        let directory = place("alone");
        let (mut checkpoints, known) = Checkpoints::open(&options(), &directory).unwrap();
        assert!(known.is_none());
        let fault = Checkpoints::open(&options(), &directory).err().unwrap().to_string();
        assert!(fault.ends_with("are another's; end that, or name another directory"), "{fault}");
        let mut tail = Tail::new("/log/a.log".into(), b"hello".to_vec(), Instant::now());
        tail.next = 100;
        tail.again.push_back(10..20);
        let tails = BTreeMap::from([(Id(1), tail)]);
        let open = HashMap::from([(Id(1), vec![20..30, 50..60])]);
        assert!(checkpoints.write(&tails, open.clone()).unwrap());
        assert!(!checkpoints.write(&tails, open).unwrap());
        drop(checkpoints);
        let (_, known) = Checkpoints::open(&options(), &directory).unwrap();
        let [tail] = &known.unwrap()[..] else { panic!() };
        assert_eq!((&tail.path, tail.next), (&PathBuf::from("/log/a.log"), 100));
        assert_eq!(tail.again, [10..30, 50..60]);
        assert!(tail.fingerprint.begins(b"hello, world"));
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_broken_checkpoint_is_no_new_beginning() {
        let directory = place("broken");
        fs::create_dir_all(&directory).unwrap();
        for broken in ["{", r#"{"version":2,"files":[]}"#, "[]"] {
            fs::write(directory.join("file_log_pods.json"), broken).unwrap();
            let fault = Checkpoints::open(&options(), &directory).err().unwrap().to_string();
            assert!(fault.ends_with("; delete the file to begin as the first time"), "{fault}");
        }
        fs::remove_dir_all(directory).unwrap();
    }
}
