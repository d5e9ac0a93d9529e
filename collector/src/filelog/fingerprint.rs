//! What a file is known by: how it begins.

use serde::{Deserialize, Serialize};
use sha1_smol::Sha1;

/// The first bytes of a file. A file that is shorter than they may be is known by all that it holds, until it grows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fingerprint {
    length: usize,
    /// SHA-1, in hexadecimal digits: who reads a checkpoint does not read what is in the file.
    hash: String,
}

impl Fingerprint {
    pub(super) fn of(head: &[u8]) -> Self {
        Fingerprint { length: head.len(), hash: hash(head) }
    }

    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Whether a file that begins with these bytes may be the one that this is of.
    pub(super) fn begins(&self, head: &[u8]) -> bool {
        self.length > 0 && head.get(..self.length).is_some_and(|head| hash(head) == self.hash)
    }
}

fn hash(bytes: &[u8]) -> String {
    Sha1::from(bytes).digest().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    // B-063
    #[test]
    fn a_file_that_grew_is_still_the_same_and_another_one_is_not() {
        let fingerprint = Fingerprint::of(b"one\n");
        let are = [&b"one\n"[..], b"one\ntwo\n", b"one", b"two\none\n", b""];
        assert_eq!(are.map(|head| fingerprint.begins(head)), [true, true, false, false, false]);
        assert!(!Fingerprint::of(b"").begins(b"anything"));
    }
}
