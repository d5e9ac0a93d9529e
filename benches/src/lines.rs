//! Log lines: the same event for every formatter, and a writer that counts what comes out.

use std::{
    error::Error,
    fs,
    io::{self, Write},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use tracing::Span;

use crate::{
    load::Load,
    providers::{Recorded, Recording, current},
};

/// A message and three fields, inside a span with two, while the caller's span is active.
pub fn load() -> Load {
    let mut span: Option<Span> = None;
    Box::new(move |parent, lines| {
        let _active = current::attach(parent);
        let span = span.get_or_insert_with(|| tracing::info_span!("checkout", user = "ada", cart = 7));
        let _inside = span.enter();
        for _ in 0..lines {
            tracing::info!(item = "tea", count = 2, price = 3.5, "added to cart");
        }
    })
}

/// Counts lines and drops them.
#[derive(Clone, Default)]
pub struct Counter(Arc<AtomicUsize>);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.ends_with(b"\n") {
            self.0.fetch_add(1, Relaxed);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Recording for Counter {
    fn flush(&self) -> Result<(), Box<dyn Error>> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Recorded, Box<dyn Error>> {
        Ok(Recorded { lines: self.0.load(Relaxed), ..Recorded::default() })
    }
}

/// A file of lines, counted and removed in the end.
pub struct Written(pub PathBuf);

impl Recording for Written {
    fn flush(&self) -> Result<(), Box<dyn Error>> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Recorded, Box<dyn Error>> {
        let lines = fs::read_to_string(&self.0)?.lines().count();
        fs::remove_file(&self.0)?;
        Ok(Recorded { lines, ..Recorded::default() })
    }
}
