//! What a run is over, and what the best public system needs for it.

use std::fmt::Write;

use cloister_tests::expected::{defaults_of, euclidean};
use control::Privacy;
use kmeans::fixed::RawRows;
use kmeans::fixed::reference::Parameters;
use kmeans::fixed::sealed::{self, Form};
use serde::Serialize;

/// The size of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Shape {
    /// Rows of both hosts together, half of them each.
    pub(crate) rows: usize,
    /// Attributes.
    pub(crate) dim: usize,
    /// Clusters.
    pub(crate) k: usize,
}

/// What a round costs elsewhere.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Reference {
    /// Seconds a round.
    pub(crate) seconds: f64,
    /// Bytes a round, all links together.
    pub(crate) bytes: f64,
    /// Sequential exchanges a round.
    pub(crate) exchanges: f64,
}

/// Where [`Shape::reference`] is from. Measured once, not in this run, and on another machine of the same kind.
pub(crate) const SOURCE: &str =
    "MP-SPDZ, three-party replicated ring, a k-means program written for it, loopback; fixed figures";

/// What the project wants against it: this many times its speed, this part of its bytes.
pub(crate) const GOAL: (f64, f64) = (3.0, 2.0 / 3.0);
/// The most sequential exchanges a round that the project wants at five clusters, whatever the number of rows.
pub(crate) const MOST_EXCHANGES: u64 = 80;
/// Up to so many rows it is checked that they go on moving.
const CHECKED: usize = 10_000;
/// Seeds that are tried for that.
const TRIED: u64 = 200;
/// The most memory a party that the project wants at a million rows.
pub(crate) const MOST_MEMORY: u64 = 300_000_000;

impl Shape {
    /// The reference's figures for this shape, where there are any.
    pub(crate) fn reference(self) -> Option<Reference> {
        let (seconds, megabytes, exchanges) = match (self.rows, self.dim, self.k) {
            (10_000, 2, 5) => (0.091, 8.5, 450.0),
            (100_000, 2, 5) => (0.72, 85.0, 3_900.0),
            (100_000, 10, 10) => (2.3, 206.0, 8_500.0),
            _ => return None,
        };
        Some(Reference { seconds, bytes: megabytes * 1e6, exchanges })
    }

    /// The name of its rows.
    pub(crate) fn dataset(self) -> String {
        format!("uniform-{}-{}-{}", self.rows, self.dim, self.k)
    }

    /// Rows over which a sealed run takes all of its rounds, and the seed that gave them: the first from `seed` on that
    /// does by the plaintext reference, or of some the one that comes nearest.
    pub(crate) fn moving_rows(self, seed: u64, rounds: u32) -> (u64, [Vec<f64>; 2]) {
        // Many rows go on moving for long; few may be at rest soon.
        if self.rows > CHECKED {
            return (seed, self.parts(seed));
        }
        let metric = euclidean();
        let parameters = Parameters { max_rounds: rounds, ..defaults_of(Privacy::Sealed, self.k, seed) };
        let taken = |parts: &[Vec<f64>; 2]| {
            let raw = |values: &Vec<f64>| RawRows { attributes: self.attributes(), values: values.clone() };
            let hosts = parts.each_ref().map(raw);
            let outcome = sealed::run(&hosts, Form::SquaredEuclid, &parameters, &metric);
            outcome.expect("rows that can be clustered").rounds
        };
        let mut longest = (0, seed, self.parts(seed));
        for drawn in seed..seed.saturating_add(TRIED) {
            let parts = self.parts(drawn);
            let taken = taken(&parts);
            if taken > longest.0 {
                longest = (taken, drawn, parts);
            }
            if taken == rounds {
                break;
            }
        }
        (longest.1, longest.2)
    }

    /// Each host's rows, row-major: uniform in the unit cube for both, in steps of a millionth, so that clusters have
    /// no gaps between them and centres go on moving.
    fn parts(self, seed: u64) -> [Vec<f64>; 2] {
        let mut state = seed;
        let mut value = || f64::from((next(&mut state) % 1_000_000) as u32) / 1e6;
        [self.rows.div_ceil(2), self.rows / 2].map(|rows| (0..rows * self.dim).map(|_| value()).collect())
    }

    fn attributes(self) -> Vec<String> {
        (0..self.dim).map(|attribute| format!("x{attribute}")).collect()
    }

    /// One host's rows as a document.
    pub(crate) fn csv(self, rows: &[f64]) -> String {
        let mut csv = self.attributes().join(",") + "\n";
        for row in rows.chunks_exact(self.dim) {
            for (attribute, value) in row.iter().enumerate() {
                let comma = if attribute == 0 { "" } else { "," };
                write!(csv, "{comma}{value:.6}").expect("a string takes everything");
            }
            csv.push('\n');
        }
        csv
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
