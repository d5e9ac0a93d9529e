//! What was meant by a name that is none.

/// Letters that must be changed, added or taken away (Levenshtein). Beyond the longest key it does not matter.
pub(super) fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    if one.len() > 4 * other.len().max(8) {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for column in 0..other.len() {
            let change = diagonal + usize::from(other[column] != letter);
            diagonal = row[column + 1];
            row[column + 1] = change.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_changed_added_and_taken_away() {
        for (one, other, letters) in
            [("", "ab", 2), ("view", "veiw", 2), ("port", "prot", 2), ("endpont", "endpoint", 1)]
        {
            assert_eq!((distance(one, other), distance(other, one)), (letters, letters));
        }
    }
}
