//! Reads what a plugin says about itself, believing nothing.

// Reads through pointers that came out of a plugin.
#![allow(unsafe_code)]

use std::ffi::c_char;

use abi::{AssignFn, Descriptor, DistancesFn, Header};

use crate::loaded::SecureForm;
use crate::refusal::Refusal;

/// A descriptor whose every field was checked.
pub(crate) struct Checked {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) costs_are_squares: bool,
    pub(crate) secure_form: SecureForm,
    pub(crate) assign: AssignFn,
    pub(crate) distances: DistancesFn,
}

/// Checks what an entry function returned, the fixed header first.
///
/// # Safety
/// `pointer` is null, misaligned, or points to what a plugin holds to be its descriptor, in static memory.
/// Only a lie about that cannot be found out here; it would show in the trial run.
pub(crate) unsafe fn check_pointer(pointer: *const Descriptor) -> Result<Checked, Refusal> {
    if pointer.is_null() || !pointer.is_aligned() {
        return Err(Refusal::NoDescriptor);
    }
    // SAFETY: not null, aligned, and every version of the descriptor begins with a header.
    let header = unsafe { pointer.cast::<Header>().read() };
    check_header(header)?;
    // SAFETY: the header says that a whole descriptor is there, and it never changes.
    check(unsafe { &*pointer })
}

fn check_header(header: Header) -> Result<(), Refusal> {
    if header.magic != abi::MAGIC {
        return Err(Refusal::Magic);
    }
    if header.abi_major != abi::ABI_MAJOR {
        return Err(Refusal::Major { found: header.abi_major });
    }
    let needed = size_of::<Descriptor>();
    if (header.struct_size as usize) < needed {
        return Err(Refusal::Size { found: header.struct_size, needed });
    }
    Ok(())
}

/// Checks all fields.
pub(crate) fn check(descriptor: &'static Descriptor) -> Result<Checked, Refusal> {
    check_header(descriptor.header())?;
    let unknown = descriptor.flags() & !abi::KNOWN_FLAGS;
    if unknown != 0 {
        return Err(Refusal::Flags(unknown));
    }
    let costs_are_squares = descriptor.flags() & abi::FLAG_COSTS_ARE_SQUARES != 0;
    let secure_form = SecureForm::from_number(descriptor.secure_form())
        .filter(|form| match form {
            SecureForm::None => true,
            SecureForm::SquaredEuclidean => costs_are_squares,
            SecureForm::Manhattan => !costs_are_squares,
        })
        .ok_or(Refusal::SecureForm(descriptor.secure_form()))?;
    // SAFETY: the text of a descriptor is static, and reading stops at its terminating zero.
    let name = unsafe { text(descriptor.name(), abi::NAME_MAX, is_name_byte) }.ok_or(Refusal::Name)?;
    // SAFETY: as above.
    let version = unsafe { text(descriptor.version(), abi::VERSION_MAX, |byte| byte.is_ascii_graphic()) }
        .ok_or(Refusal::Version)?;
    Ok(Checked {
        name,
        version,
        costs_are_squares,
        secure_form,
        assign: descriptor.assign().ok_or(Refusal::NoFunction("assign"))?,
        distances: descriptor.distances().ok_or(Refusal::NoFunction("distances"))?,
    })
}

/// Whether a metric's name may hold this byte.
pub(crate) fn is_name_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')
}

/// The text at `start` if it is 1 to `longest` bytes, all of them `allowed`. Reads no byte after the first
/// that is not.
///
/// # Safety
/// `start` is null or points to text with a terminating zero.
unsafe fn text(start: *const c_char, longest: usize, allowed: impl Fn(u8) -> bool) -> Option<String> {
    if start.is_null() {
        return None;
    }
    let mut text = String::with_capacity(longest);
    for at in 0..=longest {
        // SAFETY: no byte before this one was zero, so the text goes on at least up to here.
        let byte = unsafe { start.add(at).read() } as u8;
        if byte == 0 {
            return (!text.is_empty()).then_some(text);
        }
        if at == longest || !allowed(byte) {
            return None;
        }
        text.push(char::from(byte));
    }
    None
}
