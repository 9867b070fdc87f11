//! The database's own files are damaged below it: no panic, no wrong data, an error that says what to do.

mod scratch;

use std::{
    fs,
    io::Read,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use scratch::{Scratch, noise, store};
use vault::{ErrorClass, RecordKind, Vault, VaultError};

const RECORD: &[u8] = b"kept in its head";

fn furnished() -> Scratch {
    let scratch = Scratch::new();
    let vault = scratch.create();
    for name in ["alpha", "beta"] {
        store(&vault, name, &content(name));
        vault.put_record(RecordKind::Peer, name, RECORD).unwrap();
    }
    scratch
}

fn content(name: &str) -> Vec<u8> {
    noise(400_000, name.len() as u64)
}

/// Opens the vault in `dir` and reads what is there. True when all of it is there.
fn read_all(scratch: &Scratch, dir: &Path) -> Result<bool, VaultError> {
    let vault = Vault::open(dir, &scratch.unlock)?;
    let mut whole = true;
    for name in ["alpha", "beta"] {
        let mut bytes = Vec::new();
        match vault.reader(name) {
            Ok(mut reader) => match reader.read_to_end(&mut bytes) {
                Ok(_) => assert!(bytes == content(name), "wrong data for {name}"),
                Err(error) => {
                    assert!(VaultError::within(&error).is_some(), "{error}");
                    whole = false;
                }
            },
            Err(error) => {
                assert!(matches!(error.class(), ErrorClass::NotFound | ErrorClass::Integrity), "{error}");
                whole = false;
            }
        }
        match vault.get_record(RecordKind::Peer, name) {
            Ok(Some(bytes)) => assert_eq!(bytes, RECORD),
            Ok(None) => whole = false,
            Err(error) => {
                assert_eq!(error.class(), ErrorClass::Integrity, "{error}");
                whole = false;
            }
        }
    }
    Ok(whole)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join("store")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

#[test]
fn flipped_bytes_in_the_files_never_become_wrong_data() {
    let scratch = furnished();
    let spare = tempfile::tempdir().unwrap();
    let (mut opened, mut refused, mut whole) = (0, 0, 0);
    for (index, file) in files(&scratch.dir()).into_iter().enumerate() {
        let length = fs::metadata(&file).unwrap().len();
        for step in 0..24 {
            let dir = spare.path().join(format!("{index}-{step}"));
            copy(&scratch.dir(), &dir);
            let target = fs::File::options()
                .read(true)
                .write(true)
                .open(dir.join("store").join(file.file_name().unwrap()));
            let target = target.unwrap();
            // A stretch of bytes, so that most of them hit something that is in use.
            let at = (length * step / 24 + step * 37).min(length - 1);
            let mut bytes = vec![0; 64.min((length - at) as usize)];
            target.read_exact_at(&mut bytes, at).unwrap();
            bytes.iter_mut().for_each(|byte| *byte ^= 0x55);
            target.write_all_at(&bytes, at).unwrap();
            match read_all(&scratch, &dir) {
                Ok(complete) => {
                    opened += 1;
                    whole += usize::from(complete);
                }
                Err(error) => {
                    assert!(matches!(error.class(), ErrorClass::Integrity | ErrorClass::Failed), "{error}");
                    refused += 1;
                }
            }
            fs::remove_dir_all(dir).unwrap();
        }
    }
    println!("opened {opened}, of these whole {whole}; refused {refused}");
    assert!(opened > whole, "no damage hit anything that is read");
}
