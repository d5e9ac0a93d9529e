//! The file that lines are appended to, and those before it.

use super::{Options, Tally};
use crate::{scribe::Pen, time::printable};
use bytes::Bytes;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering::Relaxed},
};
use throughline_sender::{Signal, json::to_json};

/// How much is kept before it is written, in bytes.
const BUFFER: usize = 64 * 1024;

/// Appends lines.
pub(super) struct Lines {
    options: Options,
    file: File,
    /// How many bytes of whole lines are in the file.
    length: u64,
    /// Lines that are not in the file yet, and how many.
    kept: Vec<u8>,
    requests: u64,
    has_failed: bool,
    tally: Arc<Tally>,
}

impl Lines {
    /// Opens the file, and makes it if it is not there.
    pub(super) fn open(options: Options, tally: Arc<Tally>) -> io::Result<Lines> {
        let mut file = open(&options.path)?;
        let mut length = file.metadata()?.len();
        if length > 0 && !ends_a_line(&mut file)? {
            file.write_all(b"\n")?;
            length += 1;
        }
        let kept = Vec::new();
        Ok(Lines { options, file, length, kept, requests: 0, has_failed: false, tally })
    }

    /// Writes what is kept: all of it or, as far as it can be seen in the file, nothing.
    fn append(&mut self) -> io::Result<()> {
        if let Err(fault) = self.file.write_all(&self.kept) {
            // A part of a line may be there, which the next attempt would repeat.
            self.file.set_len(self.length)?;
            return Err(fault);
        }
        let bytes = self.kept.len() as u64;
        self.length += bytes;
        self.tally.requests.fetch_add(self.requests, Relaxed);
        self.tally.bytes.fetch_add(bytes, Relaxed);
        self.requests = 0;
        self.kept.clear();
        // A long line leaves no large buffer behind.
        self.kept.shrink_to(2 * BUFFER);
        Ok(())
    }

    /// Begins a new file if a line of this size is too much for this one.
    fn make_room(&mut self, size: u64) -> io::Result<()> {
        let behind = self.length + self.kept.len() as u64;
        if behind == 0 || behind + size <= self.options.max_bytes {
            return Ok(());
        }
        if !self.kept.is_empty() {
            self.append()?;
        }
        let path = &self.options.path;
        match self.options.max_files {
            1 => self.file.set_len(0)?,
            count => {
                // Only those in front of a gap move: an attempt that failed half-way has left one.
                let is_free = |number: &u32| !numbered(path, *number).exists();
                let free = (1..count - 1).find(is_free).unwrap_or(count - 1);
                for number in (1..free).rev() {
                    fs::rename(numbered(path, number), numbered(path, number + 1))?;
                }
                fs::rename(path, numbered(path, 1))?;
                self.file = open(path)?;
            }
        }
        self.length = 0;
        Ok(())
    }

    /// Tells the first fault, and that it is over.
    fn told(&mut self, result: io::Result<()>) -> io::Result<()> {
        let path = printable(&self.options.path.display().to_string());
        match &result {
            Err(fault) if !self.has_failed => {
                tracing::warn!(
                    target: "throughline",
                    "{path} cannot be written: {fault}; up to 16 MiB of requests wait until it can"
                );
            }
            Ok(()) if self.has_failed => tracing::info!(target: "throughline", "{path} is written again"),
            _ => {}
        }
        self.has_failed = result.is_err();
        result
    }
}

impl Pen for Lines {
    fn write(&mut self, signal: Signal, request: &Bytes) -> io::Result<()> {
        let line = match to_json(signal, request) {
            Ok(line) => line,
            Err(fault) => {
                let lost = self.tally.lost.fetch_add(1, Relaxed);
                if lost == 0 {
                    tracing::warn!(target: "throughline", "a request of {} has no JSON: {fault}", signal.name());
                }
                return Ok(());
            }
        };
        let has_room = self.make_room(line.len() as u64 + 1);
        // Also without room: what was taken is kept, and the file gets larger by this one line.
        self.kept.extend_from_slice(&line);
        self.kept.push(b'\n');
        self.requests += 1;
        let result = has_room.and_then(|()| match self.kept.len() < BUFFER {
            true => Ok(()),
            false => self.append(),
        });
        self.told(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = if self.kept.is_empty() { Ok(()) } else { self.append() };
        self.told(result)
    }

    fn lose(&mut self, waiting: usize) {
        self.tally.lost.fetch_add(waiting as u64 + self.requests, Relaxed);
    }
}

/// For reading too, so that its end can be seen. Nobody else may read what programs tell of their users.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn ends_a_line(file: &mut File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// `spans.jsonl` with a number: `spans.1.jsonl`.
fn numbered(path: &Path, number: u32) -> PathBuf {
    match path.extension() {
        Some(extension) => {
            let mut end = std::ffi::OsString::from(format!("{number}."));
            end.push(extension);
            path.with_extension(end)
        }
        None => path.with_extension(number.to_string()),
    }
}
