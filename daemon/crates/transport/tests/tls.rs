//! TLS between daemons over real sockets.

mod support;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use protocol::{Lead, Link, PartyId, Second};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use support::{Answer, PLACE, Words, config};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use transport::tls::{ALPN, TlsError, TlsStream, accept, connect};
use transport::{Fingerprint, Identity, SessionLink};

/// Long enough for the slowest machine: no test waits for it.
const PATIENCE: Duration = Duration::from_secs(120);

struct Server {
    listener: TcpListener,
    addr: String,
    identity: Identity,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap().to_string();
        Self { listener, addr, identity: Identity::generate().unwrap() }
    }

    /// Takes one connection from a daemon with this fingerprint.
    async fn accept_from(&self, known: Fingerprint) -> Result<(TlsStream, Fingerprint), TlsError> {
        let (tcp, _) = self.listener.accept().await.unwrap();
        accept(tcp, &self.identity, move |found| *found == known, PATIENCE).await
    }

    async fn connect_as(&self, identity: &Identity) -> Result<TlsStream, TlsError> {
        connect(&self.addr, identity, self.identity.fingerprint(), PATIENCE).await
    }
}

#[tokio::test]
async fn two_daemons_that_know_each_other_talk() {
    let (server, client) = (Server::start().await, Identity::generate().unwrap());
    let (near, far) = tokio::join!(server.connect_as(&client), server.accept_from(client.fingerprint()));
    let (far, found) = far.unwrap();
    assert_eq!(found, client.fingerprint());
    let near = near.unwrap();
    assert_eq!(near.get_ref().1.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));

    let mut a = SessionLink::new(near, config(PartyId::LEAD, PartyId::SECOND));
    let mut b = SessionLink::new(far, config(PartyId::SECOND, PartyId::LEAD));
    // Both send first, more than any socket buffers.
    let (out, back) = (Words((0..1 << 20).collect()), Answer(vec![6; 1 << 20]));
    let limit = 8 + (8 << 20);
    let lead = async {
        Link::<Lead, Second>::send(&mut a, PLACE, &out).await.unwrap();
        let heard = Link::<Lead, Second>::receive::<Answer>(&mut a, PLACE, limit).await.unwrap();
        a.close().await;
        heard
    };
    let second = async {
        Link::<Second, Lead>::send(&mut b, PLACE, &back).await.unwrap();
        let heard = Link::<Second, Lead>::receive::<Words>(&mut b, PLACE, limit).await.unwrap();
        b.close().await;
        heard
    };
    let (heard_back, heard_out) = tokio::join!(lead, second);
    assert!(heard_back == back && heard_out == out);
}

#[tokio::test]
async fn the_last_message_before_a_drop_survives_unread_signs_of_life() {
    let (server, client) = (Server::start().await, Identity::generate().unwrap());
    let (near, far) = tokio::join!(server.connect_as(&client), server.accept_from(client.fingerprint()));
    let mut a = SessionLink::new(near.unwrap(), config(PartyId::LEAD, PartyId::SECOND));
    let mut b = SessionLink::new(far.unwrap().0, config(PartyId::SECOND, PartyId::LEAD));
    // Each has something that the other never reads.
    Link::<Second, Lead>::send(&mut b, PLACE, &Answer(vec![1; 1000])).await.unwrap();
    let last = Words(vec![8; 1 << 20]);
    Link::<Lead, Second>::send(&mut a, PLACE, &last).await.unwrap();
    drop(a);
    let heard = Link::<Second, Lead>::receive::<Words>(&mut b, PLACE, 8 + (8 << 20)).await;
    assert!(heard.unwrap() == last);
}

#[tokio::test]
async fn a_server_with_another_key_is_refused_and_both_fingerprints_shown() {
    let (server, client) = (Server::start().await, Identity::generate().unwrap());
    let expected = Identity::generate().unwrap().fingerprint();
    let (near, far) = tokio::join!(
        connect(&server.addr, &client, expected, PATIENCE),
        server.accept_from(client.fingerprint())
    );
    let error = near.unwrap_err();
    assert!(matches!(error, TlsError::Fingerprint { .. }), "{error:?}");
    let text = error.to_string();
    for part in [&server.addr, &expected.to_string(), &server.identity.fingerprint().to_string()] {
        assert!(text.contains(part.as_str()), "{text}");
    }
    assert!(far.is_err());
}

#[tokio::test]
async fn an_unknown_client_is_refused_and_told_so() {
    let (server, client) = (Server::start().await, Identity::generate().unwrap());
    let other = Identity::generate().unwrap().fingerprint();
    let (near, far) = tokio::join!(server.connect_as(&client), server.accept_from(other));
    let error = near.unwrap_err();
    assert!(
        matches!(&error, TlsError::NotAccepted { local, .. } if *local == client.fingerprint()),
        "{error:?}"
    );
    let error = far.unwrap_err();
    assert!(matches!(&error, TlsError::Unknown { found, .. } if *found == client.fingerprint()), "{error:?}");
}

/// A certificate of `victim`, signed for in the handshake by somebody else's key.
fn stolen(victim: &CertificateDer<'static>) -> Arc<CertifiedKey> {
    let own = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let key = PrivatePkcs8KeyDer::from(own.serialize_der());
    let signer = rustls::crypto::ring::sign::any_eddsa_type(&key).unwrap();
    Arc::new(CertifiedKey::new(vec![victim.clone()], signer))
}

/// The certificate that `identity` shows, as anybody who connects to it can have it.
async fn certificate_of(identity: &Identity) -> CertificateDer<'static> {
    let (server, client) = (Server::start().await, identity.clone());
    let (_near, far) = tokio::join!(server.connect_as(&client), server.accept_from(client.fingerprint()));
    far.unwrap().0.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl rustls::client::ResolvesClientCert for Shows {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
    fn has_certs(&self) -> bool {
        true
    }
}

impl rustls::server::ResolvesServerCert for Shows {
    fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// A client that believes anything.
#[derive(Debug)]
struct Credulous;

impl rustls::client::danger::ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &rustls::pki_types::ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        vec![rustls::SignatureScheme::ED25519]
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// What a client of this certificate and protocol name gets to read.
async fn rogue_client(addr: &str, shows: Option<Arc<CertifiedKey>>, alpn: &[&[u8]]) -> io::Result<u8> {
    let builder = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Credulous));
    let mut config = match shows {
        Some(key) => builder.with_client_cert_resolver(Arc::new(Shows(key))),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let tcp = TcpStream::connect(addr).await?;
    let name = "cloister".try_into().unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, tcp).await?;
    stream.read_u8().await
}

#[tokio::test]
async fn a_client_with_a_stolen_certificate_is_refused() {
    let victim = Identity::generate().unwrap();
    let shows = stolen(&certificate_of(&victim).await);
    let server = Server::start().await;
    let (read, far) = tokio::join!(
        rogue_client(&server.addr, Some(shows), &[ALPN]),
        server.accept_from(victim.fingerprint())
    );
    assert!(read.is_err());
    let error = far.unwrap_err();
    assert!(matches!(&error, TlsError::Handshake { .. }), "{error:?}");
    assert!(error.to_string().contains("BadSignature"), "{error}");
}

#[tokio::test]
async fn a_server_with_a_stolen_certificate_is_refused() {
    let victim = Identity::generate().unwrap();
    let shows = stolen(&certificate_of(&victim).await);
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Shows(shows)));
    config.alpn_protocols = vec![ALPN.to_vec()];
    let (server, client) = (Server::start().await, Identity::generate().unwrap());
    let far = async {
        let (tcp, _) = server.listener.accept().await.unwrap();
        tokio_rustls::TlsAcceptor::from(Arc::new(config)).accept(tcp).await.map(drop)
    };
    let (near, far) = tokio::join!(connect(&server.addr, &client, victim.fingerprint(), PATIENCE), far);
    let error = near.unwrap_err();
    assert!(error.to_string().contains("BadSignature"), "{error}");
    assert!(far.is_err());
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    let server = Server::start().await;
    let known = Identity::generate().unwrap().fingerprint();
    let (read, far) = tokio::join!(rogue_client(&server.addr, None, &[ALPN]), server.accept_from(known));
    assert!(read.is_err() && matches!(far, Err(TlsError::Handshake { .. })), "{far:?}");
}

#[tokio::test]
async fn a_client_of_another_protocol_is_refused() {
    // Its own certificate, rightly signed for: only the protocol differs.
    let own = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    // Long expired, which is nobody's concern.
    (params.not_before, params.not_after) =
        (rcgen::date_time_ymd(1999, 1, 1), rcgen::date_time_ymd(2000, 1, 1));
    let certificate = params.self_signed(&own).unwrap().der().clone();
    let key = PrivatePkcs8KeyDer::from(own.serialize_der());
    let signer = rustls::crypto::ring::sign::any_eddsa_type(&key).unwrap();
    let shows = Arc::new(CertifiedKey::new(vec![certificate], signer));

    let server = Server::start().await;
    let accept_any = async || {
        let (tcp, _) = server.listener.accept().await.unwrap();
        accept(tcp, &server.identity, |_| true, PATIENCE).await
    };
    for alpn in [&[b"h2".as_slice()][..], &[]] {
        let (read, far) =
            tokio::join!(rogue_client(&server.addr, Some(Arc::clone(&shows)), alpn), accept_any());
        assert!(read.is_err() && matches!(far, Err(TlsError::Protocol { .. })), "{far:?}");
    }
    let (read, far) = tokio::join!(rogue_client(&server.addr, Some(shows), &[ALPN]), accept_any());
    assert!(read.is_ok() && far.is_ok(), "{far:?}");
}

#[tokio::test]
async fn a_tls_1_2_client_is_refused() {
    // A ClientHello of TLS 1.2, without the extension by which 1.3 is offered (RFC 5246, 7.4.1.2).
    let mut hello = vec![3, 3];
    hello.extend_from_slice(&[0x5a; 32]); // random
    hello.push(0); // no session to resume
    hello.extend_from_slice(&[0, 4, 0xc0, 0x2b, 0xc0, 0x2f]); // ECDHE with AES-128-GCM, for ECDSA and RSA
    hello.extend_from_slice(&[1, 0]); // no compression
    let extensions = [
        [0, 10, 0, 4, 0, 2, 0, 29].as_slice(), // groups: X25519
        &[0, 11, 0, 2, 1, 0],                  // points uncompressed
        &[0, 13, 0, 6, 0, 4, 8, 7, 4, 3],      // signatures: Ed25519, ECDSA with P-256
    ]
    .concat();
    hello.extend_from_slice(&(extensions.len() as u16).to_be_bytes());
    hello.extend_from_slice(&extensions);
    let mut record = vec![22, 3, 1];
    record.extend_from_slice(&(hello.len() as u16 + 4).to_be_bytes());
    record.extend_from_slice(&[1, 0]);
    record.extend_from_slice(&(hello.len() as u16).to_be_bytes());
    record.extend_from_slice(&hello);

    let server = Server::start().await;
    let known = Identity::generate().unwrap().fingerprint();
    let client = async {
        let mut tcp = TcpStream::connect(&server.addr).await.unwrap();
        tcp.write_all(&record).await.unwrap();
        let mut alert = Vec::new();
        tcp.read_to_end(&mut alert).await.unwrap();
        alert
    };
    let (alert, far) = tokio::join!(client, server.accept_from(known));
    // A fatal alert, protocol_version.
    assert_eq!((alert[0], &alert[5..]), (21, [2, 70].as_slice()));
    let error = far.unwrap_err();
    assert!(matches!(&error, TlsError::Protocol { .. }) && error.to_string().contains("TLS 1.3"), "{error}");
}

#[tokio::test]
async fn a_port_that_speaks_no_tls_is_named_so() {
    let (server, client) = (Server::start().await, Identity::generate().unwrap());
    let web = async {
        let (mut tcp, _) = server.listener.accept().await.unwrap();
        tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let mut rest = Vec::new();
        let _ = tcp.read_to_end(&mut rest).await;
    };
    let (near, ()) = tokio::join!(server.connect_as(&client), web);
    assert!(matches!(near, Err(TlsError::Protocol { .. })), "{near:?}");
}

#[tokio::test]
async fn a_closed_port_and_an_unknown_name_are_named() {
    let (server, client) = (Server::start().await, Identity::generate().unwrap());
    let Server { listener, addr, identity } = server;
    drop(listener);
    let error = connect(&addr, &client, identity.fingerprint(), PATIENCE).await.unwrap_err();
    assert!(matches!(error, TlsError::Connect { .. }) && error.to_string().contains(&addr), "{error}");
    for addr in ["no-such-host.invalid:7600", "127.0.0.1", "127.0.0.1:port"] {
        let error = connect(addr, &client, identity.fingerprint(), PATIENCE).await.unwrap_err();
        assert!(matches!(error, TlsError::Resolve { .. }) && error.to_string().contains(addr), "{error}");
    }
}

/// The clock jumps ahead as soon as both ends only wait.
#[tokio::test(start_paused = true)]
async fn a_peer_that_never_shakes_hands_is_given_up() {
    let (server, client) = (Server::start().await, Identity::generate().unwrap());
    let near = server.connect_as(&client).await;
    assert!(matches!(near, Err(TlsError::Timeout { seconds: 120, .. })), "{near:?}");
    let silent = TcpStream::connect(&server.addr).await.unwrap();
    let known = client.fingerprint();
    drop(server.listener.accept().await.unwrap());
    let far = server.accept_from(known).await;
    assert!(matches!(far, Err(TlsError::Timeout { seconds: 120, .. })), "{far:?}");
    drop(silent);
}
