//! The start of a sealed run: a weighted k-means over the local centres of all hosts, from several public choices
//! among them.

use super::local::LocalCentres;
use super::numbers::{Form, nearest};
use crate::fixed::rounded_quotient;
use crate::splitmix::SplitMix64;

/// Rounds of the weighted k-means.
pub const START_ROUNDS: u32 = 4;
/// Starts side by side unless told otherwise.
pub const STARTS: usize = 16;
/// Row counts matter to the start in blocks of this many rows, to which the protocol pads them.
const BLOCK: u64 = 64;
/// Points stay this far, in steps, from the edge of the grid, so that a centre may be pushed a little.
pub(super) const MARGIN: i64 = 64;

/// How many local centres each host brings: `k` to start from, and `2k + 32` that stand for its rows.
pub fn points(k: usize) -> usize {
    3 * k + 32
}

/// How many of a host's `count` local centres are to start from: the `k` of [`points`].
pub(super) fn seeds(count: usize) -> usize {
    count.saturating_sub(32) / 3
}

/// For each start the indices of the `k` points that it begins at, among the points of all hosts ([`points`]`(k)` of each,
/// host after host). They depend on nothing but public numbers; `rows` are the hosts' row counts, which count in whole
/// blocks of 64, of which every host has one at least.
///
/// A start takes of every host so many of its first points. Hosts whose rows are alike are served best by all `k` of
/// one host, hosts that hold different clusters by about as many of each as it has of the rows. So the odd starts take
/// one host alone, as long as there are large ones; of the others the first takes shares of the rows, and
/// after it one in three takes about such shares, the others any.
pub fn starts(seed: u64, rows: &[u64], k: usize, starts: usize) -> Vec<Vec<usize>> {
    let blocks: Vec<u64> = rows.iter().map(|rows| rows.div_ceil(BLOCK).max(1)).collect();
    let alone = large(&blocks);
    let from_start = |start: usize| {
        let bounds = match (start % 2, alone.get(start / 2)) {
            (1, Some(&alone)) => (0..=rows.len()).map(|host| if host > alone { k } else { 0 }).collect(),
            _ => {
                let shared = start - alone.len().min(start / 2);
                bounds(&blocks, k, Leeway::of(shared, k), &mut SplitMix64::for_start(seed, start))
            }
        };
        let of_host = |(host, bounds): (usize, &[usize])| {
            let first = host * points(k);
            first..first + bounds[1] - bounds[0]
        };
        bounds.windows(2).enumerate().flat_map(of_host).collect()
    };
    (0..starts).map(from_start).collect()
}

/// The hosts with at least half of an equal share of the rows: others are too few to stand for all.
fn large(blocks: &[u64]) -> Vec<usize> {
    let all: u128 = blocks.iter().map(|&of_host| u128::from(of_host)).sum();
    let is_large = |&host: &usize| u128::from(blocks[host]) * 2 * blocks.len() as u128 >= all;
    (0..blocks.len()).filter(is_large).collect()
}

/// How far the bounds between hosts may lie from their shares of the rows.
enum Leeway {
    None,
    Within(usize),
    Any,
}

impl Leeway {
    /// That of a start, counted among those that take of several hosts.
    fn of(start: usize, k: usize) -> Self {
        match start % 3 {
            _ if start == 0 => Leeway::None,
            1 => Leeway::Within((k / 8).max(1)),
            _ => Leeway::Any,
        }
    }
}

/// Cuts `0..k` into a part for each host: from 0 to `k`, ascending.
fn bounds(blocks: &[u64], k: usize, leeway: Leeway, generator: &mut SplitMix64) -> Vec<usize> {
    let all = blocks.iter().map(|&of_host| u128::from(of_host)).sum::<u128>();
    let mut before = 0u128;
    let mut bounds = vec![0, k];
    for &of_host in &blocks[..blocks.len().saturating_sub(1)] {
        before += u128::from(of_host);
        let share = ((2 * k as u128 * before + all) / (2 * all)) as usize;
        bounds.push(match leeway {
            Leeway::None => share,
            Leeway::Within(most) => (share + generator.below(2 * most + 1)).saturating_sub(most).min(k),
            Leeway::Any => generator.below(k + 1),
        });
    }
    bounds.sort_unstable();
    bounds
}

/// The centres (`k × dim`) of the best of all starts after [`START_ROUNDS`] rounds.
///
/// Of equal inertias the smaller start wins.
pub fn best_start(form: Form, hosts: &[LocalCentres], dim: usize, starts: &[Vec<usize>]) -> Vec<i64> {
    let points: Vec<i64> = hosts.iter().flat_map(|host| &host.points).copied().collect();
    let weights: Vec<u64> = hosts.iter().flat_map(|host| &host.weights).copied().collect();
    let mut best: Option<(i128, Vec<i64>)> = None;
    for indices in starts {
        let mut centres: Vec<i64> =
            indices.iter().flat_map(|&at| &points[at * dim..(at + 1) * dim]).copied().collect();
        for _ in 0..START_ROUNDS {
            round(form, &points, &weights, dim, &mut centres);
        }
        let cost = |(point, &weight): (&[i64], &u64)| {
            i128::from(weight) * i128::from(nearest(form, point, &centres).1)
        };
        let inertia = points.chunks_exact(dim).zip(&weights).map(cost).sum();
        if best.as_ref().is_none_or(|(least, _)| inertia < *least) {
            best = Some((inertia, centres));
        }
    }
    best.map(|(_, centres)| centres).unwrap_or_default()
}

/// A weighted round: every centre becomes the mean of its points; one without weight stays.
fn round(form: Form, points: &[i64], weights: &[u64], dim: usize, centres: &mut [i64]) {
    let mut sums = vec![0i64; centres.len()];
    let mut counts = vec![0u64; centres.len() / dim];
    for (point, &weight) in points.chunks_exact(dim).zip(weights) {
        let label = nearest(form, point, centres).0 as usize;
        counts[label] += weight;
        for (sum, &value) in sums[label * dim..][..dim].iter_mut().zip(point) {
            *sum += value * weight as i64;
        }
    }
    move_to_means(&sums, &counts, dim, centres);
}

/// Moves centres to the rounded means of their rows; an empty one stays.
pub(super) fn move_to_means(sums: &[i64], counts: &[u64], dim: usize, centres: &mut [i64]) {
    for (at, centre) in centres.iter_mut().enumerate() {
        if counts[at / dim] > 0 {
            *centre = rounded_quotient(i128::from(sums[at]), i128::from(counts[at / dim])) as i64;
        }
    }
}
