//! The bytes of a file, also of one that is compressed.

use flate2::read::MultiGzDecoder;
use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

/// How many bytes are decompressed at once.
const STEP: usize = 64 * 1024;

/// An open file.
#[derive(Debug)]
pub(super) struct Content {
    file: File,
    gzip: Option<Box<Gzip>>,
}

/// What is decompressed can be read only forwards.
#[derive(Debug, Default)]
struct Gzip {
    decoder: Option<MultiGzDecoder<BufReader<File>>>,
    /// What was decompressed last, and where it begins.
    window: Vec<u8>,
    start: u64,
}

impl Content {
    /// Opens a file; one that is compressed if its name says so.
    pub(super) fn open(path: &Path, gzip: bool) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true);
        let file = options.open(path)?;
        // It may have become something else meanwhile, that never ends.
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
        }
        let is_compressed = gzip && path.extension().is_some_and(|extension| extension == "gz");
        Ok(Content { file, gzip: is_compressed.then(Box::default) })
    }

    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    /// Whether its size is not that of its content.
    pub(super) fn is_compressed(&self) -> bool {
        self.gzip.is_some()
    }

    /// Fills the buffer from a place on; with less if there is no more.
    pub(super) fn read(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(gzip) = &mut self.gzip {
            return gzip.read(&self.file, at, buffer);
        }
        self.file.seek(SeekFrom::Start(at))?;
        fill(&mut self.file, buffer)
    }

    /// The first bytes, as many as there are up to this number.
    pub(super) fn head(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut head = vec![0; length];
        let count = self.read(0, &mut head)?;
        head.truncate(count);
        Ok(head)
    }

    /// Where its content ends now.
    pub(super) fn length(&mut self) -> io::Result<u64> {
        if self.gzip.is_none() {
            return Ok(self.file.metadata()?.len());
        }
        let (mut length, mut step) = (0, vec![0; STEP]);
        loop {
            match self.read(length, &mut step)? {
                0 => return Ok(length),
                count => length += count as u64,
            }
        }
    }
}

impl Gzip {
    fn read(&mut self, file: &File, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if at < self.start || self.decoder.is_none() {
            let mut file = file.try_clone()?;
            file.seek(SeekFrom::Start(0))?;
            *self = Gzip { decoder: Some(MultiGzDecoder::new(BufReader::new(file))), ..Gzip::default() };
        }
        let end = at + buffer.len() as u64;
        while self.start + (self.window.len() as u64) < end {
            // What is before is not asked for any more.
            let skipped = at.saturating_sub(self.start).min(self.window.len() as u64);
            self.window.drain(..skipped as usize);
            self.start += skipped;
            if !self.decompress() {
                break;
            }
        }
        let from = usize::try_from(at.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let held = self.window.get(from..).unwrap_or_default();
        let count = held.len().min(buffer.len());
        buffer[..count].copy_from_slice(&held[..count]);
        Ok(count)
    }

    /// Whether there was more. A file that is still written ends in the middle, and is begun anew when it has grown.
    fn decompress(&mut self) -> bool {
        let before = self.window.len();
        self.window.resize(before + STEP, 0);
        let count = match &mut self.decoder {
            Some(decoder) => decoder.read(&mut self.window[before..]).unwrap_or(0),
            None => 0,
        };
        self.window.truncate(before + count);
        if count == 0 {
            self.decoder = None;
        }
        count > 0
    }
}

fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match from.read(&mut buffer[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn compressed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    // B-063
    #[test]
    fn what_is_compressed_is_read_from_anywhere_and_on_when_it_grew() {
        let path = std::env::temp_dir().join(format!("throughline-content-{}.log.gz", std::process::id()));
        let text: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
        let (one, two) = text.split_at(250_000);
        std::fs::write(&path, compressed(one)).unwrap();
        let mut content = Content::open(&path, true).unwrap();
        assert_eq!(content.length().unwrap(), one.len() as u64);
        assert_eq!(content.head(8).unwrap(), &text[..8]);
        let mut buffer = vec![0; 100_000];
        for at in [0, 70_000, 140_000, 100, 249_999, 250_000, 300_000] {
            let count = content.read(at as u64, &mut buffer).unwrap();
            assert_eq!(
                buffer[..count],
                one[at.min(one.len())..(at + buffer.len()).min(one.len()).max(at.min(one.len()))]
            );
        }
        let whole = [compressed(one), compressed(two)].concat();
        // A part of the next member, and then all of it.
        for (length, known) in [(whole.len() - 100, false), (whole.len(), true)] {
            std::fs::OpenOptions::new().write(true).open(&path).unwrap().write_all(&whole[..length]).unwrap();
            assert_eq!(content.length().unwrap() == text.len() as u64, known);
        }
        let count = content.read(one.len() as u64 - 10, &mut buffer).unwrap();
        assert_eq!(buffer[..count], text[one.len() - 10..][..count]);
        std::fs::remove_file(&path).unwrap();
    }
}
