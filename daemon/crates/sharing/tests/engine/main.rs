//! The engine as its users see it: every circuit against its plaintext definition, in the clear and by two parties.

mod division;
mod misuse;
mod numbers;
mod parties;
mod random_circuits;
mod ring;
mod slices;
