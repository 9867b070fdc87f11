//! A byte stream as sealed chunks: compressed, encrypted, and stored in pieces that the database keeps well.
//!
//! A stream is only as good as its [`StreamSummary`], which its owner seals: without it a chunk cannot be told from
//! a leftover, and with it nothing can be dropped, repeated, reordered or cut off.

use std::{
    io::{self, Read},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    envelope::{self, Address, Coding, OVERHEAD, RecordType},
    error::{Flaw, Part, Place, Result, VaultError},
    id::Id,
    key::Key,
    record::RecordKind,
    store::{Store, Table, VALUE_MOST},
};

/// Plaintext bytes of a chunk; the last one may be shorter. Large enough for zstd to find its repetitions.
pub(crate) const CHUNK: usize = 128 * 1024;

/// The fastest level that still finds most of what numeric text has to give; see the crate's bench.
const ZSTD_LEVEL: i32 = 1;

/// Which stream: all that its chunks' addresses share.
pub(crate) struct StreamAddress {
    pub(crate) vault: Id,
    pub(crate) record: RecordType,
    pub(crate) owner: Id,
    pub(crate) key_version: u32,
    pub(crate) context: Vec<u8>,
}

impl StreamAddress {
    fn chunk(&self, index: u64) -> Address<'_> {
        Address {
            vault: self.vault,
            record: self.record,
            owner: self.owner,
            key_version: self.key_version,
            index,
            context: &self.context,
        }
    }

    fn chunk_key(&self, index: u64) -> Vec<u8> {
        let mut key = Vec::with_capacity(27);
        key.extend_from_slice(&self.owner.0);
        key.push(self.record as u8);
        key.extend_from_slice(&index.to_be_bytes());
        key
    }
}

/// Whose stream it is, for messages.
#[derive(Clone)]
pub(crate) enum StreamOf {
    Content(String),
    Schema(String),
    Record(RecordKind, String),
}

impl StreamOf {
    fn place(&self, chunk: Option<u64>) -> Place {
        match self {
            Self::Content(name) => {
                Place::Dataset { name: name.clone(), part: chunk.map_or(Part::Content, Part::Chunk) }
            }
            Self::Schema(name) => {
                Place::Dataset { name: name.clone(), part: chunk.map_or(Part::Manifest, Part::SchemaChunk) }
            }
            Self::Record(kind, id) => Place::Record { kind: *kind, id: Some(id.clone()) },
        }
    }
}

/// What a whole stream must amount to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamSummary {
    /// Plaintext bytes.
    pub(crate) bytes: u64,
    /// Sealed bytes.
    pub(crate) stored: u64,
    pub(crate) chunks: u64,
    /// Hash chain over the sealed chunks, in order.
    pub(crate) root: [u8; 32],
    /// Hash of the plaintext.
    pub(crate) sha256: [u8; 32],
}

/// The running form of a [`StreamSummary`].
#[derive(Clone)]
struct Tally {
    bytes: u64,
    stored: u64,
    chunks: u64,
    root: [u8; 32],
    content: Sha256,
}

impl Tally {
    fn new(at: &StreamAddress) -> Self {
        let start = Sha256::new()
            .chain_update(b"cloister/chunks/v1")
            .chain_update(at.vault.0)
            .chain_update(at.owner.0)
            .chain_update([at.record as u8]);
        Self { bytes: 0, stored: 0, chunks: 0, root: start.finalize().into(), content: Sha256::new() }
    }

    fn add(&mut self, plain: &[u8], sealed: &[u8]) {
        self.bytes += plain.len() as u64;
        self.stored += sealed.len() as u64;
        self.chunks += 1;
        let record = Sha256::digest(sealed);
        self.root = Sha256::new().chain_update(self.root).chain_update(record).finalize().into();
        self.content.update(plain);
    }

    fn summary(&self) -> StreamSummary {
        StreamSummary {
            bytes: self.bytes,
            stored: self.stored,
            chunks: self.chunks,
            root: self.root,
            sha256: self.content.clone().finalize().into(),
        }
    }
}

/// Writes a stream. Nothing is durable before the store's flush; dropped unfinished, its chunks are leftovers.
pub(crate) struct StreamWriter {
    store: Arc<Store>,
    key: Key,
    at: StreamAddress,
    compressor: Option<zstd::bulk::Compressor<'static>>,
    tally: Tally,
    pending: Zeroizing<Vec<u8>>,
    coded: Zeroizing<Vec<u8>>,
    sealed: Vec<u8>,
}

impl StreamWriter {
    pub(crate) fn new(store: Arc<Store>, key: Key, at: StreamAddress, compress: bool) -> Result<Self> {
        let compressor = compress
            .then(|| zstd::bulk::Compressor::new(ZSTD_LEVEL))
            .transpose()
            .map_err(|source| VaultError::io("start compressing into", store.dir(), source))?;
        let coded_room = if compress { zstd::zstd_safe::compress_bound(CHUNK) } else { 0 };
        Ok(Self {
            tally: Tally::new(&at),
            store,
            key,
            at,
            compressor,
            pending: Zeroizing::new(Vec::with_capacity(CHUNK)),
            coded: Zeroizing::new(vec![0; coded_room]),
            sealed: Vec::with_capacity(CHUNK + OVERHEAD),
        })
    }

    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - self.pending.len()));
            self.pending.extend_from_slice(now);
            bytes = later;
            if self.pending.len() == CHUNK {
                self.store_chunk()?;
            }
        }
        Ok(())
    }

    pub(crate) fn finish(&mut self) -> Result<StreamSummary> {
        if !self.pending.is_empty() {
            self.store_chunk()?;
        }
        Ok(self.tally.summary())
    }

    /// Plaintext bytes taken so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.tally.bytes + self.pending.len() as u64
    }

    /// Reads back the chunks stored so far; [`Self::pending`] follows them.
    pub(crate) fn read_back(&self, of: StreamOf) -> Result<StreamReader> {
        let at = StreamAddress { context: self.at.context.clone(), ..self.at };
        StreamReader::new(self.store.clone(), self.key.duplicate(), at, self.tally.summary(), of)
    }

    pub(crate) fn pending(&self) -> &[u8] {
        &self.pending
    }

    fn store_chunk(&mut self) -> Result<()> {
        let plain = self.pending.as_slice();
        let (coding, coded) = compress(self.compressor.as_mut(), plain, &mut self.coded);
        let length = u32::try_from(plain.len()).expect("a chunk's length fits");
        let index = self.tally.chunks;
        self.sealed.clear();
        envelope::seal(&self.key, &self.at.chunk(index), coding, length, coded, &mut self.sealed)?;
        let mut key = self.at.chunk_key(index);
        let end = key.len();
        for (piece, bytes) in (0_u16..).zip(self.sealed.chunks(VALUE_MOST)) {
            key.truncate(end);
            key.extend_from_slice(&piece.to_be_bytes());
            self.store.put(Table::Chunks, &key, bytes)?;
        }
        self.tally.add(plain, &self.sealed);
        self.pending.clear();
        Ok(())
    }
}

/// The smaller of the compressed and the plain form; plain unless a sixteenth is won, which pays for decompressing.
fn compress<'a>(
    compressor: Option<&mut zstd::bulk::Compressor<'static>>,
    plain: &'a [u8],
    room: &'a mut [u8],
) -> (Coding, &'a [u8]) {
    let Some(compressor) = compressor else { return (Coding::Plain, plain) };
    match compressor.compress_to_buffer(plain, room) {
        Ok(length) if length <= plain.len() - plain.len() / 16 && length < plain.len() => {
            (Coding::Zstd, &room[..length])
        }
        // Failing to compress is not failing to store.
        _ => (Coding::Plain, plain),
    }
}

/// Reads a stream: every chunk is authenticated in its place before a byte of it is given out, and the whole is
/// held against the summary at the end.
pub(crate) struct StreamReader {
    store: Arc<Store>,
    key: Key,
    at: StreamAddress,
    of: StreamOf,
    expected: StreamSummary,
    tally: Tally,
    decompressor: zstd::bulk::Decompressor<'static>,
    sealed: Vec<u8>,
    plain: Zeroizing<Vec<u8>>,
    given: usize,
}

impl StreamReader {
    pub(crate) fn new(
        store: Arc<Store>,
        key: Key,
        at: StreamAddress,
        expected: StreamSummary,
        of: StreamOf,
    ) -> Result<Self> {
        let decompressor = zstd::bulk::Decompressor::new()
            .map_err(|source| VaultError::io("start decompressing from", store.dir(), source))?;
        Ok(Self {
            tally: Tally::new(&at),
            store,
            key,
            at,
            of,
            expected,
            decompressor,
            sealed: Vec::new(),
            plain: Zeroizing::new(Vec::new()),
            given: 0,
        })
    }

    /// The rest of the stream, of at most `longest` bytes.
    pub(crate) fn read_all(mut self, longest: u64) -> Result<Zeroizing<Vec<u8>>> {
        let bytes = self.expected.bytes;
        if bytes > longest {
            return Err(self.of.place(None).damaged(Flaw::Inconsistent));
        }
        // Authenticated, within the limit, and exact, so that the vector never moves.
        let mut all = Zeroizing::new(Vec::with_capacity(usize::try_from(bytes).expect("within the limit")));
        while self.next_chunk()? {
            if (all.len() + self.plain.len()) as u64 > bytes {
                return Err(self.of.place(None).damaged(Flaw::Inconsistent));
            }
            all.extend_from_slice(&self.plain);
        }
        Ok(all)
    }

    /// Loads the next chunk; false at the end, when the whole has been found right.
    fn next_chunk(&mut self) -> Result<bool> {
        let index = self.tally.chunks;
        if index == self.expected.chunks {
            if self.tally.summary() != self.expected {
                return Err(self.of.place(None).damaged(Flaw::Inconsistent));
            }
            return Ok(false);
        }
        self.load_pieces(index)?;
        self.decode(index).map_err(|flaw| self.of.place(Some(index)).damaged(flaw))?;
        self.tally.add(&self.plain, &self.sealed);
        self.given = 0;
        Ok(true)
    }

    fn load_pieces(&mut self, index: u64) -> Result<()> {
        let key = self.at.chunk_key(index);
        let damaged = |flaw| self.of.place(Some(index)).damaged(flaw);
        let sealed = &mut self.sealed;
        sealed.clear();
        let mut wanted = 0_u16;
        self.store.scan(Table::Chunks, &key, |at, piece| {
            if at.get(key.len()..) != Some(&wanted.to_be_bytes()) {
                return Err(damaged(Flaw::Missing));
            }
            if sealed.len() + piece.len() > CHUNK + OVERHEAD {
                return Err(damaged(Flaw::Length));
            }
            sealed.extend_from_slice(piece);
            wanted += 1;
            Ok(())
        })?;
        if sealed.is_empty() { Err(damaged(Flaw::Missing)) } else { Ok(()) }
    }

    fn decode(&mut self, index: u64) -> std::result::Result<(), Flaw> {
        let opened = envelope::open(&self.key, &self.at.chunk(index), &self.sealed, CHUNK)?;
        match opened.coding {
            Coding::Plain => self.plain = opened.coded,
            Coding::Zstd => {
                self.plain.resize(opened.length, 0);
                let length = self
                    .decompressor
                    .decompress_to_buffer(&opened.coded, self.plain.as_mut_slice())
                    .map_err(|_| Flaw::Inconsistent)?;
                if length != opened.length {
                    return Err(Flaw::Inconsistent);
                }
            }
        }
        Ok(())
    }
}

impl Read for StreamReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given == self.plain.len() {
            if out.is_empty() || !self.next_chunk().map_err(VaultError::into_io)? {
                return Ok(0);
            }
        }
        let count = out.len().min(self.plain.len() - self.given);
        out[..count].copy_from_slice(&self.plain[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}
