use super::*;
use crate::{
    Destination, Disk, Protocol, Remote, Signal,
    disk::{Store, tests::Place as Directory},
};

fn store(directory: &Directory) -> (Store, Found) {
    let url = "http://127.0.0.1:9/v1/traces".parse().unwrap();
    let destination = Destination::Remote(Remote::new(Protocol::HttpProtobuf, url));
    Store::open(&Disk::new(&directory.0), Signal::Traces, &destination).unwrap()
}

fn state(found: Found) -> State {
    State::new(Stats::new(Signal::Traces, &"anywhere"), found)
}

/// The number of the request that is sent next.
fn next(state: &mut State) -> Option<u64> {
    match state.next(None, None, false) {
        Due::Now(loads) => loads.first().map(|(number, _)| *number),
        Due::At(_) | Due::Never => None,
    }
}

fn request(items: u64) -> Request {
    Request { items, body: vec![b'x'; items as usize].into() }
}

/// A state with a request of ten items, of which four are a piece that was delivered and three are the next piece.
fn in_pieces() -> (State, u64) {
    let mut state = state(Found::default());
    state.admit(request(10), &Limits::default()).unwrap();
    let number = next(&mut state).unwrap();
    state.split(number, [request(4), request(6)]);
    state.settle(number, 4, 0, "");
    next(&mut state).unwrap();
    state.split(number, [request(3), request(3)]);
    (state, number)
}

fn spill(state: &mut State, store: &mut Store) {
    let (numbers, requests) = state.to_spill();
    let places = store.append(&requests).unwrap();
    state.spilled(&numbers, places);
}

/// What the next process finds: the items that are left of each request, and whether they may have arrived.
fn left(mut state: State, mut store: Store, directory: &Directory) -> Vec<(u64, bool)> {
    for (place, note) in state.take_notes() {
        store.note(&place, note).unwrap();
    }
    drop(store);
    let (_, found) = self::store(directory);
    let left = |found: &FoundRequest| (found.place.items() - found.settled, found.attempted);
    found.requests.iter().map(left).collect()
}

#[test]
fn pieces_go_to_disk_as_what_is_left_and_wait_there_once_nothing_is_attempted() {
    for closed in [false, true] {
        let (directory, (mut state, _)) = (Directory::new(), in_pieces());
        let mut store = store(&directory).0;
        state.closed = closed;
        spill(&mut state, &mut store);
        assert_eq!(state.stats.on_disk, 6);
        // Until the end another piece may be under way before the disk knows of it.
        assert_eq!(left(state, store, &directory), [(6, !closed)]);
    }
}

#[test]
fn pieces_that_are_settled_while_the_rest_is_on_disk_or_on_its_way_there_are_noted() {
    let (directory, (mut state, number)) = (Directory::new(), in_pieces());
    let mut store = store(&directory).0;
    let (numbers, requests) = state.to_spill();
    next(&mut state).unwrap();
    state.settle(number, 1, 2, "");
    let places = store.append(&requests).unwrap();
    state.spilled(&numbers, places);
    state.closed = true;
    state.leave();
    assert_eq!(left(state, store, &directory), [(3, false)]);
}

#[test]
fn at_the_end_only_what_is_under_way_or_had_no_answer_may_have_arrived() {
    for (under_way, unanswered) in [(false, false), (true, false), (false, true)] {
        let (directory, (mut state, number)) = (Directory::new(), in_pieces());
        let mut store = store(&directory).0;
        spill(&mut state, &mut store);
        next(&mut state).unwrap();
        if !under_way {
            state.postpone(number, unanswered);
        }
        state.closed = true;
        assert!(next(&mut state).is_none(), "nothing is attempted any more");
        state.leave();
        let expected = [(6, under_way || unanswered)];
        assert_eq!(left(state, store, &directory), expected, "{under_way} {unanswered}");
    }
}

// Else it would go over without its content, and its record be taken for done.
#[test]
fn what_went_to_disk_since_its_turn_came_is_not_handed_over_from_memory() {
    let directory = Directory::new();
    let (mut store, found) = store(&directory);
    let mut state = state(found);
    state.admit(request(10), &Limits::default()).unwrap();
    let number = next(&mut state).unwrap();
    assert_eq!(state.whole(number).map(|request| request.body.len()), Some(10));
    spill(&mut state, &mut store);
    assert!(state.whole(number).is_none());
    assert!(
        matches!(state.next(None, None, true), Due::Now(loads) if matches!(loads[..], [(_, Load::Disk(_, 10))]))
    );
}

#[test]
fn what_goes_over_takes_its_counts_along_and_leaves_its_record_until_it_is_told_of() {
    for written in [false, true] {
        let (directory, (mut state, number)) = (Directory::new(), in_pieces());
        let mut store = store(&directory).0;
        if written {
            spill(&mut state, &mut store);
        }
        let (numbers, requests) = state.to_spill();
        let released = state.release(number).unwrap();
        assert_eq!((released.place.is_some(), released.unanswered), (written, false));
        assert_eq!((state.stats.recorded, state.stats.delivered, state.stats.queued), (4, 4, 0));
        assert_eq!((state.stats.on_disk, state.bytes()), (0, 0));
        assert!(state.release(number).is_none());
        // It was on its way to disk: there it is over.
        let places = if written { vec![] } else { store.append(&requests).unwrap() };
        state.spilled(&numbers, places);
        assert_eq!((state.stats.on_disk, state.has_notes()), (0, !written));

        let mut others = self::state(Found::default());
        others.receive(request(6), None, true, released.since);
        assert_eq!((others.stats.recorded, others.stats.queued, others.stats.repeated), (6, 6, 0));
        let number = next(&mut others).unwrap();
        others.begin(number, 6);
        assert_eq!(others.stats.repeated, 6, "it may have been taken elsewhere");

        // Nobody has told yet that they have it, so the next process has it, and knows that it may be there twice.
        let expected: &[(u64, bool)] = if written { &[(6, true)] } else { &[] };
        assert_eq!(left(state, store, &directory), expected);
    }
}
