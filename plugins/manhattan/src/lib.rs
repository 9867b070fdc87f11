//! The metric plugin `manhattan`: the cost of a row x at a centre c is the Manhattan distance, Σ |x − c| over the dimensions.

use abi::{AssignCall, DistancesCall, Fault};
use lanes::{NotFinite, Term};

struct AbsoluteDifference;

impl Term for AbsoluteDifference {
    #[inline(always)]
    fn term(x: f64, c: f64) -> f64 {
        (x - c).abs()
    }
}

/// Finds each row's nearest centre, the lowest index among equals.
///
/// # Errors
/// [`Fault::NotFinite`] if a value is not finite or a row's least cost overflows.
pub fn assign(call: AssignCall<'_>) -> Result<(), Fault> {
    let AssignCall { rows, dim, centres, labels, costs } = call;
    lanes::assign::<AbsoluteDifference>(rows, dim, centres, labels, costs)
        .map_err(|NotFinite| Fault::NotFinite)
}

/// Costs each row at one centre.
///
/// # Errors
/// [`Fault::NotFinite`] if a value is not finite or a cost overflows.
pub fn distances(call: DistancesCall<'_>) -> Result<(), Fault> {
    let DistancesCall { rows, dim, centre, costs } = call;
    lanes::distances::<AbsoluteDifference>(rows, dim, centre, costs).map_err(|NotFinite| Fault::NotFinite)
}

abi::declare_metric! {
    name: "manhattan",
    version: env!("CARGO_PKG_VERSION"),
    flags: 0,
    secure_form: abi::SECURE_FORM_MANHATTAN,
    assign: assign,
    distances: distances,
}
