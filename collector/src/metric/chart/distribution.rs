//! Where values lay: how many of them between which bounds.

use super::super::{Buckets, Extent, Measured};
use std::collections::BTreeMap;

/// Where bounds are compared: equal ones have the same bits.
type Bound = u64;

/// How many values lay between bounds, as far as buckets tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Distribution {
    cells: BTreeMap<(Bound, Bound), f64>,
}

impl Distribution {
    /// The buckets of a histogram; `None`: it is none.
    pub(super) fn of(measured: &Measured) -> Option<Distribution> {
        let mut made = Distribution::default();
        match measured {
            Measured::Histogram { extent, bounds, counts, .. } => made.explicit(bounds, counts, extent),
            Measured::Exponential { scale, zero_count, zero_threshold, positive, negative, .. } => {
                made.exponential(*scale, positive, 1.0);
                made.exponential(*scale, negative, -1.0);
                let threshold = if zero_threshold.is_finite() { zero_threshold.abs() } else { 0.0 };
                made.add(-threshold, threshold, *zero_count as f64);
            }
            _ => return None,
        }
        Some(made)
    }

    fn explicit(&mut self, bounds: &[f64], counts: &[u64], extent: &Extent) {
        let finite = |bound: Option<f64>| bound.filter(|bound| bound.is_finite());
        for (at, count) in counts.iter().enumerate() {
            let upper = finite(bounds.get(at).copied());
            let lower = finite(at.checked_sub(1).and_then(|at| bounds.get(at).copied()));
            // The outermost buckets end where nothing is known to lie beyond: at zero, the lowest, the highest value.
            let (lower, upper) = match (lower, upper) {
                (Some(lower), Some(upper)) => (lower, upper),
                (None, Some(upper)) if upper > 0.0 && extent.min.is_none_or(|min| min >= 0.0) => (0.0, upper),
                (None, Some(upper)) => (finite(extent.min).map_or(upper, |min| min.min(upper)), upper),
                (Some(lower), None) => (lower, finite(extent.max).map_or(lower, |max| max.max(lower))),
                (None, None) => match (finite(extent.min), finite(extent.max)) {
                    (Some(min), Some(max)) => (min, max),
                    _ => continue,
                },
            };
            self.add(lower, upper, *count as f64);
        }
    }

    fn exponential(&mut self, scale: i32, buckets: &Buckets, sign: f64) {
        for (at, count) in buckets.counts.iter().enumerate() {
            let power = |index: f64| (index * (-f64::from(scale)).exp2()).exp2();
            let index = f64::from(buckets.offset) + at as f64;
            let (near, far) = (power(index), power(index + 1.0).min(f64::MAX));
            let (lower, upper) = if sign > 0.0 { (near, far) } else { (-far, -near) };
            self.add(lower, upper, *count as f64);
        }
    }

    fn add(&mut self, lower: f64, upper: f64, count: f64) {
        if count > 0.0 && lower.is_finite() && upper.is_finite() {
            *self.cells.entry((ordered(lower), ordered(upper))).or_default() += count;
        }
    }

    /// Adds a part of another one.
    pub(super) fn absorb(&mut self, other: &Distribution, part: f64) {
        for (cell, count) in &other.cells {
            *self.cells.entry(*cell).or_default() += count * part;
        }
    }

    /// The values that such parts of all values do not exceed, in the order of the parts, which rise; `None` without values.
    pub(super) fn quantiles<const N: usize>(&self, parts: [f64; N]) -> Option<[f64; N]> {
        let total: f64 = self.cells.values().sum();
        if total <= 0.0 {
            return None;
        }
        // Cells may overlap, if series have other bounds: how dense values are changes where a cell begins or ends.
        let mut steps: BTreeMap<Bound, (f64, f64)> = BTreeMap::new();
        for ((lower, upper), count) in &self.cells {
            let width = number(*upper) - number(*lower);
            if width > 0.0 && width.is_finite() {
                steps.entry(*lower).or_default().0 += count / width;
                steps.entry(*upper).or_default().0 -= count / width;
            } else {
                steps.entry(*upper).or_default().1 += count;
            }
        }
        let mut found = [number(steps.last_key_value().map_or(0, |(bound, _)| *bound)); N];
        let (mut next, mut seen, mut density, mut at) = (0, 0.0, 0.0_f64, f64::NEG_INFINITY);
        for (bound, (change, here)) in steps {
            let bound = number(bound);
            let between = if at.is_finite() { density.max(0.0) * (bound - at) } else { 0.0 };
            while next < N && seen + between >= parts[next] * total && between > 0.0 {
                found[next] = at + (parts[next] * total - seen).max(0.0) / density;
                next += 1;
            }
            seen += between + here;
            while next < N && here > 0.0 && seen >= parts[next] * total {
                found[next] = bound;
                next += 1;
            }
            density += change;
            at = bound;
        }
        Some(found)
    }
}

/// Bits that are in the order of the numbers.
fn ordered(number: f64) -> Bound {
    // Both zeros are one.
    let bits = (number + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn number(bound: Bound) -> f64 {
    f64::from_bits(if bound >> 63 == 1 { bound & !(1 << 63) } else { !bound })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_in_the_order_of_their_numbers() {
        let numbers = [f64::MIN, -2.5, -1e-300, 0.0, 1e-300, 0.1, 7.0, f64::MAX];
        assert!(numbers.map(ordered).is_sorted());
        assert_eq!(numbers.map(|it| number(ordered(it))), numbers);
        assert_eq!(ordered(-0.0), ordered(0.0));
    }

    fn explicit(bounds: &[f64], counts: &[u64], extent: Extent) -> Distribution {
        let (bounds, counts) = (bounds.to_vec(), counts.to_vec());
        Distribution::of(&Measured::Histogram { count: 0, extent, bounds, counts }).unwrap()
    }

    #[test]
    fn quantiles_of_explicit_buckets_are_where_evenly_spread_values_put_them() {
        let spread = explicit(&[10.0, 20.0, 40.0], &[10, 10, 20, 0], Extent::default());
        assert_eq!(spread.quantiles([0.0, 0.25, 0.5, 0.75, 1.0]), Some([0.0, 10.0, 20.0, 30.0, 40.0]));
        // Beyond the last bound nothing is known but the highest value, if that.
        let beyond = [0, 0, 0, 4];
        assert_eq!(explicit(&[1.0, 2.0, 3.0], &beyond, Extent::default()).quantiles([0.5]), Some([3.0]));
        let extent = Extent { max: Some(7.0), ..Extent::default() };
        assert_eq!(explicit(&[1.0, 2.0, 3.0], &beyond, extent).quantiles([0.5]), Some([5.0]));
        assert_eq!(explicit(&[-5.0], &[3, 0], Extent::default()).quantiles([0.9]), Some([-5.0]));
        let only = Extent { min: Some(2.0), max: Some(4.0), sum: None };
        assert_eq!(explicit(&[], &[8], only).quantiles([0.5]), Some([3.0]));
        assert_eq!(explicit(&[1.0], &[0, 0], Extent::default()).quantiles([0.5]), None);
    }

    #[test]
    fn quantiles_of_exponential_buckets_are_within_their_bounds() {
        let made = Distribution::of(&Measured::Exponential {
            count: 9,
            extent: Extent::default(),
            scale: 0,
            zero_count: 1,
            zero_threshold: 0.0,
            positive: Buckets { offset: 2, counts: vec![4] }, // from 4 to 8
            negative: Buckets { offset: 0, counts: vec![0, 4] }, // from -4 to -2
        })
        .unwrap();
        let found = made.quantiles([2.0 / 9.0, 0.5, 7.0 / 9.0]).unwrap();
        let expected = [-3.0, 0.0, 6.0];
        assert!(found.iter().zip(expected).all(|(a, b): (&f64, f64)| (a - b).abs() < 1e-9), "{found:?}");
    }

    #[test]
    fn series_with_other_bounds_add_up() {
        let mut both = explicit(&[10.0], &[10, 0], Extent::default());
        both.absorb(&explicit(&[5.0, 20.0], &[0, 15, 0], Extent::default()), 2.0 / 3.0);
        // Half of it lies evenly from 0 to 10, half of it from 5 to 20.
        let found = both.quantiles([0.25, 1.0]).unwrap();
        assert!((found[0] - 5.0).abs() < 1e-9 && (found[1] - 20.0).abs() < 1e-9, "{found:?}");
    }
}
