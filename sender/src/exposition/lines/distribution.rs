//! The lines of a point that has many: histograms and summaries.

use super::{Format, Point, Writer};
use crate::{
    exposition::{
        exemplar::Exemplar,
        histogram::{Buckets, Read},
        number,
    },
    wire::{Fault, Field, Fields, Slice, Value},
};

impl Writer<'_> {
    /// The lines of a histogram. OpenMetrics has no sum, and then no count, where it could fall: with bounds, or a sum,
    /// below zero.
    pub(super) fn histogram(
        &mut self,
        name: &str,
        labels: &[u8],
        of: &Buckets,
        read: &Read,
        exemplars: &[Slice],
    ) -> Result<bool, Fault> {
        if read.is_empty || !read.is_sound {
            return Ok(read.is_empty);
        }
        self.bound(&of.bounds);
        self.place(&of.bounds, exemplars)?;
        self.prefix.clear();
        let comma = if labels.is_empty() { "" } else { "," };
        for part in [name.as_bytes(), b"_bucket{", labels, comma.as_bytes(), b"le=\""] {
            self.prefix.extend_from_slice(part);
        }
        let infinity = (&b"+Inf"[..], of.count);
        let finite = self.les.iter().map(Vec::as_slice).zip(of.below.iter().copied());
        for (index, (le, below)) in finite.chain([infinity]).enumerate() {
            self.has_room(labels.len())?;
            self.out.extend_from_slice(&self.prefix);
            self.out.extend_from_slice(le);
            self.out.extend_from_slice(b"\"} ");
            number::whole(&mut self.out, below);
            if let Some(Some(exemplar)) = self.exemplars.get(index) {
                exemplar.write(&mut self.out, self.request, &mut self.filtered)?;
            }
            self.out.push(b'\n');
        }
        let may_fall = of.bounds.first().is_some_and(|bound| *bound < 0.0)
            || of.sum.is_none_or(|sum| sum.is_nan() || sum < 0.0);
        self.totals(name, labels, of.sum, of.count, may_fall);
        self.points += 1;
        Ok(true)
    }

    pub(super) fn summary(&mut self, name: &str, point: &Point, labels: &[u8]) -> Result<bool, Fault> {
        let (mut flags, mut count, mut sum, mut quantiles) = (0, 0, 0.0, Vec::new());
        for field in Fields::within(self.request, point.place) {
            match field? {
                Field { number: 4, value: Value::Fixed64(bits) } => count = bits,
                Field { number: 5, value: Value::Fixed64(bits) } => sum = f64::from_bits(bits),
                Field { number: 6, value: Value::Slice(slice) } => quantiles.push(slice),
                Field { number: 8, value: Value::Varint(bits) } => flags = bits,
                _ => {}
            }
        }
        if flags & 1 != 0 {
            return Ok(true);
        }
        let mut last = -1.0;
        for slice in quantiles {
            let (mut quantile, mut value) = (0.0, 0.0);
            for field in Fields::within(self.request, slice) {
                match field? {
                    Field { number: 1, value: Value::Fixed64(bits) } => quantile = f64::from_bits(bits),
                    Field { number: 2, value: Value::Fixed64(bits) } => value = f64::from_bits(bits),
                    _ => {}
                }
            }
            // In their order, each once; OpenMetrics has none below zero.
            let is_quantile = (0.0..=1.0).contains(&quantile) && quantile > last;
            if !is_quantile || (value < 0.0 && self.format == Format::OpenMetrics) {
                continue;
            }
            last = quantile;
            self.has_room(labels.len())?;
            self.out.extend_from_slice(name.as_bytes());
            self.out.push(b'{');
            if !labels.is_empty() {
                self.out.extend_from_slice(labels);
                self.out.push(b',');
            }
            self.out.extend_from_slice(b"quantile=\"");
            self.le(quantile + 0.0);
            self.out.extend_from_slice(b"\"} ");
            number::double(&mut self.out, value);
            self.out.push(b'\n');
        }
        self.totals(name, labels, Some(sum), count, sum.is_nan() || sum < 0.0);
        self.points += 1;
        Ok(true)
    }

    fn totals(&mut self, name: &str, labels: &[u8], sum: Option<f64>, count: u64, may_fall: bool) {
        if may_fall && self.format == Format::OpenMetrics {
            return;
        }
        if let Some(sum) = sum {
            self.open(name, "_sum", labels);
            number::double(&mut self.out, sum);
            self.out.push(b'\n');
        }
        self.open(name, "_count", labels);
        number::whole(&mut self.out, count);
        self.out.push(b'\n');
    }

    /// Finds out what is written for these bounds, unless they are those of the point before.
    fn bound(&mut self, bounds: &[f64]) {
        if self.bounds == bounds && self.les.len() == bounds.len() {
            return;
        }
        self.bounds = bounds.to_vec();
        let begin = self.out.len();
        self.les.clear();
        for bound in bounds {
            self.le(*bound + 0.0);
            self.les.push(self.out.split_off(begin));
        }
    }

    fn le(&mut self, bound: f64) {
        match self.format {
            Format::Text => number::plain(&mut self.out, bound),
            Format::OpenMetrics => number::canonical(&mut self.out, bound),
        }
    }

    /// The latest exemplar of each bucket.
    fn place(&mut self, bounds: &[f64], exemplars: &[Slice]) -> Result<(), Fault> {
        self.exemplars.clear();
        if exemplars.is_empty() || self.format == Format::Text {
            return Ok(());
        }
        self.exemplars.resize(bounds.len() + 1, None);
        for slice in exemplars {
            let exemplar = Exemplar::read(self.request, *slice)?;
            let index = bounds.partition_point(|bound| *bound < exemplar.value);
            if let Some(place) = self.exemplars.get_mut(index).filter(|_| !exemplar.value.is_nan()) {
                *place = exemplar.later(*place);
            }
        }
        Ok(())
    }
}
