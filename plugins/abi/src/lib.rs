//! The C interface between Cloister and its metric plugins, and what a plugin written in Rust needs to
//! offer it.
//!
//! A plugin is a shared library named `lib<name>.so`, or `lib<name>.<anything>.so` for a newer copy beside
//! an older one. It exports one function, `cloister_metric_<name>` (see [`ENTRY_PREFIX`]), that returns a pointer to a static
//! [`Descriptor`]. No Rust type crosses the border, so a plugin may be built with any compiler. The C side
//! of this crate is `include/cloister_metric.h`; a test holds the two against each other.
//!
//! The symbol carries the metric's name for two reasons: a directory listing tells which metric a file
//! offers before any of its code runs, and several plugins can be linked into one program.
//!
//! A plugin in Rust writes two safe functions over slices and one [`declare_metric!`].
#![no_std]
// The extern "C" shims turn pointers into slices; nothing else here is unsafe.
#![allow(unsafe_code)]

mod descriptor;
mod sdk;

pub use descriptor::{
    ABI_MAJOR, ABI_MINOR, AssignFn, DescribeFn, Descriptor, DistancesFn, ENTRY_PREFIX,
    FLAG_COSTS_ARE_SQUARES, Header, KNOWN_FLAGS, MAGIC, NAME_MAX, SECURE_FORM_MANHATTAN, SECURE_FORM_NONE,
    SECURE_FORM_SQUARED_EUCLIDEAN, STATUS_INTERNAL, STATUS_NOT_FINITE, STATUS_OK, STATUS_SHAPE, VERSION_MAX,
};
pub use sdk::{AssignCall, DistancesCall, Fault};

#[cfg(test)]
mod header_tests;
