//! One file of requests: a mark of its kind, then record after record.
//!
//! ```text
//! tline-q2 │ fate  settled  sum of that  length  items  sum of body  sum of these │ body │ fate …
//!      8 B │  1 B      8 B          4 B     4 B    8 B          4 B           4 B │      │     little-endian, CRC-32
//! ```
//! Only the fate of a record ever changes, in place, and how many of its items are settled already: of a request that
//! is sent in pieces, the first ones.

use crate::Request;
use bytes::Bytes;
use std::{
    fs::{File, OpenOptions},
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::Path,
};

const KIND: [u8; 8] = *b"tline-q2";
const HEAD_BYTES: usize = 33;
/// Where in a head stands what is settled, with its sum.
const SETTLED: Range<usize> = 1..13;
/// Where the rest of it is, without its sum.
const FIXED: Range<usize> = 13..29;
/// No record holds more: a head that says so is broken. Keeps sums far from overflowing.
const MOST_ITEMS: u64 = 1 << 40;

/// What became of a record. Only one that waits is sure not to be sent twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Fate {
    /// Never sent, or surely not taken.
    Waiting = b'w',
    /// Under way, or sent without an answer: it may have been taken.
    Attempted = b'a',
    /// Delivered, refused or lost.
    Done = b'd',
}

/// Where the body of a record is, and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) offset: u64,
    pub(crate) length: u32,
    pub(crate) items: u64,
}

/// A record that is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) record: Record,
    /// It may have been taken already.
    pub(super) attempted: bool,
    /// So many of its items, the first ones, have been delivered or refused.
    pub(super) settled: u64,
}

/// The bytes of a file that holds one body.
pub(super) fn bytes_for(request: &Request) -> u64 {
    (HEAD_BYTES + request.body.len()) as u64
}

/// The bytes of a file without records.
pub(super) const EMPTY_BYTES: u64 = KIND.len() as u64;

/// What a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// In their order.
    pub(super) records: Vec<Left>,
    /// Items of a record that breaks off, with all that may have followed it; 1 if nobody can tell.
    pub(super) torn: Option<u64>,
    pub(super) bytes: u64,
}

/// Reads the heads of the records; `None` if the file is of another kind.
pub(super) fn scan(path: &Path) -> io::Result<Option<Contents>> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let mut contents = Contents { bytes, ..Contents::default() };
    let mut file = BufReader::new(file);
    let mut kind = Vec::new();
    file.by_ref().take(EMPTY_BYTES).read_to_end(&mut kind)?;
    if kind != KIND {
        // The end of a process may come between the making of a file and its first bytes.
        return Ok(KIND.starts_with(&kind).then_some(contents));
    }
    let mut offset = EMPTY_BYTES;
    while offset < bytes {
        let mut head = [0; HEAD_BYTES];
        let whole = offset + HEAD_BYTES as u64 <= bytes;
        if whole {
            file.read_exact(&mut head)?;
        }
        let Some((fate, left)) = decode(&head, offset).filter(|_| whole) else {
            contents.torn = Some(1);
            break;
        };
        offset += HEAD_BYTES as u64 + u64::from(left.record.length);
        if offset > bytes {
            contents.torn = Some(left.record.items - left.settled);
            break;
        }
        if fate != Fate::Done as u8 {
            contents.records.push(left);
        }
        file.seek_relative(i64::from(left.record.length))?;
    }
    Ok(Some(contents))
}

/// Adds records at the end of a file of so many bytes, makes the file if there are none, and has the system write them
/// through. They are [`Fate::Attempted`]: until the caller says more, they may be under way. After an error the file is
/// as before, unless the system refuses that too.
pub(super) fn append(path: &Path, end: u64, requests: &[&Request]) -> io::Result<(Vec<Record>, u64)> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(end == 0);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    if file.metadata()?.len() != end {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "somebody else wrote to the file"));
    }
    file.seek(SeekFrom::Start(end))?;
    let written = write(&file, end, requests);
    if written.is_err() {
        // Nothing more can be done: a scan finds the torn record.
        let _ = match end {
            0 => std::fs::remove_file(path),
            _ => file.set_len(end),
        };
    }
    written
}

fn write(file: &File, mut end: u64, requests: &[&Request]) -> io::Result<(Vec<Record>, u64)> {
    let mut to = BufWriter::new(file);
    if end == 0 {
        to.write_all(&KIND)?;
        end = EMPTY_BYTES;
    }
    let mut records = Vec::with_capacity(requests.len());
    for Request { items, body } in requests.iter().copied() {
        let length = u32::try_from(body.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let record = Record { offset: end, length, items: *items };
        to.write_all(&encode(Fate::Attempted, &record, body))?;
        to.write_all(body)?;
        end += (HEAD_BYTES + body.len()) as u64;
        records.push(record);
    }
    to.flush()?;
    drop(to);
    file.sync_data()?;
    Ok((records, end))
}

/// Why there is no body.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It will never be there.
    Lost(String),
    /// The system does not let it be read now.
    Unreadable(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => Fault::Lost(error.to_string()),
            _ => Fault::Unreadable(error),
        }
    }
}

/// Reads a body, and notes that it is under way now.
pub(super) fn read(path: &Path, record: &Record) -> Result<Bytes, Fault> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    file.seek(SeekFrom::Start(record.offset))?;
    let mut head = [0; HEAD_BYTES];
    file.read_exact(&mut head)?;
    if decode(&head, record.offset).map(|(_, found)| found.record) != Some(*record) {
        return Err(Fault::Lost("the record was overwritten".into()));
    }
    let mut body = vec![0; record.length as usize];
    file.read_exact(&mut body)?;
    if crc32fast::hash(&body).to_le_bytes() != head[25..29] {
        return Err(Fault::Lost("the record does not match its checksum".into()));
    }
    file.seek(SeekFrom::Start(record.offset))?;
    file.write_all(&[Fate::Attempted as u8])?;
    Ok(body.into())
}

/// Notes what became of a record. Not written through: a system that fails forgets at most that.
pub(super) fn mark(path: &Path, record: &Record, fate: Fate) -> io::Result<()> {
    overwrite(path, record.offset, &[fate as u8])
}

/// Notes how many items of a record are settled. Not written through either.
pub(super) fn settle(path: &Path, record: &Record, items: u64) -> io::Result<()> {
    overwrite(path, record.offset + SETTLED.start as u64, &with_sum(items))
}

fn overwrite(path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(bytes)
}

fn with_sum(settled: u64) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&settled.to_le_bytes());
    bytes[8..].copy_from_slice(&crc32fast::hash(&settled.to_le_bytes()).to_le_bytes());
    bytes
}

fn encode(fate: Fate, record: &Record, body: &[u8]) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[0] = fate as u8;
    head[SETTLED].copy_from_slice(&with_sum(0));
    head[13..17].copy_from_slice(&record.length.to_le_bytes());
    head[17..25].copy_from_slice(&record.items.to_le_bytes());
    head[25..29].copy_from_slice(&crc32fast::hash(body).to_le_bytes());
    let sum = crc32fast::hash(&head[FIXED]);
    head[29..].copy_from_slice(&sum.to_le_bytes());
    head
}

/// The fate of a record, and the record.
fn decode(head: &[u8; HEAD_BYTES], offset: u64) -> Option<(u8, Left)> {
    let number =
        |range: Range<usize>| head[range].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
    let (length, items, settled) = (number(13..17) as u32, number(17..25), number(1..9));
    let whole = u64::from(crc32fast::hash(&head[FIXED])) == number(29..33) && items <= MOST_ITEMS;
    // What cannot be told is sent once more.
    let is_known = head[SETTLED] == with_sum(settled) && settled <= items;
    let record = Record { offset, length, items };
    let attempted = head[0] != Fate::Waiting as u8 || !is_known;
    whole.then_some((head[0], Left { record, attempted, settled: if is_known { settled } else { 0 } }))
}

#[cfg(test)]
mod tests;
