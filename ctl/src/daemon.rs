//! The daemon as this client sees it: one connection, questions and expected answers.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Config, Environment, File, FileFormat, Map};
use control::{CodecError, ConnectError, Connection, DEFAULT_SOCKET, ErrorCode, Failure, Request, Response};

use crate::cli::Cli;
use crate::output::{Outcome, Stop};

/// How long a daemon may take to say hello. After that it answers when it can: some questions take as long as a run.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);

/// A conversation with a daemon.
pub(crate) struct Daemon {
    connection: Connection<UnixStream>,
}

/// Which socket the command line, the environment and a settings file name, in this order.
pub(crate) fn socket(cli: &Cli) -> Outcome<PathBuf> {
    if let Some(path) = &cli.socket {
        return Ok(path.clone());
    }
    if let Some(file) = &cli.config {
        let environment = std::env::vars_os()
            .map(|(key, value)| (key.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()));
        return socket_of(file, environment.collect());
    }
    let named = std::env::var_os("CLOISTER_SOCKET").filter(|path| !path.is_empty());
    Ok(named.map_or_else(|| DEFAULT_SOCKET.into(), PathBuf::from))
}

/// `control.socket` of a daemon's settings, with the same override as the daemon's.
fn socket_of(file: &Path, environment: HashMap<String, String>) -> Outcome<PathBuf> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        let code = match error.kind() {
            io::ErrorKind::NotFound => ErrorCode::NotFound,
            io::ErrorKind::PermissionDenied => ErrorCode::Refused,
            _ => ErrorCode::Failed,
        };
        Failure::new(code, format!("cannot read {}: {error}", file.display()))
            .with_hint("--config takes a daemon's settings file; --socket takes its control socket")
    })?;
    let wrong = |error: String| {
        Failure::new(ErrorCode::Usage, format!("{}: {}", file.display(), error.trim_end()))
            .with_hint("see what is wrong with the settings: cloisterd check --config FILE")
    };
    let environment: Map<String, String> = environment.into_iter().collect();
    let settings = Config::builder()
        .add_source(File::from_str(&text, FileFormat::Toml))
        .add_source(
            Environment::with_prefix("CLOISTER")
                .prefix_separator("__")
                .separator("__")
                .source(Some(environment)),
        )
        .build()
        .map_err(|error| wrong(error.to_string()))?;
    match settings.get_string("control.socket") {
        Ok(path) => Ok(path.into()),
        Err(config::ConfigError::NotFound(_)) => Ok(DEFAULT_SOCKET.into()),
        Err(error) => Err(wrong(error.to_string()).into()),
    }
}

fn broke_off(error: &CodecError) -> Stop {
    Failure::new(ErrorCode::PeerFailed, format!("the daemon broke off: {error}"))
        .with_hint("its log says why: journalctl -u cloisterd")
        .into()
}

fn unexpected(response: &Response) -> Stop {
    let message = format!("the daemon gave an answer that does not fit the question ({})", response.kind());
    Failure::new(ErrorCode::PeerFailed, message)
        .with_hint("client and daemon should be of one release")
        .into()
}

impl Daemon {
    /// Connects and says hello.
    pub(crate) fn connect(socket: &Path) -> Outcome<Self> {
        let stream = UnixStream::connect(socket).map_err(|error| unreachable(socket, &error))?;
        let no_timeout = |error: io::Error| unreachable(socket, &error);
        stream.set_read_timeout(Some(HELLO_TIMEOUT)).map_err(no_timeout)?;
        let connection = Connection::establish(stream).map_err(|error| no_conversation(socket, &error))?;
        connection.stream().set_read_timeout(None).map_err(no_timeout)?;
        Ok(Self { connection })
    }

    /// Asks, without waiting. If the daemon has hung up, its last word is why.
    pub(crate) fn send(&mut self, request: &Request) -> Outcome {
        let Err(error) = self.connection.ask(request) else { return Ok(()) };
        if matches!(error, CodecError::Io(_))
            && let Ok(Response::Failed(failure)) = self.connection.answer()
        {
            return Err(failure.into());
        }
        Err(broke_off(&error))
    }

    /// The next answer that is no failure.
    pub(crate) fn next(&mut self) -> Outcome<Response> {
        match self.connection.answer() {
            Ok(Response::Failed(failure)) => Err(failure.into()),
            Ok(response) => Ok(response),
            Err(error) => Err(broke_off(&error)),
        }
    }

    /// Asks and takes the one answer, which `expected` must recognise.
    pub(crate) fn ask<T>(
        &mut self,
        request: &Request,
        expected: impl FnOnce(Response) -> Result<T, Response>,
    ) -> Outcome<T> {
        self.send(request)?;
        expected(self.next()?).map_err(|response| unexpected(&response))
    }

    /// Asks for something to be done.
    pub(crate) fn order(&mut self, request: &Request) -> Outcome {
        self.ask(request, |response| match response {
            Response::Done => Ok(()),
            other => Err(other),
        })
    }

    /// Asks for a document and takes it piece by piece.
    pub(crate) fn document(&mut self, request: &Request, mut piece: impl FnMut(&[u8]) -> Outcome) -> Outcome {
        self.send(request)?;
        loop {
            match self.next()? {
                Response::Chunk(bytes) => piece(&bytes)?,
                Response::Done => return Ok(()),
                other => return Err(unexpected(&other)),
            }
        }
    }
}

/// Picks one variant of [`Response`], for [`Daemon::ask`].
macro_rules! answer {
    ($variant:ident) => {
        |response| match response {
            control::Response::$variant(facts) => Ok(facts),
            other => Err(other),
        }
    };
}
pub(crate) use answer;

fn unreachable(socket: &Path, error: &io::Error) -> Stop {
    let place = socket.display();
    // Connecting to anything else than a socket is refused like connecting to a socket without a daemon.
    if std::fs::metadata(socket).is_ok_and(|there| !there.file_type().is_socket()) {
        return Failure::new(ErrorCode::Usage, format!("{place} is not a socket"))
            .with_hint("--socket takes a daemon's control socket, --config its settings file")
            .into();
    }
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            Failure::new(ErrorCode::Refused, format!("no permission to use the control socket {place}"))
                .with_hint("join the socket's group (sudo usermod -aG cloister $USER, then log in again)")
        }
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Failure::new(
            ErrorCode::PeerFailed,
            format!("no daemon listens at {place}"),
        )
        .with_hint(
            "start it (systemctl start cloisterd), or name its socket with --socket PATH or --config FILE",
        ),
        _ => Failure::new(ErrorCode::PeerFailed, format!("cannot connect to {place}: {error}"))
            .with_hint("name the daemon's socket with --socket PATH or --config FILE"),
    }
    .into()
}

fn no_conversation(socket: &Path, error: &ConnectError) -> Stop {
    let place = socket.display();
    let (message, hint) = match error {
        ConnectError::Hello(error) => (
            format!("{place}: {error}"),
            "use the cloisterctl of the daemon's release, or name another socket",
        ),
        ConnectError::Codec(CodecError::Io(error))
            if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
        {
            (
                format!("the daemon at {place} does not answer"),
                "see what it is doing: systemctl status cloisterd",
            )
        }
        ConnectError::Codec(error) => {
            (format!("the daemon at {place} hung up: {error}"), "its log says why: journalctl -u cloisterd")
        }
    };
    Failure::new(ErrorCode::PeerFailed, message).with_hint(hint).into()
}
