//! Histograms of both kinds → classic buckets.

use crate::wire::{Fault, Field, Fields, Slice, Value, Varints};

/// An exponential histogram is written with at most so many buckets, neighbours taken together where it has more.
const MOST_BUCKETS: usize = 80;
/// A bucket is not narrower than a factor of 2 to the power of ¼: finer ones would only be more lines.
const FINEST_SCALE: i32 = 2;

/// A histogram as lines have it. Kept from point to point, for its memory.
#[derive(Default)]
pub(super) struct Buckets {
    /// Ascending, without the last one, which has no bound.
    pub(super) bounds: Vec<f64>,
    /// Of each bound, how many values are not above it.
    pub(super) below: Vec<u64>,
    pub(super) count: u64,
    pub(super) sum: Option<f64>,
    counts: Vec<u64>,
    negative: Vec<u64>,
}

/// One point without its buckets, and whether it is fit to be written.
pub(super) struct Read {
    /// Bounds ascend, and there are not more values in buckets than values.
    pub(super) is_sound: bool,
    /// The point only says that there is no value any more.
    pub(super) is_empty: bool,
}

impl Buckets {
    fn clear(&mut self) {
        self.bounds.clear();
        self.below.clear();
        self.counts.clear();
        self.negative.clear();
        (self.count, self.sum) = (0, None);
    }

    /// Reads a `HistogramDataPoint`; hands on its exemplars.
    pub(super) fn explicit(
        &mut self,
        request: &[u8],
        point: Slice,
        mut exemplar: impl FnMut(Slice),
    ) -> Result<Read, Fault> {
        self.clear();
        let mut flags = 0;
        for field in Fields::within(request, point) {
            let Field { number, value } = field?;
            match (number, value) {
                (4, Value::Fixed64(bits)) => self.count = bits,
                (5, Value::Fixed64(bits)) => self.sum = Some(f64::from_bits(bits)),
                (6, Value::Fixed64(bits)) => self.counts.push(bits),
                (6, Value::Slice(packed)) => self.counts.extend(words(packed.of(request))),
                (7, Value::Fixed64(bits)) => self.bounds.push(f64::from_bits(bits)),
                (7, Value::Slice(packed)) => {
                    self.bounds.extend(words(packed.of(request)).map(f64::from_bits));
                }
                (8, Value::Slice(slice)) => exemplar(slice),
                (10, Value::Varint(bits)) => flags = bits,
                _ => {}
            }
        }
        let fits = self.counts.is_empty() || self.counts.len() == self.bounds.len() + 1;
        if self.counts.is_empty() {
            // Only the count and the sum are known.
            self.bounds.clear();
        }
        let ascends = self.bounds.windows(2).all(|two| two[0] < two[1]);
        let is_number = self.bounds.iter().all(|bound| !bound.is_nan());
        if self.bounds.last() == Some(&f64::INFINITY) {
            self.bounds.pop();
        }
        let (mut sum, mut is_countable) = (0u64, true);
        for (index, count) in self.counts.iter().enumerate() {
            (sum, is_countable) = match sum.checked_add(*count) {
                Some(sum) => (sum, is_countable),
                None => (sum, false),
            };
            if index < self.bounds.len() {
                self.below.push(sum);
            }
        }
        let is_sound = fits && ascends && is_number && is_countable && sum <= self.count;
        Ok(Read { is_sound, is_empty: flags & 1 != 0 })
    }

    /// Reads an `ExponentialHistogramDataPoint`; hands on its exemplars.
    ///
    /// Taking neighbours together is exact, and the bounds that are left are among those before: a histogram whose values
    /// spread keeps half of its series.
    pub(super) fn exponential(
        &mut self,
        request: &[u8],
        point: Slice,
        mut exemplar: impl FnMut(Slice),
    ) -> Result<Read, Fault> {
        self.clear();
        let (mut flags, mut scale, mut zeros, mut threshold) = (0, 0, 0, 0.0);
        let (mut positive, mut negative) = (0, 0);
        for field in Fields::within(request, point) {
            let Field { number, value } = field?;
            match (number, value) {
                (4, Value::Fixed64(bits)) => self.count = bits,
                (5, Value::Fixed64(bits)) => self.sum = Some(f64::from_bits(bits)),
                (6, Value::Varint(bits)) => scale = signed(bits),
                (7, Value::Fixed64(bits)) => zeros = bits,
                (8, Value::Slice(slice)) => positive = side(request, slice, &mut self.counts)?,
                (9, Value::Slice(slice)) => negative = side(request, slice, &mut self.negative)?,
                (10, Value::Varint(bits)) => flags = bits,
                (11, Value::Slice(slice)) => exemplar(slice),
                (14, Value::Fixed64(bits)) => threshold = f64::from_bits(bits),
                _ => {}
            }
        }
        let positive = trim(&mut self.counts, positive);
        let negative = trim(&mut self.negative, negative);
        let shift = self.shift(scale, positive, negative);
        let scale = scale.saturating_sub(shift);
        let mut write = Bounds { bounds: &mut self.bounds, below: &mut self.below, sum: Some(0) };
        let runs = merged(&self.negative, negative, shift);
        for (index, count) in runs.rev() {
            write.add(-bound(index + 1, scale), 0);
            write.add(-bound(index, scale), count);
        }
        write.add(threshold.max(0.0), zeros);
        for (index, count) in merged(&self.counts, positive, shift) {
            write.add(bound(index, scale), 0);
            write.add(bound(index + 1, scale), count);
        }
        let is_countable = write.sum.is_some_and(|sum| sum <= self.count);
        // What has no bound any more is what is left of all.
        let finite = self.bounds.iter().take_while(|bound| **bound < f64::INFINITY).count();
        self.bounds.truncate(finite);
        self.below.truncate(finite);
        Ok(Read { is_sound: is_countable, is_empty: flags & 1 != 0 })
    }

    /// By how much the scale is to fall.
    fn shift(&self, scale: i32, positive: i64, negative: i64) -> i32 {
        let mut shift = scale.saturating_sub(FINEST_SCALE).clamp(0, 63);
        let width = |counts: &[u64], offset: i64, shift: i32| match counts.len() {
            0 => 0,
            length => ((offset + length as i64 - 1) >> shift) - (offset >> shift) + 1,
        };
        let most = MOST_BUCKETS as i64;
        while shift < 63
            && width(&self.counts, positive, shift) + width(&self.negative, negative, shift) > most
        {
            shift += 1;
        }
        shift
    }
}

/// Bounds and cumulative counts that are being written.
struct Bounds<'a> {
    bounds: &'a mut Vec<f64>,
    below: &'a mut Vec<u64>,
    /// `None`: more than can be counted.
    sum: Option<u64>,
}

impl Bounds<'_> {
    fn add(&mut self, bound: f64, count: u64) {
        self.sum = self.sum.and_then(|sum| sum.checked_add(count));
        let sum = self.sum.unwrap_or(u64::MAX);
        match (self.bounds.last(), self.below.last_mut()) {
            // The end of one bucket is the beginning of the next, and what is taken together may begin among the zeros.
            (Some(last), Some(below)) if *last >= bound => *below = sum,
            _ if bound == f64::NEG_INFINITY => {}
            _ => {
                // The sum makes a positive zero of a negative one.
                self.bounds.push(bound + 0.0);
                self.below.push(sum);
            }
        }
    }
}

/// Without empty buckets at both ends; the new offset.
fn trim(counts: &mut Vec<u64>, offset: i64) -> i64 {
    while counts.last() == Some(&0) {
        counts.pop();
    }
    let leading = counts.iter().take_while(|count| **count == 0).count();
    counts.drain(..leading);
    offset + leading as i64
}

/// The buckets of a side after so many bits of their index are gone, in order, each with its count.
fn merged(counts: &[u64], offset: i64, shift: i32) -> impl DoubleEndedIterator<Item = (i64, u64)> {
    let index = move |at: usize| (offset + at as i64) >> shift;
    let runs: Vec<(i64, u64)> = counts.iter().enumerate().fold(Vec::new(), |mut runs, (at, count)| {
        match runs.last_mut() {
            Some((known, sum)) if *known == index(at) => *sum = sum.saturating_add(*count),
            _ => runs.push((index(at), *count)),
        }
        runs
    });
    runs.into_iter()
}

/// The lower bound of a bucket: 2 to the power of index / 2^scale. Without the mathematical library, whose last digit
/// differs from machine to machine: a bound is the name of a series.
fn bound(index: i64, scale: i32) -> f64 {
    const QUARTERS: [f64; 4] = [1.0, 1.189_207_115_002_721, std::f64::consts::SQRT_2, 1.681_792_830_507_429];
    if scale <= 0 {
        let factor = 1i64.checked_shl(scale.unsigned_abs().min(62)).unwrap_or(i64::MAX);
        return power(index.saturating_mul(factor));
    }
    let scale = scale.min(FINEST_SCALE);
    let part = (index & ((1 << scale) - 1)) << (FINEST_SCALE - scale);
    QUARTERS.get(part as usize).copied().unwrap_or(1.0) * power(index >> scale)
}

/// 2 to this power, exactly; 0 and infinity where there is no such number.
fn power(exponent: i64) -> f64 {
    match exponent {
        -1022..=1023 => f64::from_bits(((exponent + 1023) as u64) << 52),
        -1074..=-1023 => f64::from_bits(1 << (exponent + 1074)),
        1024.. => f64::INFINITY,
        _ => 0.0,
    }
}

/// The offset of one side; its counts go to the list.
fn side(request: &[u8], of: Slice, counts: &mut Vec<u64>) -> Result<i64, Fault> {
    let mut offset = 0;
    counts.clear();
    for field in Fields::within(request, of) {
        match field? {
            Field { number: 1, value: Value::Varint(bits) } => offset = signed(bits),
            Field { number: 2, value: Value::Varint(bits) } => counts.push(bits),
            Field { number: 2, value: Value::Slice(packed) } => {
                for number in Varints::within(request, packed) {
                    counts.push(number?);
                }
            }
            _ => {}
        }
    }
    Ok(offset.into())
}

/// A `sint32`.
fn signed(bits: u64) -> i32 {
    let low = bits as u32;
    (low >> 1) as i32 ^ -((low & 1) as i32)
}

/// Packed numbers of eight bytes.
fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word))
}
