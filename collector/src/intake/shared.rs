//! The way in without a socket.

use super::{Intake, Refusal};
use crate::{plan::Source, process::Client};
use bytes::Bytes;
use std::sync::Arc;
use throughline_sender::{Accept, Answer, Signal};

/// The intake for those who come without a socket.
pub(crate) struct Shared(pub(crate) Arc<Intake>);

impl Accept for Shared {
    fn accept(&self, signal: Signal, request: Bytes) -> Answer {
        let taken = self.0.admit(signal, Source::OTLP, request.len());
        let take = || self.0.take(signal, Source::OTLP, &request, &Client::default(), &mut self.0.reserve());
        match taken.and_then(|()| take()) {
            // Nobody may wait here.
            Ok((taken, _)) => Answer::Taken { rejected: taken.rejected, message: taken.message },
            Err(refusal) => {
                self.0.count(&refusal);
                let cause = refusal.cause().to_owned();
                match refusal {
                    Refusal::Busy(_) => Answer::Busy { cause, after: None },
                    _ => Answer::Refused { cause },
                }
            }
        }
    }
}
