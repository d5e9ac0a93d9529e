use super::*;
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory that is removed in the end.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("throughline-keep-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Place(std::env::temp_dir().join(name))
    }

    fn segments(&self) -> Vec<(String, u64)> {
        let entries = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap());
        let mut files: Vec<_> = entries
            .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len()))
            .filter(|(name, _)| name.ends_with(".segment"))
            .collect();
        files.sort();
        files
    }

    /// Keeps bodies, and says what was there before.
    fn keep(&self, bytes: u64, bodies: &[&[u8]]) -> Vec<(Signal, Vec<u8>)> {
        let mut found = Vec::new();
        let options = Options { bytes, ..Options::of(&self.0) };
        let keeper = Keeper::start(&options, |signal, body| found.push((signal, body.to_vec()))).unwrap();
        for body in bodies {
            keeper.keep(Signal::Logs, &Bytes::copy_from_slice(body));
        }
        keeper.close(Duration::from_secs(30));
        found
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn logs(bodies: &[&[u8]]) -> Vec<(Signal, Vec<u8>)> {
    bodies.iter().map(|body| (Signal::Logs, body.to_vec())).collect()
}

#[test]
fn what_was_kept_is_there_after_each_start_in_its_order() {
    let place = Place::new();
    assert_eq!(place.keep(1 << 20, &[b"one", b""]), []);
    assert_eq!(place.keep(1 << 20, &[b"two"]), logs(&[b"one", b""]));
    assert_eq!(place.keep(1 << 20, &[]), logs(&[b"one", b"", b"two"]));
}

#[test]
fn the_oldest_leaves_and_the_bound_holds() {
    let place = Place::new();
    for number in 0..40u8 {
        place.keep(8000, &[&[number; 500], &[number; 300]]);
        assert!(place.segments().iter().map(|(_, size)| size).sum::<u64>() <= 8000);
    }
    let found = place.keep(8000, &[]);
    assert!(found.len() > 10 && found.last().unwrap().1 == [39; 300], "{}", found.len());
    // What is larger than everything is not written.
    place.keep(8000, &[&[7; 9000]]);
    assert_eq!(place.keep(8000, &[]).len(), found.len());
}

#[test]
fn a_record_that_is_broken_off_or_changed_ends_its_segment_and_hurts_no_other() {
    let place = Place::new();
    place.keep(1 << 20, &[b"one", b"two", b"three"]);
    place.keep(1 << 20, &[b"four"]);
    let first = place.0.join(&place.segments()[0].0);
    let whole = fs::read(&first).unwrap();
    for length in 0..whole.len() {
        fs::write(&first, &whole[..length]).unwrap();
        let found = place.keep(1 << 20, &[]);
        let expected = [length >= 12, length >= 24].iter().filter(|is_there| **is_there).count();
        assert_eq!(found, logs(&[&[&b"one"[..], b"two"][..expected], &[b"four"]].concat()), "{length}");
    }
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x40;
        fs::write(&first, &changed).unwrap();
        let found = place.keep(1 << 20, &[]);
        assert_eq!(found.len(), 1 + [12, 24, 38].iter().filter(|end| at >= **end).count(), "{at}");
    }
}

#[test]
fn a_directory_is_for_one_process_and_for_its_user_only() {
    let place = Place::new();
    let keeper = Keeper::start(&Options::of(&place.0), |_, _| ()).unwrap();
    let error = Keeper::start(&Options::of(&place.0), |_, _| ()).err().unwrap();
    assert!(error.to_string().contains("another process keeps its telemetry there"), "{error}");
    keeper.keep(Signal::Logs, &Bytes::from_static(b"x"));
    keeper.close(Duration::from_secs(30));
    #[cfg(unix)]
    for path in [place.0.clone(), place.0.join(&place.segments()[0].0)] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o077, 0);
    }
}
