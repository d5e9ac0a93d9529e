//! What an operator should hear: the collector's own thread is deaf and mute, so that it never records itself.

use std::thread;

/// Says something where the program's subscriber hears it. For what happens seldom.
pub(crate) fn warn(text: String) {
    let say = move || tracing::warn!(target: "throughline", "{text}");
    // Without a thread to say it on, it stays unsaid.
    let _ = thread::Builder::new().name("throughline-voice".to_owned()).spawn(say);
}
