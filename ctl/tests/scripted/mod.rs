//! The other end of the socket, speaking the real control protocol with prepared answers: what a client does with
//! answers that a healthy daemon rarely gives. The whole-system tests have real daemons.

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread::{self, JoinHandle};

use control::{Connection, Request, Response};
use tempfile::TempDir;

/// One conversation's server.
pub struct Scripted {
    folder: TempDir,
    server: JoinHandle<()>,
}

/// A server that runs `script` with the first client and then ends.
pub fn conversation(script: impl FnOnce(&mut Connection<UnixStream>) + Send + 'static) -> Scripted {
    raw(|stream| script(&mut Connection::establish(stream).unwrap()))
}

/// A server that answers the first request with these responses.
pub fn answers(responses: impl IntoIterator<Item = Response> + Send + 'static) -> Scripted {
    conversation(|connection| {
        connection.receive::<Request>().unwrap();
        for response in responses {
            // A client may leave before it has heard everything.
            if connection.send(&response).is_err() {
                return;
            }
        }
    })
}

/// A server that does what it likes with the first client.
pub fn raw(script: impl FnOnce(UnixStream) + Send + 'static) -> Scripted {
    let folder = TempDir::new().unwrap();
    let listener = UnixListener::bind(folder.path().join("control.sock")).unwrap();
    let server = thread::spawn(move || script(listener.accept().unwrap().0));
    Scripted { folder, server }
}

/// The client, without the environment's socket.
pub fn client() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cloisterctl"));
    command.env_remove("CLOISTER_SOCKET").stdin(Stdio::null());
    command
}

impl Scripted {
    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("control.sock")
    }

    /// A client of this server.
    pub fn client(&self) -> Command {
        let mut command = client();
        command.arg("--socket").arg(self.socket());
        command
    }

    /// Runs the client with these arguments and the server to its end.
    pub fn run(self, arguments: &[&str]) -> Output {
        let output = self.client().args(arguments).output().unwrap();
        self.finish();
        output
    }

    /// Ends; what failed in the script fails the test.
    pub fn finish(self) {
        self.server.join().unwrap();
    }
}

pub fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

pub fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

pub fn code(output: &Output) -> i32 {
    output.status.code().expect("ended by itself")
}
