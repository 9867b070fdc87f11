//! The C header against this crate, by the compilers of this machine.

extern crate std;

use core::mem::offset_of;
use std::format;
use std::io::Write;
use std::process::{Command, Stdio};
use std::string::String;

use crate::*;

/// A plugin's outline that uses everything the header offers, checked by the compiler against `size`s,
/// `offset`s and `constant`s of the Rust side.
fn source() -> String {
    let mut source = String::from(
        "#include \"cloister_metric.h\"\n\
         #ifndef __cplusplus\n#define static_assert _Static_assert\n#endif\n\
         static int32_t assign(const double *rows, size_t row_count, size_t dim, const double *centres,\n\
           size_t centre_count, uint32_t *labels, double *costs) {\n\
           (void)rows; (void)row_count; (void)dim; (void)centres; (void)centre_count; (void)labels; (void)costs;\n\
           return CLOISTER_METRIC_INTERNAL; }\n\
         static int32_t distances(const double *rows, size_t row_count, size_t dim, const double *centre,\n\
           double *costs) {\n\
           (void)rows; (void)row_count; (void)dim; (void)centre; (void)costs; return CLOISTER_METRIC_OK; }\n\
         static const cloister_metric metric = { CLOISTER_METRIC_MAGIC, CLOISTER_METRIC_ABI_MAJOR,\n\
           CLOISTER_METRIC_ABI_MINOR, sizeof(cloister_metric), CLOISTER_METRIC_COSTS_ARE_SQUARES,\n\
           CLOISTER_METRIC_SECURE_NONE, \"outline\", \"1\", assign, distances };\n\
         CLOISTER_METRIC_ENTRY(outline) { return &metric; }\n",
    );
    let layout = [
        ("sizeof(cloister_metric)", size_of::<Descriptor>()),
        ("offsetof(cloister_metric, magic)", offset_of!(Descriptor, header.magic)),
        ("offsetof(cloister_metric, abi_major)", offset_of!(Descriptor, header.abi_major)),
        ("offsetof(cloister_metric, abi_minor)", offset_of!(Descriptor, header.abi_minor)),
        ("offsetof(cloister_metric, struct_size)", offset_of!(Descriptor, header.struct_size)),
        ("offsetof(cloister_metric, flags)", offset_of!(Descriptor, flags)),
        ("offsetof(cloister_metric, secure_form)", offset_of!(Descriptor, secure_form)),
        ("offsetof(cloister_metric, name)", offset_of!(Descriptor, name)),
        ("offsetof(cloister_metric, version)", offset_of!(Descriptor, version)),
        ("offsetof(cloister_metric, assign)", offset_of!(Descriptor, assign)),
        ("offsetof(cloister_metric, distances)", offset_of!(Descriptor, distances)),
        ("CLOISTER_METRIC_NAME_MAX", NAME_MAX),
        ("CLOISTER_METRIC_VERSION_MAX", VERSION_MAX),
    ];
    let numbers = [
        ("CLOISTER_METRIC_MAGIC", MAGIC),
        ("CLOISTER_METRIC_ABI_MAJOR", ABI_MAJOR.into()),
        ("CLOISTER_METRIC_ABI_MINOR", ABI_MINOR.into()),
        ("CLOISTER_METRIC_OK", STATUS_OK as u64),
        ("CLOISTER_METRIC_SHAPE", STATUS_SHAPE as u64),
        ("CLOISTER_METRIC_NOT_FINITE", STATUS_NOT_FINITE as u64),
        ("CLOISTER_METRIC_INTERNAL", STATUS_INTERNAL as u64),
        ("CLOISTER_METRIC_COSTS_ARE_SQUARES", FLAG_COSTS_ARE_SQUARES.into()),
        ("CLOISTER_METRIC_SECURE_NONE", SECURE_FORM_NONE.into()),
        ("CLOISTER_METRIC_SECURE_SQUARED_EUCLIDEAN", SECURE_FORM_SQUARED_EUCLIDEAN.into()),
        ("CLOISTER_METRIC_SECURE_MANHATTAN", SECURE_FORM_MANHATTAN.into()),
    ];
    let layout = layout.map(|(c, rust)| (c, rust as u64));
    for (c, rust) in layout.into_iter().chain(numbers) {
        source += &format!("static_assert({c} == UINT64_C({rust}), \"{c}\");\n");
    }
    source
}

/// What the compiler says to `source`, if it objects.
fn objection(compiler: &str, args: &[&str], source: &str) -> Option<String> {
    let mut child = Command::new(compiler)
        .args(args)
        .args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only", "-I"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/include"))
        .arg("-")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{compiler} is needed to check the header: {error}"));
    child.stdin.take().unwrap().write_all(source.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

const C11: &[&str] = &["-x", "c", "-std=c11", "-Wmissing-prototypes"];
const CPP17: &[&str] = &["-x", "c++", "-std=c++17", "-Wmissing-declarations"];

#[test]
fn header_agrees_with_this_crate_as_c11() {
    assert_eq!(objection("cc", C11, &source()), None);
}

#[test]
fn header_agrees_with_this_crate_as_cpp17() {
    assert_eq!(objection("c++", CPP17, &source()), None);
}

#[test]
fn the_compilers_would_see_a_difference() {
    let shifted =
        source().replace("offsetof(cloister_metric, name) ==", "offsetof(cloister_metric, flags) ==");
    assert!(objection("cc", C11, &shifted).unwrap().contains("offsetof(cloister_metric, name)"));
    assert!(objection("c++", CPP17, &shifted).unwrap().contains("offsetof(cloister_metric, name)"));
}
