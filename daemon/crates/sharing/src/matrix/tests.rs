//! Both products against plain arithmetic, and what is drawn and refused.

use proptest::prelude::*;

use super::*;
use crate::{Dealing, Randomness, Seed, Stream};

fn seed(byte: u8) -> Seed {
    Seed::from_bytes([byte; 32])
}

struct Trio {
    left: Randomness,
    right: Randomness,
    dealing: Dealing,
}

impl Trio {
    fn new() -> Self {
        Trio {
            left: Randomness::new(Party::Left, seed(1)),
            right: Randomness::new(Party::Right, seed(2)),
            dealing: Dealing::new(seed(1), seed(2)),
        }
    }
}

/// Rows that lie one after the other and have the same owners, with what each party knows of them.
struct Segment {
    rows: usize,
    parts: Parts,
    /// Each owner's part, and that part masked.
    left: (Vec<u64>, Vec<u64>),
    right: (Vec<u64>, Vec<u64>),
    masks: [RowMasks; 2],
}

impl Segment {
    fn new(rows: usize, stride: usize, parts: Parts, number: u8) -> Self {
        let part = |known: bool, owner: u8| {
            if !known {
                return (Vec::new(), Vec::new());
            }
            let values = Stream::new(seed(number).derive(&[owner])).words(rows * stride);
            // The owner masks in pieces of its own choice.
            let mut masking = Masking::new(seed(number).derive(&[2 + owner]));
            let masked = values.chunks(1 + 3 * stride).flat_map(|rows| masking.mask(rows)).collect();
            (values, masked)
        };
        let masks = [0, 1].map(|owner| RowMasks::new(seed(number).derive(&[2 + owner]), stride));
        Segment { rows, parts, left: part(parts.left, 0), right: part(parts.right, 1), masks }
    }

    fn whole(&self, stride: usize) -> Vec<u64> {
        let mut whole = vec![0_u64; self.rows * stride];
        for part in [&self.left.0, &self.right.0] {
            for (whole, part) in whole.iter_mut().zip(part) {
                *whole = whole.wrapping_add(*part);
            }
        }
        whole
    }
}

/// A run of blocks over segments, cut every `cut` rows: the range of the segment's rows and the segment.
fn blocks(segments: &[Segment], cut: usize) -> Vec<(&Segment, Range<usize>)> {
    let mut blocks = Vec::new();
    for segment in segments {
        for start in (0..segment.rows).step_by(cut) {
            blocks.push((segment, start..segment.rows.min(start + cut)));
        }
    }
    blocks
}

#[derive(Clone, Debug)]
struct Case {
    stride: usize,
    columns: Range<usize>,
    width: usize,
    segments: Vec<(usize, Parts)>,
    cut: usize,
    number: u8,
}

fn cases() -> impl Strategy<Value = Case> {
    let parts = prop_oneof![
        2 => Just(Parts { left: true, right: false }),
        2 => Just(Parts { left: false, right: true }),
        2 => Just(Parts { left: true, right: true }),
        1 => Just(Parts { left: false, right: false }),
    ];
    let segments = prop::collection::vec((0_usize..600, parts), 1..4);
    (1_usize..12, any::<(u8, u8, u8)>(), 1_usize..14, segments, 1_usize..400).prop_map(
        |(stride, (start, end, number), width, segments, cut)| {
            let (a, b) = (usize::from(start) % (stride + 1), usize::from(end) % (stride + 1));
            Case { stride, columns: a.min(b)..a.max(b), width, segments, cut, number }
        },
    )
}

impl Case {
    fn segments(&self) -> Vec<Segment> {
        (0_u8..)
            .zip(&self.segments)
            .map(|(place, &(rows, parts))| {
                Segment::new(rows, self.stride, parts, self.number.wrapping_add(31 * place))
            })
            .collect()
    }

    fn shape(&self) -> Shape {
        let known = |party| self.segments.iter().any(|(rows, parts)| *rows > 0 && parts.known_to(party));
        Shape {
            rows: self.segments.iter().map(|(rows, _)| rows).sum(),
            columns: self.columns.len(),
            width: self.width,
            parts: Parts { left: known(Party::Left), right: known(Party::Right) },
        }
    }

    /// Some rows of a part, if it is known.
    fn view<'a>(&self, known: bool, values: &'a [u64], range: &Range<usize>) -> Option<Rows<'a>> {
        let part = || &values[range.start * self.stride..range.end * self.stride];
        known.then(|| Rows::new(part(), self.stride, self.columns.clone()).unwrap())
    }

    fn block<'a>(&self, party: Party, segment: &'a Segment, range: &Range<usize>) -> Block<'a> {
        let Parts { left, right } = segment.parts;
        match party {
            Party::Left => Block {
                own: self.view(left, &segment.left.0, range),
                peer: self.view(right, &segment.right.1, range),
            },
            Party::Right => Block {
                own: self.view(right, &segment.right.0, range),
                peer: self.view(left, &segment.left.1, range),
            },
        }
    }

    /// Calls `with` on the masks of a block.
    fn masks<T>(&self, segment: &Segment, range: &Range<usize>, with: impl FnOnce(BlockMasks<'_>) -> T) -> T {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        segment.masks[0].expand(range.clone(), &mut left).unwrap();
        segment.masks[1].expand(range.clone(), &mut right).unwrap();
        let view =
            |known: bool, masks| known.then(|| Rows::new(masks, self.stride, self.columns.clone()).unwrap());
        with(BlockMasks { left: view(segment.parts.left, &left), right: view(segment.parts.right, &right) })
    }

    fn whole_rows(&self, segments: &[Segment]) -> Vec<Vec<u64>> {
        let mut rows = Vec::new();
        for segment in segments {
            let whole = segment.whole(self.stride);
            rows.extend(whole.chunks_exact(self.stride).map(|row| row[self.columns.clone()].to_vec()));
        }
        rows
    }
}

fn shares(words: usize, number: u8) -> (Vec<u64>, Vec<u64>, Vec<u64>) {
    let mut stream = Stream::new(seed(number).derive(b"shares"));
    let (x, y) = (stream.words(words), stream.words(words));
    let whole = sum(&x, &y);
    (x, y, whole)
}

fn sum(x: &[u64], y: &[u64]) -> Vec<u64> {
    x.iter().zip(y).map(|(x, y)| x.wrapping_add(*y)).collect()
}

/// Runs a product; gives the result and what each party opened.
fn run_product(case: &Case, trio: &mut Trio, factor: (&[u64], &[u64])) -> (Vec<u64>, [Vec<u64>; 2]) {
    let (shape, segments) = (case.shape(), case.segments());
    let (l, from_left) = Product::open(&mut trio.left, shape, factor.0).unwrap();
    let (r, from_right) = Product::open(&mut trio.right, shape, factor.1).unwrap();
    assert_eq!(from_left.len(), shape.product_words(Party::Left));
    assert_eq!(from_right.len(), shape.product_words(Party::Right));
    let (mut l, mut r) = (l.absorb(&from_right).unwrap(), r.absorb(&from_left).unwrap());
    let mut dealt = DealtProduct::new(&mut trio.dealing, shape).unwrap();
    for (segment, range) in blocks(&segments, case.cut) {
        let rows = range.len();
        let corrections =
            case.masks(segment, &range, |masks| dealt.block(&mut trio.dealing, rows, masks)).unwrap();
        assert_eq!(corrections.len(), shape.product_corrections(rows));
        l.block(&mut trio.left, rows, case.block(Party::Left, segment, &range), &[]).unwrap();
        r.block(&mut trio.right, rows, case.block(Party::Right, segment, &range), &corrections).unwrap();
    }
    (sum(&l.finish().unwrap(), &r.finish().unwrap()), [from_left, from_right])
}

/// Runs weighted sums, all blocks opened before the first is absorbed; gives the result and all that each party opened.
fn run_sums(case: &Case, trio: &mut Trio, weights: (&[u64], &[u64])) -> (Vec<u64>, [Vec<u64>; 2]) {
    let (shape, segments) = (case.shape(), case.segments());
    let blocks = blocks(&segments, case.cut);
    let mut l = Sums::new(&mut trio.left, shape).unwrap();
    let mut r = Sums::new(&mut trio.right, shape).unwrap();
    let mut dealt = DealtSums::new(&mut trio.dealing, shape).unwrap();
    // The columns of the weights, restricted to a block.
    let cut = |weights: &[u64], first: usize, rows: usize| -> Vec<u64> {
        let columns = weights.chunks_exact(shape.rows.max(1));
        columns.flat_map(|column| column[first..first + rows].to_vec()).collect()
    };
    let mut opened = Vec::new();
    let mut all = [Vec::new(), Vec::new()];
    let mut first = 0;
    for (segment, range) in &blocks {
        let rows = range.len();
        let own = (cut(weights.0, first, rows), cut(weights.1, first, rows));
        let from_left =
            l.open(&mut trio.left, rows, case.block(Party::Left, segment, range), &own.0).unwrap();
        let from_right =
            r.open(&mut trio.right, rows, case.block(Party::Right, segment, range), &own.1).unwrap();
        assert_eq!(from_left.len(), shape.sums_words(Party::Left, rows, segment.parts));
        assert_eq!(from_right.len(), shape.sums_words(Party::Right, rows, segment.parts));
        case.masks(segment, range, |masks| dealt.block(&mut trio.dealing, rows, masks)).unwrap();
        all[0].extend_from_slice(&from_left);
        all[1].extend_from_slice(&from_right);
        opened.push((own, from_left, from_right));
        first += rows;
    }
    for ((segment, range), (own, from_left, from_right)) in blocks.iter().zip(opened) {
        let rows = range.len();
        l.absorb(rows, case.block(Party::Left, segment, range), &own.0, &from_right).unwrap();
        r.absorb(rows, case.block(Party::Right, segment, range), &own.1, &from_left).unwrap();
    }
    let corrections = dealt.finish().unwrap();
    assert_eq!(corrections.len(), shape.sums_corrections());
    (sum(&l.finish(&[]).unwrap(), &r.finish(&corrections).unwrap()), all)
}

proptest! {
    #[test]
    fn products_and_sums_equal_plain_arithmetic(case in cases()) {
        let shape = case.shape();
        let rows = case.whole_rows(&case.segments());
        let mut trio = Trio::new();
        // Twice, so that what the first draws must fit for the second.
        for number in [0, 1] {
            let (x, y, factor) = shares(shape.columns * shape.width, case.number ^ number);
            let (product, _) = run_product(&case, &mut trio, (&x, &y));
            prop_assert_eq!(product.len(), shape.rows * shape.width);
            for j in 0..shape.width {
                for (i, row) in rows.iter().enumerate() {
                    let column = &factor[j * shape.columns..][..shape.columns];
                    let expected = row.iter().zip(column).fold(0_u64, |sum, (x, y)| sum.wrapping_add(x.wrapping_mul(*y)));
                    prop_assert_eq!(product[j * shape.rows + i], expected, "row {}, column {}", i, j);
                }
            }
            let (x, y, weights) = shares(shape.rows * shape.width, case.number ^ number);
            let (sums, _) = run_sums(&case, &mut trio, (&x, &y));
            prop_assert_eq!(sums.len(), shape.sums_corrections());
            for j in 0..shape.width {
                for a in 0..shape.columns {
                    let weights = &weights[j * shape.rows..][..shape.rows];
                    let expected =
                        rows.iter().zip(weights).fold(0_u64, |sum, (row, w)| sum.wrapping_add(row[a].wrapping_mul(*w)));
                    prop_assert_eq!(sums[j * shape.columns + a], expected, "sum {}, column {}", j, a);
                }
            }
        }
    }
}

fn small() -> Case {
    let parts = Parts { left: true, right: true };
    Case { stride: 3, columns: 0..3, width: 2, segments: vec![(70, parts)], cut: 64, number: 5 }
}

#[test]
fn a_factor_is_masked_afresh_every_time() {
    let (case, mut trio) = (small(), Trio::new());
    let (x, y, _) = shares(6, 1);
    let [first, second] = [0, 1].map(|_| run_product(&case, &mut trio, (&x, &y)).1.concat());
    assert_eq!(first.len(), 12);
    assert!(first.iter().zip(&second).all(|(first, second)| first != second));
    let (x, y, _) = shares(140, 1);
    let [first, second] = [0, 1].map(|_| run_sums(&case, &mut trio, (&x, &y)).1.concat());
    assert_eq!(first.len(), 280);
    assert!(first.iter().zip(&second).all(|(first, second)| first != second));
}

#[test]
fn no_two_opened_words_have_a_mask_in_common() {
    // Under zeros every opened word is a mask, negated: all that both parties ever open must be distinct.
    let (case, mut trio) = (small(), Trio::new());
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.extend(run_product(&case, &mut trio, (&[0; 6], &[0; 6])).1.concat());
        seen.extend(run_sums(&case, &mut trio, (&[0; 140], &[0; 140])).1.concat());
    }
    let mut masking = Masking::new(seed(9));
    for _ in 0..3 {
        seen.extend(masking.mask(&[0; 210]));
    }
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), count);
}

#[test]
fn the_dealer_expands_what_the_owner_masked_with() {
    for columns in [1, 2, 3, 7] {
        let rows: Vec<u64> = (0..50 * columns as u64).collect();
        let masked = Masking::new(seed(3)).mask(&rows);
        let masks = RowMasks::new(seed(3), columns);
        let mut expanded = Vec::new();
        for range in [0..50, 0..0, 49..50, 7..20, 0..1] {
            masks.expand(range.clone(), &mut expanded).unwrap();
            let words = range.start * columns..range.end * columns;
            assert_eq!(sum(&expanded, &masked[words.clone()]), rows[words]);
        }
        assert!(matches!(masks.expand(5..usize::MAX, &mut expanded), Err(Error::Range { .. })));
        let backwards = Range { start: 5, end: 4 };
        assert!(matches!(masks.expand(backwards, &mut expanded), Err(Error::Range { .. })));
    }
}

/// Whether the next words of all streams are those at `drawn` words from their start.
fn assert_drawn(trio: &mut Trio, drawn: [usize; 2]) {
    for (party, drawn) in [Party::Left, Party::Right].into_iter().zip(drawn) {
        let mut stream = Stream::new(seed(if party == Party::Left { 1 } else { 2 }));
        let expected = stream.words(drawn + 3)[drawn..].to_vec();
        let mut dealt = vec![0; 3];
        trio.dealing.fill(party, &mut dealt);
        assert_eq!(dealt, expected, "the dealer's copy of the stream of {party:?}");
        let own = if party == Party::Left { &mut trio.left } else { &mut trio.right };
        own.fill(&mut dealt);
        assert_eq!(dealt, expected, "the stream of {party:?}");
    }
}

macro_rules! assert_refused {
    ($error:pat, $($attempt:expr),+ $(,)?) => {
        $(assert!(matches!($attempt.err(), Some($error)), "{}", stringify!($attempt));)+
    };
}

#[test]
fn products_refuse_wrong_shapes_and_draw_nothing_then() {
    let (case, mut trio) = (small(), Trio::new());
    let (shape, segments) = (case.shape(), case.segments());
    let Trio { left, right, dealing } = &mut trio;
    assert_refused!(
        Error::Length { .. },
        Product::open(left, shape, &[0; 5]),
        Product::open(left, shape, &[0; 7])
    );
    for huge in [
        Shape { rows: usize::MAX, ..shape },
        Shape { columns: usize::MAX, ..shape },
        Shape { width: usize::MAX, ..shape },
    ] {
        assert_refused!(
            Error::Range { .. },
            Product::open(left, huge, &[]),
            DealtProduct::new(dealing, huge)
        );
    }
    let open = |right: &mut Randomness| Product::open(right, shape, &[0; 6]).unwrap().0;
    let mut state = open(right).absorb(&[0; 6]).unwrap();
    assert_refused!(
        Error::Length { .. },
        open(&mut Randomness::new(Party::Right, seed(7))).absorb(&[0; 5]),
        open(&mut Randomness::new(Party::Right, seed(7))).absorb(&[]),
    );
    let mut of_left = open(left).absorb(&[0; 6]).unwrap();
    let mut dealt = DealtProduct::new(dealing, shape).unwrap();

    let segment = &segments[0];
    let block = |rows| case.block(Party::Right, segment, &(0..rows));
    let alone = |own| Block { own, peer: None };
    let narrow = Rows::new(&segment.right.0, 3, 0..2).unwrap();
    assert_refused!(
        Error::Length { .. },
        state.block(right, 64, block(64), &[0; 127]),
        state.block(right, 64, block(64), &[0; 129]),
        state.block(right, 64, block(64), &[]),
        state.block(right, 64, block(63), &[0; 128]),
        state.block(right, 70, alone(Some(narrow)), &[0; 140]),
        of_left.block(left, 64, block(64), &[0; 128]),
    );
    assert_refused!(Error::Range { .. }, state.block(right, 71, Block::default(), &[0; 142]));
    assert_refused!(Error::Range { .. }, dealt.block(dealing, 71, BlockMasks::default()));
    case.masks(segment, &(0..60), |masks| {
        assert_refused!(Error::Length { .. }, dealt.block(dealing, 61, masks));
    });
    assert_drawn(&mut trio, [6, 6]);
    let Trio { left, right, .. } = &mut trio;
    state.block(right, 64, block(64), &[0; 128]).unwrap();
    of_left.block(left, 64, case.block(Party::Left, segment, &(0..64)), &[]).unwrap();
    assert_refused!(Error::Range { .. }, state.block(right, 7, Block::default(), &[0; 14]));
    assert_refused!(Error::OutOfOrder(_), state.finish(), of_left.finish());
}

#[test]
fn sums_refuse_wrong_shapes_and_draw_nothing_then() {
    let (case, mut trio) = (small(), Trio::new());
    let (shape, segments) = (case.shape(), case.segments());
    let Trio { left, right, dealing } = &mut trio;
    let huge = Shape { width: usize::MAX, ..shape };
    assert_refused!(Error::Range { .. }, Sums::new(left, huge), DealtSums::new(dealing, huge));
    let mut of_left = Sums::new(left, shape).unwrap();
    let mut state = Sums::new(right, shape).unwrap();
    let mut dealt = DealtSums::new(dealing, shape).unwrap();

    let segment = &segments[0];
    let block = |party, rows| case.block(party, segment, &(0..rows));
    let of_right = |rows| block(Party::Right, rows);
    assert_refused!(
        Error::Length { .. },
        state.open(right, 64, of_right(64), &[0; 127]),
        state.open(right, 64, of_right(64), &[0; 129]),
        state.open(right, 64, of_right(63), &[0; 128]),
    );
    assert_refused!(
        Error::Range { .. },
        state.open(right, 71, Block::default(), &[0; 142]),
        state.absorb(1, of_right(1), &[0; 2], &[0; 2]),
        dealt.block(dealing, 71, BlockMasks::default()),
    );
    assert_drawn(&mut trio, [6, 0]);
    let Trio { left, right, dealing } = &mut trio;
    state.open(right, 70, of_right(70), &[0; 140]).unwrap();
    of_left.open(left, 70, block(Party::Left, 70), &[0; 140]).unwrap();
    assert_refused!(
        Error::Length { .. },
        state.absorb(70, of_right(70), &[0; 140], &[0; 139]),
        state.absorb(70, of_right(70), &[0; 139], &[0; 140]),
        state.absorb(70, of_right(69), &[0; 140], &[0; 140]),
    );
    assert_refused!(Error::OutOfOrder(_), of_left.finish(&[]), dealt.finish());
    state.absorb(70, of_right(70), &[0; 140], &[0; 140]).unwrap();
    assert_refused!(Error::Length { .. }, state.finish(&[0; 5]));
    let _ = dealing;
}

#[test]
fn parts_that_were_not_announced_are_refused() {
    let mut trio = Trio::new();
    let shape = Shape { rows: 2, columns: 1, width: 1, parts: Parts { left: true, right: false } };
    let mut sums = Sums::new(&mut trio.right, shape).unwrap();
    let mut dealt = DealtProduct::new(&mut trio.dealing, shape).unwrap();
    let (state, words) = Product::open(&mut trio.right, shape, &[3]).unwrap();
    assert_eq!(words.len(), 1);
    let mut product = state.absorb(&[]).unwrap();
    let own = Block { own: Some(Rows::new(&[1, 2], 1, 0..1).unwrap()), peer: None };
    let masks = BlockMasks { left: None, right: own.own };
    assert_refused!(
        Error::Range { .. },
        sums.open(&mut trio.right, 2, own, &[0; 2]),
        product.block(&mut trio.right, 2, own, &[0; 2]),
        dealt.block(&mut trio.dealing, 2, masks),
    );
}

#[test]
fn views_of_rows_are_checked() {
    assert_eq!(Rows::new(&[1, 2, 3, 4], 2, 1..2).unwrap().iter().collect::<Vec<_>>(), [[2], [4]]);
    assert_refused!(Error::Length { .. }, Rows::new(&[1, 2, 3], 2, 0..1));
    assert_refused!(
        Error::Range { .. },
        Rows::new(&[], 0, 0..0),
        Rows::new(&[], 2, 0..3),
        Rows::new(&[], 2, Range { start: 2, end: 1 })
    );
}
