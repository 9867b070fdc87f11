//! Who a daemon is: a key pair, and the fingerprint by which its peers know it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The format of [`Identity::to_bytes`].
const VERSION: u8 = 1;
/// Longer than any PKCS#8 document of an Ed25519 key.
const BYTES_MAX: usize = 256;

/// A daemon's public identity: the SHA-256 of its certificate's SubjectPublicKeyInfo, so that a certificate
/// can be renewed without becoming somebody else.
///
/// Displays as 64 lowercase hexadecimal digits; parses those in either case, with colons or white space in
/// between, as `openssl` and people write them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn of_certificate(certificate: &CertificateDer<'_>) -> Result<Self, rustls::Error> {
        // The parser that also verifies the handshake's signature, so that both speak of the same key.
        let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
        Ok(Self(Sha256::digest(&key).into()))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// Text that is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    /// Something else than hexadecimal digits, colons and white space.
    #[error("a fingerprint has hexadecimal digits only, not `{0}`; `cloisterd fingerprint` prints it")]
    Digit(char),
    /// Too few or too many digits.
    #[error("a fingerprint has 64 hexadecimal digits, not {0}; `cloisterd fingerprint` prints it")]
    Length(usize),
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        let mut count = 0;
        for c in text.chars().filter(|c| *c != ':' && !c.is_whitespace()) {
            let digit = c.to_digit(16).ok_or(FingerprintError::Digit(c))? as u8;
            if let Some(byte) = bytes.get_mut(count / 2) {
                *byte = *byte << 4 | digit;
            }
            count += 1;
        }
        if count == 64 { Ok(Self(bytes)) } else { Err(FingerprintError::Length(count)) }
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = FingerprintError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

/// Why there is no identity. Says nothing of the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The operating system's generator or the certificate writer failed.
    #[error("no identity could be made: {0}")]
    Generate(String),
    /// Stored bytes of another version.
    #[error("the stored identity has version {0} where this build knows {VERSION}")]
    Version(u8),
    /// Stored bytes that hold no key.
    #[error(
        "the stored identity holds no Ed25519 key; restore it from a backup, or make a new one and pair again"
    )]
    Malformed,
}

/// A daemon's identity: an Ed25519 key and a certificate that it signed itself.
///
/// Only the key is lasting. The certificate is written anew at each start; peers look at its key alone.
#[derive(Clone)]
pub struct Identity {
    pkcs8: Zeroizing<Vec<u8>>,
    certified: Arc<CertifiedKey>,
    fingerprint: Fingerprint,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl Identity {
    /// A new identity from the operating system's generator.
    ///
    /// # Errors
    /// [`IdentityError::Generate`].
    pub fn generate() -> Result<Self, IdentityError> {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).map_err(generate)?;
        Self::with_certificate(Zeroizing::new(pair.serialize_der()))
    }

    /// The identity in the bytes of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// [`IdentityError::Version`], [`IdentityError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdentityError> {
        let (&version, pkcs8) = bytes.split_first().ok_or(IdentityError::Malformed)?;
        if version != VERSION {
            return Err(IdentityError::Version(version));
        }
        if pkcs8.len() > BYTES_MAX {
            return Err(IdentityError::Malformed);
        }
        Self::with_certificate(Zeroizing::new(pkcs8.to_vec())).map_err(|_| IdentityError::Malformed)
    }

    /// The private key, to be sealed and stored: a version byte and the PKCS#8 document.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(1 + self.pkcs8.len()));
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.pkcs8);
        bytes
    }

    /// By what the peers know this identity.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    pub(crate) fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified)
    }

    fn with_certificate(pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, IdentityError> {
        let key = PrivatePkcs8KeyDer::from(pkcs8.as_slice());
        let signer = rustls::crypto::ring::sign::any_eddsa_type(&key).map_err(generate)?;
        let mut pair =
            rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&key, &rcgen::PKCS_ED25519).map_err(generate)?;
        let certificate = certificate(&pair);
        zeroize::Zeroize::zeroize(&mut pair);
        let certificate = certificate?;
        let fingerprint = Fingerprint::of_certificate(&certificate).map_err(generate)?;
        let certified = Arc::new(CertifiedKey::new(vec![certificate], signer));
        Ok(Self { pkcs8, certified, fingerprint })
    }
}

fn certificate(pair: &rcgen::KeyPair) -> Result<CertificateDer<'static>, IdentityError> {
    let mut params = rcgen::CertificateParams::new(Vec::new()).map_err(generate)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, "cloister");
    Ok(params.self_signed(pair).map_err(generate)?.der().clone())
}

fn generate(error: impl fmt::Display) -> IdentityError {
    IdentityError::Generate(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_identity_comes_back_from_its_bytes() {
        let identity = Identity::generate().unwrap();
        let again = Identity::from_bytes(&identity.to_bytes()).unwrap();
        assert_eq!(again.fingerprint(), identity.fingerprint());
        assert_eq!(again.to_bytes(), identity.to_bytes());
        assert_ne!(Identity::generate().unwrap().fingerprint(), identity.fingerprint());
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let bytes = Identity::generate().unwrap().to_bytes();
        assert_eq!(Identity::from_bytes(&[]).unwrap_err(), IdentityError::Malformed);
        assert_eq!(Identity::from_bytes(&bytes[..bytes.len() - 1]).unwrap_err(), IdentityError::Malformed);
        let mut other = bytes.to_vec();
        other[0] = 2;
        assert_eq!(Identity::from_bytes(&other).unwrap_err(), IdentityError::Version(2));
        // The PKCS#8 document ends with the public key: one that does not belong to the private one.
        let mut foreign = bytes.to_vec();
        *foreign.last_mut().unwrap() ^= 1;
        assert_eq!(Identity::from_bytes(&foreign).unwrap_err(), IdentityError::Malformed);
    }

    #[test]
    fn debug_shows_no_key() {
        let identity = Identity::generate().unwrap();
        let shown = format!("{identity:?}");
        assert_eq!(shown, format!("Identity {{ fingerprint: Fingerprint({}), .. }}", identity.fingerprint()));
    }

    #[test]
    fn the_fingerprint_is_that_of_the_public_key_info() {
        let identity = Identity::generate().unwrap();
        let pkcs8 = identity.to_bytes();
        // RFC 8410: the SubjectPublicKeyInfo of an Ed25519 key is this prefix and the 32 bytes of the key,
        // with which ring's PKCS#8 documents end.
        let mut info = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        info.extend_from_slice(&pkcs8[pkcs8.len() - 32..]);
        assert_eq!(identity.fingerprint().as_bytes()[..], Sha256::digest(&info)[..]);
    }

    #[test]
    fn text_that_is_no_fingerprint_is_refused() {
        assert_eq!("xy".parse::<Fingerprint>(), Err(FingerprintError::Digit('x')));
        assert_eq!("ab".repeat(31).parse::<Fingerprint>(), Err(FingerprintError::Length(62)));
        assert_eq!("ab".repeat(33).parse::<Fingerprint>(), Err(FingerprintError::Length(66)));
        assert_eq!("".parse::<Fingerprint>(), Err(FingerprintError::Length(0)));
    }

    proptest! {
        #[test]
        fn a_fingerprint_comes_back_from_every_spelling(bytes in any::<[u8; 32]>()) {
            let fingerprint = Fingerprint::from_bytes(bytes);
            let plain = fingerprint.to_string();
            prop_assert!(plain.len() == 64 && plain.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)));
            let pairs: Vec<&str> = (0..32).map(|i| &plain[2 * i..2 * i + 2]).collect();
            for text in [plain.clone(), plain.to_uppercase(), pairs.join(":"), format!(" {}\n", pairs.join(" "))] {
                prop_assert_eq!(text.parse::<Fingerprint>(), Ok(fingerprint));
            }
        }
    }
}
