//! Plugin directories for the tests.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use metric_host::{MetricHost, Probe, Trust};
use tempfile::TempDir;

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plugins");
const HEADER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../plugins/abi/include");

/// A directory that only this user may write to.
pub(crate) fn plugin_dir() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    set_mode(dir.path(), 0o755);
    dir
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Builds `source` with the machine's C compiler as `file_name` in `dir`.
pub(crate) fn compile(dir: &Path, source: &str, args: &[&str], file_name: &str) -> PathBuf {
    let file = dir.join(file_name);
    let output = Command::new("cc")
        .args(["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden"])
        .args(["-I", HEADER])
        .args(args)
        .arg("-o")
        .arg(&file)
        .arg(Path::new(SOURCES).join(source))
        .arg("-lm")
        .output()
        .expect("cc is needed to build the plugins of these tests");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    set_mode(&file, 0o644);
    file
}

/// The Chebyshev metric with one fault.
pub(crate) fn compile_faulty(dir: &Path, fault: &str) -> PathBuf {
    compile(dir, "faulty.c", &[&format!("-DFAULT={fault}")], "libfaulty.so")
}

/// A probe that only a hanging plugin keeps waiting.
pub(crate) fn probe() -> Probe {
    Probe {
        program: env!("CARGO_BIN_EXE_probe-plugin").into(),
        args: Vec::new(),
        timeout: Duration::from_secs(120),
    }
}

pub(crate) fn load(dir: &Path) -> MetricHost {
    MetricHost::load_dir(dir, &Trust::own(), &probe()).unwrap()
}

/// The names that can be had, and the words about each refused file.
pub(crate) fn outcome(host: &MetricHost) -> (Vec<String>, Vec<String>) {
    let names = host.list().into_iter().map(|plugin| plugin.name).collect();
    (names, host.rejected().iter().map(ToString::to_string).collect())
}

/// Holds that nothing was loaded and the one file was refused in words that contain `words`.
pub(crate) fn assert_refused(host: &MetricHost, words: &str) {
    let (names, refused) = outcome(host);
    assert_eq!((names.len(), refused.len()), (0, 1), "{names:?} {refused:?}");
    assert!(refused[0].contains(words), "{:?} does not say {words:?}", refused[0]);
}
