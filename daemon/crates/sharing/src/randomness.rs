//! Correlated randomness: the streams behind it, at a compute party and at the dealer.
//!
//! Every building block draws its masks in one fixed order from one stream a party. The left party's part of a
//! correlation (its share of a product of masks, say) comes from its stream too; the right party's part is what makes
//! the correlation true, and the dealer, who knows both streams, sends it: the *correction*. It is masked by the left
//! party's part, which the right party does not know, so it is uniform to it.
//!
//! **Order.** For each block of an operation, in the order in which the blocks are opened, a party draws its masks for
//! one exchange and then, at the left party, its parts. Absorbing draws nothing; so any number of blocks may be open
//! at a time, and the dealer, who deals block after block, reads both streams in the same order.

use crate::{Party, Seed, Stream};

/// A compute party's randomness of one run.
pub struct Randomness {
    party: Party,
    stream: Stream,
}

impl Randomness {
    /// The randomness of `party` from the seed that the dealer gave to it alone.
    pub fn new(party: Party, seed: Seed) -> Self {
        Randomness { party, stream: Stream::new(seed) }
    }

    /// Whose it is.
    pub fn party(&self) -> Party {
        self.party
    }

    /// The next words of the stream: masks.
    pub fn fill(&mut self, words: &mut [u64]) {
        self.stream.fill_words(words);
    }
}

/// The dealer's knowledge: both parties' streams. It never sees what they compute.
pub struct Dealing {
    left: Stream,
    right: Stream,
}

impl Dealing {
    /// The dealer that gave `left` to the left party and `right` to the right party, and to nobody else.
    pub fn new(left: Seed, right: Seed) -> Self {
        Dealing { left: Stream::new(left), right: Stream::new(right) }
    }

    /// The next words of a party's stream.
    pub fn fill(&mut self, party: Party, words: &mut [u64]) {
        match party {
            Party::Left => self.left.fill_words(words),
            Party::Right => self.right.fill_words(words),
        }
    }
}
