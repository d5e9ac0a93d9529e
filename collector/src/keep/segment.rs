//! The segments: files of records, of which the oldest leaves when there are too many bytes.
//!
//! ```text
//! record   length of the body, 4 bytes │ signal, 1 │ CRC-32 of both and the body, 4 │ body      little-endian
//! ```

use super::private;
use crate::{scribe::Pen, time::printable, voice};
use bytes::Bytes;
use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Read, Write},
    path::{Path, PathBuf},
};
use throughline_sender::Signal;

/// The bytes in front of a body.
const HEAD: usize = 9;

/// How much is collected before it is written, in bytes.
const BUFFER: usize = 64 * 1024;

/// How many segments there are when they are full, and how many may be there at all: each start begins one.
const SEGMENTS: u64 = 8;
const FILES: usize = 1000;

/// The files, oldest first.
pub(super) struct Segments {
    directory: PathBuf,
    max_bytes: u64,
    /// Their numbers and sizes.
    files: VecDeque<(u64, u64)>,
    /// The newest, once something was written.
    file: Option<File>,
    /// Records that are not in a file yet.
    kept: Vec<u8>,
    has_failed: bool,
}

impl Segments {
    /// Shows all records of the directory, oldest first. What follows goes into a new segment.
    pub(super) fn open(
        directory: &Path,
        max_bytes: u64,
        mut each: impl FnMut(Signal, &[u8]),
    ) -> io::Result<Segments> {
        let mut numbers: Vec<u64> =
            fs::read_dir(directory)?.filter_map(|entry| number(entry.ok()?.file_name().to_str()?)).collect();
        numbers.sort_unstable();
        let mut files = VecDeque::new();
        for number in numbers {
            let path = path(directory, number);
            read(&path, &mut each)?;
            files.push_back((number, fs::metadata(&path)?.len()));
        }
        let directory = directory.to_owned();
        Ok(Segments { directory, max_bytes, files, file: None, kept: Vec::new(), has_failed: false })
    }

    /// Writes what is collected: all of it or, as far as it can be seen in the file, nothing.
    fn append(&mut self) -> io::Result<()> {
        let bytes = self.kept.len() as u64;
        let is_full =
            self.files.back().is_some_and(|(_, size)| *size > 0 && size + bytes > self.max_bytes / SEGMENTS);
        if self.file.is_none() || is_full {
            let next = self.files.back().map_or(1, |(number, _)| number + 1);
            let file =
                private(OpenOptions::new().create_new(true).append(true), &path(&self.directory, next))?;
            self.file = Some(file);
            self.files.push_back((next, 0));
        }
        self.make_room(bytes)?;
        let (Some(file), Some((_, size))) = (&mut self.file, self.files.back_mut()) else { return Ok(()) };
        if let Err(fault) = file.write_all(&self.kept) {
            // A part of a record may be there, which would end the segment.
            file.set_len(*size)?;
            return Err(fault);
        }
        *size += bytes;
        self.kept.clear();
        // A large request leaves no large buffer behind.
        self.kept.shrink_to(2 * BUFFER);
        Ok(())
    }

    /// Removes the oldest segments if so much more would be too much. The newest stays.
    fn make_room(&mut self, bytes: u64) -> io::Result<()> {
        let is_full = |files: &VecDeque<(u64, u64)>| {
            let size: u64 = files.iter().map(|(_, size)| size).sum();
            size + bytes > self.max_bytes || files.len() > FILES
        };
        while self.files.len() > 1 && is_full(&self.files) {
            if let Some((oldest, _)) = self.files.front() {
                match fs::remove_file(path(&self.directory, *oldest)) {
                    Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(fault),
                    _ => self.files.pop_front(),
                };
            }
        }
        Ok(())
    }

    /// Tells the first fault.
    fn told(&mut self, result: io::Result<()>) -> io::Result<()> {
        if let (Err(fault), false) = (&result, self.has_failed) {
            let directory = printable(&self.directory.display().to_string());
            voice::warn(format!(
                "{directory} cannot be written: {fault}; what comes waits in memory, up to 16 MiB"
            ));
        }
        self.has_failed = result.is_err();
        result
    }
}

impl Pen for Segments {
    fn write(&mut self, signal: Signal, request: &Bytes) -> io::Result<()> {
        let Ok(length) = u32::try_from(request.len()) else { return Ok(()) };
        // Larger than all that may be there.
        if u64::from(length) + HEAD as u64 > self.max_bytes {
            return Ok(());
        }
        self.kept.extend_from_slice(&head(length, signal as u8, request));
        self.kept.extend_from_slice(request);
        let result = if self.kept.len() < BUFFER { Ok(()) } else { self.append() };
        self.told(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = if self.kept.is_empty() { Ok(()) } else { self.append() };
        self.told(result)
    }

    fn lose(&mut self, _waiting: usize) {}
}

fn head(length: u32, signal: u8, body: &[u8]) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..4].copy_from_slice(&length.to_le_bytes());
    head[4] = signal;
    let mut sum = crc32fast::Hasher::new();
    sum.update(&head[..5]);
    sum.update(body);
    head[5..].copy_from_slice(&sum.finalize().to_le_bytes());
    head
}

/// Shows the records of a segment, up to the first that is broken.
fn read(path: &Path, each: &mut impl FnMut(Signal, &[u8])) -> io::Result<()> {
    let file = File::open(path)?;
    // A length is believed as far as there are bytes.
    let mut left = file.metadata()?.len();
    let mut reader = BufReader::new(file);
    let mut body = Vec::new();
    let mut known = [0; HEAD];
    while left >= HEAD as u64 && reader.read_exact(&mut known).is_ok() {
        left -= HEAD as u64;
        let length = u32::from_le_bytes([known[0], known[1], known[2], known[3]]);
        let signal = Signal::ALL.into_iter().find(|signal| *signal as u8 == known[4]);
        let Some(signal) = signal.filter(|_| u64::from(length) <= left) else { return Ok(()) };
        body.resize(length as usize, 0);
        reader.read_exact(&mut body)?;
        if head(length, signal as u8, &body) != known {
            return Ok(());
        }
        left -= u64::from(length);
        each(signal, &body);
    }
    Ok(())
}

fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:016}.segment"))
}

/// The number in the name of a segment.
fn number(name: &str) -> Option<u64> {
    name.strip_suffix(".segment").filter(|digits| digits.len() == 16)?.parse().ok()
}
