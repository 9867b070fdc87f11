//! What `daemon/docs/wire.md` and `daemon/docs/plugins.md` say about the code: numbers, files, commands, the example.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

const DOCUMENTS: [&str; 2] = ["daemon/docs/wire.md", "daemon/docs/plugins.md"];
const EXAMPLE: &str = "daemon/crates/metric-host/tests/plugins/chebyshev.c";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The text between back quotes on one line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The content of a document's one block in `language`.
fn block<'a>(document: &'a str, language: &str) -> &'a str {
    let (_, rest) = document.split_once(&format!("\n```{language}\n")).expect("a block in that language");
    let end = rest.find("```").expect("the block's end");
    &rest[..end]
}

#[test]
fn files_that_are_named_exist() {
    for document in DOCUMENTS {
        let text = read(document);
        let paths: Vec<&str> = text
            .lines()
            .flat_map(quoted)
            .filter(|word| {
                ["daemon/", "plugins/", "ctl/", "conf/", "tests/"].iter().any(|top| word.starts_with(top))
            })
            .collect();
        assert!(paths.len() >= 5, "{document} names {paths:?}");
        for path in paths {
            assert!(root().join(path).exists(), "{document} names {path}, which is not there");
        }
    }
}

#[test]
fn numbers_are_those_of_the_code() {
    let text = read("daemon/docs/wire.md");
    let (_, table) = text.split_once("\n## Numbers\n").unwrap();
    let rows: Vec<Vec<&str>> =
        table.lines().map(|line| quoted(line).collect()).filter(|row: &Vec<_>| row.len() == 2).collect();
    assert!(rows.len() >= 15, "{rows:?}");
    for row in rows {
        let (name, value) = row[0].split_once(" = ").unwrap();
        let holds = read(row[1]).lines().any(|line| {
            line.split_once(&format!("const {name}: "))
                .and_then(|(_, rest)| rest.split_once(" = "))
                .is_some_and(|(_, rest)| rest.split_once(';').is_some_and(|(found, _)| found == value))
        });
        assert!(holds, "{} does not say {}", row[1], row[0]);
    }
}

/// Whether a Rust source below `folder` has a test or module whose name begins as `name`.
fn defines(folder: &Path, name: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return defines(&path, name);
        }
        let is_source = path.extension().is_some_and(|extension| extension == "rs");
        is_source
            && fs::read_to_string(&path).unwrap().lines().any(|line| {
                let line = line.trim_start().trim_start_matches("async ").trim_start_matches("pub ");
                line.starts_with(&format!("fn {name}(")) || line == format!("mod {name};")
            })
    })
}

/// The folder of a workspace member.
fn package(name: &str) -> PathBuf {
    let (_, members) =
        read("Cargo.toml").split_once("members = [").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    members
        .split_once(']')
        .unwrap()
        .0
        .split('"')
        .skip(1)
        .step_by(2)
        .find(|member| read(&format!("{member}/Cargo.toml")).contains(&format!("\nname = \"{name}\"\n")))
        .map_or_else(|| panic!("no package is called {name}"), |member| root().join(member))
}

#[test]
fn tests_that_are_named_exist() {
    for document in DOCUMENTS {
        let text = read(document);
        let commands: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("    cargo test -p ")).collect();
        assert!(commands.len() >= 5, "{document} has {commands:?}");
        for command in commands {
            let mut words = command.split(' ');
            let folder = package(words.next().unwrap());
            while let Some(word) = words.next() {
                match word {
                    "--doc" => {}
                    "--test" => {
                        let test = words.next().unwrap();
                        let file = folder.join("tests").join(test);
                        assert!(
                            file.with_extension("rs").exists() || file.join("main.rs").exists(),
                            "{command}"
                        );
                    }
                    filter => {
                        assert!(defines(&folder, filter), "{document}: nothing for cargo test -p {command}")
                    }
                }
            }
        }
    }
}

/// metric-host's tests load this very file and put it through the conformance suite.
#[test]
fn the_example_in_c_is_the_one_that_is_tested() {
    assert_eq!(block(&read("daemon/docs/plugins.md"), "c"), read(EXAMPLE));
}

#[test]
fn the_example_in_c_builds_with_the_command_beside_it() {
    let document = read("daemon/docs/plugins.md");
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("chebyshev.c"), block(&document, "c")).unwrap();
    let header = root().join("plugins/abi/include");
    let mut words = block(&document, "sh").split_whitespace();
    let output = Command::new(words.next().unwrap())
        .args(words.map(|word| match word {
            "-Iplugins/abi/include" => format!("-I{}", header.display()),
            other => other.to_owned(),
        }))
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror"])
        .current_dir(folder.path())
        .output()
        .expect("cc is needed to build the example");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let library = fs::read(folder.path().join("libchebyshev.so")).unwrap();
    let entry = b"cloister_metric_chebyshev";
    assert!(library.windows(entry.len()).any(|bytes| bytes == entry), "the library has no entry");
}
