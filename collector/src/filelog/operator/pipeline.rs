//! Operators that are connected.

use super::{
    OnError, Operator, Task,
    work::{Next, Work, compiled},
};
use crate::{
    filelog::{entry::Entry, expression::Expression},
    voice,
};
use std::{collections::HashSet, fmt};

/// How many operators a pipeline may have: entries that go several ways go them one inside the other.
const MAX_OPERATORS: usize = 250;

/// Operators that are connected, ready to run: one pipeline for each source.
#[derive(Debug)]
pub struct Pipeline {
    steps: Vec<Step>,
    counts: Counts,
}

/// What became of entries besides leaving the pipeline as they should.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Filtered out, or without a route.
    pub filtered: u64,
    /// Dropped because an operator could not work on them.
    pub dropped: u64,
    /// Sent on although an operator could not work on them; each operator counts.
    pub failed: u64,
}

/// What is wrong with an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which, counted from 0 on.
    pub operator: usize,
    /// What is wrong with it, in English, with the way out.
    pub reason: String,
}

/// An operator with where its entries go.
#[derive(Debug)]
pub(super) struct Step {
    id: String,
    condition: Option<Expression>,
    on_error: OnError,
    work: Work,
    /// The operators behind it, by their place; as many as there are means out. A router has several ways.
    ways: Vec<Vec<usize>>,
    has_complained: bool,
}

impl Pipeline {
    /// Makes operators ready and connects them.
    ///
    /// # Errors
    /// The first fault: an expression, a pattern or a layout that cannot be read, an id that stands twice, an output that
    /// is no operator's id or leads back.
    pub fn new(operators: &[Operator]) -> Result<Pipeline, Fault> {
        Pipeline::connected(operators).map_err(|mut faults| faults.swap_remove(0))
    }

    /// All that is wrong with operators; nothing: they can be used.
    pub fn check(operators: &[Operator]) -> Vec<Fault> {
        Pipeline::connected(operators).err().unwrap_or_default()
    }

    /// Or at least one fault.
    fn connected(operators: &[Operator]) -> Result<Pipeline, Vec<Fault>> {
        let mut faults = Vec::new();
        if operators.len() > MAX_OPERATORS {
            let reason = "a pipeline has at most 250 operators".to_owned();
            return Err(vec![Fault { operator: MAX_OPERATORS, reason }]);
        }
        let ids = ids(operators, &mut faults);
        let mut steps = Vec::new();
        for (at, operator) in operators.iter().enumerate() {
            let ways = ways(operator, at, &ids).unwrap_or_else(|reason| {
                faults.push(Fault { operator: at, reason });
                Vec::new()
            });
            match Step::of(operator, ids[at].clone(), ways) {
                Ok(step) => steps.push(step),
                Err(reason) => faults.push(Fault { operator: at, reason }),
            }
        }
        // Of those that are not there all is unknown.
        if let Some(at) = circle(&steps).filter(|_| faults.is_empty()) {
            let reason = format!("entries of {} would come back to it", ids[at]);
            faults.push(Fault { operator: at, reason });
        }
        match faults.is_empty() {
            true => Ok(Pipeline { steps, counts: Counts::default() }),
            false => Err(faults),
        }
    }

    /// Runs an entry through the operators; what comes out goes to the sink, at once or later.
    pub fn run(&mut self, entry: Entry, sink: &mut dyn FnMut(Entry)) {
        self.advance(0, entry, sink);
    }

    /// Lets out what waited for longer than it should, by the time of [`Entry::observed`].
    pub fn flush_until(&mut self, now: u64, sink: &mut dyn FnMut(Entry)) {
        self.release(Some(now), sink);
    }

    /// Lets out everything that waits.
    pub fn flush(&mut self, sink: &mut dyn FnMut(Entry)) {
        self.release(None, sink);
    }

    /// The smallest [`mark`](Entry::mark) of the entries that wait in the pipeline to be put together with others.
    pub fn oldest_mark(&self) -> Option<u64> {
        self.steps.iter().filter_map(|step| step.work.oldest_mark()).min()
    }

    /// What became of entries besides leaving the pipeline as they should.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Runs an entry from an operator on.
    fn advance(&mut self, from: usize, entry: Entry, sink: &mut dyn FnMut(Entry)) {
        let (mut at, mut entry) = (from, entry);
        while let Some(step) = self.steps.get_mut(at) {
            let way = match step.run(entry) {
                Next::Way(way, changed) => {
                    entry = changed;
                    way
                }
                Next::Several(entries) => {
                    return entries.into_iter().for_each(|entry| self.spread(at, 0, entry, sink));
                }
                Next::Flawed(..) if step.drops(0) => {
                    self.counts.dropped += 1;
                    return;
                }
                Next::Flawed(entries, _) => {
                    self.counts.failed += 1;
                    return entries.into_iter().for_each(|entry| self.spread(at, 0, entry, sink));
                }
                Next::Filtered => {
                    self.counts.filtered += 1;
                    return;
                }
                Next::Failed(way, ..) if step.drops(way) => {
                    self.counts.dropped += 1;
                    return;
                }
                Next::Failed(way, failed, _) => {
                    self.counts.failed += 1;
                    entry = failed;
                    way
                }
            };
            // The usual case does not go deeper.
            let step = &self.steps[at];
            match step.ways.get(way).map(Vec::as_slice) {
                Some([next]) => at = *next,
                _ => return self.spread(at, way, entry, sink),
            }
        }
        sink(entry);
    }

    /// Sends an entry to all operators behind one.
    fn spread(&mut self, at: usize, way: usize, entry: Entry, sink: &mut dyn FnMut(Entry)) {
        let next = self.steps.get(at).and_then(|step| step.ways.get(way)).cloned().unwrap_or_default();
        let Some((last, others)) = next.split_last() else { return };
        for to in others {
            self.advance(*to, entry.clone(), sink);
        }
        self.advance(*last, entry, sink);
    }

    fn release(&mut self, until: Option<u64>, sink: &mut dyn FnMut(Entry)) {
        let mut out = Vec::new();
        for at in 0..self.steps.len() {
            if let Some(joiner) = self.steps[at].work.joiner().filter(|joiner| !joiner.is_empty()) {
                match until {
                    Some(now) => joiner.release_until(now, &mut out),
                    None => joiner.release_all(&mut out),
                }
            }
            for entry in out.drain(..) {
                self.spread(at, 0, entry, sink);
            }
        }
    }
}

impl Step {
    pub(super) fn of(operator: &Operator, id: String, ways: Vec<Vec<usize>>) -> Result<Self, String> {
        let condition = operator.condition.as_deref().map(compiled).transpose()?;
        let (work, on_error) = (Work::new(operator)?, operator.on_error);
        Ok(Step { id, condition, on_error, work, ways, has_complained: false })
    }

    fn run(&mut self, entry: Entry) -> Next {
        let next = match self.condition.as_ref().map(|condition| condition.truth(&entry)) {
            None | Some(Ok(true)) => self.work.run(entry),
            Some(Ok(false)) => return Next::Way(0, entry),
            Some(Err(fault)) => Next::Failed(0, entry, format!("if: {fault}").into()),
        };
        match &next {
            Next::Failed(way, _, fault) => self.complain(fault, self.drops(*way)),
            Next::Flawed(_, fault) => self.complain(fault, self.drops(0)),
            _ => {}
        }
        next
    }

    /// Whether an entry that it cannot work on ends here.
    fn drops(&self, way: usize) -> bool {
        let is_end = self.ways.get(way).is_none_or(Vec::is_empty);
        is_end || matches!(self.on_error, OnError::Drop | OnError::DropQuiet)
    }

    /// Says the first fault.
    fn complain(&mut self, fault: &str, is_dropped: bool) {
        if matches!(self.on_error, OnError::SendQuiet | OnError::DropQuiet) {
            return;
        }
        let becomes = if is_dropped { "is dropped" } else { "goes on as it is" };
        if !std::mem::replace(&mut self.has_complained, true) {
            let id = &self.id;
            voice::warn(format!(
                "the operator {id:?} cannot work on an entry, which {becomes}: {fault}; what follows of this kind is \
                 counted and not said"
            ));
        }
    }
}

/// The ids of all operators: their own, or their type with a number behind it if there are several.
fn ids(operators: &[Operator], faults: &mut Vec<Fault>) -> Vec<String> {
    let mut known = HashSet::new();
    for (operator, id) in
        operators.iter().enumerate().filter_map(|(at, operator)| Some((at, operator.id.clone()?)))
    {
        if !known.insert(id.clone()) {
            let reason = format!("the id {id:?} stands twice; give it another one");
            faults.push(Fault { operator, reason });
        }
    }
    let made = operators.iter().map(|operator| {
        let id = operator.id.clone().unwrap_or_else(|| {
            let name = operator.task.name();
            let numbered = (1..).map(|number| format!("{name}{number}"));
            [name.to_owned()].into_iter().chain(numbered).find(|id| !known.contains(id)).unwrap_or_default()
        });
        known.insert(id.clone());
        id
    });
    made.collect()
}

/// The operators behind one, for each of its ways.
fn ways(operator: &Operator, at: usize, ids: &[String]) -> Result<Vec<Vec<usize>>, String> {
    let places = |outputs: &[String]| {
        let place = |output: &String| {
            let unknown = || format!("the output {output:?} is no operator; there are {}", ids.join(", "));
            ids.iter().position(|id| id == output).ok_or_else(unknown)
        };
        outputs.iter().map(place).collect::<Result<Vec<_>, _>>()
    };
    match &operator.task {
        Task::Router { routes, default } => {
            if routes.iter().any(|route| route.outputs.is_empty()) {
                return Err("a route needs an output".to_owned());
            }
            let outputs = routes.iter().map(|route| &route.outputs).chain([default]);
            outputs.map(|outputs| places(outputs)).collect()
        }
        _ if operator.outputs.is_empty() => Ok(vec![vec![at + 1]]),
        _ => Ok(vec![places(&operator.outputs)?]),
    }
}

/// An operator whose entries come back to it.
fn circle(steps: &[Step]) -> Option<usize> {
    // What is left when all that leads only to what was taken away is taken away.
    let mut left: Vec<bool> = vec![true; steps.len()];
    loop {
        let is_end = |at: &usize| {
            let mut next = steps[*at].ways.iter().flatten();
            left[*at] && !next.any(|to| left.get(*to).copied().unwrap_or_default())
        };
        match (0..steps.len()).rev().find(is_end) {
            Some(at) => left[at] = false,
            None => return left.iter().position(|is_left| *is_left),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "operator {}: {}", self.operator + 1, self.reason)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests;
