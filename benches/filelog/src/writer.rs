//! Containers that write lines, and a kubelet that rotates them.

use crate::usage::ours;
use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// Lines that one writes before it is another's turn, if there are so many.
const LINES_OF_A_TURN: u64 = 1000;
const BYTES_OF_A_FILE: u64 = 10 << 20;
/// How many lines may wait to be read.
const AHEAD: u64 = 200_000;

struct Container {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
}

/// Writes so many lines. What was read is asked for.
pub fn write(directory: &Path, containers: u64, lines: u64, read: impl Fn() -> u64) {
    ours();
    let turn = LINES_OF_A_TURN.min(lines / containers);
    let mut containers: Vec<_> = (0..containers).map(|number| Container::new(directory, number)).collect();
    let (mut written, mut at) = (0, 0);
    while written < lines {
        while written.saturating_sub(read()) > AHEAD {
            thread::sleep(Duration::from_millis(1));
        }
        let count = turn.min(lines - written);
        containers[at].write(written..written + count);
        written += count;
        at = (at + 1) % containers.len();
    }
}

impl Container {
    fn new(directory: &Path, number: u64) -> Self {
        let uid = format!("{number:08x}-1234-4321-8765-0123456789ab");
        let pod = directory.join(format!("pods/default_web-{number}_{uid}/web"));
        fs::create_dir_all(&pod).expect("a directory");
        let path = pod.join("0.log");
        let file = BufWriter::new(File::create(&path).expect("a file"));
        Container { path, file, bytes: 0 }
    }

    fn write(&mut self, numbers: std::ops::Range<u64>) {
        for number in numbers {
            let line = format!(
                "2026-11-22T10:{:02}:{:02}.{:09}Z stdout F {{\"level\":\"INFO\",\"message\":\"answered\",\
                 \"path\":\"/users/{number}\",\"status\":200,\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e{:04x}\"}}\n",
                number / 60 % 60,
                number % 60,
                number % 1_000_000_000,
                number % 0x1_0000,
            );
            self.bytes += line.len() as u64;
            self.file.write_all(line.as_bytes()).expect("room");
        }
        self.file.flush().expect("room");
        if self.bytes >= BYTES_OF_A_FILE {
            // The one before is replaced.
            fs::rename(&self.path, self.path.with_extension("log.1")).expect("a rotation");
            (self.file, self.bytes) = (BufWriter::new(File::create(&self.path).expect("a file")), 0);
        }
    }
}
