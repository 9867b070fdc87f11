//! What is exchanged in which order: the leaves, then the merges of a tree.

use core::iter;

/// One exchange of a comparison.
#[derive(Clone, Copy)]
pub(super) enum Stage {
    /// The values' chunks become the tree's nodes.
    Leaves(Chunks),
    /// Nodes become fewer nodes.
    Merge(Layer),
}

/// Low bits in chunks of two, from the least significant; the last holds a single bit when their number is odd.
#[derive(Clone, Copy)]
pub(super) struct Chunks {
    bits: usize,
}

/// The nodes before a merge, from the least significant.
#[derive(Clone, Copy)]
pub(super) struct Layer {
    nodes: usize,
}

/// Neighbouring nodes that become one.
#[derive(Clone, Copy)]
pub(super) struct Group {
    /// Its least significant node.
    pub(super) first: usize,
    /// How many nodes: 1 to 4, and 4 only of the lowest group.
    pub(super) nodes: usize,
}

/// The exchanges of a comparison of numbers of `width` bits.
pub(super) fn stages(width: usize) -> impl Iterator<Item = Stage> {
    let chunks = Chunks { bits: width.saturating_sub(1) };
    let leaves = (chunks.bits > 0).then_some(Stage::Leaves(chunks));
    let merged = |layer: &Layer| Some(Layer { nodes: layer.groups().count() });
    let layers = iter::successors(Some(Layer { nodes: chunks.count() }), merged);
    leaves.into_iter().chain(layers.take_while(|layer| layer.nodes > 1).map(Stage::Merge))
}

impl Stage {
    /// Wires that each party opens.
    pub(super) fn operands(&self) -> usize {
        match self {
            Stage::Leaves(chunks) => chunks.first_operand(chunks.count()) - 2 * (chunks.bits % 2),
            Stage::Merge(layer) => layer.groups().map(Group::operands).sum(),
        }
    }

    /// Wires of corrections. Those of the leaves lie as the nodes that they become.
    pub(super) fn parts(&self) -> usize {
        match self {
            // "Equal" of a single bit, the last of all, is local; that of the lowest chunk is not needed.
            Stage::Leaves(chunks) if chunks.bits == 1 => 1,
            Stage::Leaves(chunks) => 2 * chunks.count() - 1 - chunks.bits % 2,
            Stage::Merge(layer) => layer.groups().map(Group::parts).sum(),
        }
    }
}

impl Chunks {
    pub(super) fn count(self) -> usize {
        self.bits.div_ceil(2)
    }

    /// Whether the chunk holds one bit only.
    pub(super) fn is_single(self, chunk: usize) -> bool {
        2 * chunk + 1 == self.bits
    }

    /// The first of the three operands of a chunk; a single bit has one.
    pub(super) fn first_operand(self, chunk: usize) -> usize {
        3 * chunk
    }

    /// Which node wire is "equal" of a chunk: they follow "greater" of all chunks. The lowest chunk has none.
    pub(super) fn equal_node(self, chunk: usize) -> Option<usize> {
        (chunk > 0).then(|| self.count() + chunk - 1)
    }
}

impl Layer {
    pub(super) fn nodes(self) -> usize {
        self.nodes
    }

    /// The groups, from the least significant: triples, and what is left over at the top; four nodes in one go, since
    /// that ends the tree.
    pub(super) fn groups(self) -> impl Iterator<Item = Group> {
        let most = if self.nodes == 4 { 4 } else { 3 };
        (0..self.nodes).step_by(most).map(move |first| Group { first, nodes: most.min(self.nodes - first) })
    }
}

impl Group {
    /// Whether it holds the least significant node, which needs no "equal".
    pub(super) fn is_lowest(self) -> bool {
        self.first == 0
    }

    /// Opened wires: "equal" of all nodes but the first from the top down, "greater" of all but the last from the top
    /// down, then "equal" of the first unless it is the lowest.
    pub(super) fn operands(self) -> usize {
        match self.nodes {
            1 => 0,
            nodes => 2 * (nodes - 1) + usize::from(!self.is_lowest()),
        }
    }

    /// Wires of corrections, as [`merge`](super::merge) orders them.
    pub(super) fn parts(self) -> usize {
        match (self.nodes, self.is_lowest()) {
            (2, true) => 1,
            (2, false) => 2,
            (3, true) => 4,
            (3, false) => 7,
            (4, true) => 11,
            _ => 0,
        }
    }
}
