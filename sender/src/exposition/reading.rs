//! A request → its metrics, with what the page has to say of each before the first point.

use super::{
    LeftOut, Options, Reason, Targets,
    family::{Kind, Metric, Scope},
    labels::{Fixed, Labels, pair},
    name, value,
};
use crate::wire::{Fault, Field, Fields, Slice, Value};
use std::collections::BTreeSet;

/// What the page is made of.
#[derive(Default)]
pub(super) struct Document<'a> {
    pub(super) metrics: Vec<Metric<'a>>,
    pub(super) scopes: Vec<Scope>,
    /// The labels of each `target_info`.
    pub(super) targets: BTreeSet<Vec<u8>>,
    pub(super) left_out: Vec<LeftOut>,
}

/// The attributes that say which target it is; they are `job` and `instance` where a page has several.
const IDENTITY: [&str; 3] = ["service.namespace", "service.name", "service.instance.id"];

pub(super) fn read<'a>(request: &'a [u8], options: &Options) -> Result<Document<'a>, Fault> {
    let mut document = Document::default();
    for field in Fields::of(request) {
        if let Field { number: 1, value: Value::Slice(slice) } = field? {
            document.resource_metrics(request, slice, options)?;
        }
    }
    Ok(document)
}

impl<'a> Document<'a> {
    fn resource_metrics(&mut self, request: &'a [u8], of: Slice, options: &Options) -> Result<(), Fault> {
        let (mut resource, mut scopes) = (None, Vec::new());
        for field in Fields::within(request, of) {
            match field? {
                Field { number: 1, value: Value::Slice(slice) } => resource = Some(slice),
                Field { number: 2, value: Value::Slice(slice) } => scopes.push(slice),
                _ => {}
            }
        }
        let identity = match options.targets {
            Targets::One => Vec::new(),
            Targets::Many => resource.map_or(Ok(Vec::new()), |resource| identity(request, resource))?,
        };
        if let Some(resource) = resource {
            self.target(request, resource, &identity, options)?;
        }
        for scope in scopes {
            self.scope_metrics(request, scope, &identity, options)?;
        }
        Ok(())
    }

    /// Of one target there is one `target_info`; of several one for each that can be told from the others.
    fn target(
        &mut self,
        request: &[u8],
        resource: Slice,
        identity: &[Fixed],
        options: &Options,
    ) -> Result<(), Fault> {
        let (mut text, mut labels) = (Vec::new(), Labels::default());
        if options.targets == Targets::Many {
            labels.without(&IDENTITY);
        }
        labels.write(&mut text, request, resource, 1)?;
        if text.is_empty() {
            return Ok(());
        }
        if options.targets == Targets::Many {
            text.clear();
            labels.set(identity.to_vec(), None);
            labels.write(&mut text, request, resource, 1)?;
        }
        let is_told = match options.targets {
            Targets::One => self.targets.is_empty(),
            Targets::Many => !identity.is_empty(),
        };
        if is_told {
            self.targets.insert(text);
        }
        Ok(())
    }

    fn scope_metrics(
        &mut self,
        request: &'a [u8],
        of: Slice,
        identity: &[Fixed],
        options: &Options,
    ) -> Result<(), Fault> {
        let (mut scope, mut url, mut metrics) = (None, &b""[..], Vec::new());
        for field in Fields::within(request, of) {
            match field? {
                Field { number: 1, value: Value::Slice(slice) } => scope = Some(slice),
                Field { number: 2, value: Value::Slice(slice) } => metrics.push(slice),
                Field { number: 3, value: Value::Slice(slice) } => url = slice.of(request),
                _ => {}
            }
        }
        let mut fixed = scope_labels(request, scope, url)?;
        let order = fixed.iter().map(|label| format!("{}\0{}\0", label.key, label.value)).collect();
        if !options.scope_labels {
            fixed.clear();
        }
        fixed.extend_from_slice(identity);
        self.scopes.push(Scope { labels: fixed, order });
        for metric in metrics {
            self.metric(request, metric)?;
        }
        Ok(())
    }

    fn metric(&mut self, request: &'a [u8], of: Slice) -> Result<(), Fault> {
        let (mut name, mut help, mut unit, mut data) = (&b""[..], &b""[..], &b""[..], None);
        for field in Fields::within(request, of) {
            match field? {
                Field { number: 1, value: Value::Slice(slice) } => name = slice.of(request),
                Field { number: 2, value: Value::Slice(slice) } => help = slice.of(request),
                Field { number: 3, value: Value::Slice(slice) } => unit = slice.of(request),
                Field { number: number @ (5 | 7 | 9 | 10 | 11), value: Value::Slice(slice) } => {
                    data = Some((number, slice));
                }
                _ => {}
            }
        }
        let Some((number, data)) = data else { return Ok(()) };
        let (points, temporality, monotonic) = about(request, data)?;
        if points == 0 {
            return Ok(());
        }
        let kind = match number {
            5 => Kind::Gauge,
            7 if monotonic => Kind::Counter,
            7 => Kind::UpDown,
            9 => Kind::Histogram,
            10 => Kind::Exponential,
            _ => Kind::Summary,
        };
        let unit = value::text(unit);
        let family = name::metric(&value::text(name), &unit, kind);
        let reason = match kind {
            Kind::UpDown | Kind::Counter | Kind::Histogram | Kind::Exponential
                if temporality != CUMULATIVE =>
            {
                Some(Reason::NotCumulative)
            }
            _ => family.is_none().then_some(Reason::Nameless),
        };
        match (reason, family) {
            (None, Some(family)) => {
                let (unit, scope) = (name::unit(&unit), self.scopes.len() - 1);
                self.metrics.push(Metric { kind, family, unit, name, help, scope, data, points });
            }
            (reason, _) => {
                self.left_out.push(LeftOut::new(name, reason.unwrap_or(Reason::Nameless), points));
            }
        }
        Ok(())
    }
}

const CUMULATIVE: u64 = 2;

/// How many points there are, their temporality, and whether they never fall.
fn about(request: &[u8], data: Slice) -> Result<(u64, u64, bool), Fault> {
    let (mut points, mut temporality, mut monotonic) = (0, 0, false);
    for field in Fields::within(request, data) {
        match field? {
            Field { number: 1, value: Value::Slice(_) } => points += 1,
            Field { number: 2, value: Value::Varint(bits) } => temporality = bits,
            Field { number: 3, value: Value::Varint(bits) } => monotonic = bits != 0,
            _ => {}
        }
    }
    Ok((points, temporality, monotonic))
}

/// `otel_scope_*` (B-022).
fn scope_labels(request: &[u8], scope: Option<Slice>, url: &[u8]) -> Result<Vec<Fixed>, Fault> {
    const PARTS: [&str; 3] = ["otel_scope_name", "otel_scope_version", "otel_scope_schema_url"];
    let mut values = [String::new(), String::new(), value::text(url).into_owned()];
    let mut fixed = Vec::new();
    for field in scope.into_iter().flat_map(|scope| Fields::within(request, scope)) {
        match field? {
            Field { number: number @ (1 | 2), value: Value::Slice(slice) } => {
                if let Some(part) = values.get_mut(number as usize - 1) {
                    *part = value::text(slice.of(request)).into_owned();
                }
            }
            Field { number: 3, value: Value::Slice(slice) } => {
                let (key, value) = attribute(request, slice)?;
                let key = format!("otel_scope_{key}");
                if name::label(&key).is_some_and(|name| !PARTS.contains(&&*name)) {
                    fixed.push(Fixed { key, value, wins: false });
                }
            }
            _ => {}
        }
    }
    let parts = PARTS.iter().zip(values);
    fixed.extend(parts.map(|(key, value)| Fixed { key: (*key).into(), value, wins: false }));
    Ok(fixed)
}

/// `job` and `instance` (B-008).
fn identity(request: &[u8], resource: Slice) -> Result<Vec<Fixed>, Fault> {
    let mut values = [const { String::new() }; 3];
    for field in Fields::within(request, resource) {
        if let Field { number: 1, value: Value::Slice(slice) } = field? {
            let (key, value) = attribute(request, slice)?;
            if let Some(known) = IDENTITY.iter().zip(&mut values).find(|(known, _)| **known == key) {
                *known.1 = value;
            }
        }
    }
    let [namespace, service, instance] = values;
    let job = match (namespace.is_empty(), service.is_empty()) {
        (_, true) => String::new(),
        (true, false) => service,
        (false, false) => format!("{namespace}/{service}"),
    };
    let labels = [("job", job), ("instance", instance)].into_iter().filter(|(_, value)| !value.is_empty());
    Ok(labels.map(|(key, value)| Fixed { key: key.into(), value, wins: true }).collect())
}

fn attribute(request: &[u8], slice: Slice) -> Result<(String, String), Fault> {
    let (key, slice) = pair(request, slice)?;
    let mut bytes = Vec::new();
    value::write(&mut bytes, request, slice)?;
    Ok((value::text(key.of(request)).into_owned(), value::text(&bytes).into_owned()))
}
