//! What is needed of each span, read from the stored bytes.

use super::Role;
use crate::{
    scan::{TraceId, items},
    store::Stored,
    trace::{Kind, Resources},
    wire::{Field, Fields, Slice, Value},
};
use bytes::Bytes;
use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
};
use throughline_sender::Signal;

/// How many of the newest spans are looked at: some tenths of a second's worth.
const SPANS: usize = 200_000;

/// Longer names are cut, in characters.
const MAX_NAME: usize = 256;

/// The id of a span.
pub(super) type SpanId = [u8; 8];

/// The number of a name.
pub(super) type Name = u32;

/// One span.
pub(super) struct Seen {
    pub(super) service: Name,
    pub(super) kind: Kind,
    pub(super) parent: Option<SpanId>,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) failed: bool,
    /// What a service answers.
    pub(super) route: Name,
    /// Whom a caller names, where that is known.
    pub(super) peer: Option<Peer>,
}

/// Who is called, as the caller names it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Peer {
    pub(super) role: Role,
    pub(super) name: Name,
    pub(super) system: Option<Name>,
}

/// The spans that were looked at.
#[derive(Default)]
pub(crate) struct Gathered {
    pub(super) spans: HashMap<(TraceId, SpanId), Seen>,
    pub(super) names: Names,
    pub(super) is_cut: bool,
}

/// Texts, each of them once.
#[derive(Default)]
pub(super) struct Names {
    numbers: HashMap<String, Name>,
    texts: Vec<String>,
}

impl Names {
    pub(super) fn number(&mut self, text: &str) -> Name {
        let cut = text.char_indices().nth(MAX_NAME).map_or(text, |(at, _)| &text[..at]);
        if let Some(number) = self.numbers.get(cut) {
            return *number;
        }
        let number = self.texts.len() as Name;
        self.texts.push(cut.to_owned());
        self.numbers.insert(cut.to_owned(), number);
        number
    }

    pub(super) fn text(&self, number: Name) -> &str {
        self.texts.get(number as usize).map(String::as_str).unwrap_or_default()
    }
}

/// Reads the newest spans of the requests, which come newest first.
pub(crate) fn gather(bodies: impl IntoIterator<Item = (u64, Bytes)>) -> Gathered {
    let mut gathered = Gathered::default();
    let mut resources = Resources::default();
    let mut services: HashMap<usize, Name> = HashMap::new();
    for (chunk, body) in bodies {
        if gathered.spans.len() >= SPANS {
            gathered.is_cut = true;
            break;
        }
        // What is stored was checked when it came.
        for item in items(Signal::Traces, &body, 0).unwrap_or_default() {
            let stored = Stored { chunk, body: body.clone(), place: item.place };
            let resource = resources.of(&stored);
            let names = &mut gathered.names;
            let service = *services
                .entry(resource)
                .or_insert_with(|| names.number(resources.service(resource).as_str()));
            if let Some((id, span)) = read(item.place.record(&body), service, names) {
                gathered.spans.entry((item.trace, id)).or_insert(span);
            }
        }
    }
    gathered
}

/// The routes that one service answers, or all do, as far as the newest spans tell: of so many at most.
pub(crate) fn routes(
    bodies: impl IntoIterator<Item = (u64, Bytes)>,
    service: Option<&str>,
    most: usize,
) -> BTreeSet<String> {
    let mut resources = Resources::default();
    let items = bodies.into_iter().flat_map(|(chunk, body)| {
        let items = items(Signal::Traces, &body, 0).unwrap_or_default();
        items.into_iter().map(move |item| Stored { chunk, body: body.clone(), place: item.place })
    });
    let mut routes = BTreeSet::new();
    for stored in items.take(most) {
        let number = resources.of(&stored);
        if service.is_none_or(|service| resources.service(number) == service)
            && let Some(route) = route(stored.place.record(&stored.body))
            && !routes.contains(&*route)
        {
            routes.insert(route.into_owned());
        }
    }
    routes
}

/// What a span answers; `None`: it answers nobody.
pub(crate) fn route(span: &[u8]) -> Option<Cow<'_, str>> {
    let (mut name, mut kind, mut told): (&[u8], _, _) = (&[], Kind::Unspecified, Told::default());
    for field in Fields::of(span).map_while(Result::ok) {
        match (field.number, field.value) {
            (5, Value::Slice(slice)) => name = slice.of(span),
            (6, Value::Varint(number)) => kind = kind_of(number),
            (9, Value::Slice(slice)) => told.attribute(span, slice),
            _ => {}
        }
    }
    let route = told.route(str::from_utf8(name).unwrap_or_default());
    let is_answer = matches!(kind, Kind::Server | Kind::Consumer) && !route.is_empty();
    is_answer.then(|| cut(route))
}

fn cut(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.char_indices().nth(MAX_NAME) {
        Some((at, _)) => Cow::Owned(text[..at].to_owned()),
        None => text,
    }
}

/// What the attributes tell.
#[derive(Default)]
struct Told<'a> {
    method: Option<&'a str>,
    route: Option<&'a str>,
    rpc_service: Option<&'a str>,
    rpc_method: Option<&'a str>,
    peer: Option<&'a str>,
    address: Option<&'a str>,
    port: Option<u64>,
    database: Option<&'a str>,
    broker: Option<&'a str>,
    destination: Option<&'a str>,
}

fn read(span: &[u8], service: Name, names: &mut Names) -> Option<(SpanId, Seen)> {
    let (mut id, mut parent, mut name): (&[u8], &[u8], &[u8]) = (&[], &[], &[]);
    let (mut start, mut end, mut kind, mut failed) = (0, 0, Kind::Unspecified, false);
    let mut told = Told::default();
    for field in Fields::of(span).map_while(Result::ok) {
        match (field.number, field.value) {
            (2, Value::Slice(slice)) => id = slice.of(span),
            (4, Value::Slice(slice)) => parent = slice.of(span),
            (5, Value::Slice(slice)) => name = slice.of(span),
            (6, Value::Varint(number)) => kind = kind_of(number),
            (7, Value::Fixed64(time)) => start = time,
            (8, Value::Fixed64(time)) => end = time,
            (9, Value::Slice(slice)) => told.attribute(span, slice),
            (15, Value::Slice(slice)) => {
                let code = fields(span, slice).filter_map(|field| match field {
                    Field { number: 3, value: Value::Varint(code) } => Some(code),
                    _ => None,
                });
                failed = code.last() == Some(2);
            }
            _ => {}
        }
    }
    let id = SpanId::try_from(id).ok()?;
    let parent = SpanId::try_from(parent).ok().filter(|parent| *parent != [0; 8]);
    // A start that was not sent is not 1970.
    let (start, end) = (if start == 0 { end } else { start }, end.max(start));
    let route = match kind {
        Kind::Server | Kind::Consumer => names.number(&told.route(str::from_utf8(name).unwrap_or_default())),
        _ => names.number(""),
    };
    let peer = match kind {
        Kind::Client | Kind::Producer | Kind::Consumer => told.peer(kind, names),
        _ => None,
    };
    Some((id, Seen { service, kind, parent, start, end, failed, route, peer }))
}

impl<'a> Told<'a> {
    fn attribute(&mut self, span: &'a [u8], attribute: Slice) {
        let (mut key, mut content): (&[u8], Option<Slice>) = (&[], None);
        for field in fields(span, attribute) {
            match (field.number, field.value) {
                (1, Value::Slice(slice)) => key = slice.of(span),
                (2, Value::Slice(slice)) => content = Some(slice),
                _ => {}
            }
        }
        let slot = match key {
            b"http.request.method" | b"http.method" => &mut self.method,
            b"http.route" => &mut self.route,
            b"rpc.service" => &mut self.rpc_service,
            b"rpc.method" => &mut self.rpc_method,
            b"service.peer.name" | b"peer.service" => &mut self.peer,
            b"server.address" | b"net.peer.name" => &mut self.address,
            b"db.system.name" | b"db.system" => &mut self.database,
            b"messaging.system" => &mut self.broker,
            b"messaging.destination.name" => &mut self.destination,
            b"server.port" | b"net.peer.port" => {
                let port = content.into_iter().flat_map(|content| fields(span, content));
                self.port = port.filter_map(number).last().or(self.port);
                return;
            }
            _ => return,
        };
        let text =
            content.into_iter().flat_map(|content| fields(span, content)).filter_map(|field| match field {
                Field { number: 1, value: Value::Slice(text) } => str::from_utf8(text.of(span)).ok(),
                _ => None,
            });
        if let Some(text) = text.last().filter(|text| !text.is_empty()) {
            *slot = Some(text);
        }
    }

    fn route(&self, name: &'a str) -> Cow<'a, str> {
        match (self.route, self.rpc_method) {
            (Some(route), _) => match self.method {
                Some(method) => Cow::Owned(format!("{method} {route}")),
                None => Cow::Borrowed(route),
            },
            (None, Some(method)) => match self.rpc_service {
                Some(service) => Cow::Owned(format!("{service}/{method}")),
                None => Cow::Borrowed(method),
            },
            _ => Cow::Borrowed(name),
        }
    }

    fn peer(&self, kind: Kind, names: &mut Names) -> Option<Peer> {
        let (role, system, name) = match (self.broker, self.destination) {
            (broker, Some(destination)) => (Role::Queue, broker, Some(destination.to_owned())),
            (Some(broker), None) => (Role::Queue, Some(broker), self.place().or(Some(broker.to_owned()))),
            (None, None) if kind == Kind::Consumer => return None,
            (None, None) => {
                let role = if self.database.is_some() { Role::Database } else { Role::Peer };
                let system = || self.database.map(str::to_owned);
                (role, self.database, self.peer.map(str::to_owned).or_else(|| self.place()).or_else(system))
            }
        };
        let name = names.number(&name?);
        Some(Peer { role, name, system: system.map(|system| names.number(system)) })
    }

    fn place(&self) -> Option<String> {
        let address = self.address?;
        Some(match self.port {
            Some(port) if address.contains(':') => format!("[{address}]:{port}"),
            Some(port) => format!("{address}:{port}"),
            None => address.to_owned(),
        })
    }
}

fn kind_of(number: u64) -> Kind {
    match number {
        1 => Kind::Internal,
        2 => Kind::Server,
        3 => Kind::Client,
        4 => Kind::Producer,
        5 => Kind::Consumer,
        _ => Kind::Unspecified,
    }
}

fn number(field: Field) -> Option<u64> {
    match field {
        Field { number: 3, value: Value::Varint(number) } => Some(number),
        _ => None,
    }
}

fn fields(span: &[u8], slice: Slice) -> impl Iterator<Item = Field> {
    Fields::within(span, slice).map_while(Result::ok)
}
