//! The parts of `cloisterd` that other programs and tests share with it.

pub mod settings;
