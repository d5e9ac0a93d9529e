use super::*;
use crate::check::{check, field};
use proptest::{collection::vec, prelude::*, sample::select};

/// What a walk after the check counts, with the decoder's rule that the last field of a number counts.
fn counted(signal: Signal, body: &[u8]) -> (u64, usize, u64, bool) {
    let (mut taken, mut placed, mut rejected, mut is_split) = (0, 0, 0, false);
    let pieces = |message| slices(Fields::within(body, message), 1).count() > 1;
    for resource_items in slices(Fields::of(body), 1).map(Result::unwrap) {
        is_split |= pieces(resource_items);
        let scopes = slices(Fields::within(body, resource_items), 2).map(Result::unwrap);
        is_split |= scopes.into_iter().any(pieces);
    }
    walk(body, |slice, _| {
        match signal {
            Signal::Metrics => taken += points(body, slice)?,
            _ => match trace(signal, body, slice)? {
                Ok(trace) => (taken, placed) = (taken + 1, placed + usize::from(trace.is_some())),
                Err(_) => rejected += 1,
            },
        }
        Ok(())
    })
    .unwrap();
    (taken, placed, rejected, is_split)
}

/// Messages with fields that are often those of OTLP, some of them nested.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        select(vec![vec![7; 16], vec![7; 8], vec![0; 8], vec![0; 16], b"text".to_vec(), vec![0xff]]),
        vec(any::<u8>(), 0..6),
    ];
    let message = leaf.prop_recursive(6, 60, 5, |inner| {
        let numbers = select(vec![1_u8, 1, 2, 2, 2, 4, 5, 7, 9, 10, 15]);
        vec((numbers, inner), 0..5).prop_map(|fields| {
            fields.into_iter().flat_map(|(number, content)| field(number, &content)).collect()
        })
    });
    message.boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    // O-064: nothing that the check refuses is taken, and nothing is counted otherwise than in a walk of its own.
    #[test]
    fn one_walk_says_what_a_check_and_a_count_say(body in bodies()) {
        for signal in Signal::ALL {
            match (scan(signal, &body), check(signal, &body)) {
                (Ok(scan), Ok(messages)) => {
                    let is = (scan.taken, scan.placed, scan.rejected, scan.is_split);
                    prop_assert_eq!(is, counted(signal, &body));
                    let inner = messages.saturating_sub((scan.taken + scan.rejected) as usize);
                    prop_assert_eq!(scan.surplus, (inner * MESSAGE).saturating_sub(body.len() * EXPECTED));
                }
                (scan, check) => prop_assert_eq!(scan.map(drop), check.map(drop)),
            }
        }
    }
}
