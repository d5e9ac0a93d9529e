//! The points of a metric, one at a time.

use crate::{
    metric::{self, Buckets, Metric, Point},
    trace::Attributes,
};
use std::{collections::HashSet, fmt};

/// Shows each point with its number and its attributes.
pub(super) fn points(
    metric: &Metric,
    body: &[u8],
    mut each: impl FnMut(usize, &Attributes, Point) -> fmt::Result,
) -> fmt::Result {
    for (number, slice) in metric.points(body).enumerate() {
        let (attributes, point) = metric::read(body, slice, metric.form.kind, &mut HashSet::new());
        each(number, &attributes, point)?;
    }
    Ok(())
}

/// The buckets of an exponential histogram: their bounds and their counts.
pub(super) fn buckets(
    buckets: &Buckets,
    scale: i32,
) -> impl DoubleEndedIterator<Item = ((f64, f64), u64)> + ExactSizeIterator {
    // The base is 2 to the power of 2^-scale.
    let exponent = f64::from(scale.saturating_neg()).exp2();
    let offset = f64::from(buckets.offset);
    let bound = move |index: f64| ((offset + index) * exponent).exp2();
    buckets.counts.iter().enumerate().map(move |(index, count)| {
        let index = index as f64;
        ((bound(index), bound(index + 1.0)), *count)
    })
}
