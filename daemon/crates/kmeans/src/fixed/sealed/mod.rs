//! The exact definition of a run in mode `sealed`: what the parties compute on shares, in plaintext.
//!
//! Rows and centres are integers on a grid that leaves room for scores in 64 bits ([`grid`]); [`scores`] compare a
//! row's centres, and everything after that is integer arithmetic: sums, counts, rounded division. [`run`] puts the
//! steps together as a whole run on the rows of all hosts.
//!
//! # Bounds
//!
//! With `|x| < 2^m`, `d` attributes and fewer than [`super::MAX_ROWS`] = 2^31 rows:
//!
//! * a score is below `d·2^(2m+2)` in magnitude, and so is the difference of two scores of one row; both fit
//!   [`Form::width`] ≤ 64 bits as two's complement;
//! * a sum of rows by cluster is below `2^(31+m) ≤ 2^61`, and so is a sum of points times their weights, for the
//!   weights of all points add up to the number of rows;
//! * the inertia of a start is below `2^31 · d·2^(2m+2) ≤ 2^94`: two limbs;
//! * the squared shift of a centre is below `d·2^(2m+2) ≤ 2^63`.

mod local;
mod numbers;
mod reference;
mod start;
mod withheld;

pub use local::{LocalCentres, local_centres};
pub use numbers::{Form, assign, grid, nearest, scores, stop_limit};
pub use reference::{at_rest, round, run};
pub use start::{START_ROUNDS, STARTS, best_start, points, starts};
pub use withheld::withheld;
