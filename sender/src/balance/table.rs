//! Who gets what: the member with the highest score for it.
//!
//! Each member has a score for each key, made of nothing but the two, and the highest one wins. So everybody who knows
//! the same members decides alike, in whatever order they know them, and when one leaves, only what was its moves.

/// The members that take part, with what belongs to each.
#[derive(Clone, Debug)]
pub(crate) struct Table<M>(Vec<(String, u64, M)>);

impl<M> Table<M> {
    /// Of members by their names.
    pub(crate) fn new(members: impl IntoIterator<Item = (String, M)>) -> Self {
        let seeded = members.into_iter().map(|(name, member)| (seed(&name), name, member));
        let mut members = Vec::from_iter(seeded.map(|(seed, name, member)| (name, seed, member)));
        // Of two equal scores the first wins.
        members.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        Table(members)
    }

    pub(crate) fn length(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn member(&self, place: usize) -> Option<&M> {
        self.0.get(place).map(|(_, _, member)| member)
    }

    /// The place of the member that gets what has this key; zero if there is none.
    pub(crate) fn place(&self, key: u64) -> usize {
        let (mut best, mut highest) = (0, 0);
        for (place, (_, seed, _)) in self.0.iter().enumerate() {
            let score = mixed(seed ^ key);
            if score > highest {
                (best, highest) = (place, score);
            }
        }
        best
    }
}

/// The key of what has these bytes: a trace id, the name of a service.
pub(crate) fn key(bytes: &[u8]) -> u64 {
    let mut key = bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut padded = [0; 8];
        padded.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        key = mixed(key ^ u64::from_le_bytes(padded));
    }
    key
}

/// What a member brings to its scores.
fn seed(name: &str) -> u64 {
    mixed(key(name.as_bytes()))
}

/// The finalizer of SplitMix64: each bit of the one depends on all bits of the other.
fn mixed(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(names: &[&str]) -> Table<String> {
        Table::new(names.iter().map(|name| ((*name).to_owned(), (*name).to_owned())))
    }

    fn of(table: &Table<String>, key: u64) -> &str {
        table.member(table.place(key)).unwrap()
    }

    /// Keys of trace ids: random ones, and those of a generator that counts.
    fn keys() -> Vec<u64> {
        let random =
            (0..20_000_u64).map(|number| [mixed(number), mixed(!number)].map(u64::to_be_bytes).concat());
        let counted = (0..20_000_u128).map(|number| number.to_be_bytes().to_vec());
        random.chain(counted).map(|id| key(&id)).collect()
    }

    #[test]
    fn everybody_who_knows_the_same_members_decides_alike_in_every_version() {
        let (one, other) = (table(&["a:4317", "b:4317", "c:4317"]), table(&["c:4317", "a:4317", "b:4317"]));
        assert!(keys().into_iter().all(|key| of(&one, key) == of(&other, key)));
        // What a release decides, the next one decides: else a trace is torn where both run.
        let decided = (0..12_u8).map(|number| of(&one, key(&[number; 16]))).collect::<Vec<_>>();
        let at = |letters: &str| letters.chars().map(|letter| format!("{letter}:4317")).collect::<Vec<_>>();
        assert_eq!(decided, at("bcbbaccbabcc"));
        assert_eq!(key(b"cart"), 0x7b7c_50cb_ba89_f08a);
    }

    #[test]
    fn the_shares_are_even_within_a_twentieth() {
        for count in [2, 3, 5, 10] {
            let names = (0..count).map(|number| format!("10.0.0.{number}:4317")).collect::<Vec<_>>();
            let table = table(&names.iter().map(String::as_str).collect::<Vec<_>>());
            let mut shares = vec![0_usize; count];
            keys().into_iter().for_each(|key| shares[table.place(key)] += 1);
            let fair = keys().len() / count;
            assert!(shares.iter().all(|share| share.abs_diff(fair) < fair / 20), "{shares:?}");
        }
    }

    #[test]
    fn when_a_member_leaves_only_what_was_its_moves_and_comes_back_with_it() {
        let (all, without) = (table(&["a:1", "b:1", "c:1", "d:1"]), table(&["a:1", "b:1", "d:1"]));
        for key in keys() {
            let (before, after) = (of(&all, key), of(&without, key));
            assert!(before == after || before == "c:1");
        }
    }

    #[test]
    fn nobody_gets_anything_where_nobody_is() {
        let none = table(&[]);
        assert_eq!((none.place(7), none.length(), none.member(0)), (0, 0, None));
    }
}
