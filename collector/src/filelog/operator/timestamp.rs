//! When it happened.

use crate::filelog::entry::Field;

/// How a time is written.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Timestamp {
    /// Where it is.
    pub parse_from: Field,
    /// The language of the layout.
    pub layout_type: LayoutType,
    /// The layout: `%Y-%m-%dT%H:%M:%S.%LZ`.
    pub layout: String,
    /// The time zone of times that name none, by its name in the time zone database: `Europe/Paris`. Default: UTC for a
    /// layout that ends with `Z`, else that of this machine.
    pub location: Option<String>,
}

impl Timestamp {
    /// A time as `strptime` reads it.
    pub fn new(parse_from: Field, layout: impl Into<String>) -> Self {
        let (layout_type, layout) = (LayoutType::default(), layout.into());
        Timestamp { parse_from, layout_type, layout, location: None }
    }
}

/// The language of a layout of times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LayoutType {
    /// Directives: `%Y-%m-%d`.
    #[default]
    Strptime,
    /// An example: `2006-01-02`.
    GoTime,
    /// A number since 1970, in the unit that the layout names: `s`, `ms`, `us`, `ns`, `s.ms`, `s.us`, `s.ns`.
    Epoch,
}
