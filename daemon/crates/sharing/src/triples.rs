//! Dealt bit triples: shares of random `a`, `b` and `c = a & b`, 64 to a word.
//!
//! The dealer knows the seeds of both parties and nothing of what they compute. The left party expands its seed into
//! all of its part; the right party expands `a` and `b` and receives the one word that makes the triple fit, the
//! correction `c`. It is masked by the left party's uniform `c`, so it tells the right party nothing.

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::wipe::wipe;
use crate::{Error, Seed, Stream};

/// One of the two computing parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The party whose triples come from its seed alone; it also adds the public constants.
    Left,
    /// The party that receives corrections.
    Right,
}

/// The streams of a party's shares of `a` and `b`, one for each so that the order of words does not depend on how
/// many are taken at a time.
struct Factors {
    a: Stream,
    b: Stream,
}

impl Factors {
    fn new(seed: &Seed) -> Self {
        Self {
            a: Stream::new(seed.derive(b"bit triples: a")),
            b: Stream::new(seed.derive(b"bit triples: b")),
        }
    }
}

fn left_products(seed: &Seed) -> Stream {
    Stream::new(seed.derive(b"bit triples: c"))
}

/// The dealer's side.
pub struct Dealer {
    left: Factors,
    products: Stream,
    right: Factors,
}

impl Dealer {
    /// The dealer that gave `left` to the left party and `right` to the right party, and to nobody else.
    pub fn new(left: Seed, right: Seed) -> Self {
        Self { products: left_products(&left), left: Factors::new(&left), right: Factors::new(&right) }
    }

    /// The next `words` corrections, to be sent to the right party: 8 bytes for 64 triples.
    pub fn corrections(&mut self, words: usize) -> Vec<u64> {
        let mut out = self.products.words(words);
        let mut buffers = [[0; CHUNK]; 4];
        for chunk in out.chunks_mut(CHUNK) {
            let [a_left, b_left, a_right, b_right] =
                buffers.each_mut().map(|buffer| &mut buffer[..chunk.len()]);
            self.left.a.fill_words(a_left);
            self.left.b.fill_words(b_left);
            self.right.a.fill_words(a_right);
            self.right.b.fill_words(b_right);
            let a = a_left.iter().zip(a_right);
            let b = b_left.iter().zip(b_right);
            for ((c, (a_left, a_right)), (b_left, b_right)) in chunk.iter_mut().zip(a).zip(b) {
                *c ^= (*a_left ^ *a_right) & (*b_left ^ *b_right);
            }
        }
        buffers.zeroize();
        out
    }
}

/// Words that the dealer multiplies at a time.
const CHUNK: usize = 512;

/// A party's supply of triples.
///
/// Triples leave it by value, in order, and are never given twice.
pub struct Triples {
    factors: Factors,
    products: Products,
}

/// Where a party's share of `c` comes from.
enum Products {
    /// The left party's seed.
    Seeded(Box<Stream>),
    /// The dealer's corrections; those before `next` are used up.
    Dealt { corrections: Vec<u64>, next: usize },
}

impl Triples {
    /// The left party's triples: as many as the dealer makes corrections for.
    pub fn left(seed: Seed) -> Self {
        Self { products: Products::Seeded(Box::new(left_products(&seed))), factors: Factors::new(&seed) }
    }

    /// The right party's triples: none until corrections are supplied.
    pub fn right(seed: Seed) -> Self {
        Self { products: Products::Dealt { corrections: Vec::new(), next: 0 }, factors: Factors::new(&seed) }
    }

    /// Whose triples these are.
    pub fn party(&self) -> Party {
        match self.products {
            Products::Seeded(_) => Party::Left,
            Products::Dealt { .. } => Party::Right,
        }
    }

    /// Words of triples that can be taken now; the left party's seed has no end.
    pub fn available(&self) -> usize {
        match &self.products {
            Products::Seeded(_) => usize::MAX,
            Products::Dealt { corrections, next } => corrections.len() - next,
        }
    }

    /// Adds the dealer's next corrections. They continue the earlier ones in the order in which they were dealt.
    ///
    /// # Errors
    /// [`Error::WrongParty`] at the left party, which takes none.
    pub fn supply(&mut self, mut more: Vec<u64>) -> Result<(), Error> {
        match &mut self.products {
            Products::Seeded(_) => Err(Error::WrongParty),
            Products::Dealt { corrections, next } if *next == corrections.len() => {
                wipe(corrections);
                (*corrections, *next) = (more, 0);
                Ok(())
            }
            Products::Dealt { corrections, next } => {
                let left = corrections.len() - *next;
                let mut joined = Vec::with_capacity(left + more.len());
                joined.extend_from_slice(&corrections[*next..]);
                joined.extend_from_slice(&more);
                wipe(corrections);
                wipe(&mut more);
                (*corrections, *next) = (joined, 0);
                Ok(())
            }
        }
    }

    /// Takes the next `words` words of triples.
    ///
    /// # Errors
    /// [`Error::TriplesExhausted`] when fewer are left; then none is taken.
    pub fn take(&mut self, words: usize) -> Result<TripleBatch, Error> {
        let mut batch = TripleBatch::default();
        self.refill(&mut batch, words)?;
        Ok(batch)
    }

    /// [`take`](Self::take) into a batch that is used up, to spare the allocation.
    pub(crate) fn refill(&mut self, batch: &mut TripleBatch, words: usize) -> Result<(), Error> {
        let available = self.available();
        if available < words {
            return Err(Error::TriplesExhausted { needed: words, available });
        }
        for part in [&mut batch.a, &mut batch.b, &mut batch.c] {
            part.resize(words, 0);
        }
        self.factors.a.fill_words(&mut batch.a);
        self.factors.b.fill_words(&mut batch.b);
        match &mut self.products {
            Products::Seeded(stream) => stream.fill_words(&mut batch.c),
            Products::Dealt { corrections, next } => {
                batch.c.copy_from_slice(&corrections[*next..*next + words]);
                *next += words;
            }
        }
        Ok(())
    }
}

impl Drop for Triples {
    fn drop(&mut self) {
        if let Products::Dealt { corrections, .. } = &mut self.products {
            wipe(corrections); // the streams wipe themselves
        }
    }
}

/// One party's shares of some words of triples. It cannot be copied; using it takes it.
#[derive(Default)]
pub struct TripleBatch {
    pub(crate) a: Vec<u64>,
    pub(crate) b: Vec<u64>,
    pub(crate) c: Vec<u64>,
}

impl TripleBatch {
    /// An empty batch with room for `words` words, so that refilling it leaves no unwiped copy behind.
    pub(crate) fn with_capacity(words: usize) -> Self {
        Self { a: Vec::with_capacity(words), b: Vec::with_capacity(words), c: Vec::with_capacity(words) }
    }
}

impl Drop for TripleBatch {
    fn drop(&mut self) {
        for part in [&mut self.a, &mut self.b, &mut self.c] {
            wipe(part);
        }
    }
}

impl ZeroizeOnDrop for TripleBatch {}

#[cfg(test)]
mod tests {
    use super::*;

    fn deal() -> (Dealer, Triples, Triples) {
        let seed = |byte| Seed::from_bytes([byte; 32]);
        (Dealer::new(seed(1), seed(2)), Triples::left(seed(1)), Triples::right(seed(2)))
    }

    #[test]
    fn the_shares_multiply_however_they_are_cut() {
        let (mut dealer, mut left, mut right) = deal();
        let supplies = [1, 700, 600, 3];
        let takes = [1, 500, 3, 797, 3];
        let mut supplies = supplies.into_iter();
        for words in takes {
            while right.available() < words {
                let corrections = dealer.corrections(supplies.next().unwrap());
                right.supply(corrections).unwrap();
            }
            let (x, y) = (left.take(words).unwrap(), right.take(words).unwrap());
            for i in 0..words {
                assert_eq!((x.a[i] ^ y.a[i]) & (x.b[i] ^ y.b[i]), x.c[i] ^ y.c[i]);
            }
        }
        assert_eq!(right.available(), 0);
    }

    #[test]
    fn running_out_takes_nothing_and_wrong_parties_are_refused() {
        let (mut dealer, mut left, mut right) = deal();
        right.supply(dealer.corrections(5)).unwrap();
        assert!(matches!(right.take(6), Err(Error::TriplesExhausted { needed: 6, available: 5 })));
        let (x, y) = (left.take(5).unwrap(), right.take(5).unwrap());
        assert!((0..5).all(|i| (x.a[i] ^ y.a[i]) & (x.b[i] ^ y.b[i]) == x.c[i] ^ y.c[i]));
        assert!(matches!(right.take(1), Err(Error::TriplesExhausted { needed: 1, available: 0 })));
        assert!(matches!(left.supply(vec![0]), Err(Error::WrongParty)));
    }
}
