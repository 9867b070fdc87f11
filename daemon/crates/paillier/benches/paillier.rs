//! Benchmarks of the cryptosystem.

fn main() {}
