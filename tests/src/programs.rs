//! The programs and plugins under test, built once per process by the cargo that runs the tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use cargo_metadata::Message;

/// Where the built files are.
#[derive(Debug)]
pub struct Programs {
    /// The daemon.
    pub cloisterd: PathBuf,
    /// The client.
    pub cloisterctl: PathBuf,
    /// The metric plugins that come with the daemon.
    pub plugins: Vec<PathBuf>,
}

/// Builds what is not up to date, in the profile that this process was built in.
///
/// # Panics
/// If the build fails.
pub fn programs() -> &'static Programs {
    static PROGRAMS: LazyLock<Programs> = LazyLock::new(build);
    &PROGRAMS
}

/// Variables that `cargo run` and `cargo test` set for what they run.
const OF_THE_RUN: [&str; 6] =
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"];

fn build() -> Programs {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    // What cargo tells the program that it runs is not meant for the build: build scripts that look at it would run
    // again each time.
    for (name, _) in std::env::vars_os() {
        let said = name.to_string_lossy();
        if OF_THE_RUN.iter().any(|start| said.starts_with(start)) {
            build.env_remove(&name);
        }
    }
    let output = build
        .args(["build", "--quiet", "--message-format=json-render-diagnostics", "--profile", profile()])
        .args(["--package=daemon", "--package=ctl", "--package=euclidean", "--package=manhattan"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "the programs under test do not build: {}", output.status);
    let mut files: Vec<PathBuf> = Vec::new();
    for message in Message::parse_stream(output.stdout.as_slice()) {
        if let Message::CompilerArtifact(artifact) = message.expect("cargo's messages are JSON") {
            files.extend(artifact.filenames.into_iter().map(PathBuf::from));
        }
    }
    let named = |name: &str| {
        let found = files.iter().find(|file| file.file_name().is_some_and(|file| file == name));
        found.unwrap_or_else(|| panic!("cargo built no {name}")).clone()
    };
    Programs {
        cloisterd: named("cloisterd"),
        cloisterctl: named("cloisterctl"),
        plugins: vec![named("libeuclidean.so"), named("libmanhattan.so")],
    }
}

/// The profile's name, from the folder that this program was built into.
fn profile() -> &'static str {
    static PROFILE: LazyLock<String> = LazyLock::new(|| {
        let own = std::env::current_exe().expect("a process has a program");
        let folder = own.parent().expect("a program is in a folder");
        let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
        match folder.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev".into(),
            Some(name) => name.into(),
        }
    });
    &PROFILE
}

/// The project's own folder.
pub fn project() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
