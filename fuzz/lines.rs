//! Throws bytes at what reads lines of containers. What is read of a line stands in it, in its order. How: see
//! variables.rs.

#![no_main]

use throughline_collector::filelog::container::{Cri, Place, nanoseconds};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(line) = std::str::from_utf8(data) else { return };
    if let Some(Cri { time, stream, tag, text }) = Cri::of(line) {
        let written = [time, stream, tag, text].join(" ");
        assert!(written == line || text.is_empty() && written.trim_end_matches(' ') == line.trim_end_matches(' '));
    }
    if let Some(Place { namespace, pod, uid, container, restarts }) = Place::of(line) {
        assert!(line.contains(&[namespace, pod, uid].join("_")) && line.contains(container));
        assert!(restarts.bytes().all(|byte| byte.is_ascii_digit()));
    }
    if let Some(time) = nanoseconds(line) {
        // Nobody else's clock: within the years that there are.
        assert!(time / 1_000_000_000 < 585 * 366 * 86_400);
    }
});
