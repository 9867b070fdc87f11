//! Every instruction set against the plain loop, bit for bit.

use proptest::prelude::*;

use crate::dispatch::{self, Isa};
use crate::{NotFinite, Term};

struct Square;
impl Term for Square {
    #[inline(always)]
    fn term(x: f64, c: f64) -> f64 {
        (x - c) * (x - c)
    }
}

struct Absolute;
impl Term for Absolute {
    #[inline(always)]
    fn term(x: f64, c: f64) -> f64 {
        (x - c).abs()
    }
}

fn plain_cost<T: Term>(row: &[f64], centre: &[f64]) -> f64 {
    let mut cost = 0.0;
    for d in 0..row.len() {
        cost += T::term(row[d], centre[d]);
    }
    cost
}

fn plain_assign<T: Term>(rows: &[f64], dim: usize, centres: &[f64]) -> (Vec<u32>, Vec<u64>) {
    rows.chunks_exact(dim)
        .map(|row| {
            let mut best = (0, plain_cost::<T>(row, &centres[..dim]));
            for (label, centre) in (0..).zip(centres.chunks_exact(dim)).skip(1) {
                let cost = plain_cost::<T>(row, centre);
                if cost < best.1 {
                    best = (label, cost);
                }
            }
            (best.0, best.1.to_bits())
        })
        .unzip()
}

fn bits(costs: &[f64]) -> Vec<u64> {
    costs.iter().map(|cost| cost.to_bits()).collect()
}

fn available() -> impl Iterator<Item = Isa> {
    Isa::ALL.iter().copied().filter(|isa| isa.is_available())
}

fn agrees_with_plain<T: Term>(rows: &[f64], dim: usize, centres: &[f64]) -> Result<(), TestCaseError> {
    let n = rows.len() / dim;
    let (labels, costs) = plain_assign::<T>(rows, dim, centres);
    let at_first: Vec<_> =
        rows.chunks_exact(dim).map(|row| plain_cost::<T>(row, &centres[..dim]).to_bits()).collect();
    for isa in available() {
        let (mut got_labels, mut got_costs) = (vec![u32::MAX; n], vec![f64::NAN; n]);
        let answer = dispatch::assign::<T>(isa, rows, dim, centres, &mut got_labels, &mut got_costs);
        prop_assert_eq!(answer, Ok(()));
        prop_assert_eq!(&got_labels, &labels, "{:?}", isa);
        prop_assert_eq!(bits(&got_costs), &costs[..], "{:?}", isa);
        prop_assert_eq!(dispatch::distances::<T>(isa, rows, dim, &centres[..dim], &mut got_costs), Ok(()));
        prop_assert_eq!(bits(&got_costs), &at_first[..], "{:?}", isa);
    }
    Ok(())
}

/// Rows, dimension and centres; values on a coarse grid half of the time, so that ties happen.
fn batches() -> impl Strategy<Value = (Vec<f64>, usize, Vec<f64>)> {
    (0_usize..40, 1_usize..70, 1_usize..40, any::<bool>()).prop_flat_map(|(n, dim, k, grid)| {
        let value = if grid {
            (-2_i8..=2).prop_map(f64::from).boxed()
        } else {
            prop_oneof![4 => -10.0..10.0, 1 => -1e150..1e150, 1 => -1e-150..1e-150].boxed()
        };
        (prop::collection::vec(value.clone(), n * dim), Just(dim), prop::collection::vec(value, k * dim))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn squares_agree_with_the_plain_loop((rows, dim, centres) in batches()) {
        agrees_with_plain::<Square>(&rows, dim, &centres)?;
    }

    #[test]
    fn absolutes_agree_with_the_plain_loop((rows, dim, centres) in batches()) {
        agrees_with_plain::<Absolute>(&rows, dim, &centres)?;
    }
}

#[test]
fn equal_centres_give_the_lowest_index() {
    for isa in available() {
        for k in 1..40 {
            let (mut labels, mut costs) = ([u32::MAX; 9], [f64::NAN; 9]);
            let answer =
                dispatch::assign::<Square>(isa, &[2.5; 27], 3, &vec![1.5; 3 * k], &mut labels, &mut costs);
            assert_eq!((answer, labels, costs), (Ok(()), [0; 9], [3.0; 9]), "{isa:?}, k = {k}");
        }
    }
}

#[test]
fn values_that_are_not_finite_are_refused_wherever_they_stand() {
    let (n, dim, k) = (11, 3, 6);
    for isa in available() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for place in 0..n * dim {
                let mut rows = vec![1.0; n * dim];
                rows[place] = bad;
                let (mut labels, mut costs) = (vec![0; n], vec![0.0; n]);
                let answer = dispatch::assign::<Absolute>(
                    isa,
                    &rows,
                    dim,
                    &vec![0.5; k * dim],
                    &mut labels,
                    &mut costs,
                );
                assert_eq!(answer, Err(NotFinite), "{isa:?}, row value {place}");
                let answer = dispatch::distances::<Absolute>(isa, &rows, dim, &[0.5; 3], &mut costs);
                assert_eq!(answer, Err(NotFinite), "{isa:?}, row value {place}");
            }
            for place in 0..k * dim {
                let mut centres = vec![0.5; k * dim];
                centres[place] = bad;
                let (mut labels, mut costs) = (vec![0; n], vec![0.0; n]);
                let answer = dispatch::assign::<Absolute>(
                    isa,
                    &vec![1.0; n * dim],
                    dim,
                    &centres,
                    &mut labels,
                    &mut costs,
                );
                assert_eq!(answer, Err(NotFinite), "{isa:?}, centre value {place}");
            }
        }
    }
}

#[test]
fn a_cost_that_overflows_matters_only_if_it_is_the_least() {
    for isa in available() {
        let (mut labels, mut costs) = ([9], [0.0]);
        let far_and_near =
            dispatch::assign::<Square>(isa, &[1e200], 1, &[-1e200, 1e200], &mut labels, &mut costs);
        assert_eq!((far_and_near, labels, costs), (Ok(()), [1], [0.0]));
        let far = dispatch::assign::<Square>(isa, &[1e200], 1, &[-1e200], &mut labels, &mut costs);
        assert_eq!(far, Err(NotFinite));
    }
}
