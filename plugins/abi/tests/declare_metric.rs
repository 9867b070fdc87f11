//! The shims that `declare_metric!` makes, called as the host calls them.

// Calls the functions of a descriptor.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::ptr;

use abi::*;

fn distances(call: DistancesCall<'_>) -> Result<(), Fault> {
    for (row, cost) in call.rows.chunks_exact(call.dim).zip(call.costs) {
        if row[0] < 0.0 {
            panic!("this plugin panics at negative values");
        }
        if row[0] > 100.0 {
            return Err(Fault::NotFinite);
        }
        *cost = (row[0] - call.centre[0]).abs();
    }
    Ok(())
}

fn assign(call: AssignCall<'_>) -> Result<(), Fault> {
    assert_eq!((call.rows.len(), call.centres.len()), (call.labels.len() * call.dim, 2 * call.dim));
    call.labels.fill(1);
    call.costs.fill(0.5);
    Ok(())
}

declare_metric! {
    name: "first_value",
    version: "2.1",
    flags: FLAG_COSTS_ARE_SQUARES,
    secure_form: SECURE_FORM_NONE,
    assign: assign,
    distances: distances,
}

fn call_distances(rows: &[f64], dim: usize, costs: &mut [f64]) -> i32 {
    // SAFETY: valid for the sizes given, or null with no size.
    unsafe {
        METRIC.distances().unwrap()(rows.as_ptr(), costs.len(), dim, [1.0; 4].as_ptr(), costs.as_mut_ptr())
    }
}

#[test]
fn the_descriptor_says_what_was_declared() {
    let header = METRIC.header();
    assert_eq!((header.magic, header.abi_major, header.abi_minor), (MAGIC, ABI_MAJOR, ABI_MINOR));
    assert_eq!(header.struct_size as usize, size_of::<Descriptor>());
    assert_eq!((METRIC.flags(), METRIC.secure_form()), (FLAG_COSTS_ARE_SQUARES, SECURE_FORM_NONE));
    // SAFETY: the macro made both from text with a terminating zero.
    let text = unsafe { [CStr::from_ptr(METRIC.name()), CStr::from_ptr(METRIC.version())] };
    assert_eq!(text, [c"first_value", c"2.1"]);
}

#[test]
fn answers_and_faults_cross_as_statuses() {
    let mut costs = [f64::NAN; 2];
    assert_eq!(call_distances(&[1.5, 9.0, 3.0, 9.0], 2, &mut costs), STATUS_OK);
    assert_eq!(costs, [0.5, 2.0]);
    assert_eq!(call_distances(&[1.0, 101.0], 1, &mut costs), STATUS_NOT_FINITE);
}

#[test]
fn a_panic_stays_inside() {
    assert_eq!(call_distances(&[-1.0, 1.0], 1, &mut [0.0; 2]), STATUS_INTERNAL);
    assert_eq!(call_distances(&[1.0, 1.0], 1, &mut [0.0; 2]), STATUS_OK);
}

#[test]
fn sizes_and_pointers_are_checked_before_slices_are_made() {
    let assign = METRIC.assign().unwrap();
    let (rows, centres) = ([0.0; 4], [0.0; 4]);
    let (mut labels, mut costs) = ([9; 2], [9.0; 2]);
    let mut call = |rows: *const f64, n, dim, k| {
        // SAFETY: what is not null is valid for two rows and two centres of two values; other sizes must be
        // turned away before they are used, which is what is tested.
        unsafe { assign(rows, n, dim, centres.as_ptr(), k, labels.as_mut_ptr(), costs.as_mut_ptr()) }
    };
    assert_eq!(call(rows.as_ptr(), 2, 2, 2), STATUS_OK);
    assert_eq!(call(rows.as_ptr(), 2, 0, 2), STATUS_SHAPE);
    assert_eq!(call(rows.as_ptr(), 2, 2, 0), STATUS_SHAPE);
    assert_eq!(call(rows.as_ptr(), 2, usize::MAX, 2), STATUS_SHAPE);
    assert_eq!(call(rows.as_ptr(), 1 << 61, 2, 2), STATUS_SHAPE);
    assert_eq!(call(rows.as_ptr(), 2, 2, 1 << 32), STATUS_SHAPE);
    assert_eq!(call(ptr::null(), 2, 2, 2), STATUS_SHAPE);
    assert_eq!(call(ptr::null(), 0, 2, 2), STATUS_OK);
    assert_eq!((labels, costs), ([1; 2], [0.5; 2]));
}
