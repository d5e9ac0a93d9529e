//! Families → lines.

use super::{
    Format, LeftOut, Reason,
    exemplar::Exemplar,
    family::{Family, Kind, Metric, Scope},
    histogram::{Buckets, Read},
    labels::{Labels, escape},
    number,
};
use crate::wire::{Fault, Field, Fields, Slice, Value};
use std::{collections::HashSet, ops::Range};

/// Writes the page.
pub(super) struct Writer<'a> {
    request: &'a [u8],
    format: Format,
    pub(super) out: Vec<u8>,
    pub(super) points: u64,
    labels: Labels,
    filtered: Labels,
    buckets: Buckets,
    /// The bounds of the last histogram, and what is written for them.
    bounds: Vec<f64>,
    les: Vec<Vec<u8>>,
    /// What the lines of a point begin with.
    prefix: Vec<u8>,
    exemplars: Vec<Option<Exemplar>>,
}

/// A point whose labels are written, but not its lines.
struct Point {
    kind: Kind,
    place: Slice,
    labels: Range<usize>,
    /// The index of its metric in the family.
    metric: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn new(request: &'a [u8], format: Format) -> Self {
        Writer {
            request,
            format,
            out: Vec::with_capacity(request.len() * 2),
            points: 0,
            labels: Labels::default(),
            filtered: Labels::default(),
            buckets: Buckets::default(),
            bounds: Vec::new(),
            les: Vec::new(),
            prefix: Vec::new(),
            exemplars: Vec::new(),
        }
    }

    /// The resource, as a metric of its own.
    pub(super) fn targets(&mut self, targets: &[Vec<u8>]) {
        if targets.is_empty() {
            return;
        }
        self.out.extend_from_slice(match self.format {
            Format::Text => b"# HELP target_info Target metadata\n# TYPE target_info gauge\n",
            Format::OpenMetrics => b"# HELP target Target metadata\n# TYPE target info\n",
        });
        for labels in targets {
            self.out.extend_from_slice(b"target_info{");
            self.out.extend_from_slice(labels);
            self.out.extend_from_slice(b"} 1\n");
        }
    }

    /// A family, if it has a point that can be written. Of points with the same labels the first counts.
    pub(super) fn family(
        &mut self,
        family: &Family<'_>,
        scopes: &[Scope],
        left_out: &mut Vec<LeftOut>,
    ) -> Result<(), Fault> {
        let (mut arena, mut points) = (Vec::new(), Vec::new());
        for (metric, of) in family.metrics.iter().enumerate() {
            self.points(metric, of, scopes, &mut arena, &mut points)?;
        }
        let begin = self.out.len();
        self.head(family);
        let head = self.out.len();
        let mut seen = HashSet::with_capacity(points.len());
        let mut lost = vec![[0; 2]; family.metrics.len()];
        for point in &points {
            let labels = arena.get(point.labels.clone()).unwrap_or_default();
            let is_fit = if seen.insert(labels) {
                self.point(family, point, labels)?
            } else {
                lost[point.metric][0] += 1;
                continue;
            };
            if !is_fit {
                lost[point.metric][1] += 1;
            }
        }
        for (metric, lost) in family.metrics.iter().zip(lost) {
            let reasons = [Reason::Duplicate, Reason::Unfit].into_iter().zip(lost);
            let told = reasons.filter(|(_, points)| *points > 0);
            left_out.extend(told.map(|(reason, points)| LeftOut::new(metric.name, reason, points)));
        }
        if self.out.len() == head {
            self.out.truncate(begin);
        }
        Ok(())
    }

    /// The labels of all points of a metric.
    fn points(
        &mut self,
        metric: usize,
        of: &Metric<'_>,
        scopes: &[Scope],
        arena: &mut Vec<u8>,
        points: &mut Vec<Point>,
    ) -> Result<(), Fault> {
        let fixed = scopes.get(of.scope).map(|scope| scope.labels.clone()).unwrap_or_default();
        self.labels.set(fixed, of.kind.taken());
        for field in Fields::within(self.request, of.data) {
            if let Field { number: 1, value: Value::Slice(place) } = field? {
                let begin = arena.len();
                self.labels.write(arena, self.request, place, of.kind.attributes())?;
                points.push(Point { kind: of.kind, place, labels: begin..arena.len(), metric });
            }
        }
        Ok(())
    }

    /// The metadata; of several descriptions and units the first.
    fn head(&mut self, family: &Family<'_>) {
        let (title, word) = family.title(self.format);
        let mut line = |what: &str, text: &[u8], quotes: bool| {
            for part in [b"# ", what.as_bytes(), b" ", title.as_bytes(), b" "] {
                self.out.extend_from_slice(part);
            }
            escape(&mut self.out, text, quotes);
            self.out.push(b'\n');
        };
        if let Some(metric) = family.metrics.iter().find(|metric| !metric.help.is_empty()) {
            let help = String::from_utf8_lossy(metric.help);
            line("HELP", help.as_bytes(), self.format == Format::OpenMetrics);
        }
        line("TYPE", word.as_bytes(), false);
        let unit = family.metrics.first().map_or("", |metric| &metric.unit);
        let has_unit = title.strip_suffix(unit).is_some_and(|rest| rest.len() > 1 && rest.ends_with('_'));
        if self.format == Format::OpenMetrics && !unit.is_empty() && has_unit {
            line("UNIT", unit.as_bytes(), false);
        }
    }

    /// The lines of a point; whether it has any that can stand on a page.
    fn point(&mut self, family: &Family<'_>, point: &Point, labels: &[u8]) -> Result<bool, Fault> {
        let name = family.name();
        match point.kind {
            Kind::Gauge | Kind::UpDown | Kind::Counter => self.number(family, name, point, labels),
            Kind::Histogram => {
                let (mut buckets, mut exemplars) = (std::mem::take(&mut self.buckets), Vec::new());
                let read = buckets.explicit(self.request, point.place, |slice| exemplars.push(slice))?;
                let fit = self.histogram(name, labels, &buckets, &read, &exemplars);
                self.buckets = buckets;
                fit
            }
            Kind::Exponential => {
                let (mut buckets, mut exemplars) = (std::mem::take(&mut self.buckets), Vec::new());
                let read = buckets.exponential(self.request, point.place, |slice| exemplars.push(slice))?;
                let fit = self.histogram(name, labels, &buckets, &read, &exemplars);
                self.buckets = buckets;
                fit
            }
            Kind::Summary => self.summary(name, point, labels),
        }
    }

    fn number(
        &mut self,
        family: &Family<'_>,
        name: &str,
        point: &Point,
        labels: &[u8],
    ) -> Result<bool, Fault> {
        let (mut flags, mut value, mut exemplar) = (0, None, None::<Exemplar>);
        let has_exemplars =
            self.format == Format::OpenMetrics && family.title(self.format).1 == Kind::Counter.word();
        for field in Fields::within(self.request, point.place) {
            match field? {
                Field { number: number @ (4 | 6), value: Value::Fixed64(bits) } => {
                    value = Some((number, bits))
                }
                Field { number: 5, value: Value::Slice(slice) } if has_exemplars => {
                    exemplar = Exemplar::read(self.request, slice)?.later(exemplar);
                }
                Field { number: 8, value: Value::Varint(bits) } => flags = bits,
                _ => {}
            }
        }
        if flags & 1 != 0 {
            return Ok(true);
        }
        let Some((number, bits)) = value else { return Ok(false) };
        let (whole, double) = (bits as i64, f64::from_bits(bits));
        let never_was = if number == 6 { whole < 0 } else { double.is_nan() || double < 0.0 };
        if point.kind == Kind::Counter && never_was {
            return Ok(false);
        }
        self.open(name, "", labels);
        match number {
            6 => number::signed(&mut self.out, whole),
            _ => number::double(&mut self.out, double),
        }
        self.end(exemplar)?;
        self.points += 1;
        Ok(true)
    }

    /// OpenMetrics has no sum, and then no count, where it could fall: with bounds, or a sum, below zero.
    fn histogram(
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
        let begin = self.out.len();
        self.open(name, "_bucket", labels);
        // The space and, if there are labels, the brace go.
        self.out.truncate(self.out.len() - if labels.is_empty() { 1 } else { 2 });
        self.out.extend_from_slice(if labels.is_empty() { b"{le=\"" } else { b",le=\"" });
        self.prefix.clear();
        self.prefix.extend_from_slice(self.out.get(begin..).unwrap_or_default());
        self.out.truncate(begin);
        let infinity = (Some(&b"+Inf"[..]), of.count);
        let finite = self.les.iter().map(|le| Some(le.as_slice())).zip(of.below.iter().copied());
        for (index, (le, below)) in finite.chain([infinity]).enumerate() {
            self.out.extend_from_slice(&self.prefix);
            self.out.extend_from_slice(le.unwrap_or_default());
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

    fn summary(&mut self, name: &str, point: &Point, labels: &[u8]) -> Result<bool, Fault> {
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
            if let Some(place) = self.exemplars.get_mut(index) {
                *place = exemplar.later(*place);
            }
        }
        Ok(())
    }

    /// A line up to its value.
    fn open(&mut self, name: &str, suffix: &str, labels: &[u8]) {
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(suffix.as_bytes());
        if !labels.is_empty() {
            self.out.push(b'{');
            self.out.extend_from_slice(labels);
            self.out.push(b'}');
        }
        self.out.push(b' ');
    }

    fn end(&mut self, exemplar: Option<Exemplar>) -> Result<(), Fault> {
        if let Some(exemplar) = exemplar {
            exemplar.write(&mut self.out, self.request, &mut self.filtered)?;
        }
        self.out.push(b'\n');
        Ok(())
    }
}
