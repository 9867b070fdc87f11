//! Correlated randomness: the streams behind it, at a compute party and at the dealer.
//!
//! Every building block draws its masks in one fixed order from one stream a party. The left party's part of a
//! correlation (its share of a product of masks, say) comes from its stream too; the right party's part is what makes
//! the correlation true, and the dealer, who knows both streams, sends it: the *correction*. It is masked by the left
//! party's part, which the right party does not know, so it is uniform to it.

use zeroize::Zeroizing;

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

    /// The next `count` words of the stream.
    pub fn words(&mut self, count: usize) -> Zeroizing<Vec<u64>> {
        Zeroizing::new(self.stream.words(count))
    }

    /// This party's part of a correlation of `count` words, into `out`: the left party's from its stream, the right
    /// party's from `corrections`, which it takes from the front of the slice.
    ///
    /// # Panics
    /// When the right party is given fewer corrections than it needs: the caller checks what the dealer sent.
    pub fn part(&mut self, out: &mut [u64], corrections: &mut &[u64]) {
        match self.party {
            Party::Left => self.stream.fill_words(out),
            Party::Right => {
                let (now, rest) = corrections.split_at(out.len());
                out.copy_from_slice(now);
                *corrections = rest;
            }
        }
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
