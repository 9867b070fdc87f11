//! A `Blame` on the wire, and what may be said in it.

use protocol::Blame;

/// Most characters of a blame's words.
const WORDS_MAX: usize = 1000;
/// Most bytes of an encoded blame: its words at four bytes a character and its few fixed fields.
pub(super) const BLAME_MAX: usize = 4 * WORDS_MAX + 64;

/// Cuts the words to a length that always travels, and takes out what could steer the terminal or the
/// log in which they end up.
pub(super) fn tidy(blame: &mut Blame) {
    blame.message =
        blame.message.chars().take(WORDS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
}
