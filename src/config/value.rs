//! What an attribute of the resource holds.

/// The value of an attribute of the resource.
///
/// ```
/// use throughline::{Config, config::AttributeValue};
///
/// let mut config = Config::from_vars([("OTEL_RESOURCE_ATTRIBUTES", "shop.region=north")]);
/// config.resource_attributes.push(("shop.shard".into(), 3.into()));
/// assert_eq!(config.resource_attributes[0].1, AttributeValue::Text("north".into()));
/// assert_eq!(config.resource_attributes[1].1, AttributeValue::Integer(3));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AttributeValue {
    /// A text.
    Text(String),
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any number.
    Number(f64),
    /// Several texts.
    Texts(Vec<String>),
    /// Several truth values.
    Booleans(Vec<bool>),
    /// Several whole numbers.
    Integers(Vec<i64>),
    /// Several numbers.
    Numbers(Vec<f64>),
}

macro_rules! from {
    ($($kind:ty => $variant:ident,)*) => {
        $(impl From<$kind> for AttributeValue {
            fn from(value: $kind) -> Self {
                AttributeValue::$variant(value.into())
            }
        })*
    };
}

from! {
    &str => Text,
    String => Text,
    bool => Boolean,
    i64 => Integer,
    f64 => Number,
    Vec<String> => Texts,
    Vec<bool> => Booleans,
    Vec<i64> => Integers,
    Vec<f64> => Numbers,
}
