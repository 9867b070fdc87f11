//! The parts of `cloisterd` that other programs and tests share with it.

pub mod failure;
pub mod jobs;
pub mod node;
pub mod peers;
pub mod results;
pub mod rows;
pub mod session;
pub mod settings;
