//! What the threads of the collector used so far.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    fs,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

#[global_allocator]
static COUNTING: Counting = Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static IS_OURS: Cell<bool> = const { Cell::new(false) };
}

/// The system's allocator, which counts for all threads but those that say that they are not measured.
struct Counting;

// Safe, since every call goes on as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn count() {
    if !IS_OURS.get() {
        ALLOCATIONS.fetch_add(1, Relaxed);
    }
}

/// What this thread allocates is the bench's own.
pub fn ours() {
    IS_OURS.set(true);
}

#[derive(Default)]
pub struct Usage {
    pub lines: u64,
    /// In seconds.
    pub cpu: f64,
    pub allocations: u64,
    /// In bytes.
    pub resident: u64,
}

impl Usage {
    /// After so many lines.
    pub fn now(lines: u64) -> Usage {
        ours();
        Usage { lines, cpu: cpu(), allocations: ALLOCATIONS.load(Relaxed), resident: resident() }
    }
}

/// Of all threads with the collector's names, which the system cuts off.
fn cpu() -> f64 {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux").flatten();
    let ticks = tasks.filter_map(|task| {
        let stat = fs::read_to_string(task.path().join("stat")).ok()?;
        let (name, rest) = stat.split_once(") ")?;
        // User and system time, in hundredths of a second.
        let times = rest.split(' ').skip(11).take(2).filter_map(|time| time.parse::<u64>().ok());
        name.contains("(throughline").then(|| times.sum::<u64>())
    });
    ticks.sum::<u64>() as f64 / 100.0
}

fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) << 10
}
