//! The parts of `cloisterd` that other programs and tests share with it.

pub mod commands;
pub mod datasets;
pub mod failure;
pub mod jobs;
mod keys;
mod lifecycle;
mod listener;
mod log;
pub mod node;
pub mod peers;
mod plugins;
mod reload;
pub mod results;
pub mod rows;
mod running;
mod server;
mod service;
pub mod session;
pub mod settings;
mod startup;
mod status;
