//! The table that a plugin hands to the host.

use core::ffi::{CStr, c_char};

/// First field of every descriptor: the bytes `CLSTRMET`, read as a little-endian number.
pub const MAGIC: u64 = u64::from_le_bytes(*b"CLSTRMET");

/// Raised when a change breaks older plugins; the host refuses every other number.
pub const ABI_MAJOR: u16 = 1;

/// Raised when fields are appended to [`Descriptor`]; the host reads those that it knows.
pub const ABI_MINOR: u16 = 0;

/// The exported function's symbol is this, followed by the metric's name.
pub const ENTRY_PREFIX: &str = "cloister_metric_";

/// Longest metric name in bytes, without the terminating zero.
pub const NAME_MAX: usize = 32;

/// Longest version text in bytes, without the terminating zero.
pub const VERSION_MAX: usize = 32;

/// Flag: costs are squares of a distance, so that their roots are in the unit of the data.
pub const FLAG_COSTS_ARE_SQUARES: u32 = 1;

/// All flag bits that this version defines; the others must be zero.
pub const KNOWN_FLAGS: u32 = FLAG_COSTS_ARE_SQUARES;

/// No protocol computes this metric on hidden data.
pub const SECURE_FORM_NONE: u32 = 0;

/// The cost is the sum of squared differences, and the secure protocol may compute it as such.
pub const SECURE_FORM_SQUARED_EUCLIDEAN: u32 = 1;

/// The cost is the sum of absolute differences, and the secure protocol may compute it as such.
pub const SECURE_FORM_MANHATTAN: u32 = 2;

/// The call did its work.
pub const STATUS_OK: i32 = 0;

/// The metric does not take this number of dimensions or centres.
pub const STATUS_SHAPE: i32 = 1;

/// A value is not finite, or a cost would not be.
pub const STATUS_NOT_FINITE: i32 = 2;

/// The plugin failed; the host stops using it.
pub const STATUS_INTERNAL: i32 = 3;

/// Finds each row's nearest centre: `(rows, row_count, dim, centres, centre_count, labels, costs) -> status`.
///
/// `rows` holds `row_count × dim` values and `centres` holds `centre_count × dim`, both row after row;
/// `labels` and `costs` have room for `row_count`.
pub type AssignFn =
    unsafe extern "C" fn(*const f64, usize, usize, *const f64, usize, *mut u32, *mut f64) -> i32;

/// Costs each row against one centre: `(rows, row_count, dim, centre, costs) -> status`.
///
/// `rows` holds `row_count × dim` values, row after row; `centre` holds `dim`; `costs` has room for
/// `row_count`.
pub type DistancesFn = unsafe extern "C" fn(*const f64, usize, usize, *const f64, *mut f64) -> i32;

/// The one exported function; what it points to lives as long as the process.
pub type DescribeFn = unsafe extern "C" fn() -> *const Descriptor;

/// The part of a [`Descriptor`] that keeps its place in every version, so that a host can tell which one it
/// met before it reads on.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: u64,
    /// [`ABI_MAJOR`] of the header that the plugin was built with.
    pub abi_major: u16,
    /// [`ABI_MINOR`] of the same header.
    pub abi_minor: u16,
    /// Size of the descriptor in that header, in bytes.
    pub struct_size: u32,
}

/// A metric as its plugin describes it; `struct cloister_metric` in C.
///
/// Rust code can only get one whose text and functions keep the interface's promises: from
/// [`declare_metric!`](crate::declare_metric) or [`Descriptor::new`].
#[repr(C)]
#[derive(Debug)]
pub struct Descriptor {
    pub(crate) header: Header,
    pub(crate) flags: u32,
    pub(crate) secure_form: u32,
    pub(crate) name: *const c_char,
    pub(crate) version: *const c_char,
    pub(crate) assign: Option<AssignFn>,
    pub(crate) distances: Option<DistancesFn>,
}

impl Descriptor {
    /// A descriptor of this version.
    ///
    /// `name` is `[a-z0-9_]{1,32}`, `version` 1 to 32 printable ASCII characters without spaces, `flags` are
    /// bits of [`KNOWN_FLAGS`] and `secure_form` is one of the `SECURE_FORM_` numbers; the host checks them.
    ///
    /// # Safety
    /// The functions keep the promises of `cloister_metric.h`: given pointers that are valid for the sizes
    /// beside them, they touch nothing else, write only the outputs, may be called from any thread and
    /// never unwind.
    pub const unsafe fn new(
        name: &'static CStr,
        version: &'static CStr,
        flags: u32,
        secure_form: u32,
        assign: AssignFn,
        distances: DistancesFn,
    ) -> Self {
        Self {
            header: Header {
                magic: MAGIC,
                abi_major: ABI_MAJOR,
                abi_minor: ABI_MINOR,
                struct_size: size_of::<Self>() as u32,
            },
            flags,
            secure_form,
            name: name.as_ptr(),
            version: version.as_ptr(),
            assign: Some(assign),
            distances: Some(distances),
        }
    }

    /// The part that tells the version.
    pub const fn header(&self) -> Header {
        self.header
    }

    /// Bits of [`KNOWN_FLAGS`], if the plugin is right.
    pub const fn flags(&self) -> u32 {
        self.flags
    }

    /// One of the `SECURE_FORM_` numbers, if the plugin is right.
    pub const fn secure_form(&self) -> u32 {
        self.secure_form
    }

    /// The metric's name, `[a-z0-9_]{1,32}` and a terminating zero, if the plugin is right.
    pub const fn name(&self) -> *const c_char {
        self.name
    }

    /// The plugin's version and a terminating zero, if the plugin is right.
    pub const fn version(&self) -> *const c_char {
        self.version
    }

    /// Finds nearest centres; a plugin in C may have left it null.
    pub const fn assign(&self) -> Option<AssignFn> {
        self.assign
    }

    /// Costs rows at one centre; a plugin in C may have left it null.
    pub const fn distances(&self) -> Option<DistancesFn> {
        self.distances
    }
}

// SAFETY: a descriptor is never written to after it was made, and its text is static.
unsafe impl Sync for Descriptor {}
// SAFETY: as above; nothing in it belongs to one thread.
unsafe impl Send for Descriptor {}
