//! What opens a vault: a master secret or a passphrase.

use zeroize::Zeroizing;

use crate::{error::Result, key::Key};

/// Thirty-two random bytes from which the vault's key-encryption key is derived.
///
/// It is neither printable nor cloneable, and it is wiped when dropped.
pub struct MasterSecret(pub(crate) Key);

impl MasterSecret {
    /// Length in bytes, in memory and in its file.
    pub const BYTES: usize = Key::BYTES;

    /// A fresh secret from the operating system's generator.
    ///
    /// # Errors
    /// When the generator fails.
    pub fn generate() -> Result<Self> {
        Ok(Self(Key::random()?))
    }

    /// The secret in `bytes`, or `None` unless there are exactly [`Self::BYTES`] of them. The caller wipes `bytes`.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Key::from_slice(bytes).map(Self)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        self.0.as_ref()
    }
}

/// Words that a person remembers; stretched with Argon2id. Wiped when dropped.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes the passphrase over.
    #[must_use]
    pub fn new(words: String) -> Self {
        Self(Zeroizing::new(words))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// The key that somebody offers to create or open a vault with.
pub enum Unlock {
    /// A master secret, from a file or a systemd credential.
    Secret(MasterSecret),
    /// A passphrase.
    Passphrase(Passphrase),
}

impl Unlock {
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Self::Secret(_) => "master key",
            Self::Passphrase(_) => "passphrase",
        }
    }
}

impl From<MasterSecret> for Unlock {
    fn from(secret: MasterSecret) -> Self {
        Self::Secret(secret)
    }
}

impl From<Passphrase> for Unlock {
    fn from(passphrase: Passphrase) -> Self {
        Self::Passphrase(passphrase)
    }
}
