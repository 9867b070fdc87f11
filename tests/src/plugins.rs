//! Metric plugins for the tests: those of the project, and ones written in C.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::programs::{programs, project};

/// Puts the project's plugins into `folder`, readable by all and writable by the owner only.
pub fn install(folder: &Path) {
    for plugin in &programs().plugins {
        let name = plugin.file_name().expect("a plugin has a name");
        put(folder, &name.to_string_lossy(), |file| {
            fs::copy(plugin, file).unwrap_or_else(|error| panic!("{}: {error}", plugin.display()));
        });
    }
}

/// Builds a plugin from C source with the machine's compiler and puts it into `folder`.
///
/// # Panics
/// If `cc` is missing or does not take the source.
pub fn install_c(folder: &Path, name: &str, source: &str) {
    put(folder, &format!("lib{name}.so"), |file| {
        let text = folder.join(format!("{name}.c"));
        fs::write(&text, source).expect("an own folder");
        let output = Command::new("cc")
            .args([
                "-std=c11",
                "-O2",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-fPIC",
                "-shared",
                "-fvisibility=hidden",
            ])
            .arg("-I")
            .arg(project().join("plugins/abi/include"))
            .arg("-o")
            .args([file, &text])
            .arg("-lm")
            .output()
            .expect("cc is needed to build the plugins of these tests");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::remove_file(&text).expect("own file");
    });
}

/// Makes a file under a name that is no plugin's and then renames it, as an operator should.
fn put(folder: &Path, name: &str, make: impl FnOnce(&Path)) {
    let unfinished = folder.join(format!("{name}.new"));
    make(&unfinished);
    fs::set_permissions(&unfinished, Permissions::from_mode(0o644)).expect("own files have modes");
    fs::rename(&unfinished, folder.join(name)).expect("a file can be renamed within its folder");
}
