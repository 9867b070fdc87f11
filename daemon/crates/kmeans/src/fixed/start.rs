//! The start of an `open` run: growing from one centre to k by splitting.
//!
//! After Linde, Buzo and Gray (1980): the joint mean is the first centre; then the centres with the largest joint
//! cost are split in two along a random direction and a few rounds settle them, until there are k. It uses nothing
//! but joint centres, which an `open` run shows anyway, and which centres were split; no host's own centres take
//! part. Several starts with other directions run side by side.

use crate::splitmix::SplitMix64;

/// Rounds after each growth step.
pub const GROWTH_ROUNDS: u32 = 4;
/// The largest coordinate of a split, in grid steps: small against the data, so that the direction alone decides.
const REACH: usize = 255;

/// The numbers of centres that a start goes through, from 1 to `k`: each step splits at most half of them
/// (rounded up), the costly half.
pub fn growth(k: usize) -> Vec<usize> {
    let mut sizes = vec![1];
    let mut size = 1;
    while size < k {
        size = k.min(size + size.div_ceil(2));
        sizes.push(size);
    }
    sizes
}

/// The `count` clusters with the largest costs; of equal costs the smaller index counts as the larger cost.
pub fn largest(costs: &[u128], count: usize) -> Vec<bool> {
    (0..costs.len())
        .map(|i| {
            let above =
                (0..costs.len()).filter(|&j| costs[j] > costs[i] || (costs[j] == costs[i] && j < i)).count();
            above < count
        })
        .collect()
}

/// Splits the `chosen` centres: the first of a pair keeps its place, the second ones follow at the end in order.
///
/// `seed`, `start` and the number of centres fix the directions.
pub fn split(centres: &[i64], dim: usize, chosen: &[bool], seed: u64, start: usize) -> Vec<i64> {
    let mut directions = SplitMix64::for_start(seed ^ ((chosen.len() as u64) << 32), start);
    let mut grown = centres.to_vec();
    for index in (0..chosen.len()).filter(|&index| chosen[index]) {
        for coordinate in index * dim..(index + 1) * dim {
            let step = directions.below(2 * REACH + 1) as i64 - REACH as i64;
            grown[coordinate] = (centres[coordinate] + step).clamp(-super::MAX_GRID, super::MAX_GRID);
            grown.push((centres[coordinate] - step).clamp(-super::MAX_GRID, super::MAX_GRID));
        }
    }
    grown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_ends_at_k() {
        assert_eq!(growth(1), [1]);
        assert_eq!(growth(10), [1, 2, 3, 5, 8, 10]);
        for k in 1..100 {
            let sizes = growth(k);
            assert_eq!(*sizes.last().unwrap(), k);
            assert!(sizes.windows(2).all(|w| w[0] < w[1] && w[1] - w[0] <= w[0].div_ceil(2)));
        }
    }

    #[test]
    fn the_largest_are_chosen_with_ties_to_the_smaller_index() {
        assert_eq!(largest(&[1, 5, 5, 2], 1), [false, true, false, false]);
        assert_eq!(largest(&[0, 0, 0], 2), [true, true, false]);
    }

    #[test]
    fn a_split_is_symmetric_and_depends_on_the_start() {
        let centres = [0, 0, 7, 9];
        let one = split(&centres, 2, &[true, false], 1, 0);
        assert_eq!(one.len(), 6);
        assert_eq!((one[0] + one[4], one[1] + one[5]), (0, 0));
        assert_eq!(one[2..4], [7, 9]);
        assert_ne!(one, split(&centres, 2, &[true, false], 1, 1));
    }
}
