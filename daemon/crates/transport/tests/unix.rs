//! The control socket.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};

use transport::unix::{BindError, CONTROL_MODE, bind, peer_credentials};

fn entries(dir: &std::path::Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_socket_has_its_mode_and_group_and_works() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.sock");
    let own = fs::metadata(dir.path()).unwrap();
    for mode in [CONTROL_MODE, 0o600] {
        let listener = bind(&path, mode, Some(own.gid())).unwrap();
        let there = fs::symlink_metadata(&path).unwrap();
        assert!(there.file_type().is_socket());
        assert_eq!((there.permissions().mode() & 0o7777, there.gid()), (mode, own.gid()));
        assert_eq!(entries(dir.path()), ["control.sock"], "nothing else is left");

        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(b"status").unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let mut asked = [0; 6];
        server.read_exact(&mut asked).unwrap();
        assert_eq!(&asked, b"status");
        let peer = peer_credentials(&server).unwrap();
        assert_eq!((peer.uid, peer.gid), (own.uid(), own.gid()));
        assert_eq!(peer.pid, std::process::id() as i32);
        // The listener dies here and leaves its socket, which the next round replaces.
    }
}

#[test]
fn a_live_socket_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.sock");
    let _live = bind(&path, CONTROL_MODE, None).unwrap();
    let inode = fs::metadata(&path).unwrap().ino();
    let error = bind(&path, CONTROL_MODE, None).unwrap_err();
    assert!(matches!(error, BindError::InUse { .. }), "{error}");
    assert!(error.to_string().starts_with(path.to_str().unwrap()), "{error}");
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
}

#[test]
fn what_is_no_socket_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.sock");
    fs::write(&path, "precious").unwrap();
    assert!(matches!(bind(&path, CONTROL_MODE, None), Err(BindError::NoSocket { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    // Not even a link to a socket, which would let another user choose whose socket is probed.
    let other = dir.path().join("other");
    drop(UnixListener::bind(&other).unwrap());
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&other, &path).unwrap();
    assert!(matches!(bind(&path, CONTROL_MODE, None), Err(BindError::NoSocket { .. })));
    assert_eq!(entries(dir.path()), ["control.sock", "other"]);
}

#[test]
fn a_failure_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing/control.sock");
    assert!(matches!(bind(&missing, CONTROL_MODE, None), Err(BindError::Io { .. })));
    let long = dir.path().join("d".repeat(120));
    fs::create_dir(&long).unwrap();
    let error = bind(&long.join("control.sock"), CONTROL_MODE, None).unwrap_err();
    assert!(error.to_string().contains("cannot make the socket"), "{error}");
    assert!(entries(&long).is_empty());
}

/// The mode that the process would give by itself never shows: watched from another thread while sockets
/// come and go, the name is absent or has its final mode.
#[test]
fn the_socket_is_never_wider_for_a_moment() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.sock");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen = 0u32;
            while !done.load(Ordering::Relaxed) {
                if let Ok(there) = fs::symlink_metadata(&path) {
                    assert_eq!(there.permissions().mode() & 0o777, 0o660);
                    seen += 1;
                }
                for entry in fs::read_dir(dir.path()).unwrap().flatten() {
                    if let Some(there) = entry.metadata().ok().filter(fs::Metadata::is_dir) {
                        assert_eq!(there.permissions().mode() & 0o777, 0o700);
                    }
                }
            }
            seen
        });
        for _ in 0..300 {
            drop(bind(&path, CONTROL_MODE, None).unwrap());
        }
        done.store(true, Ordering::Relaxed);
        assert!(watcher.join().unwrap() > 0);
    });
}
