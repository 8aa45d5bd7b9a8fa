//! Which steps of a conversation a report shows: those that went wrong, then the first and the last.

use std::collections::BTreeSet;

/// Steps that a screen has room for.
const MOST: usize = 3;

/// The steps that mismatches are about, counted from 0: their texts begin with `step 1:`.
pub(super) fn wrong(mismatches: &[String]) -> BTreeSet<usize> {
    let number = |text: &String| text.strip_prefix("step ")?.split_once(':')?.0.parse::<usize>().ok()?.checked_sub(1);
    mismatches.iter().filter_map(number).collect()
}

/// The steps of so many that are shown.
pub(super) fn shown(count: usize, wrong: &BTreeSet<usize>) -> BTreeSet<usize> {
    let ends = [0, count.saturating_sub(1), count.saturating_sub(2)];
    let mut shown = BTreeSet::new();
    for step in wrong.iter().copied().chain(ends).chain(0..count) {
        if step < count && shown.len() < MOST {
            shown.insert(step);
        }
    }
    shown
}

/// What was expected, each with the number of its step where it is of one: of a conversation that went wrong in some
/// steps, what those expect.
pub(super) fn expected<'a>(wanted: &'a str, wrong: &BTreeSet<usize>) -> Vec<(Option<usize>, &'a str)> {
    let steps: Vec<&str> = wanted.split("[[steps]]").skip(1).collect();
    let found = wrong.iter().take(MOST).filter_map(|step| Some((Some(*step), *steps.get(*step)?)));
    let found: Vec<_> = found.collect();
    if found.is_empty() { vec![(None, wanted)] } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_went_wrong_come_before_the_ends() {
        for (count, wrong, right) in [
            (7, vec![], vec![0, 5, 6]),
            (7, vec![3], vec![0, 3, 6]),
            (7, vec![2, 3, 4, 5], vec![2, 3, 4]),
            (3, vec![1], vec![0, 1, 2]),
            (1, vec![], vec![0]),
            (2, vec![4], vec![0, 1]),
        ] {
            let wrong = wrong.into_iter().collect();
            assert_eq!(shown(count, &wrong).into_iter().collect::<Vec<_>>(), right, "{count}, {wrong:?}");
        }
    }
}
