//! Order among a few things. The sorts and trees of the standard library are made for many: each costs some kilobytes of code for
//! every type, and a page has to fetch them.

use std::collections::BinaryHeap;

/// The values in their order.
pub(crate) fn sorted<T: Ord>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    values.into_iter().collect::<BinaryHeap<_>>().into_sorted_vec()
}

/// The values in their order, each once.
pub(crate) fn set<T: Ord>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut sorted = sorted(values);
    sorted.dedup();
    sorted
}

/// The values in the order of their keys; those with the same key stay as they come.
pub(crate) fn by_key<T, K: Ord>(values: impl IntoIterator<Item = T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let mut ordered = Vec::new();
    for value in values {
        let at = ordered.partition_point(|before| key(before) <= key(&value));
        ordered.insert(at, value);
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_standard_library_sorts() {
        let values: Vec<(u32, usize)> = (0..500_u32).map(|n| n.wrapping_mul(2_654_435_761) % 7).zip(0..).collect();
        let mut expected = values.clone();
        expected.sort_by_key(|(key, _)| *key);
        assert_eq!(by_key(values.clone(), |(key, _)| *key), expected);
        assert_eq!(sorted(values.iter().rev().copied()), expected);
        assert_eq!(set(values.iter().map(|(key, _)| *key)), [0, 1, 2, 3, 4, 5, 6]);
        assert!(set::<u32>([]).is_empty());
    }
}
