//! What an operator should hear, also from a thread on which `tracing` is turned off, as it is on a collector's.

use std::thread;
use tracing::{dispatcher, subscriber::NoSubscriber};

/// Says something where the program's subscriber hears it. For what happens seldom.
pub(crate) fn say(words: impl FnOnce() + Send + 'static) {
    let is_mute = dispatcher::get_default(|dispatch| dispatch.is::<NoSubscriber>());
    if !is_mute {
        return words();
    }
    if dispatcher::has_been_set() {
        // Without a thread to say it on, it stays unsaid.
        let _ = thread::Builder::new().name("throughline-voice".to_owned()).spawn(words);
    }
}
