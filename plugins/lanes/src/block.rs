//! Centres laid out for vector lanes.

/// Lanes of a full block: one 512-bit register of `f64`, or two of 256 bits.
pub(crate) const WIDE: usize = 8;

/// Lanes of a block that holds the last one to four centres.
pub(crate) const NARROW: usize = 4;

/// Centres, transposed in blocks: `WIDE` centres to a block, and `NARROW` to the last if that is enough.
///
/// A block of L lanes holds `dim × L` values, dimension after dimension. Lanes without a centre hold
/// infinity, so their cost is never the least.
pub(crate) struct Blocks {
    dim: usize,
    wide: Vec<f64>,
    narrow: Vec<f64>,
}

impl Blocks {
    /// Lays out `centres`, which holds `k × dim` values.
    pub(crate) fn new(centres: &[f64], dim: usize) -> Self {
        let k = centres.len() / dim;
        let rest = k % WIDE;
        let fits_narrow = rest > 0 && rest <= NARROW;
        let in_wide = if fits_narrow { k - rest } else { k };
        let (first, last) = centres.split_at(in_wide * dim);
        Self { dim, wide: transposed::<WIDE>(first, dim), narrow: transposed::<NARROW>(last, dim) }
    }

    /// The full blocks, in order.
    pub(crate) fn wide(&self) -> impl Iterator<Item = &[[f64; WIDE]]> {
        self.wide.as_chunks().0.chunks_exact(self.dim)
    }

    /// The block after them, empty if there is none.
    pub(crate) fn narrow(&self) -> &[[f64; NARROW]] {
        self.narrow.as_chunks().0
    }
}

fn transposed<const L: usize>(centres: &[f64], dim: usize) -> Vec<f64> {
    let blocks = (centres.len() / dim).div_ceil(L);
    let mut out = vec![f64::INFINITY; blocks * dim * L];
    for (index, centre) in centres.chunks_exact(dim).enumerate() {
        let block = &mut out[index / L * dim * L..][..dim * L];
        for (lanes, &value) in block.as_chunks_mut::<L>().0.iter_mut().zip(centre) {
            lanes[index % L] = value;
        }
    }
    out
}
