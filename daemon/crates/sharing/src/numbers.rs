//! Circuits over numbers: vectors of wires, least significant bit first.
//!
//! Where carries run there is a choice of [`Depth`]. With b bits and log = log2(b) rounded up:
//!
//! | circuit | shallow: ANDs, layers | narrow: ANDs, layers |
//! |---|---|---|
//! | [`add`], [`sub`] | about b·log, log + 1 | b − 1, b − 1 |
//! | [`less_than`] | about 3b, log + 1 | b, b |
//! | [`equal`], [`is_zero`], [`any`] | b − 1, log | the same |
//! | [`select`] | b, 1 | the same |
//! | [`multiply`] | about 2b², about 3·log | fewer, about 2b |

mod argmin;
mod carry;
mod compare;
mod divide;
mod multiply;
mod select;

pub use argmin::{Argmin, argmin, min};
pub use carry::{add, negate, sub, sub_borrow};
pub use compare::{any, equal, is_zero, less_than, less_than_signed};
pub use divide::{DivisionForm, Divisor, divide, divide_lifted, divide_rounded};
pub use multiply::multiply;
pub use select::{select, select_wire};

/// What a circuit with carries should save.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Depth {
    /// Layers: parallel prefix, logarithmic depth. For a network.
    Shallow,
    /// ANDs: ripple, linear depth. For many lanes side by side, or little bandwidth.
    Narrow,
}

/// How a number's top bit is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    /// Two's complement.
    Signed,
    /// Not negative.
    Unsigned,
}
