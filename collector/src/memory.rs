//! How much of what was taken is in memory, whoever keeps it.

use bytes::Bytes;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// Counts the bodies of requests for as long as anybody has them.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    held: AtomicUsize,
}

/// A body that is counted until the last who has it lets it go.
struct Held {
    body: Vec<u8>,
    memory: Arc<Memory>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.memory.held.fetch_sub(self.body.capacity(), Relaxed);
    }
}

impl Memory {
    /// Counts a body. Clones of it are one and the same.
    pub(crate) fn hold(self: &Arc<Self>, body: Vec<u8>) -> Bytes {
        self.held.fetch_add(body.capacity(), Relaxed);
        Bytes::from_owner(Held { body, memory: Arc::clone(self) })
    }

    /// Bytes of all bodies.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_counts_once_however_many_have_it_and_until_the_last_lets_it_go() {
        let memory = Arc::new(Memory::default());
        let body = memory.hold(vec![7; 100]);
        let (other, part) = (body.clone(), body.slice(90..));
        assert_eq!(memory.held(), 100);
        drop((body, other));
        assert_eq!((memory.held(), &part[..]), (100, &[7; 10][..]));
        drop(part);
        assert_eq!(memory.held(), 0);
    }
}
