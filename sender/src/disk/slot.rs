//! One directory a process, though several processes use the same place.

use super::lock::{Lock, lock};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// More processes than this do not share a place.
const MOST_SLOTS: usize = 1024;

/// A directory that belongs to this process for as long as this lives.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) directory: PathBuf,
    _lock: Lock,
}

impl Slot {
    /// The first free slot below a place, made if there is none, and all others whose processes have ended.
    pub(super) fn claim(home: &Path) -> io::Result<(Slot, Vec<Slot>)> {
        let mut free = Vec::new();
        for number in 0..MOST_SLOTS {
            let directory = home.join(format!("process-{number}"));
            // A slot is never removed: else two could hold the lock of what had one name.
            let known = directory.is_dir();
            if !known && !free.is_empty() {
                break;
            }
            make(&directory)?;
            free.extend(Slot::try_claim(directory)?);
            if !known && !free.is_empty() {
                break;
            }
        }
        let mut free = free.into_iter();
        let own = free.next().ok_or_else(|| io::Error::other("too many processes use the directory"))?;
        Ok((own, free.collect()))
    }

    /// The first slot of nobody that passes the test.
    pub(super) fn claim_if(home: &Path, test: impl Fn(&Path) -> io::Result<bool>) -> io::Result<Slot> {
        for number in 0..MOST_SLOTS {
            let directory = home.join(format!("process-{number}"));
            make(&directory)?;
            if let Some(slot) = Slot::try_claim(directory)?
                && test(&slot.directory)?
            {
                return Ok(slot);
            }
        }
        Err(io::Error::other("too many processes use the directory"))
    }

    /// `None` if the process that it belongs to lives.
    pub(super) fn try_claim(directory: PathBuf) -> io::Result<Option<Slot>> {
        Ok(lock(&directory.join("lock"))?.map(|lock| Slot { directory, _lock: lock }))
    }

    /// The slots below a place that belong to nobody.
    pub(super) fn unclaimed(home: &Path) -> Vec<Slot> {
        let directories = (0..MOST_SLOTS).map(|number| home.join(format!("process-{number}")));
        let known = directories.take_while(|directory| directory.is_dir());
        known.filter_map(|directory| Slot::try_claim(directory).ok().flatten()).collect()
    }
}

/// Whether a directory can be made, written and locked in.
pub(super) fn check(directory: &Path) -> io::Result<()> {
    make(directory)?;
    let path = directory.join(format!("check-{}", std::process::id()));
    drop(lock(&path)?);
    fs::remove_file(path)
}

/// Makes a directory that only its user can look into.
fn make(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::tests::Place;

    #[test]
    fn each_holder_has_a_slot_of_its_own_and_gets_those_that_were_left() {
        let place = Place::new();
        let numbers = |slots: &[Slot]| {
            slots.iter().map(|slot| slot.directory.file_name().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let (first, others) = Slot::claim(&place.0).unwrap();
        assert_eq!((numbers(&[first]), others.len()), (vec!["process-0".into()], 0));
        let (first, _) = Slot::claim(&place.0).unwrap();
        let (second, _) = Slot::claim(&place.0).unwrap();
        let (third, others) = Slot::claim(&place.0).unwrap();
        assert_eq!(others.len(), 0);
        drop((first, third));
        let (own, left) = Slot::claim(&place.0).unwrap();
        assert_eq!((numbers(&[own]), numbers(&left)), (vec!["process-0".into()], vec!["process-2".into()]));
        drop((second, left));
        assert_eq!(numbers(&Slot::unclaimed(&place.0)), ["process-0", "process-1", "process-2"]);
    }
}
