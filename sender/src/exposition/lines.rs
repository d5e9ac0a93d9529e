//! Families → lines.

mod distribution; // histograms and summaries

use super::{
    Format, LeftOut, Reason,
    exemplar::Exemplar,
    family::{Family, Kind, Metric, Scope},
    histogram::Buckets,
    labels::{Labels, escape},
    number,
};
use crate::wire::{Fault, Field, Fields, Slice, Value};
use std::{
    collections::{BTreeSet, HashSet},
    ops::Range,
};

/// A page is not larger, a few lines aside: a point of a few bytes may have lines without end.
const MOST_BYTES: usize = 256 << 20;

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
    pub(super) fn targets(&mut self, targets: &BTreeSet<Vec<u8>>) {
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
            self.has_room(labels.len())?;
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
            Kind::Histogram | Kind::Exponential => {
                let (mut buckets, mut exemplars) = (std::mem::take(&mut self.buckets), Vec::new());
                let keep = |slice| exemplars.push(slice);
                let read = match point.kind {
                    Kind::Histogram => buckets.explicit(self.request, point.place, keep)?,
                    _ => buckets.exponential(self.request, point.place, keep)?,
                };
                let is_fit = self.histogram(name, labels, &buckets, &read, &exemplars);
                self.buckets = buckets;
                is_fit
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

    fn has_room(&self, more: usize) -> Result<(), Fault> {
        match self.out.len() + more > MOST_BYTES {
            true => Err(Fault { reason: "the page has more than 256 MiB", at: 0 }),
            false => Ok(()),
        }
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
