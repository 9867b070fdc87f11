//! Why a plugin file is not used.

use std::io;
use std::path::PathBuf;

use crate::conformance::Breach;
use crate::probe::ProbeFailure;

/// A file that was not loaded.
#[derive(Debug, thiserror::Error)]
#[error("plugin {} was not loaded: {reason}", file.display())]
pub struct Rejected {
    /// The file.
    pub file: PathBuf,
    /// Why, and what to do.
    pub reason: Refusal,
}

/// Why a plugin was refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The metric's name cannot be read off the file's name.
    #[error(
        "its file name must be lib<name>.so or lib<name>.<anything>.so, with 1 to {} of a-z, 0-9 and _ as name",
        abi::NAME_MAX
    )]
    FileName,
    /// The file system gave an error.
    #[error("{} cannot be examined: {source}", path.display())]
    Io {
        /// What was asked for.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A symbolic link, directory, device or the like.
    #[error("it is not a regular file; put the file itself here, not a link to it")]
    NotRegular,
    /// Somebody else owns it or a directory above it.
    #[error("{} belongs to user {owner}; it must belong to root or to user {trusted}", path.display())]
    Owner {
        /// The file or directory.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
        /// The owner that would do, besides root.
        trusted: u32,
    },
    /// Others may write to it or to a directory above it.
    #[error("{} may be written to by its group or by everybody (mode {mode:04o}); take that away with chmod go-w", path.display())]
    Writable {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The child process that loads it first did not come back well.
    #[error("its trial run {0}")]
    Probe(#[from] ProbeFailure),
    /// The loader refuses it.
    #[error("it cannot be opened as a shared library: {0}")]
    Open(String),
    /// The entry is missing.
    #[error("it exports no function `{symbol}`; see CLOISTER_METRIC_ENTRY in cloister_metric.h")]
    Symbol {
        /// The entry's name.
        symbol: String,
    },
    /// The entry returned null or an address that no descriptor can have.
    #[error("its entry returned no descriptor")]
    NoDescriptor,
    /// The descriptor does not begin as it must.
    #[error("its descriptor does not begin with CLOISTER_METRIC_MAGIC")]
    Magic,
    /// Built for another interface.
    #[error(
        "it was built for major version {found} of the plugin interface, and this daemon speaks {}; rebuild it with this release's cloister_metric.h",
        abi::ABI_MAJOR
    )]
    Major {
        /// The version that it was built for.
        found: u16,
    },
    /// The descriptor is shorter than its version says.
    #[error(
        "its descriptor says to be {found} bytes long, and must have at least {needed}; set struct_size to sizeof(cloister_metric)"
    )]
    Size {
        /// What it says.
        found: u32,
        /// What this version's header has.
        needed: usize,
    },
    /// Flag bits that this daemon does not know.
    #[error(
        "its descriptor sets flags that this daemon does not know ({0:#x}); it was built for a newer release"
    )]
    Flags(u32),
    /// A secure form that this daemon does not know, or one that does not go with the flags.
    #[error("its descriptor's secure_form {0} is unknown or does not go with its flags")]
    SecureForm(u32),
    /// The name breaks the rules.
    #[error("its descriptor's name is not 1 to {} of a-z, 0-9 and _", abi::NAME_MAX)]
    Name,
    /// The file offers another metric than its name says.
    #[error("it calls itself `{found}`, and its file name says `{expected}`; the two must be the same")]
    OtherName {
        /// What the descriptor says.
        found: String,
        /// What the file's name says.
        expected: String,
    },
    /// The version text breaks the rules.
    #[error(
        "its descriptor's version is not 1 to {} printable ASCII characters without spaces",
        abi::VERSION_MAX
    )]
    Version,
    /// A function is missing.
    #[error("its descriptor has no `{0}` function")]
    NoFunction(&'static str),
    /// It does not compute as a metric must.
    #[error("it is not a sound metric: {0}")]
    Conformance(#[from] Breach),
    /// It changes how the processor computes.
    #[error("it changes the thread's rounding or drops subnormal numbers; build it without -ffast-math")]
    Arithmetic,
    /// Another file offers the same metric.
    #[error("the metric `{name}` is already loaded from {}; remove one of the two files", first.display())]
    Duplicate {
        /// The metric.
        name: String,
        /// The file that was first.
        first: PathBuf,
    },
    /// The file changed while it was examined.
    #[error("it changed while it was being loaded; reload when it is complete")]
    Changed,
    /// The file is another one than the one that is loaded.
    #[error(
        "it was replaced after it was loaded, and the loaded code stays in use; put the new version under a new file name such as lib<name>.2.so, remove this one and reload, or restart the service"
    )]
    Replaced,
}
