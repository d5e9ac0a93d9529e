//! Names that many spans and log records share.

use serde::{Serialize, Serializer};
use std::{fmt, ops::Deref, sync::Arc};

/// Longer names are cut, in characters.
const MAX_NAME: usize = 256;

/// The name of a service, a scope or a span: a text of at most 256 characters; a longer one ends in `…`.
///
/// Names repeat: those of one resource or scope share their memory. The whole text of a service's name is among the
/// attributes of its resource.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Arc<str>);

impl Name {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        // All but the last character stay when one has to make room for the mark.
        let is_long = text.char_indices().nth(MAX_NAME).is_some();
        let last = text.char_indices().nth(MAX_NAME - 1).filter(|_| is_long);
        Name(last.map_or_else(|| text.into(), |(at, _)| format!("{}…", &text[..at]).into()))
    }
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        Name::from(text.as_str())
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let exact = "é".repeat(MAX_NAME);
        assert_eq!(Name::from(exact.as_str()), exact.as_str());
        let cut = Name::from(format!("{exact}é"));
        assert_eq!(cut, format!("{}…", "é".repeat(MAX_NAME - 1)).as_str());
        assert_eq!(Name::from(""), "");
    }
}
