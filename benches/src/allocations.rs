//! Counts what the thread that serves the requests allocates, and tells where.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    backtrace::Backtrace,
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

#[global_allocator]
static COUNTING: Counting = Counting;

/// The system's allocator, with a count of its own for each thread.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static SEEN: RefCell<Vec<(usize, Backtrace)>> = const { RefCell::new(Vec::new()) };
}

// A reallocation is one too: it asks the allocator for memory. Safe, since every call goes on as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn count(bytes: usize) {
    COUNT.set(COUNT.get() + 1);
    // Off while a trace is taken, which allocates.
    if WATCHED.replace(false) {
        let trace = Backtrace::force_capture();
        SEEN.with_borrow_mut(|seen| seen.push((bytes, trace)));
        WATCHED.set(true);
    }
}

/// How often this thread has allocated until now.
pub fn total() -> usize {
    COUNT.get()
}

/// The places where this thread allocates during `work`, each with the bytes of its allocations.
///
/// A place is the innermost functions outside of the standard library, with file and line.
pub fn sites(work: impl FnOnce()) -> BTreeMap<Vec<String>, Vec<usize>> {
    WATCHED.set(true);
    work();
    WATCHED.set(false);
    let mut sites: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (bytes, trace) in SEEN.take() {
        sites.entry(frames(&trace)).or_default().push(bytes);
    }
    sites
}

fn frames(trace: &Backtrace) -> Vec<String> {
    const SHOWN: usize = 5;
    let text = trace.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let named = lines.windows(2).filter_map(|pair| {
        let (_, function) = pair[0].split_once(": ")?;
        let file = pair[1].strip_prefix("at ")?;
        let is_shown =
            !["/rustc/", "/rust/deps/", "src/allocations.rs"].iter().any(|part| file.contains(part));
        is_shown.then(|| format!("{}  {}", short_file(file), short_function(function)))
    });
    named.take(SHOWN).collect()
}

/// `crate-version/src/file.rs:line` of a path of this machine.
fn short_file(path: &str) -> &str {
    let path = path
        .split_once("/registry/src/")
        .and_then(|(_, rest)| rest.split_once('/'))
        .map_or(path, |(_, rest)| rest);
    let path = path.rsplit_once(':').map_or(path, |(line, _column)| line);
    ["middleware/src/", "benches/src/"].iter().find_map(|own| Some(&path[path.find(own)?..])).unwrap_or(path)
}

/// A function's name without its hash.
fn short_function(name: &str) -> &str {
    name.rsplit_once("::h").filter(|(_, hash)| hash.len() == 16).map_or(name, |(name, _)| name)
}
