//! What was meant by a name that is none.

/// Letters that must be changed, added, taken away, or swapped with the next one. Beyond the longest key it does not matter.
pub(super) fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    if one.len() > 4 * other.len().max(8) {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    let mut last = None;
    for (index, letter) in one.chars().enumerate() {
        let mut next = vec![index + 1];
        for column in 0..other.len() {
            let change = row[column] + usize::from(other[column] != letter);
            let mut least = change.min(row[column + 1] + 1).min(next[column] + 1);
            if column > 0 && last == Some(other[column]) && other[column - 1] == letter {
                least = least.min(before[column - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
        last = Some(letter);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_changed_added_taken_away_and_swapped() {
        for (one, other, letters) in [
            ("", "ab", 2),
            ("view", "veiw", 1),
            ("port", "prot", 1),
            ("ca", "abc", 3),
            ("endpont", "endpoint", 1),
        ] {
            assert_eq!((distance(one, other), distance(other, one)), (letters, letters));
        }
    }
}
