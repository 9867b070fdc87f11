//! The daemon's own records: identities, keys, results, jobs. Sealed under a key of their own, replaced atomically.
//!
//! A record stands under its kind and a tag of its id. Its head holds the id and the content; content too large for
//! that is a stream under a fresh owner, written and durable before the head that points to it.

use std::fmt;

use zeroize::Zeroizing;

use crate::{
    codec,
    envelope::{self, Address, RecordType},
    error::{Flaw, Place, Result, VaultError},
    id::Id,
    name,
    store::{Change, Table},
    stream::{StreamAddress, StreamOf, StreamReader, StreamSummary, StreamWriter},
    vault::Vault,
};

/// Largest record, in bytes.
const RECORD_MOST: u64 = 64 * 1024 * 1024;
/// Content up to this stays in the head, neither compressed nor split: keys are all smaller.
const INLINE_MOST: usize = 16 * 1024;
const HEAD_MOST: usize = INLINE_MOST + 256;

const INLINE: u8 = 0;
const STREAM: u8 = 1;

/// What a record is. The numbers are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum RecordKind {
    /// The daemon's transport identity.
    Identity = 1,
    /// A Paillier key pair.
    PaillierKey = 2,
    /// A finished run's result.
    Result = 3,
    /// A run's labels of this host's rows.
    Labels = 4,
    /// A job and how far it is.
    Job = 5,
    /// What is known of a peer.
    Peer = 6,
    /// The state of a session between rounds.
    Session = 7,
    /// A setting kept by the daemon itself.
    Setting = 8,
    /// The audit log's state.
    Audit = 9,
}

impl RecordKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Identity,
        Self::PaillierKey,
        Self::Result,
        Self::Labels,
        Self::Job,
        Self::Peer,
        Self::Session,
        Self::Setting,
        Self::Audit,
    ];
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identity => "identity",
            Self::PaillierKey => "Paillier key",
            Self::Result => "result",
            Self::Labels => "labels",
            Self::Job => "job",
            Self::Peer => "peer",
            Self::Session => "session",
            Self::Setting => "setting",
            Self::Audit => "audit",
        })
    }
}

/// An opened head.
struct Head {
    id: String,
    body: Body,
}

enum Body {
    Inline(Zeroizing<Vec<u8>>),
    Stream(Id, StreamSummary),
}

impl Vault {
    /// Stores a record of 64 MiB at most in place of what stood there; durable when this returns. After a crash
    /// there is the old one or the new one, whole.
    ///
    /// # Errors
    /// [`VaultError::BadName`], [`VaultError::TooLarge`], or a failure of the store.
    pub fn put_record(&self, kind: RecordKind, id: &str, bytes: &[u8]) -> Result<()> {
        name::check_record(id)?;
        if bytes.len() as u64 > RECORD_MOST {
            return Err(VaultError::TooLarge {
                what: "a record",
                bytes: bytes.len() as u64,
                limit: RECORD_MOST,
            });
        }
        let mut head = Zeroizing::new(Vec::with_capacity(HEAD_MOST));
        head.push(u8::try_from(id.len()).expect("ids are short"));
        head.extend_from_slice(id.as_bytes());
        if bytes.len() <= INLINE_MOST {
            head.push(INLINE);
            head.extend_from_slice(bytes);
        } else {
            let (owner, summary) = self.write_body(kind, id, bytes)?;
            head.push(STREAM);
            head.extend_from_slice(&owner.0);
            head.extend_from_slice(&codec::encode(&summary));
        }
        let tag = self.record_tag(kind, id);
        let sealed = envelope::seal_plain(&self.keys().records, &self.head_address(tag), &head)?;
        let replaced = {
            let mut census = self.census(Table::Records);
            let replaced = self.body_of(kind, tag)?;
            self.change(
                &mut census,
                Table::Records,
                vec![Change::put(Table::Records, head_key(kind, tag), sealed)],
            )?;
            replaced
        };
        self.store().durable_flush()?;
        self.drop_body(replaced);
        Ok(())
    }

    /// The record, or `None` when there is none. For secrets use [`Self::get_secret_record`].
    ///
    /// # Errors
    /// [`VaultError::BadName`], [`VaultError::Damaged`], or a failure of the store.
    pub fn get_record(&self, kind: RecordKind, id: &str) -> Result<Option<Vec<u8>>> {
        // Taken out rather than copied: the wiped-on-drop vector is left empty.
        Ok(self.get_secret_record(kind, id)?.map(|mut bytes| std::mem::take(&mut *bytes)))
    }

    /// The record in memory that is wiped when dropped, or `None` when there is none.
    ///
    /// # Errors
    /// As [`Self::get_record`].
    pub fn get_secret_record(&self, kind: RecordKind, id: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
        name::check_record(id)?;
        let tag = self.record_tag(kind, id);
        loop {
            let Some(sealed) = self.store().get(Table::Records, &head_key(kind, tag))? else {
                return Ok(None);
            };
            let damaged = |flaw| Place::Record { kind, id: Some(id.to_owned()) }.damaged(flaw);
            let head = self.open_head(kind, tag, &sealed).map_err(damaged)?;
            let (owner, summary) = match head.body {
                Body::Inline(bytes) => return Ok(Some(bytes)),
                Body::Stream(owner, summary) => (owner, summary),
            };
            let (key, at) = (self.keys().records.duplicate(), self.body_stream(kind, tag, owner));
            let of = StreamOf::Record(kind, id.to_owned());
            let read = StreamReader::new(self.store().clone(), key, at, summary, of)
                .and_then(|reader| reader.read_all(RECORD_MOST));
            match read {
                // Replaced while it was being read, which takes the old body away: read the new one.
                Err(VaultError::Damaged(_))
                    if self.store().get(Table::Records, &head_key(kind, tag))?.as_ref() != Some(&sealed) => {}
                outcome => return outcome.map(Some),
            }
        }
    }

    /// Ids of all sound records of a kind, in order; [`Vault::damage`] lists the others.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn list_records(&self, kind: RecordKind) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        self.visit_heads(kind, |head| ids.extend(head.map(|head| head.id)))?;
        ids.sort_unstable();
        Ok(ids)
    }

    /// Removes a record, damaged or not; durable when this returns. False when there was none.
    ///
    /// # Errors
    /// [`VaultError::BadName`] or a failure of the store.
    pub fn remove_record(&self, kind: RecordKind, id: &str) -> Result<bool> {
        name::check_record(id)?;
        let tag = self.record_tag(kind, id);
        let replaced = {
            let mut census = self.census(Table::Records);
            if self.store().get(Table::Records, &head_key(kind, tag))?.is_none() {
                return Ok(false);
            }
            let replaced = self.body_of(kind, tag)?;
            self.change(
                &mut census,
                Table::Records,
                vec![Change::delete(Table::Records, head_key(kind, tag))],
            )?;
            replaced
        };
        self.store().durable_flush()?;
        self.drop_body(replaced);
        Ok(true)
    }

    fn write_body(&self, kind: RecordKind, id: &str, bytes: &[u8]) -> Result<(Id, StreamSummary)> {
        let owner = Id::random()?;
        let at = self.body_stream(kind, self.record_tag(kind, id), owner);
        let written = StreamWriter::new(self.store().clone(), self.keys().records.duplicate(), at, true)
            .and_then(|mut writer| writer.write(bytes).and_then(|()| writer.finish()));
        match written.and_then(|summary| self.store().durable_flush().map(|()| summary)) {
            Ok(summary) => Ok((owner, summary)),
            Err(error) => {
                self.drop_body(Some(owner));
                Err(error)
            }
        }
    }

    /// The stream of the record that stands there, if it has one that can be told.
    fn body_of(&self, kind: RecordKind, tag: Id) -> Result<Option<Id>> {
        let Some(sealed) = self.store().get(Table::Records, &head_key(kind, tag))? else { return Ok(None) };
        Ok(match self.open_head(kind, tag, &sealed) {
            Ok(Head { body: Body::Stream(owner, _), .. }) => Some(owner),
            _ => None,
        })
    }

    /// Deletes a body that no head points to any more. What stays behind is swept when the vault is next opened.
    fn drop_body(&self, owner: Option<Id>) {
        if let Some(owner) = owner {
            let _ = self.delete_chunks(owner);
        }
    }

    fn visit_heads(
        &self,
        kind: RecordKind,
        mut visit: impl FnMut(std::result::Result<Head, Flaw>),
    ) -> Result<()> {
        self.store().scan(Table::Records, &[kind as u8], |key, sealed| {
            let tag = Id::from_slice(&key[1..]).ok_or(Flaw::Length);
            visit(tag.and_then(|tag| self.open_head(kind, tag, sealed)));
            Ok(())
        })
    }

    /// Owners of all record bodies, and what is damaged among the heads.
    pub(crate) fn record_bodies(&self) -> Result<(Vec<Id>, Vec<VaultError>)> {
        let census = self.census(Table::Records);
        let (mut owners, mut found) = (Vec::new(), Vec::new());
        for kind in RecordKind::ALL {
            self.visit_heads(kind, |head| match head {
                Ok(Head { body: Body::Stream(owner, _), .. }) => owners.push(owner),
                Ok(_) => {}
                Err(flaw) => found.push(Place::Record { kind, id: None }.damaged(flaw)),
            })?;
        }
        if found.is_empty() {
            found.extend(self.census_damage(&census, Table::Records)?);
        }
        Ok((owners, found))
    }

    fn open_head(&self, kind: RecordKind, tag: Id, sealed: &[u8]) -> std::result::Result<Head, Flaw> {
        let plain = envelope::open_plain(&self.keys().records, &self.head_address(tag), sealed, HEAD_MOST)?;
        let (&length, rest) = plain.split_first().ok_or(Flaw::Length)?;
        let (id, rest) = rest.split_at_checked(length.into()).ok_or(Flaw::Length)?;
        let id = std::str::from_utf8(id).map_err(|_| Flaw::Inconsistent)?;
        if self.record_tag(kind, id) != tag {
            return Err(Flaw::Inconsistent);
        }
        let (&form, rest) = rest.split_first().ok_or(Flaw::Length)?;
        let body = match form {
            INLINE => Body::Inline(Zeroizing::new(rest.to_vec())),
            STREAM => {
                let (owner, summary) = rest.split_first_chunk::<{ Id::BYTES }>().ok_or(Flaw::Length)?;
                Body::Stream(Id(*owner), codec::decode(summary)?)
            }
            _ => return Err(Flaw::Format),
        };
        Ok(Head { id: id.to_owned(), body })
    }

    /// Depends on kind and id, so that a head under another key than its own fails its check.
    fn record_tag(&self, kind: RecordKind, id: &str) -> Id {
        self.keys().tag("record", &[&[kind as u8], id.as_bytes()])
    }

    fn head_address(&self, tag: Id) -> Address<'static> {
        let vault = self.id();
        Address { vault, record: RecordType::RecordHead, owner: tag, key_version: 1, index: 0, context: &[] }
    }

    fn body_stream(&self, kind: RecordKind, tag: Id, owner: Id) -> StreamAddress {
        let mut context = vec![kind as u8];
        context.extend_from_slice(&tag.0);
        StreamAddress { vault: self.id(), record: RecordType::RecordBody, owner, key_version: 1, context }
    }
}

fn head_key(kind: RecordKind, tag: Id) -> Vec<u8> {
    let mut key = vec![kind as u8];
    key.extend_from_slice(&tag.0);
    key
}
