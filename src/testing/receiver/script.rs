//! Which request meets which fault.

use super::Fault;
use crate::sender::Signal;

/// The faults to come. A request takes the first one that is meant for its signal.
#[derive(Debug, Default)]
pub(super) struct Script(Vec<Step>);

#[derive(Debug)]
struct Step {
    /// `None`: any.
    signal: Option<Signal>,
    /// `None`: for ever.
    times: Option<usize>,
    fault: Fault,
}

impl Script {
    pub(super) fn add(&mut self, signal: Option<Signal>, times: Option<usize>, fault: Fault) {
        self.0.push(Step { signal, times, fault });
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// What a request of this signal meets.
    pub(super) fn next(&mut self, signal: Signal) -> Option<Fault> {
        self.take(|step| step.signal.is_none_or(|meant| meant == signal))
    }

    /// Whether a connection is closed before anybody knows what comes over it.
    pub(super) fn closes(&mut self) -> bool {
        let next = self.0.iter().find(|step| step.times != Some(0));
        let closes = next.is_some_and(|step| step.signal.is_none() && step.fault == Fault::CloseUnread);
        closes && self.take(|_| true).is_some()
    }

    fn take(&mut self, meant: impl Fn(&Step) -> bool) -> Option<Fault> {
        let step = self.0.iter_mut().find(|step| step.times != Some(0) && meant(step))?;
        step.times = step.times.map(|times| times - 1);
        Some(step.fault.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_takes_the_first_fault_that_is_meant_for_it() {
        let mut script = Script::default();
        script.add(Some(Signal::Logs), Some(1), Fault::Empty);
        script.add(None, Some(2), Fault::Hang);
        script.add(Some(Signal::Traces), None, Fault::Garbage);
        let signals = [Signal::Traces, Signal::Logs, Signal::Logs, Signal::Logs, Signal::Traces];
        let met: Vec<_> = signals.into_iter().map(|signal| script.next(signal)).collect();
        let [hang, garbage] = [Some(Fault::Hang), Some(Fault::Garbage)];
        assert_eq!(met, [hang.clone(), Some(Fault::Empty), hang, None, garbage.clone()]);
        assert_eq!(script.next(Signal::Traces), garbage);
        script.clear();
        assert_eq!(script.next(Signal::Traces), None);
    }

    #[test]
    fn a_connection_is_closed_only_when_that_comes_first_and_for_all() {
        let mut script = Script::default();
        script.add(None, Some(1), Fault::Empty);
        script.add(None, Some(1), Fault::CloseUnread);
        script.add(Some(Signal::Logs), Some(1), Fault::CloseUnread);
        assert!(!script.closes());
        script.next(Signal::Traces);
        assert!(script.closes());
        assert!(!script.closes());
        assert_eq!(script.next(Signal::Logs), Some(Fault::CloseUnread));
    }
}
