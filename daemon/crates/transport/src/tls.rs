//! TLS 1.3 between daemons: both ends show a certificate, and each is known by the fingerprint of its key.
//!
//! There is no authority, no name and no expiry to check: the fingerprint is compared, and the handshake's
//! signature proves that the peer holds the key. In TLS 1.3 a client believes its handshake done before the
//! server has judged the client's certificate, so the server ends it with one byte of welcome; whoever gets
//! a stream from [`connect`] has been accepted.

mod verify;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, ClientConfig, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::identity::{Fingerprint, Identity};
use crate::link::seconds;
use verify::{OnlyKey, PeerVerifier};

/// An encrypted stream to an authenticated peer.
pub type TlsStream = tokio_rustls::TlsStream<TcpStream>;

/// The protocol's name in the handshake; its version is the wire's.
pub const ALPN: &[u8] = b"cloister/1";

const WELCOME: u8 = 1;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The name does not resolve.
    #[error("{addr}: cannot be resolved ({source}); check the name and the port in the settings")]
    Resolve {
        /// The address as asked for.
        addr: String,
        /// The resolver's answer.
        source: io::Error,
    },
    /// Nobody answers there.
    #[error(
        "{addr}: cannot connect ({source}); check that the daemon runs there, its `listen` address and the firewall"
    )]
    Connect {
        /// The address as asked for.
        addr: String,
        /// The system's answer.
        source: io::Error,
    },
    /// It took too long.
    #[error(
        "{addr}: no {what} within {seconds} s; check that the daemon runs there and that nothing in between swallows its traffic"
    )]
    Timeout {
        /// The address.
        addr: String,
        /// What was waited for.
        what: &'static str,
        /// How long was waited.
        seconds: u64,
    },
    /// Somebody else answers there.
    #[error(
        "{addr}: has the fingerprint {found} where {expected} is expected; if its identity was renewed, have its operator confirm the new one and change the settings, else somebody is in between"
    )]
    Fingerprint {
        /// The address as asked for.
        addr: String,
        /// The peer's, by the settings.
        expected: Fingerprint,
        /// The one that was shown.
        found: Fingerprint,
    },
    /// The peer does not know us.
    #[error(
        "{addr}: does not accept this daemon; have its operator add the fingerprint {local} to its peers"
    )]
    NotAccepted {
        /// The address as asked for.
        addr: String,
        /// This daemon's fingerprint.
        local: Fingerprint,
    },
    /// We do not know the peer.
    #[error(
        "{addr}: an unknown daemon with the fingerprint {found} was refused; if it is to take part in runs, add it to the peers"
    )]
    Unknown {
        /// From where it came.
        addr: String,
        /// The one that was shown.
        found: Fingerprint,
    },
    /// It speaks TLS, but not our protocol.
    #[error(
        "{addr}: does not speak cloister/1 over TLS 1.3; check address and port, and that both ends run compatible releases"
    )]
    Protocol {
        /// The address.
        addr: String,
    },
    /// The handshake failed otherwise.
    #[error("{addr}: the TLS handshake failed ({source})")]
    Handshake {
        /// The address.
        addr: String,
        /// What TLS says.
        source: io::Error,
    },
}

/// Connects to the daemon at `addr` (`host:port`), which must be `expected`.
///
/// `timeout` is for each of name, connection and handshake.
///
/// # Errors
/// [`TlsError`]; each names the address and what to do.
pub async fn connect(
    addr: &str,
    identity: &Identity,
    expected: Fingerprint,
    timeout: Duration,
) -> Result<TlsStream, TlsError> {
    let late = |what| TlsError::Timeout { addr: addr.to_owned(), what, seconds: seconds(timeout) };
    let resolve = |source| TlsError::Resolve { addr: addr.to_owned(), source };
    let targets = tokio::time::timeout(timeout, tokio::net::lookup_host(addr))
        .await
        .map_err(|_| late("answer from the name service"))?
        .map_err(resolve)?;
    let targets: Vec<_> = targets.collect();
    if targets.is_empty() {
        return Err(resolve(io::Error::other("the name has no address")));
    }
    let tcp = tokio::time::timeout(timeout, TcpStream::connect(targets.as_slice()))
        .await
        .map_err(|_| late("connection"))?
        .map_err(|source| TlsError::Connect { addr: addr.to_owned(), source })?;

    let verifier = Arc::new(PeerVerifier::new(move |found| *found == expected));
    let config = client_config(identity, Arc::clone(&verifier))
        .map_err(|error| TlsError::Handshake { addr: addr.to_owned(), source: io::Error::other(error) })?;
    let handshake = async {
        tcp.set_nodelay(true)?;
        // Never sent: the server's name is its fingerprint.
        let name = ServerName::try_from("cloister").map_err(io::Error::other)?;
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await?;
        if stream.get_ref().1.alpn_protocol() != Some(ALPN) {
            return Err(no_protocol());
        }
        match stream.read_u8().await? {
            WELCOME => Ok(stream),
            _ => Err(no_protocol()),
        }
    };
    let failed = |source: io::Error| match (verifier.found(), alert(&source)) {
        (Some(found), _) if found != expected => {
            TlsError::Fingerprint { addr: addr.to_owned(), expected, found }
        }
        (_, Some(AlertDescription::AccessDenied)) => {
            TlsError::NotAccepted { addr: addr.to_owned(), local: identity.fingerprint() }
        }
        _ => handshake_error(addr, source),
    };
    let stream =
        tokio::time::timeout(timeout, handshake).await.map_err(|_| late("TLS handshake"))?.map_err(failed)?;
    Ok(stream.into())
}

/// Takes a connection from a daemon whose fingerprint `allowed` knows.
///
/// # Errors
/// [`TlsError`]; [`TlsError::Unknown`] names the fingerprint of a daemon that was refused.
pub async fn accept(
    tcp: TcpStream,
    identity: &Identity,
    allowed: impl Fn(&Fingerprint) -> bool + Send + Sync + 'static,
    timeout: Duration,
) -> Result<(TlsStream, Fingerprint), TlsError> {
    let addr = tcp.peer_addr().map_or_else(|_| "a peer that has left".to_owned(), |addr| addr.to_string());
    let verifier = Arc::new(PeerVerifier::new(allowed));
    let config = server_config(identity, Arc::clone(&verifier))
        .map_err(|error| TlsError::Handshake { addr: addr.clone(), source: io::Error::other(error) })?;
    let handshake = async {
        tcp.set_nodelay(true)?;
        let mut stream = TlsAcceptor::from(Arc::new(config)).accept(tcp).await?;
        if stream.get_ref().1.alpn_protocol() != Some(ALPN) {
            return Err(no_protocol());
        }
        stream.write_u8(WELCOME).await?;
        stream.flush().await?;
        Ok(stream)
    };
    let result = tokio::time::timeout(timeout, handshake).await.map_err(|_| TlsError::Timeout {
        addr: addr.clone(),
        what: "TLS handshake",
        seconds: seconds(timeout),
    })?;
    match (result, verifier.found(), verifier.refused()) {
        (Ok(stream), Some(found), _) => Ok((stream.into(), found)),
        (Err(_), Some(found), true) => Err(TlsError::Unknown { addr, found }),
        (Err(source), _, _) => Err(handshake_error(&addr, source)),
        // TLS asks for a certificate, so a finished handshake has one.
        (Ok(_), None, _) => Err(handshake_error(&addr, io::Error::other("no certificate was shown"))),
    }
}

fn client_config(identity: &Identity, verifier: Arc<PeerVerifier>) -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(Arc::new(OnlyKey(identity.certified())));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.enable_sni = false;
    // A resumed handshake would show no certificate.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

fn server_config(identity: &Identity, verifier: Arc<PeerVerifier>) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(OnlyKey(identity.certified())));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Ok(config)
}

fn no_protocol() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, rustls::Error::NoApplicationProtocol)
}

fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn alert(error: &io::Error) -> Option<AlertDescription> {
    match rustls_error(error)? {
        rustls::Error::AlertReceived(description) => Some(*description),
        _ => None,
    }
}

fn handshake_error(addr: &str, source: io::Error) -> TlsError {
    let addr = addr.to_owned();
    match rustls_error(&source) {
        Some(rustls::Error::NoApplicationProtocol)
        | Some(rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol))
        | Some(rustls::Error::AlertReceived(AlertDescription::ProtocolVersion))
        | Some(rustls::Error::PeerIncompatible(_))
        | Some(rustls::Error::InvalidMessage(_)) => TlsError::Protocol { addr },
        _ => TlsError::Handshake { addr, source },
    }
}
