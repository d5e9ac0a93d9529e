//! The colours of the services.

use super::text;
use maud::{Markup, html};
use std::sync::{Mutex, PoisonError};

/// Colours for services; the style sheet has as many.
const COLOURS: usize = 12;

/// Each service begins with the colour that its name asks for and takes the next free one, so that a service looks
/// the same on every page, nearly always in the next run as well, and never like another one as long as there are
/// enough colours.
#[derive(Default)]
pub(crate) struct Palette(Mutex<Vec<String>>);

impl Palette {
    /// The number of the colour; the style sheet calls it `s0`, `s1`, ….
    pub(crate) fn colour(&self, service: &str) -> usize {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.resize(COLOURS, String::new());
        // FNV-1a: names that differ in one letter get far apart.
        let hash = service
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let first = (hash ^ hash >> 15) as usize % COLOURS;
        let mut places = (first..COLOURS).chain(0..first);
        let place =
            places.find(|place| taken[*place].is_empty() || taken[*place] == service).unwrap_or(first);
        if taken[place].is_empty() {
            taken[place] = service.to_owned();
        }
        place
    }

    /// The name of a service behind its colour, with a number of spans or whatever is counted.
    pub(crate) fn chip(&self, service: &str, count: Option<usize>) -> Markup {
        html! {
            span.chip.{ "s" (self.colour(service)) } {
                span.dot {}
                span.word title=(text::name(service)) { (text::name(service)) }
                @if let Some(count) = count { span.count { (count) } }
            }
        }
    }
}
