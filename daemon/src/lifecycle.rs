//! From start to stop: what is opened in which order, who is told, and what is waited for.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use control::facts::JobState;
use control::{ErrorCode, Failure};
use sd_notify::NotifyState;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::jobs::now_unix;
use crate::node::Node;
use crate::server::Server;
use crate::service::Service;
use crate::settings::Settings;
use crate::{listener, log, reload, startup, status};

/// The longest wait for jobs to end, whatever the settings' timeout is; systemd gives us a minute in all.
const JOBS: Duration = Duration::from_secs(30);
/// The longest wait for clients to take their last answers, and for links to send their last frames.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// Between two looks at what still runs.
const LOOK: Duration = Duration::from_millis(10);
/// Between two looks at what has been interrupted for too long.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Serves until SIGTERM or SIGINT.
pub(crate) fn run(settings: Settings, config: &Path) -> Result<(), Failure> {
    log::start();
    // Relative to where we are now, for reloads.
    let config = std::path::absolute(config).map_err(|error| system("the settings' path", &error))?;
    let threads = std::thread::available_parallelism().map_or(2, |threads| threads.get().max(2));
    let runtime = Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .map_err(|error| system("the network threads", &error))?;
    let mut signals = {
        let _inside = runtime.enter();
        Signals::take().map_err(|error| system("the signal handlers", &error))?
    };
    tell(&[NotifyState::Status("opening the vault and trying the plugins")]);
    let listen = settings.network.listen;
    let node = Arc::new(startup::open(settings, runtime.handle().clone())?);
    let listener = runtime.block_on(TcpListener::bind(listen)).map_err(|error| {
        Failure::new(ErrorCode::Failed, format!("network.listen {listen} cannot be bound: {error}"))
            .with_hint("another program may listen there; name another address or port in the settings")
    })?;
    let bound = listener.local_addr().map_err(|error| system("the listening address", &error))?;
    let service = Arc::new(Service::new(Arc::clone(&node), config, bound));
    let server = Server::bind(&service)?;
    let network = runtime.spawn(listener::serve(Arc::clone(&node), listener));
    let daily = runtime.spawn(expire_daily(Arc::clone(&node)));

    let settings = node.settings();
    for warning in status::warnings(&node, &settings)? {
        tracing::warn!("{warning}");
    }
    let serving = format!("{} serves on {bound} and {}", settings.name, settings.control.socket.display());
    tracing::info!("{serving}");
    tell(&[NotifyState::Ready, NotifyState::Status(&serving)]);

    runtime.block_on(async {
        while let Wish::Reload = signals.next().await {
            let service = Arc::clone(&service);
            let serving = serving.clone();
            // Reading plugins blocks; a signal to stop must not wait for it.
            tokio::task::spawn_blocking(move || reload_by_signal(&service, &serving));
        }
    });

    tracing::info!("stopping");
    tell(&[NotifyState::Stopping, NotifyState::Status("waiting for runs to end")]);
    service.stop();
    server.close();
    network.abort();
    daily.abort();
    let wait = settings.network.timeout.min(JOBS);
    runtime.block_on(async {
        tokio::select! {
            () = end_jobs(&service, wait) => {}
            // Whoever asks again does not want to wait.
            () = signals.stop() => tracing::warn!("stopping at once"),
        }
    });
    server.drain(LAST_WORDS);
    flush_links(&runtime);
    tracing::info!("stopped");
    Ok(())
}

/// Forgets, day by day, what nobody has gone on with.
async fn expire_daily(node: Arc<Node>) {
    loop {
        tokio::time::sleep(DAY).await;
        if let Err(failure) = node.jobs.expire(now_unix()) {
            tracing::error!(reason = failure.message, "interrupted jobs could not be given up");
        }
    }
}

fn system(what: &str, error: &std::io::Error) -> Failure {
    Failure::new(ErrorCode::Failed, format!("{what}: {error}"))
}

/// Tells systemd, if it has started us.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd could not be told");
    }
}

fn reload_by_signal(service: &Service, serving: &str) {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        tell(&[NotifyState::Reloading, now]);
    }
    let status = match reload::reload(service) {
        Ok(_) => serving.to_owned(),
        Err(failure) => {
            tracing::error!(
                reason = failure.message,
                hint = failure.hint,
                "the reload failed; the old settings stay"
            );
            format!("{serving}; the last reload failed: {}", failure.message)
        }
    };
    tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// Stops every job, each telling its other parties, and waits until they have ended.
async fn end_jobs(service: &Service, wait: Duration) {
    let jobs = &service.node.jobs;
    let all_ended = async {
        loop {
            // Again each time: an invitation that was being answered may have become a job meanwhile.
            jobs.stop_all();
            let running = jobs.running();
            let Some(job) = running.first() else { return };
            if let Ok(mut view) = jobs.watch(&job.id) {
                // A sender that is gone has ended too.
                let _ = view.wait_for(|view| view.info.state != JobState::Running).await;
            }
        }
    };
    if tokio::time::timeout(wait, all_ended).await.is_err() {
        for job in jobs.running() {
            tracing::warn!(job = job.id, "did not end in time");
        }
    }
}

/// Lets links send what they have to say before their tasks end with the runtime.
fn flush_links(runtime: &Runtime) {
    let deadline = Instant::now() + LAST_WORDS;
    let metrics = runtime.metrics();
    while metrics.num_alive_tasks() > 0 && Instant::now() < deadline {
        std::thread::sleep(LOOK);
    }
}

/// What somebody wants of the daemon.
enum Wish {
    Reload,
    Stop,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn take() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Wish {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Wish::Stop,
            _ = self.interrupt.recv() => Wish::Stop,
            _ = self.hang_up.recv() => Wish::Reload,
        }
    }

    async fn stop(&mut self) {
        while let Wish::Reload = self.next().await {}
    }
}
