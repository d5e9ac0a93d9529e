//! Addresses of pages: a path and what stays of a query when one thing of it changes.

use super::query::encode;

/// How long the parts of a query may be together, in bytes.
const MAX_LENGTH: usize = 8000;

/// A path with a query; parts keep their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Address {
    path: &'static str,
    parts: Vec<(&'static str, String)>,
}

impl Address {
    /// A page without a query.
    pub(crate) fn of(path: &'static str) -> Self {
        Address { path, parts: Vec::new() }
    }

    /// The same with a part besides, if there is one.
    pub(crate) fn with(mut self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        self.parts.extend(value.map(|value| (name, value.into())));
        self
    }

    /// The same with one value of a part, or without it.
    pub(crate) fn set(&self, name: &'static str, value: Option<&str>) -> Self {
        let mut changed = self.clone();
        changed.parts.retain(|(known, _)| *known != name);
        changed.with(name, value)
    }

    /// The same without one of several values of a part.
    pub(crate) fn without(&self, name: &'static str, value: &str) -> Self {
        let mut changed = self.clone();
        changed.parts.retain(|(known, kept)| *known != name || kept != value);
        changed
    }

    /// For a link. One that no server would take leads to the page without a query.
    pub(crate) fn url(&self) -> String {
        let mut url = self.path.to_owned();
        if self.parts.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > MAX_LENGTH {
            return url;
        }
        for (place, (name, value)) in self.parts.iter().enumerate() {
            url.push(if place == 0 { '?' } else { '&' });
            url.push_str(name);
            url.push('=');
            url.push_str(&encode(value));
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_added_changed_and_left_out() {
        let address = Address::of("/m").with("a", Some("1 &")).with("b", None::<String>).with("c", Some("2"));
        assert_eq!(address.url(), "/m?a=1%20%26&c=2");
        assert_eq!(address.set("a", None).url(), "/m?c=2");
        assert_eq!(address.set("a", Some("3")).url(), "/m?c=2&a=3");
        assert_eq!(address.clone().with("c", Some("4".repeat(MAX_LENGTH))).url(), "/m");
        assert_eq!(address.clone().with("c", Some("4")).without("c", "2").url(), "/m?a=1%20%26&c=4");
    }
}
