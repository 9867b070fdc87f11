//! Who may open a vault, and what is said to those who may not.

mod scratch;

use std::{
    fmt::{Debug, Display},
    fs,
    marker::PhantomData,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use scratch::{Scratch, store};
use vault::{ErrorClass, MasterSecret, Passphrase, Unlock, Upload, Vault, VaultError};

fn refused<T>(outcome: Result<T, VaultError>) -> VaultError {
    outcome.err().expect("must be refused")
}

#[test]
fn only_the_right_key_opens() {
    let scratch = Scratch::new();
    store(&scratch.create(), "x", b"y");
    let other = MasterSecret::generate().unwrap().into();
    let error = refused(Vault::open(scratch.dir(), &other));
    assert!(matches!(error, VaultError::WrongKey { given: "master key" }), "{error}");
    assert_eq!(error.class(), ErrorClass::Integrity);
    let words = Passphrase::new("not for this one".into()).into();
    let error = refused(Vault::open(scratch.dir(), &words));
    assert!(matches!(error, VaultError::NoSlot { given: "passphrase" }), "{error}");
    assert_eq!(scratch.open().datasets().unwrap().len(), 1);
}

#[test]
fn a_passphrase_opens_its_vault() {
    let scratch = Scratch::new();
    let words = |words: &str| Unlock::from(Passphrase::new(words.into()));
    let id = Vault::create(scratch.dir(), &words("correct horse")).unwrap().id();
    assert_eq!(Vault::open(scratch.dir(), &words("correct horse")).unwrap().id(), id);
    let error = refused(Vault::open(scratch.dir(), &words("correct horsf")));
    assert!(matches!(error, VaultError::WrongKey { given: "passphrase" }), "{error}");
    assert!(!error.to_string().contains("horse"));
    assert!(matches!(
        refused(Vault::open(scratch.dir(), &scratch.unlock)),
        VaultError::NoSlot { given: "master key" }
    ));
}

#[test]
fn a_vault_is_made_once_and_used_by_one() {
    let scratch = Scratch::new();
    assert!(!Vault::exists(scratch.dir()));
    assert!(matches!(refused(Vault::open(scratch.dir(), &scratch.unlock)), VaultError::NoVault { .. }));
    assert!(!scratch.dir().exists(), "looking for a vault makes nothing");
    let vault = scratch.create();
    assert!(Vault::exists(scratch.dir()));
    assert_eq!(fs::metadata(scratch.dir()).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(matches!(refused(Vault::open(scratch.dir(), &scratch.unlock)), VaultError::Locked { .. }));
    assert!(matches!(refused(Vault::create(scratch.dir(), &scratch.unlock)), VaultError::Locked { .. }));
    let upload =
        vault.upload("x", vault::UploadMeta { format: "csv".into(), gzip: false, file_name: "x".into() });
    drop(vault);
    assert!(
        matches!(refused(Vault::open(scratch.dir(), &scratch.unlock)), VaultError::Locked { .. }),
        "an upload keeps the vault open"
    );
    drop(upload);
    assert!(matches!(refused(Vault::create(scratch.dir(), &scratch.unlock)), VaultError::VaultExists { .. }));
    scratch.open();
}

#[test]
fn creation_cut_short_is_begun_again() {
    let scratch = Scratch::new();
    let partial = scratch.dir().join("store.partial");
    fs::create_dir_all(&partial).unwrap();
    fs::write(partial.join("db"), b"half a database").unwrap();
    assert!(!Vault::exists(scratch.dir()));
    store(&scratch.create(), "x", b"y");
    assert!(!partial.exists());
}

#[test]
fn a_key_file_is_made_once_and_for_its_owner_alone() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("key");
    MasterSecret::create_file(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes.len(), 32);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    let error = refused(MasterSecret::create_file(&path));
    assert!(error.to_string().contains("never overwritten"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), bytes);

    let vault = scratch.path().join("vault");
    drop(Vault::create(&vault, &MasterSecret::read_file(&path).unwrap().into()).unwrap());
    drop(Vault::open(&vault, &MasterSecret::from_bytes(&bytes).unwrap().into()).unwrap());
    let relative = refused(MasterSecret::create_file(Path::new("no/such/directory/key")));
    assert!(matches!(relative, VaultError::Io { .. }), "{relative}");
}

#[test]
fn a_key_file_that_others_may_touch_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("key");
    MasterSecret::create_file(&path).unwrap();
    let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    for allowed in [0o600, 0o400] {
        mode(allowed);
        MasterSecret::read_file(&path).unwrap();
        MasterSecret::read_credential(&path).unwrap();
    }
    for refusable in [0o640, 0o604, 0o620, 0o700, 0o660, 0o666, 0o4600] {
        mode(refusable);
        let error = refused(MasterSecret::read_file(&path));
        assert!(error.to_string().contains("chmod"), "{refusable:o}: {error}");
    }
    for (mode_given, fits) in [(0o440, true), (0o640, true), (0o660, false), (0o444, false), (0o404, false)] {
        mode(mode_given);
        assert_eq!(MasterSecret::read_credential(&path).is_ok(), fits, "{mode_given:o}");
    }
}

#[test]
fn what_is_no_key_file_is_refused_with_its_reason() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name);
    let write = |name: &str, bytes: &[u8]| {
        fs::write(at(name), bytes).unwrap();
        fs::set_permissions(at(name), fs::Permissions::from_mode(0o600)).unwrap();
    };
    write("short", &[1; 31]);
    write("long", &[1; 33]);
    write("empty", &[]);
    write("good", &[1; 32]);
    symlink(at("good"), at("link")).unwrap();
    fs::create_dir(at("directory")).unwrap();
    for (name, reason) in [
        ("short", "32 bytes"),
        ("long", "32 bytes"),
        ("empty", "32 bytes"),
        ("absent", "does not exist"),
        ("link", "symbolic link"),
        ("directory", "not a regular file"),
    ] {
        let error = refused(MasterSecret::read_file(at(name)));
        assert!(matches!(error, VaultError::KeyFile { .. }), "{error}");
        assert!(error.to_string().contains(reason) && error.to_string().contains(name), "{error}");
    }
    MasterSecret::read_file(at("good")).unwrap();
}

/// Whether a type has `Debug`, `Display` or `Clone`: the inherent constant is there only for those that have.
struct Probe<T>(PhantomData<T>);
trait Without {
    const DEBUG: bool = false;
    const DISPLAY: bool = false;
    const CLONE: bool = false;
}
impl<T> Without for Probe<T> {}
impl<T: Debug> Probe<T> {
    const DEBUG: bool = true;
}
impl<T: Display> Probe<T> {
    const DISPLAY: bool = true;
}
impl<T: Clone> Probe<T> {
    const CLONE: bool = true;
}

#[test]
fn secrets_neither_print_nor_multiply() {
    assert_eq!(
        (Probe::<String>::DEBUG, Probe::<String>::DISPLAY, Probe::<String>::CLONE),
        (true, true, true)
    );
    macro_rules! silent {
        ($($secret:ty),*) => { $(
            assert_eq!(
                (Probe::<$secret>::DEBUG, Probe::<$secret>::DISPLAY, Probe::<$secret>::CLONE),
                (false, false, false)
            );
        )* };
    }
    silent!(MasterSecret, Passphrase, Unlock, Upload);
    assert_eq!((Probe::<Vault>::DEBUG, Probe::<Vault>::DISPLAY), (false, false));
}
