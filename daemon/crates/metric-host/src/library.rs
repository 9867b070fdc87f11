//! Turns a plugin file into a metric.

// Loading a library runs its constructors, and calling its entry trusts its type.
#![allow(unsafe_code)]

use std::error::Error;
use std::hint::black_box;
use std::path::Path;

use abi::DescribeFn;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use crate::loaded::LoadedMetric;
use crate::refusal::Refusal;
use crate::{conformance, descriptor};

/// The metric's name as the file's name has it: `lib<name>.so` or `lib<name>.<anything>.so`.
pub(crate) fn metric_name(file: &Path) -> Result<&str, Refusal> {
    let file_name = file.file_name().and_then(|name| name.to_str()).ok_or(Refusal::FileName)?;
    let stem = file_name.strip_suffix(".so").ok_or(Refusal::FileName)?;
    let name = stem.strip_prefix("lib").ok_or(Refusal::FileName)?;
    let name = name.split_once('.').map_or(name, |(name, _)| name);
    let fits = (1..=abi::NAME_MAX).contains(&name.len()) && name.bytes().all(descriptor::is_name_byte);
    if fits { Ok(name) } else { Err(Refusal::FileName) }
}

/// Loads the file at its canonical path, for good, and holds it to its descriptor and the conformance suite.
///
/// The path must be canonical because the loader hands out again what it loaded under the same path before.
pub(crate) fn open(canonical: &Path) -> Result<LoadedMetric, Refusal> {
    let expected = metric_name(canonical)?;
    // SAFETY: constructors run here. The file belongs to a trusted owner, and in the daemon it has been
    // loaded in a child process before.
    let library = unsafe { Library::open(Some(canonical), RTLD_NOW | RTLD_LOCAL) }
        .map_err(|error| Refusal::Open(cause(&error)))?;
    let symbol = format!("{}{expected}", abi::ENTRY_PREFIX);
    // SAFETY: the interface fixes the type of a symbol with this name.
    let describe = unsafe { library.get::<DescribeFn>(symbol.as_bytes()) }.map(|entry| *entry);
    // Never unloaded: thread-local destructors, exit handlers or threads of the plugin would be left in the air.
    std::mem::forget(library);
    let describe = describe.map_err(|_| Refusal::Symbol { symbol })?;
    // SAFETY: the entry takes nothing, and what it points to stays, because the library does.
    let checked = unsafe { descriptor::check_pointer(describe()) }?;
    if checked.name != expected {
        return Err(Refusal::OtherName { found: checked.name, expected: expected.to_owned() });
    }
    let metric = LoadedMetric::new(checked);
    conformance::check(&metric)?;
    conformance::check_secure_form(&metric, metric.secure_form())?;
    if !arithmetic_is_standard() {
        return Err(Refusal::Arithmetic);
    }
    Ok(metric)
}

/// Whether this thread still rounds to nearest and keeps subnormal numbers.
///
/// A plugin linked with `-ffast-math` switches the latter off for the whole thread that loads it, and the
/// daemon's own results would no longer be the same on every host.
fn arithmetic_is_standard() -> bool {
    let subnormal = black_box(f64::MIN_POSITIVE) * black_box(0.5);
    let rounded =
        (black_box(1.0) + black_box(f64::EPSILON / 4.0), black_box(1.0) - black_box(f64::EPSILON / 8.0));
    black_box(subnormal) + black_box(subnormal) == f64::MIN_POSITIVE && rounded == (1.0, 1.0)
}

/// The loader's own words, which libloading keeps in the source of its error.
fn cause(error: &libloading::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}
