//! Changes in the middle of a request that leave all other bytes as they are.
//!
//! Edits are noted on a walk, as places and what stands there instead. A message in which something grew or shrank gets a
//! new length; whatever is beside it is copied once, in long pieces, in the end.

use crate::wire::Slice;
use prost::encoding::{encode_varint, encoded_len_varint};

/// What is to be changed.
pub(crate) struct Edits {
    patches: Vec<Patch>,
    /// By how many bytes the request grows, and how much it may.
    growth: isize,
    most: isize,
}

struct Patch {
    start: usize,
    end: usize,
    with: Vec<u8>,
}

impl Edits {
    /// None so far; the request may become so large.
    pub(crate) fn of(body: &[u8], most: usize) -> Self {
        let most = isize::try_from(most.saturating_sub(body.len())).unwrap_or(isize::MAX);
        Edits { patches: Vec::new(), growth: 0, most }
    }

    /// Whether the request would become too large.
    pub(crate) fn are_too_many(&self) -> bool {
        self.growth > self.most
    }

    pub(crate) fn are_none(&self) -> bool {
        self.patches.is_empty()
    }

    /// Puts something in the place of the bytes from `start` to `end`. What is put at one place stands in the order of the
    /// calls.
    pub(crate) fn replace(&mut self, start: usize, end: usize, with: Vec<u8>) {
        self.growth += with.len() as isize - (end - start) as isize;
        self.patches.push(Patch { start, end, with });
    }

    /// Edits the content of a message, and its length accordingly.
    pub(crate) fn within<F>(
        &mut self,
        slice: Slice,
        edit: impl FnOnce(&mut Self) -> Result<(), F>,
    ) -> Result<(), F> {
        let (place, before) = (self.patches.len(), self.growth);
        self.patches.push(Patch { start: slice.prefix, end: slice.prefix, with: Vec::new() });
        edit(self)?;
        if self.patches.len() == place + 1 {
            self.patches.pop();
            return Ok(());
        }
        let length = (slice.end - slice.start).saturating_add_signed(self.growth - before);
        let mut with = Vec::with_capacity(encoded_len_varint(length as u64));
        encode_varint(length as u64, &mut with);
        self.growth += with.len() as isize - (slice.start - slice.prefix) as isize;
        if let Some(patch) = self.patches.get_mut(place) {
            *patch = Patch { start: slice.prefix, end: slice.start, with };
        }
        Ok(())
    }

    /// The request with all edits.
    pub(crate) fn apply(mut self, body: &[u8]) -> Vec<u8> {
        // Attributes of a span may stand between its events, in any order.
        self.patches.sort_by_key(|patch| (patch.start, patch.end));
        let mut edited = Vec::with_capacity(body.len().saturating_add_signed(self.growth));
        let mut from = 0;
        for Patch { start, end, with } in self.patches {
            edited.extend_from_slice(body.get(from..start).unwrap_or_default());
            edited.extend_from_slice(&with);
            from = end;
        }
        edited.extend_from_slice(body.get(from..).unwrap_or_default());
        edited
    }
}

/// A field of a message with its content.
pub(crate) fn framed(number: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(content.len() + 10);
    frame(number, content, &mut bytes);
    bytes
}

/// Writes a field of a message with its content.
pub(crate) fn frame(number: u32, content: &[u8], to: &mut Vec<u8>) {
    encode_varint(u64::from(number << 3 | 2), to);
    encode_varint(content.len() as u64, to);
    to.extend_from_slice(content);
}
