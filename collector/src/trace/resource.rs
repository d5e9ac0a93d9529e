//! Resources and scopes: few, repeated, and each decoded once.

use super::{Attributes, Name, Value, build::decode};
use crate::{otlp, store::Stored};
use bytes::Bytes;
use std::collections::HashMap;

/// What many spans and log records have in common, for as long as somebody looks.
///
/// It is found by its place in its request. Only when the place is new is it compared with what other requests had:
/// the work is in proportion to what is stored, not to how many spans refer to it.
#[derive(Default)]
pub(crate) struct Resources {
    places: HashMap<(u64, u32), usize>,
    contents: HashMap<Bytes, usize>,
    all: Vec<(Bytes, Name)>,
    scopes: HashMap<(u64, u32), Name>,
}

impl Resources {
    /// The number of the resource.
    pub(crate) fn of(&mut self, stored: &Stored) -> usize {
        let place = (stored.chunk, stored.place.resource);
        if let Some(number) = self.places.get(&place) {
            return *number;
        }
        let bytes = stored.body.slice_ref(stored.place.resource(&stored.body));
        let number = self.contents.get(&bytes).copied().unwrap_or_else(|| {
            self.contents.insert(bytes.clone(), self.all.len());
            let name = service(&bytes);
            self.all.push((bytes, name));
            self.all.len() - 1
        });
        self.places.insert(place, number);
        number
    }

    /// How often the bytes of a resource were looked at.
    #[cfg(test)]
    pub(super) fn looks(&self) -> usize {
        self.places.len()
    }

    /// The name of the service; empty when the resource has none.
    pub(crate) fn service(&self, number: usize) -> Name {
        self.all.get(number).map(|(_, name)| name.clone()).unwrap_or_default()
    }

    /// The name of the scope, with its version behind a space.
    pub(crate) fn scope(&mut self, stored: &Stored) -> Name {
        let name = || {
            let scope: otlp::Scope = decode(stored.place.scope(&stored.body));
            match scope.version.as_str() {
                "" => scope.name.into(),
                version => format!("{} {version}", Name::from(scope.name)).into(),
            }
        };
        self.scopes.entry((stored.chunk, stored.place.scope)).or_insert_with(name).clone()
    }

    /// The attributes of all of them, by number.
    pub(crate) fn into_attributes(self) -> Vec<Attributes> {
        let attributes = |(bytes, _): (Bytes, Name)| decode::<otlp::Resource>(&bytes).attributes.into();
        self.all.into_iter().map(attributes).collect()
    }
}

/// Who a resource says that it is: namespace, name and instance of the service, each empty when there is none.
pub(crate) fn identity(resource: &[u8]) -> [String; 3] {
    let attributes = Attributes::from(decode::<otlp::Resource>(resource).attributes);
    let text = |key| attributes.get(key).map(Value::to_string).unwrap_or_default();
    ["service.namespace", "service.name", "service.instance.id"].map(text)
}

/// The name of the service in a resource; empty when there is none.
pub(crate) fn service(resource: &[u8]) -> Name {
    let attributes = Attributes::from(decode::<otlp::Resource>(resource).attributes);
    attributes.get("service.name").map(Value::to_string).unwrap_or_default().into()
}
