//! The generator that draws starting centres.

/// SplitMix64: 64 bits of state, one output a step, every state on one cycle of length 2^64.
///
/// It makes a clustering repeatable from a seed, on every machine. **It is not cryptographic**: whoever
/// sees one output knows all later ones. Nothing secret may be drawn from it.
///
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014,
/// with the constants of Vigna's `splitmix64.c`.
pub(crate) struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    pub(crate) fn new(seed: u64) -> Self {
        SplitMix64 { state: seed }
    }

    /// The generator of one of several starts.
    ///
    /// Its state is output number `start` of the generator of `seed`. The output function is a bijection,
    /// so different starts never share a state; and start `s` is the same however many starts there are.
    pub(crate) fn for_start(seed: u64, start: usize) -> Self {
        let skipped = (start as u64).wrapping_mul(GAMMA);
        SplitMix64::new(SplitMix64::new(seed.wrapping_add(skipped)).next_u64())
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `[0, 1)`, a multiple of 2^-53.
    pub(crate) fn unit(&mut self) -> f64 {
        const ULP: f64 = 1.0 / (1u64 << 53) as f64;
        (self.next_u64() >> 11) as f64 * ULP
    }

    /// Uniform in `0..bound`, without bias (Lemire's multiplication with rejection). `bound` is positive.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        let unfair = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            if product as u64 >= unfair {
                return (product >> 64) as usize;
            }
        }
    }
}

/// 2^64 divided by the golden ratio, made odd.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_published_sequence() {
        let mut generator = SplitMix64::new(1_234_567);
        let outputs: Vec<u64> = (0..5).map(|_| generator.next_u64()).collect();
        assert_eq!(
            outputs,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821,
            ]
        );
    }

    #[test]
    fn start_states_are_the_outputs_of_the_seed() {
        let mut outputs = SplitMix64::new(99);
        for start in 0..20 {
            assert_eq!(SplitMix64::for_start(99, start).state, outputs.next_u64());
        }
    }

    #[test]
    fn unit_stays_below_one_and_fills_the_interval() {
        let mut generator = SplitMix64::new(3);
        let mut tenths = [0u32; 10];
        for _ in 0..10_000 {
            let u = generator.unit();
            assert!((0.0..1.0).contains(&u));
            tenths[(u * 10.0) as usize] += 1;
        }
        // Six standard deviations of a binomial with n = 10 000, p = 1/10.
        assert!(tenths.iter().all(|&n| n.abs_diff(1000) < 180), "{tenths:?}");
    }

    #[test]
    fn below_hits_every_value_evenly() {
        let mut generator = SplitMix64::new(4);
        assert_eq!(generator.below(1), 0);
        let mut hits = [0u32; 7];
        for _ in 0..7_000 {
            hits[generator.below(7)] += 1;
        }
        assert!(hits.iter().all(|&n| n.abs_diff(1000) < 176), "{hits:?}");
    }
}
