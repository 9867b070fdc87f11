//! One daemon as a process of its own.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use control::facts::{JobInfo, JobState, ResultInfo, RunResult};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::client::{self, Answer};
use crate::programs::programs;
use crate::settings::{self, PartySettings};
use crate::{PATIENCE, plugins, wait_for};

/// How long a daemon may take to stop when asked to.
const GRACE: Duration = Duration::from_secs(15);

/// A daemon's folder and, while it runs, its process.
pub struct Party {
    /// Its settings; [`Self::apply`] puts changes into force.
    pub settings: PartySettings,
    folder: PathBuf,
    listen: SocketAddr,
    fingerprint: String,
    process: Option<Child>,
    /// Where the daemon tells how it is; kept so that it can do so to its end.
    notify: Option<UnixDatagram>,
}

/// The mode of runs whose arguments name none.
fn mode(arguments: &[&str]) -> &'static [&'static str] {
    if arguments.contains(&"--privacy") { &[] } else { &["--privacy", "open"] }
}

#[derive(Deserialize)]
struct Started {
    id: String,
}

impl Party {
    /// Makes keys and identity; the daemon does not run yet.
    pub fn init(folder: PathBuf, listen: SocketAddr, settings: PartySettings) -> Self {
        for folder in [folder.clone(), folder.join("plugins")] {
            // Whatever the umask: plugins are refused from folders that others may write to.
            DirBuilder::new().mode(0o700).create(&folder).expect("a new folder");
        }
        plugins::install(&folder.join("plugins"));
        let mut party =
            Party { settings, folder, listen, fingerprint: String::new(), process: None, notify: None };
        party.write_settings();
        party.cloisterd(&["init"]).good();
        party.fingerprint = party.cloisterd(&["fingerprint"]).good().stdout.trim_end().to_owned();
        party
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Where everything of it is: settings, master key, state, plugins, log.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where it listens for peers.
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// What peers know it by.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Its settings file.
    pub fn config(&self) -> PathBuf {
        self.folder.join("settings.toml")
    }

    /// Its control socket.
    pub fn socket(&self) -> PathBuf {
        settings::socket(&self.folder)
    }

    /// All that it has logged.
    pub fn log(&self) -> String {
        fs::read(self.folder.join("log"))
            .map(|log| String::from_utf8_lossy(&log).into_owned())
            .unwrap_or_default()
    }

    /// Runs another command of the daemon's program over its settings.
    pub fn cloisterd(&self, arguments: &[&str]) -> Answer {
        let output: Output = Command::new(&programs().cloisterd)
            .args(arguments)
            .arg("--config")
            .arg(self.config())
            .stdin(Stdio::null())
            .output()
            .expect("cloisterd starts");
        Answer::of(output)
    }

    /// Writes the settings file.
    pub fn write_settings(&self) {
        fs::write(self.config(), self.settings.toml(&self.folder, self.listen)).expect("own settings");
        fs::set_permissions(self.config(), Permissions::from_mode(0o600)).expect("own settings");
    }

    /// Writes the settings file and has the daemon read it again.
    #[track_caller]
    pub fn apply(&self) {
        self.write_settings();
        self.ctl(&["reload"]).good();
    }

    /// Starts the daemon and waits until it says that it is ready.
    ///
    /// # Panics
    /// If it ends instead, or is not ready within [`PATIENCE`].
    #[track_caller]
    pub fn start(&mut self) {
        assert!(self.process.is_none(), "{} runs already", self.name());
        let path = self.folder.join("notify.sock");
        // A killed daemon leaves the last one behind.
        let _ = fs::remove_file(&path);
        let notify = UnixDatagram::bind(&path).expect("a socket in an own folder");
        notify.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout above zero");
        let log = File::options().create(true).append(true).open(self.folder.join("log")).expect("own log");
        let child = Command::new(&programs().cloisterd)
            .args(["run", "--config"])
            .arg(self.config())
            .env("NOTIFY_SOCKET", &path)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("own log"))
            .stderr(log)
            .spawn()
            .expect("cloisterd starts");
        self.process = Some(child);
        let deadline = Instant::now() + PATIENCE;
        let mut message = [0; 4096];
        loop {
            match notify.recv(&mut message) {
                Ok(length)
                    if message[..length].split(|&byte| byte == b'\n').any(|line| line == b"READY=1") =>
                {
                    break;
                }
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => panic!("{}: {error}", path.display()),
            }
            if let Some(status) = self.ended() {
                panic!("{} did not start ({status}):\n{}", self.name(), self.log());
            }
            assert!(Instant::now() < deadline, "{} is not ready:\n{}", self.name(), self.log());
        }
        self.notify = Some(notify);
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        self.process.as_mut().and_then(|child| child.try_wait().expect("an own child"))
    }

    /// Whether the daemon runs (or is held).
    pub fn running(&mut self) -> bool {
        self.process.is_some() && self.ended().is_none()
    }

    /// The daemon's process.
    pub fn pid(&self) -> Option<Pid> {
        self.process.as_ref().and_then(|child| Pid::from_raw(child.id().cast_signed()))
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid() {
            // It may be gone already.
            let _ = kill_process(pid, signal);
        }
    }

    /// Asks the daemon to stop, without waiting for it.
    pub fn terminate(&self) {
        self.signal(Signal::CONT);
        self.signal(Signal::TERM);
    }

    /// Waits until the daemon has stopped by itself; kills it if it takes too long.
    pub fn wait(&mut self) -> Option<ExitStatus> {
        let deadline = Instant::now() + GRACE;
        while self.running() && Instant::now() < deadline {
            std::thread::park_timeout(crate::REST);
        }
        let status = self.ended();
        self.kill();
        status
    }

    /// Kills the daemon, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.process.take() {
            // It may be gone already.
            let _ = child.kill();
            child.wait().expect("an own child");
        }
    }

    /// Holds the daemon: it neither runs nor ends.
    pub fn hold(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets a held daemon go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Runs the client against this daemon.
    pub fn ctl(&self, arguments: &[&str]) -> Answer {
        client::run(&self.socket(), arguments)
    }

    /// Runs the client and takes the one document that it prints.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self, arguments: &[&str]) -> T {
        self.ctl(&[arguments, &["--json"]].concat()).json()
    }

    /// Uploads a document under a name.
    #[track_caller]
    pub fn upload(&self, name: &str, file_name: &str, document: &[u8]) {
        self.try_upload(name, file_name, document).good();
    }

    /// Tries to upload a document.
    pub fn try_upload(&self, name: &str, file_name: &str, document: &[u8]) -> Answer {
        let file = self.folder.join(file_name);
        fs::write(&file, document).expect("own folder");
        let answer = self.ctl(&["upload", &file.display().to_string(), "--name", name]);
        fs::remove_file(&file).expect("own file");
        answer
    }

    /// Clusters in the foreground and takes the result; in mode `open` unless the arguments say otherwise.
    #[track_caller]
    pub fn cluster(&self, arguments: &[&str]) -> RunResult {
        self.try_cluster(arguments).json()
    }

    /// Tries to cluster in the foreground.
    pub fn try_cluster(&self, arguments: &[&str]) -> Answer {
        self.ctl(&[&["cluster"], arguments, mode(arguments), &["--json", "--quiet"]].concat())
    }

    /// Starts a run and gives its job's id.
    #[track_caller]
    pub fn detach(&self, arguments: &[&str]) -> String {
        let command = [&["cluster"], arguments, mode(arguments), &["--detach"]].concat();
        self.json::<Started>(&command).id
    }

    /// The jobs that this party knows.
    #[track_caller]
    pub fn jobs(&self) -> Vec<JobInfo> {
        self.ctl(&["jobs", "list", "--json"]).items()
    }

    /// That job, if it is known here.
    #[track_caller]
    pub fn job(&self, id: &str) -> Option<JobInfo> {
        self.jobs().into_iter().find(|job| job.id == id)
    }

    /// Waits until that job is over here.
    #[track_caller]
    pub fn job_ended(&self, id: &str) -> JobInfo {
        wait_for(&format!("the end of job {id} at {}", self.name()), || {
            self.job(id).filter(|job| job.state != JobState::Running)
        })
    }

    /// The results that this party keeps.
    #[track_caller]
    pub fn results(&self) -> Vec<ResultInfo> {
        self.ctl(&["results", "list", "--json"]).items()
    }

    /// One result in full.
    #[track_caller]
    pub fn result(&self, id: &str) -> RunResult {
        self.json(&["results", "show", id])
    }

    /// The labels of this party's rows; `None` for rows that were left out.
    ///
    /// # Panics
    /// If the file is not `row,label` with rows counted from 1.
    #[track_caller]
    pub fn labels(&self, id: &str) -> Vec<Option<u32>> {
        let csv = self.ctl(&["results", "labels", id]).good().stdout;
        let mut lines = csv.lines();
        assert_eq!(lines.next(), Some("row,label"));
        let label = |(index, line): (usize, &str)| {
            let (row, label) = line.split_once(',').expect("two fields");
            assert_eq!(row, (index + 1).to_string());
            (!label.is_empty()).then(|| label.parse().expect("a label is a number"))
        };
        lines.enumerate().map(label).collect()
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.terminate();
            self.wait();
        }
    }
}
