//! What a plugin written in Rust builds on.

use core::slice;

use crate::descriptor::{STATUS_INTERNAL, STATUS_NOT_FINITE, STATUS_SHAPE};

/// Why a metric function gives no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The metric does not take this number of dimensions or centres.
    Shape,
    /// A value is not finite, or a cost would not be.
    NotFinite,
    /// Anything else; the host stops using the metric.
    Internal,
}

impl Fault {
    /// The number that crosses the border.
    pub const fn status(self) -> i32 {
        match self {
            Self::Shape => STATUS_SHAPE,
            Self::NotFinite => STATUS_NOT_FINITE,
            Self::Internal => STATUS_INTERNAL,
        }
    }
}

/// The arguments of one `assign` call, as slices.
#[derive(Debug)]
pub struct AssignCall<'a> {
    /// `labels.len() × dim` values, row after row.
    pub rows: &'a [f64],
    /// Values in a row or centre, at least 1.
    pub dim: usize,
    /// `k × dim` values, centre after centre; at least one centre, at most `u32::MAX`.
    pub centres: &'a [f64],
    /// Receives each row's nearest centre.
    pub labels: &'a mut [u32],
    /// Receives the cost of each row at that centre; as long as `labels`.
    pub costs: &'a mut [f64],
}

impl AssignCall<'_> {
    /// Takes the arguments as they come over the C interface.
    ///
    /// # Errors
    /// [`Fault::Shape`] if a size is zero or too large, or a pointer is null.
    ///
    /// # Safety
    /// The pointers must be valid for the sizes, as the header demands of the host, for as long as the
    /// result is in use.
    pub unsafe fn from_raw(
        rows: *const f64,
        row_count: usize,
        dim: usize,
        centres: *const f64,
        centre_count: usize,
        labels: *mut u32,
        costs: *mut f64,
    ) -> Result<Self, Fault> {
        let row_values = area(row_count, dim)?;
        let centre_values = area(centre_count, dim)?;
        if centre_count == 0 || u32::try_from(centre_count).is_err() {
            return Err(Fault::Shape);
        }
        // SAFETY: valid for the sizes by the caller's promise; null and overflow are refused inside.
        unsafe {
            Ok(Self {
                rows: input(rows, row_values)?,
                dim,
                centres: input(centres, centre_values)?,
                labels: output(labels, row_count)?,
                costs: output(costs, row_count)?,
            })
        }
    }
}

/// The arguments of one `distances` call, as slices.
#[derive(Debug)]
pub struct DistancesCall<'a> {
    /// `costs.len() × dim` values, row after row.
    pub rows: &'a [f64],
    /// Values in a row, at least 1.
    pub dim: usize,
    /// `dim` values.
    pub centre: &'a [f64],
    /// Receives the cost of each row.
    pub costs: &'a mut [f64],
}

impl DistancesCall<'_> {
    /// Takes the arguments as they come over the C interface.
    ///
    /// # Errors
    /// [`Fault::Shape`] if a size is zero or too large, or a pointer is null.
    ///
    /// # Safety
    /// The pointers must be valid for the sizes, as the header demands of the host, for as long as the
    /// result is in use.
    pub unsafe fn from_raw(
        rows: *const f64,
        row_count: usize,
        dim: usize,
        centre: *const f64,
        costs: *mut f64,
    ) -> Result<Self, Fault> {
        let row_values = area(row_count, dim)?;
        // SAFETY: valid for the sizes by the caller's promise; null and overflow are refused inside.
        unsafe {
            Ok(Self {
                rows: input(rows, row_values)?,
                dim,
                centre: input(centre, dim)?,
                costs: output(costs, row_count)?,
            })
        }
    }
}

/// `count × dim`, if that many values can exist.
fn area(count: usize, dim: usize) -> Result<usize, Fault> {
    if dim == 0 {
        return Err(Fault::Shape);
    }
    count.checked_mul(dim).ok_or(Fault::Shape)
}

/// # Safety
/// `start` is null or valid for reading `len` values for `'a`.
unsafe fn input<'a>(start: *const f64, len: usize) -> Result<&'a [f64], Fault> {
    if len == 0 {
        return Ok(&[]);
    }
    if start.is_null() || len > isize::MAX as usize / size_of::<f64>() {
        return Err(Fault::Shape);
    }
    // SAFETY: not null, no longer than an object can be, and valid by the caller's promise.
    Ok(unsafe { slice::from_raw_parts(start, len) })
}

/// # Safety
/// `start` is null or valid for writing `len` values for `'a`, with no other access to them.
unsafe fn output<'a, T>(start: *mut T, len: usize) -> Result<&'a mut [T], Fault> {
    if len == 0 {
        return Ok(&mut []);
    }
    if start.is_null() || len > isize::MAX as usize / size_of::<T>() {
        return Err(Fault::Shape);
    }
    // SAFETY: not null, no longer than an object can be, and valid by the caller's promise.
    Ok(unsafe { slice::from_raw_parts_mut(start, len) })
}

/// Makes a crate a metric plugin: a static [`Descriptor`](crate::Descriptor) named `METRIC`, and the
/// exported function that returns it.
///
/// `assign` is a `fn(AssignCall<'_>) -> Result<(), Fault>` and `distances` a
/// `fn(DistancesCall<'_>) -> Result<(), Fault>`. A panic in them does not leave the plugin: the host gets
/// [`STATUS_INTERNAL`](crate::STATUS_INTERNAL) and stops using the metric. The expansion needs `std`.
///
/// ```
/// use abi::{AssignCall, DistancesCall, Fault};
///
/// fn distances(call: DistancesCall<'_>) -> Result<(), Fault> {
///     for (row, cost) in call.rows.chunks_exact(call.dim).zip(call.costs) {
///         *cost = row.iter().zip(call.centre).map(|(x, c)| (x - c).abs()).fold(0.0, f64::max);
///         if !cost.is_finite() {
///             return Err(Fault::NotFinite);
///         }
///     }
///     Ok(())
/// }
///
/// fn assign(call: AssignCall<'_>) -> Result<(), Fault> {
///     call.costs.fill(f64::INFINITY);
///     let mut candidate = vec![0.0; call.costs.len()];
///     for (label, centre) in (0..).zip(call.centres.chunks_exact(call.dim)) {
///         distances(DistancesCall { rows: call.rows, dim: call.dim, centre, costs: &mut candidate })?;
///         for ((best, cost), &new) in call.labels.iter_mut().zip(&mut *call.costs).zip(&candidate) {
///             if new < *cost {
///                 (*best, *cost) = (label, new);
///             }
///         }
///     }
///     Ok(())
/// }
///
/// abi::declare_metric! {
///     name: "chebyshev",
///     version: "1.0.0",
///     flags: 0,
///     secure_form: abi::SECURE_FORM_NONE,
///     assign: assign,
///     distances: distances,
/// }
/// # fn main() { assert_eq!(METRIC.header().abi_major, abi::ABI_MAJOR); }
/// ```
#[macro_export]
macro_rules! declare_metric {
    (
        name: $name:literal,
        version: $version:expr,
        flags: $flags:expr,
        secure_form: $secure_form:expr,
        assign: $assign:path,
        distances: $distances:path $(,)?
    ) => {
        /// The descriptor that the host reads.
        pub static METRIC: $crate::Descriptor = {
            #[allow(unsafe_code)]
            unsafe extern "C" fn assign_shim(
                rows: *const f64,
                row_count: usize,
                dim: usize,
                centres: *const f64,
                centre_count: usize,
                labels: *mut u32,
                costs: *mut f64,
            ) -> i32 {
                contain_panic(|| {
                    // SAFETY: the host keeps the header's promises about pointers and sizes.
                    let call = unsafe {
                        $crate::AssignCall::from_raw(
                            rows,
                            row_count,
                            dim,
                            centres,
                            centre_count,
                            labels,
                            costs,
                        )?
                    };
                    $assign(call)
                })
            }

            #[allow(unsafe_code)]
            unsafe extern "C" fn distances_shim(
                rows: *const f64,
                row_count: usize,
                dim: usize,
                centre: *const f64,
                costs: *mut f64,
            ) -> i32 {
                contain_panic(|| {
                    // SAFETY: the host keeps the header's promises about pointers and sizes.
                    let call =
                        unsafe { $crate::DistancesCall::from_raw(rows, row_count, dim, centre, costs)? };
                    $distances(call)
                })
            }

            fn contain_panic(body: impl FnOnce() -> ::core::result::Result<(), $crate::Fault>) -> i32 {
                // Outputs may be half written after a panic; the host drops them with the error.
                match ::std::panic::catch_unwind(::std::panic::AssertUnwindSafe(body)) {
                    Ok(Ok(())) => $crate::STATUS_OK,
                    Ok(Err(fault)) => fault.status(),
                    Err(payload) => {
                        // Dropping a payload may run code that panics again.
                        ::core::mem::forget(payload);
                        $crate::STATUS_INTERNAL
                    }
                }
            }

            const fn c_text(zero_terminated: &'static str) -> &'static ::core::ffi::CStr {
                match ::core::ffi::CStr::from_bytes_with_nul(zero_terminated.as_bytes()) {
                    Ok(text) => text,
                    Err(_) => panic!("a metric's name and version hold no zero byte"),
                }
            }

            // SAFETY: the functions above hand safe code nothing but slices over the host's pointers, and
            // let no panic out.
            #[allow(unsafe_code)]
            unsafe {
                $crate::Descriptor::new(
                    c_text(::core::concat!($name, "\0")),
                    c_text(::core::concat!($version, "\0")),
                    $flags,
                    $secure_form,
                    assign_shim,
                    distances_shim,
                )
            }
        };

        const _: () = {
            #[allow(unsafe_code)]
            #[unsafe(export_name = ::core::concat!("cloister_metric_", $name))]
            extern "C" fn describe() -> *const $crate::Descriptor {
                &raw const METRIC
            }
        };
    };
}
