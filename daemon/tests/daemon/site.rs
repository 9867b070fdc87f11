//! A daemon in a folder of its own.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use control::facts::{DatasetInfo, StatusInfo};
use control::{Connection, ErrorCode, Failure, Request, Response};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Far longer than anything here takes; only a hang meets it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Settings, keys and state of one daemon, in a folder that goes away with it.
pub(crate) struct Site {
    folder: TempDir,
    /// The settings that tests change, as TOML text.
    pub(crate) top: String,
    pub(crate) master: String,
    pub(crate) sections: String,
}

/// What a program said and how it ended.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The folder with the programs and plugins of this build; makes the plugins if they are missing.
fn build() -> &'static Path {
    static BUILD: OnceLock<PathBuf> = OnceLock::new();
    BUILD.get_or_init(|| {
        let program = Path::new(env!("CARGO_BIN_EXE_cloisterd"));
        let folder = program.parent().unwrap().to_owned();
        if !["libeuclidean.so", "libmanhattan.so"].iter().all(|file| folder.join(file).exists()) {
            let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            cargo.args(["build", "-p", "euclidean", "-p", "manhattan"]);
            if folder.ends_with("release") {
                cargo.arg("--release");
            }
            assert!(cargo.status().unwrap().success());
        }
        folder
    })
}

impl Site {
    /// A host with a key file and short keys, not initialised.
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let plugins = folder.path().join("plugins");
        fs::create_dir(&plugins).unwrap();
        fs::set_permissions(&plugins, fs::Permissions::from_mode(0o755)).unwrap();
        let master = format!("file:{}", folder.path().join("master.key").display());
        let site = Self {
            folder,
            top: "name = \"a\"\nrole = \"host\"\n".into(),
            master,
            sections: "[paillier]\nbits = 1024\ntest_keys = true\n".into(),
        };
        site.add_plugin("euclidean");
        site
    }

    /// As [`Self::new`], initialised.
    pub(crate) fn ready() -> Self {
        let site = Self::new();
        let init = site.command("init");
        assert_eq!(init.code, Some(0), "{}", init.err);
        site
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path("state")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("s")
    }

    pub(crate) fn add_plugin(&self, metric: &str) {
        let file = format!("lib{metric}.so");
        let to = self.path("plugins").join(&file);
        fs::copy(build().join(&file), &to).unwrap();
        fs::set_permissions(&to, fs::Permissions::from_mode(0o644)).unwrap();
    }

    /// Writes the settings as they are now and gives their path.
    pub(crate) fn settings(&self) -> PathBuf {
        let path = self.path("settings.toml");
        let (state, socket, plugins) = (self.state(), self.socket(), self.path("plugins"));
        let text = format!(
            "{}state_dir = {state:?}\n[control]\nsocket = {socket:?}\n[keys]\nmaster = {:?}\n\
             [network]\nlisten = \"127.0.0.1:0\"\ntimeout_seconds = 5\n[plugins]\ndir = {plugins:?}\n{}",
            self.top, self.master, self.sections
        );
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn program(&self, command: &str) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_cloisterd"));
        program.arg(command).arg("--config").arg(self.settings()).stdin(Stdio::null());
        program
    }

    /// Runs a command to its end.
    pub(crate) fn command(&self, command: &str) -> Said {
        self.program(command).output().unwrap().into()
    }

    /// Starts the daemon and waits until it says that it is ready.
    pub(crate) fn start(&self) -> Running {
        let notify = self.path("notify");
        let _ = fs::remove_file(&notify);
        let news = UnixDatagram::bind(&notify).unwrap();
        news.set_read_timeout(Some(PATIENCE)).unwrap();
        let log = fs::File::create(self.path("log")).unwrap();
        let child = self.program("run").env("NOTIFY_SOCKET", &notify).stderr(log).spawn().unwrap();
        let running = Running { child, news, socket: self.socket(), log: self.path("log"), ended: None };
        running.wait_for("READY=1");
        running
    }
}

/// A daemon at work; killed when dropped.
pub(crate) struct Running {
    child: Child,
    news: UnixDatagram,
    socket: PathBuf,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl Running {
    /// Waits for a line that the daemon tells systemd; gives the whole message.
    pub(crate) fn wait_for(&self, line: &str) -> String {
        let mut bytes = [0; 4096];
        loop {
            let length =
                self.news.recv(&mut bytes).unwrap_or_else(|error| panic!("{error}:\n{}", self.log()));
            let message = String::from_utf8(bytes[..length].to_vec()).unwrap();
            if message.lines().any(|told| told == line) {
                return message;
            }
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until the log holds these words; the daemon may write them after it has answered.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, words: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.log().contains(words) {
            assert!(Instant::now() < deadline, "{words:?} is not in\n{}", self.log());
            std::thread::yield_now();
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the process to end.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        self.ended = Some(status);
        status
    }

    pub(crate) fn connect(&self) -> Client {
        let stream = UnixStream::connect(&self.socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client(Connection::establish(stream).unwrap())
    }

    pub(crate) fn ask(&self, request: &Request) -> Response {
        self.connect().ask(request)
    }

    pub(crate) fn status(&self) -> StatusInfo {
        match self.ask(&Request::Status) {
            Response::Status(status) => *status,
            other => panic!("{other:?}"),
        }
    }

    /// Where it listens for peers.
    pub(crate) fn address(&self) -> SocketAddr {
        let address: SocketAddr = self.status().listen.parse().unwrap();
        assert_eq!(address.ip(), IpAddr::from(Ipv4Addr::LOCALHOST));
        assert_ne!(address.port(), 0);
        address
    }

    pub(crate) fn failure(&self, request: &Request) -> Failure {
        self.connect().failure(request)
    }

    pub(crate) fn upload(&self, name: &str, document: &[u8]) -> Result<DatasetInfo, Failure> {
        self.connect().upload(name, document, Some(document.len() as u64))
    }

    pub(crate) fn dataset_names(&self) -> Vec<String> {
        match self.ask(&Request::Datasets) {
            Response::Datasets(datasets) => datasets.into_iter().map(|dataset| dataset.name).collect(),
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// One connection to the control socket.
pub(crate) struct Client(pub(crate) Connection<UnixStream>);

impl Client {
    pub(crate) fn ask(&mut self, request: &Request) -> Response {
        self.0.ask(request).unwrap();
        self.0.answer().unwrap()
    }

    pub(crate) fn failure(&mut self, request: &Request) -> Failure {
        match self.ask(request) {
            Response::Failed(failure) => failure,
            other => panic!("{other:?} instead of a failure"),
        }
    }

    pub(crate) fn announce(&mut self, name: &str, size: Option<u64>) -> Result<(), Failure> {
        let request = Request::Upload { name: name.into(), file_name: format!("{name}.csv"), size };
        match self.ask(&request) {
            Response::Ready => Ok(()),
            Response::Failed(failure) => Err(failure),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn upload(
        &mut self,
        name: &str,
        document: &[u8],
        size: Option<u64>,
    ) -> Result<DatasetInfo, Failure> {
        self.announce(name, size)?;
        for piece in document.chunks(control::CHUNK_BYTES) {
            self.0.ask(&Request::Chunk(piece.to_vec())).unwrap();
        }
        match self.ask(&Request::End) {
            Response::Dataset(dataset) => Ok(*dataset),
            Response::Failed(failure) => Err(failure),
            other => panic!("{other:?}"),
        }
    }

    /// The document that a request is answered with.
    pub(crate) fn document(&mut self, request: &Request) -> Result<Vec<u8>, Failure> {
        let mut document = Vec::new();
        let mut response = self.ask(request);
        loop {
            match response {
                Response::Chunk(piece) => document.extend(piece),
                Response::Done => return Ok(document),
                Response::Failed(failure) => return Err(failure),
                other => panic!("{other:?}"),
            }
            response = self.0.answer().unwrap();
        }
    }
}

/// Rows of two numbers, a word and a class.
pub(crate) fn csv(rows: usize) -> Vec<u8> {
    let mut text = String::from("height,weight,name,class\n");
    for row in 0..rows {
        let (height, weight) = (150.0 + (row % 50) as f64 / 4.0, 50 + row % 37);
        text += &format!("{height},{weight},n{row},{}\n", ["yes", "no"][row % 2]);
    }
    text.into_bytes()
}

#[track_caller]
pub(crate) fn assert_failure(failure: &Failure, code: ErrorCode, words: &str) {
    assert_eq!(failure.code, code, "{failure:?}");
    assert!(failure.message.contains(words), "{:?} is not in {failure:?}", words);
}

/// Whether nothing answers on the socket any more.
pub(crate) fn is_gone(socket: &Path) -> bool {
    matches!(fs::symlink_metadata(socket), Err(error) if error.kind() == io::ErrorKind::NotFound)
}
