//! The metric host with real plugin files, written in C and in Rust.

mod c_plugins;
mod directory;
mod own_plugins;
mod plugin_files;
