use super::*;
use crate::disk::tests::Place;
use proptest::prelude::*;
use std::fs;

/// What a disk may do to a file of whole records.
#[derive(Clone, Debug)]
enum Damage {
    /// A byte is another one.
    Changed(usize, u8),
    /// It ends there.
    Cut(usize),
    /// There is more behind it.
    Longer(Vec<u8>),
    /// A head that is right in itself, of a record of this length.
    Head(u32, u64),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        4 => (any::<usize>(), any::<u8>()).prop_map(|(place, byte)| Damage::Changed(place, byte)),
        1 => any::<usize>().prop_map(Damage::Cut),
        1 => prop::collection::vec(any::<u8>(), 0..60).prop_map(Damage::Longer),
        1 => (prop_oneof![0_u32..40, any::<u32>()], any::<u64>()).prop_map(|(length, items)| Damage::Head(length, items)),
    ]
}

fn damaged(mut file: Vec<u8>, damage: Vec<Damage>) -> Vec<u8> {
    for damage in damage {
        match damage {
            Damage::Changed(place, byte) if !file.is_empty() => {
                let place = place % file.len();
                file[place] = byte;
            }
            Damage::Changed(..) => {}
            Damage::Cut(place) => file.truncate(place % (file.len() + 1)),
            Damage::Longer(more) => file.extend(more),
            Damage::Head(length, items) => {
                file.extend(encode(Fate::Waiting, &Record { offset: 0, length, items }, b""));
            }
        }
    }
    file
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_disk_did_to_a_file_its_records_are_inside_it_and_whole_or_lost(
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4),
        damage in prop::collection::vec(damage(), 0..4),
        noted in 0_u64..8,
    ) {
        let place = Place::new();
        fs::create_dir_all(&place.0)?;
        let path = place.0.join("segment");
        let requests = Vec::from_iter(bodies.iter().map(|body| Request { items: 7, body: body.clone().into() }));
        for record in append(&path, 0, &requests.iter().collect::<Vec<_>>())?.0 {
            settle(&path, &record, noted)?;
            mark(&path, &record, Fate::Waiting)?;
        }
        let untouched = damage.is_empty();
        fs::write(&path, damaged(fs::read(&path)?, damage))?;

        let bytes = fs::metadata(&path)?.len();
        let Some(contents) = scan(&path)? else { return Ok(()) };
        prop_assert_eq!(contents.bytes, bytes);
        let mut end = EMPTY_BYTES;
        for Left { record, settled, attempted } in &contents.records {
            prop_assert!(record.offset >= end && record.items <= MOST_ITEMS, "{record:?} after {end}");
            prop_assert!(*settled <= record.items && (*settled == noted || *attempted), "{settled} of {record:?}");
            end = record.offset + HEAD_BYTES as u64 + u64::from(record.length);
            prop_assert!(end <= bytes, "{record:?} in {bytes}");
            match read(&path, record) {
                Ok(body) => prop_assert!(body.is_empty() || bodies.iter().any(|known| known == &body)),
                Err(Fault::Lost(_)) => prop_assert!(!untouched),
                Err(Fault::Unreadable(error)) => return Err(error.into()),
            }
        }
        prop_assert!(!untouched || (contents.records.len() == bodies.len() && contents.torn.is_none()));
    }
}
