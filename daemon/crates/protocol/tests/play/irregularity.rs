//! Whether what a party received looks uniform.

/// Exponent of the false alarms: each bound fails with probability below about e^-30 = 1e-13 on uniform data.
const RARE: f64 = 30.0;

/// Pearson's statistic of `symbols` over `cells` equally likely cells.
fn chi_square(symbols: impl Iterator<Item = u8>, cells: usize) -> f64 {
    let mut counts = vec![0u64; cells];
    symbols.for_each(|symbol| counts[usize::from(symbol)] += 1);
    let expected = counts.iter().sum::<u64>() as f64 / cells as f64;
    counts.iter().map(|&count| (count as f64 - expected).powi(2) / expected).sum()
}

/// The tails of a chi-square variable beyond these are below e^-x (Laurent and Massart 2000).
fn chi_square_bounds(freedom: f64) -> (f64, f64) {
    let spread = 2.0 * (freedom * RARE).sqrt();
    (freedom - spread, freedom + spread + 2.0 * RARE)
}

/// Why `elements`, of equally many bytes each, do not look uniform.
pub(crate) fn irregularity(name: &str, elements: &[Vec<u8>]) -> Option<String> {
    let bytes = || elements.iter().flatten().copied();
    let (n, bits) = (elements.len() as f64, elements[0].len() * 8);
    // Each bit by itself over all elements, and all bits together (Hoeffding).
    let ones = |bit: usize| elements.iter().filter(|e| e[bit / 8] >> (bit % 8) & 1 == 1).count() as f64;
    for bit in 0..bits {
        if (ones(bit) - n / 2.0).abs() > (n * RARE / 2.0).sqrt() {
            return Some(format!("{name}: bit {bit} is set {} times of {n}", ones(bit)));
        }
    }
    let (set, all) = (bytes().map(u8::count_ones).sum::<u32>() as f64, n * bits as f64);
    if (set - all / 2.0).abs() > (all * RARE / 2.0).sqrt() {
        return Some(format!("{name}: {set} bits are set of {all}"));
    }
    let nibbles = || bytes().flat_map(|byte| [byte & 15, byte >> 4]);
    let mut checks = Vec::new();
    if all >= 4.0 * 16.0 * 10.0 {
        checks.push((chi_square(nibbles(), 16), 15.0));
    }
    if all >= 8.0 * 256.0 * 10.0 {
        checks.push((chi_square(bytes(), 256), 255.0));
    }
    for (statistic, freedom) in checks {
        let (low, high) = chi_square_bounds(freedom);
        println!("{name}: {n} elements, chi-square({freedom}) = {statistic:.1}");
        if !(low..high).contains(&statistic) {
            return Some(format!("{name}: chi-square({freedom}) = {statistic:.1}"));
        }
    }
    None
}
