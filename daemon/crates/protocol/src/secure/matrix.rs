//! Rows that their owners introduced: where each segment's parts lie, and how a range of rows is cut into blocks.

use std::ops::Range;

use sharing::Party;
use sharing::matrix::{Parts, Shape};

use super::{Segment, blocks};

/// The public layout of a matrix.
#[derive(Clone)]
pub(crate) struct Layout {
    columns: usize,
    segments: Vec<Placed>,
}

/// A segment, and where its rows lie.
#[derive(Clone)]
struct Placed {
    segment: Segment,
    /// Its first row among all rows, and among those of which the left and the right party have a part.
    first: [usize; 3],
}

/// Neighbouring rows of one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RowBlock {
    /// The rows, counted from the first of the range that was cut.
    pub(super) rows: Range<usize>,
    /// Who has a part of them.
    pub(super) parts: Parts,
    /// Where they lie among the rows of which the left party has a part, and the right party.
    places: [usize; 2],
}

fn index(party: Party) -> usize {
    match party {
        Party::Left => 0,
        Party::Right => 1,
    }
}

impl Layout {
    pub(super) fn new(segments: &[Segment], columns: usize) -> Self {
        let mut first = [0; 3];
        let place = |&segment: &Segment| {
            let placed = Placed { segment, first };
            first[0] += segment.rows;
            first[1] += segment.rows * usize::from(segment.left);
            first[2] += segment.rows * usize::from(segment.right);
            placed
        };
        Layout { columns, segments: segments.iter().map(place).collect() }
    }

    /// Elements of a row.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// The number of rows of which `party` has a part.
    pub(super) fn rows_of(&self, party: Party) -> usize {
        self.segments.iter().map(|s| s.segment).filter(|s| s.known_to(party)).map(|s| s.rows).sum()
    }

    /// Cuts `range` where its owners change and into blocks, of which a row takes `words` words of the longest message.
    pub(super) fn blocks(&self, range: &Range<usize>, words: usize) -> Vec<RowBlock> {
        let mut cut = Vec::new();
        for Placed { segment, first } in &self.segments {
            let (start, end) = (range.start.max(first[0]), range.end.min(first[0] + segment.rows));
            for block in blocks::of(end.saturating_sub(start), words) {
                let skipped = start - first[0] + block.start;
                let start = start - range.start;
                cut.push(RowBlock {
                    rows: start + block.start..start + block.end,
                    parts: Parts { left: segment.left, right: segment.right },
                    places: [first[1] + skipped, first[2] + skipped],
                });
            }
        }
        cut
    }

    /// The shape of a product of the rows of `range` with a matrix `width` wide.
    pub(super) fn shape(&self, range: &Range<usize>, columns: usize, width: usize) -> Shape {
        let touched = |s: &&Placed| {
            let (start, end) = (s.first[0], s.first[0] + s.segment.rows);
            start < range.end && range.start < end
        };
        let mut parts = Parts::default();
        for Placed { segment, .. } in self.segments.iter().filter(touched) {
            parts.left |= segment.left;
            parts.right |= segment.right;
        }
        Shape { rows: range.len(), columns, width, parts }
    }
}

impl RowBlock {
    /// Where the rows lie among those of which `party` has a part, if it has one of these.
    pub(super) fn of(&self, party: Party) -> Option<Range<usize>> {
        let first = self.places[index(party)];
        self.parts.known_to(party).then(|| first..first + self.rows.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENTS: [Segment; 3] = [
        Segment { rows: 100, left: true, right: false },
        Segment { rows: 50, left: false, right: true },
        Segment { rows: 70, left: true, right: true },
    ];

    #[test]
    fn a_range_is_cut_where_owners_change() {
        let layout = Layout::new(&SEGMENTS, 3);
        assert_eq!((layout.rows_of(Party::Left), layout.rows_of(Party::Right)), (170, 120));
        let blocks = layout.blocks(&(90..200), 1);
        let found: Vec<_> =
            blocks.iter().map(|b| (b.rows.clone(), b.of(Party::Left), b.of(Party::Right))).collect();
        assert_eq!(
            found,
            [
                (0..10, Some(90..100), None),
                (10..60, None, Some(0..50)),
                (60..110, Some(100..150), Some(50..100))
            ]
        );
    }

    #[test]
    fn long_ranges_are_cut_into_messages() {
        let layout = Layout::new(&[Segment { rows: 50_000, left: true, right: false }], 3);
        let blocks = layout.blocks(&(7..50_000), 100);
        assert!(blocks.iter().all(|block| block.rows.len() * 100 <= crate::engine::WORDS));
        assert_eq!(blocks.iter().map(|block| block.rows.len()).sum::<usize>(), 50_000 - 7);
        assert_eq!(blocks[1].of(Party::Left).map(|rows| rows.start), Some(7 + blocks[0].rows.len()));
    }

    #[test]
    fn shapes_name_the_owners_of_the_range_alone() {
        let layout = Layout::new(&SEGMENTS, 3);
        assert_eq!(layout.shape(&(0..100), 3, 2).parts, Parts { left: true, right: false });
        assert_eq!(layout.shape(&(100..150), 3, 2).parts, Parts { left: false, right: true });
        assert_eq!(layout.shape(&(0..101), 3, 2).parts, Parts { left: true, right: true });
    }
}
