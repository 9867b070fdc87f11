//! A party's part of a correlation between masks.

use crate::error::check_length;
use crate::wipe::Wiped;
use crate::{Error, Party, Randomness};

/// Some words that, with the other party's, add up to what the dealer knows of both parties' masks.
///
/// It is drawn together with the masks, so that any number of blocks can be opened before the first is absorbed: the
/// left party's stream then stands where the dealer's copy of it stands.
pub(crate) enum Part {
    /// The left party's, from its stream.
    Drawn(Wiped),
    /// The right party's: so many words of corrections, still to come.
    Dealt(usize),
}

impl Part {
    /// Draws the part of `len` words, or notes that it will be dealt.
    pub(crate) fn draw(randomness: &mut Randomness, len: usize) -> Self {
        match randomness.party() {
            Party::Left => {
                let mut drawn = Wiped::zeros(len);
                randomness.fill(&mut drawn);
                Part::Drawn(drawn)
            }
            Party::Right => Part::Dealt(len),
        }
    }

    /// The part itself. The left party takes no corrections.
    ///
    /// # Errors
    /// [`Error::Length`] when there are more or fewer corrections than the part has words.
    pub(crate) fn with(self, corrections: &[u64]) -> Result<Wiped, Error> {
        let (drawn, expected) = match self {
            Part::Drawn(drawn) => (Some(drawn), 0),
            Part::Dealt(len) => (None, len),
        };
        check_length("words of corrections", corrections.len(), expected)?;
        Ok(drawn.unwrap_or_else(|| corrections.to_vec().into()))
    }
}
