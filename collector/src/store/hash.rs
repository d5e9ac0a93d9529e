//! The hash of trace ids. They are random already, unless somebody chose them: two numbers that nobody knows keep them from
//! being chosen to meet. A hash that withstands more takes a tenth of what it costs to keep a request.

use std::hash::{BuildHasher, Hasher, RandomState};

/// What is secret: other numbers in each store.
#[derive(Clone)]
pub(super) struct Keys([u64; 2]);

impl Default for Keys {
    fn default() -> Self {
        Keys([RandomState::new().hash_one(0), RandomState::new().hash_one(1)])
    }
}

impl BuildHasher for Keys {
    type Hasher = Fold;

    fn build_hasher(&self) -> Fold {
        Fold { keys: self.0, hash: 0 }
    }
}

/// Multiplies what comes, sixteen bytes at a time, each half with a key, and folds the product.
pub(super) struct Fold {
    keys: [u64; 2],
    hash: u64,
}

impl Hasher for Fold {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(16) {
            let mut halves = [0; 16];
            halves[..piece.len()].copy_from_slice(piece);
            let halves = u128::from_le_bytes(halves);
            let [first, second] =
                [halves as u64 ^ self.keys[0] ^ self.hash, (halves >> 64) as u64 ^ self.keys[1]];
            let product = u128::from(first) * u128::from(second);
            self.hash = (product >> 64) as u64 ^ product as u64;
        }
    }

    /// The length, which is that of all.
    #[inline]
    fn write_usize(&mut self, _: usize) {}

    #[inline]
    fn finish(&self) -> u64 {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of so many ids share the low bits, or the high ones, of their hash with another.
    fn meeting(id: impl Fn(u64) -> [u8; 16]) -> [usize; 2] {
        let keys = Keys::default();
        let meet = |part: fn(u64) -> u64| {
            let mut parts: Vec<u64> = (0..4096).map(|number| part(keys.hash_one(id(number)))).collect();
            parts.sort_unstable();
            parts.dedup();
            4096 - parts.len()
        };
        [meet(|hash| hash & 0xffff_ffff), meet(|hash| hash >> 32)]
    }

    #[test]
    fn ids_that_differ_a_little_do_not_meet() {
        for shift in [0, 8, 20, 52, 64, 90, 116] {
            let met = meeting(|number| (u128::from(number) << shift).to_le_bytes());
            assert!(met.iter().all(|met| *met < 8), "{shift}: {met:?}");
        }
        let same = meeting(|number| (u128::from(number) << 64 | u128::from(number)).to_be_bytes());
        assert!(same.iter().all(|met| *met < 8), "{same:?}");
    }

    #[test]
    fn each_store_hashes_otherwise() {
        assert_ne!(Keys::default().hash_one([7; 16]), Keys::default().hash_one([7; 16]));
    }
}
