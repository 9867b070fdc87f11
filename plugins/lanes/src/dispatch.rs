//! One body, compiled for several instruction sets and chosen at run time.

// The only unsafe act is to call a function that needs processor features, after asking for them.
#![allow(unsafe_code)]

use crate::block::Blocks;
use crate::{NotFinite, Term, tile};

/// An instruction set that this program has code for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isa {
    /// What every processor of the build target has.
    Baseline,
    /// 256-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 512-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// All that this program has code for, best last.
    #[cfg(target_arch = "x86_64")]
    pub(crate) const ALL: &'static [Self] = &[Self::Baseline, Self::Avx2, Self::Avx512];
    /// All that this program has code for, best last.
    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) const ALL: &'static [Self] = &[Self::Baseline];

    /// Whether this processor runs it. The answer is cached by the standard library.
    pub(crate) fn is_available(self) -> bool {
        match self {
            Self::Baseline => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512f"),
        }
    }

    /// The best that this processor runs.
    pub(crate) fn best() -> Self {
        Self::ALL.iter().copied().rev().find(|isa| isa.is_available()).unwrap_or(Self::Baseline)
    }
}

/// [`crate::assign`] with a given instruction set.
pub(crate) fn assign<T: Term>(
    isa: Isa,
    rows: &[f64],
    dim: usize,
    centres: &[f64],
    labels: &mut [u32],
    costs: &mut [f64],
) -> Result<(), NotFinite> {
    assert!(isa.is_available(), "this processor lacks {isa:?}");
    assert!(dim > 0 && !centres.is_empty() && centres.len().is_multiple_of(dim), "centres do not fit dim");
    assert_eq!(costs.len(), labels.len(), "one cost for each label");
    assert_eq!(Some(rows.len()), labels.len().checked_mul(dim), "rows do not fit labels and dim");
    // A row's least cost hides a centre that is not finite behind another that is.
    if !centres.iter().all(|value| value.is_finite()) {
        return Err(NotFinite);
    }
    let blocks = Blocks::new(centres, dim);
    match isa {
        Isa::Baseline => tile::assign::<T>(rows, dim, &blocks, labels, costs),
        // SAFETY: the processor has AVX2, as asserted above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { assign_avx2::<T>(rows, dim, &blocks, labels, costs) },
        // SAFETY: the processor has AVX-512F, as asserted above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { assign_avx512::<T>(rows, dim, &blocks, labels, costs) },
    }
}

/// [`crate::distances`] with a given instruction set.
pub(crate) fn distances<T: Term>(
    isa: Isa,
    rows: &[f64],
    dim: usize,
    centre: &[f64],
    costs: &mut [f64],
) -> Result<(), NotFinite> {
    assert!(isa.is_available(), "this processor lacks {isa:?}");
    assert!(dim > 0 && centre.len() == dim, "the centre does not fit dim");
    assert_eq!(Some(rows.len()), costs.len().checked_mul(dim), "rows do not fit costs and dim");
    if !centre.iter().all(|value| value.is_finite()) {
        return Err(NotFinite);
    }
    match isa {
        Isa::Baseline => tile::distances::<T>(rows, dim, centre, costs),
        // SAFETY: the processor has AVX2, as asserted above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { distances_avx2::<T>(rows, dim, centre, costs) },
        // SAFETY: the processor has AVX-512F, as asserted above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { distances_avx512::<T>(rows, dim, centre, costs) },
    }
}

// FMA is left out on purpose: a fused multiply-add rounds once where the plain loop rounds twice.

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn assign_avx2<T: Term>(
    rows: &[f64],
    dim: usize,
    blocks: &Blocks,
    labels: &mut [u32],
    costs: &mut [f64],
) -> Result<(), NotFinite> {
    tile::assign::<T>(rows, dim, blocks, labels, costs)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn assign_avx512<T: Term>(
    rows: &[f64],
    dim: usize,
    blocks: &Blocks,
    labels: &mut [u32],
    costs: &mut [f64],
) -> Result<(), NotFinite> {
    tile::assign::<T>(rows, dim, blocks, labels, costs)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn distances_avx2<T: Term>(
    rows: &[f64],
    dim: usize,
    centre: &[f64],
    costs: &mut [f64],
) -> Result<(), NotFinite> {
    tile::distances::<T>(rows, dim, centre, costs)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn distances_avx512<T: Term>(
    rows: &[f64],
    dim: usize,
    centre: &[f64],
    costs: &mut [f64],
) -> Result<(), NotFinite> {
    tile::distances::<T>(rows, dim, centre, costs)
}
