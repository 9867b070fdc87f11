//! From bytes to text: gzip and encoding found by content, expansion bounded.

use crate::fault::Fault;
use crate::limits::Limits;
use crate::meter::Meter;
use flate2::bufread::MultiGzDecoder;
use quick_xml::encoding::DecodingReader;
use std::io::{self, BufReader, Cursor, Read};

/// A document's text and what it was wrapped in.
pub(crate) struct Source<'a> {
    /// The text in UTF-8, without a byte order mark.
    pub(crate) text: Meter<'a>,
    /// Whether it was packed.
    pub(crate) gzip: bool,
    /// Whether it came as UTF-16.
    pub(crate) utf16: bool,
}

const BUFFER: usize = 64 * 1024;

/// Bytes unpacked before the gzip ratio counts: short documents may be very regular.
const FREE_EXPANSION: u64 = 1 << 20;

/// Opens a document: unpacks it if it starts like gzip, transcodes it if it starts like UTF-16.
pub(crate) fn open<'a>(input: impl Read + 'a, limits: &Limits) -> io::Result<Source<'a>> {
    let (head, input) = peek::<2>(input)?;
    let gzip = head == [0x1f, 0x8b];
    let input: Box<dyn Read + 'a> =
        if gzip { Box::new(Unpack::new(input, limits.gzip_ratio)) } else { Box::new(input) };
    let (head, mut input) = peek::<4>(input)?;
    let utf16 =
        matches!(head[..], [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] | [0, b'<', 0, b'?'] | [b'<', 0, b'?', 0]);
    let text: Box<dyn Read + 'a> = if utf16 {
        Box::new(Transcode(DecodingReader::new(BufReader::with_capacity(BUFFER, input))))
    } else {
        if head.starts_with(&[0xEF, 0xBB, 0xBF]) {
            input.read_exact(&mut [0; 3])?;
        }
        Box::new(input)
    };
    Ok(Source { text: Meter::new(text, limits.expanded_bytes), gzip, utf16 })
}

type Whole<R> = io::Chain<Cursor<Vec<u8>>, R>;

/// The first `N` bytes (fewer at the end of input), and the input with them put back.
fn peek<const N: usize>(mut input: impl Read) -> io::Result<(Vec<u8>, Whole<impl Read>)> {
    let mut head = Vec::with_capacity(N);
    input.by_ref().take(N as u64).read_to_end(&mut head)?;
    let whole = Cursor::new(head.clone()).chain(input);
    Ok((head, whole))
}

/// Counts the bytes that pass.
struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.bytes += n as u64;
        Ok(n)
    }
}

/// Unpacks gzip (several members too) and stops when it grows out of proportion.
struct Unpack<R: Read> {
    decoder: MultiGzDecoder<BufReader<Counted<R>>>,
    unpacked: u64,
    ratio: u64,
}

impl<R: Read> Unpack<R> {
    fn new(inner: R, ratio: u64) -> Self {
        // A small buffer, so that the count of packed bytes runs little ahead of the decoder.
        let packed = BufReader::with_capacity(8 * 1024, Counted { inner, bytes: 0 });
        Self { decoder: MultiGzDecoder::new(packed), unpacked: 0, ratio }
    }
}

impl<R: Read> Read for Unpack<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.decoder.read(buf).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => Fault::GzipTruncated.into(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => Fault::GzipDamaged.into(),
            _ => e,
        })?;
        self.unpacked += n as u64;
        let packed = self.decoder.get_ref().get_ref().bytes;
        if self.unpacked > FREE_EXPANSION.saturating_add(packed.saturating_mul(self.ratio)) {
            return Err(Fault::Ratio(self.ratio).into());
        }
        Ok(n)
    }
}

/// UTF-16 to UTF-8.
struct Transcode<R: Read>(DecodingReader<BufReader<R>>);

impl<R: Read> Read for Transcode<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf).map_err(|e| match e.kind() {
            io::ErrorKind::InvalidData => Fault::Encoding.into(),
            _ => e,
        })
    }
}
