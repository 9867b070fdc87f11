//! The two-party engine: shares, dealt randomness and circuits.
//!
//! Two parties, [`Left`](Party::Left) and [`Right`](Party::Right), hold a value as two shares, each uniform on its
//! own: additive modulo a power of 2^64 ([`RingVec`]) or by exclusive or ([`BitSlices`]). A third, the [`Dealer`],
//! hands out correlated randomness and sees none of the exchange. A [`Circuit`] is built once and evaluated over many
//! lanes at a time by [`Evaluation`], one exchange an AND layer.
//!
//! Everything here is pure and synchronous: the caller moves the words between the parties.

pub mod choose;
mod circuit;
mod division;
mod elements;
mod error;
pub mod lift;
pub mod matrix;
pub mod numbers;
mod part;
pub mod product;
mod randomness;
pub mod reference;
mod ring;
mod seed;
pub mod sign;
mod slices;
mod stream;
mod transpose;
mod triples;
mod wipe;

pub use circuit::{Builder, Circuit, Evaluation, Wire};
pub use division::{DivisionPlan, NetworkCost, SharedDivision};
pub use error::Error;
pub use randomness::{Dealing, Randomness};
pub use ring::RingVec;
pub use seed::Seed;
pub use slices::BitSlices;
pub use stream::Stream;
pub use triples::{Dealer, Party, TripleBatch, Triples};
