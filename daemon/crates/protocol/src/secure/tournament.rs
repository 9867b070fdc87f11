//! The least of several shared numbers, lane by lane, and its place.
//!
//! Neighbours play against each other, the second of a pair winning only when it is strictly less; an odd one out goes
//! on without a match. So of equal numbers the first wins. All matches of a level are played at once, over all lanes.

use sharing::{BitSlices, Builder, Circuit, Wire};

use super::{Bits, Engine, Ring};
use crate::error::ProtocolError;
use crate::link::Place;

/// What a tournament gives.
pub(super) struct Outcome {
    /// A wire a match, level after level: whether the second won.
    pub(super) matches: Bits,
    /// The least number of each lane, where it was asked for.
    pub(super) least: Option<Ring>,
}

/// Plays over `scores`: `players` columns of equally many lanes. Two scores of a lane differ by a number of `width` bits
/// as two's complement. Without `least` the final needs no winner.
///
/// Exchanges: those of one comparison and one choice a level, but for the last choice.
pub(super) async fn play<E: Engine>(
    engine: &mut E,
    place: Place,
    width: usize,
    scores: Ring,
    players: usize,
    least: bool,
) -> Result<Outcome, ProtocolError> {
    let lanes = scores.len() / players;
    let (mut field, mut left) = (scores, players);
    let mut matches = Vec::new();
    while left > 1 {
        let firsts: Vec<usize> = (0..left - 1).step_by(2).collect();
        let seconds: Vec<usize> = firsts.iter().map(|first| first + 1).collect();
        let (first, second) = (field.columns(lanes, &firsts)?, field.columns(lanes, &seconds)?);
        let odd = match left % 2 {
            0 => None,
            _ => Some(field.part((left - 1) * lanes..left * lanes)?),
        };
        drop(field);
        let won = engine.negative(place, &second.sub(&first)?, width).await?;
        matches.push(won.unstacked(lanes)?);
        left = left.div_ceil(2);
        if left == 1 && !least {
            return Ok(Outcome { matches: Bits::concat(&matches)?, least: None });
        }
        let winners = engine.choose(place, &won, &second, &first).await?;
        field = match odd {
            Some(odd) => Ring::concat([&winners, &odd])?,
            None => winners,
        };
    }
    let matches = match engine.party() {
        _ if !matches.is_empty() => Bits::concat(&matches)?,
        Some(_) => Bits::held(BitSlices::zero(0, lanes)),
        None => Bits::elsewhere(0, lanes),
    };
    Ok(Outcome { matches, least: least.then_some(field) })
}

/// The circuit from the matches among `players` to a wire for each of them but the last: 1 at the winner alone.
///
/// `players − 2` ANDs up to 8 players and less than 2.5 a player beyond; ⌈log2(levels)⌉ layers.
pub(super) fn one_hot(players: usize) -> Circuit {
    let mut builder = Builder::new();
    let mut wires = winners(&mut builder, players);
    wires.pop();
    builder.finish(&wires)
}

/// The winner's index from a wire for each player, least significant bit first. 0 if no wire is 1.
pub(super) fn index(builder: &mut Builder, winners: &[Wire]) -> Vec<Wire> {
    let bits = (usize::BITS - (winners.len() - 1).leading_zeros()) as usize;
    (0..bits)
        .map(|bit| {
            let places = winners.iter().enumerate().filter(|(place, _)| place >> bit & 1 == 1);
            places.fold(Wire::ZERO, |sum, (_, &wire)| builder.xor(sum, wire))
        })
        .collect()
}

/// A wire for each of `players`: 1 at the winner alone. The matches are inputs of the circuit.
pub(super) fn winners(builder: &mut Builder, players: usize) -> Vec<Wire> {
    let mut field: Vec<Tree> = (0..players).map(Tree::Player).collect();
    while field.len() > 1 {
        let mut trees = field.into_iter();
        let mut winners = Vec::new();
        while let Some(first) = trees.next() {
            winners.push(match trees.next() {
                Some(second) => Tree::Match { second_won: builder.input(), sides: Box::new([first, second]) },
                None => first,
            });
        }
        field = winners;
    }
    let mut wires = vec![Wire::ZERO; players];
    if let Some(tree) = field.pop() {
        for (below, wire) in tree.winners(builder, tree.height()) {
            if let Tree::Player(player) = below {
                wires[*player] = wire;
            }
        }
    }
    wires
}

/// Who may win, by matches.
enum Tree {
    Player(usize),
    Match { second_won: Wire, sides: Box<[Tree; 2]> },
}

impl Tree {
    fn height(&self) -> usize {
        match self {
            Tree::Player(_) => 0,
            Tree::Match { sides, .. } => 1 + sides.iter().map(Tree::height).max().unwrap_or(0),
        }
    }

    /// The trees `levels` below, or what ended above, each with the wire that it won against the others.
    ///
    /// The levels are cut at a power of two, so that layers of ANDs are few, and of the ways to do so at the one that
    /// takes the fewest ANDs: below, where trees are many, as few levels as can be.
    fn winners(&self, builder: &mut Builder, levels: usize) -> Vec<(&Tree, Wire)> {
        let Tree::Match { second_won, sides } = self else { return vec![(self, Wire::ONE)] };
        match levels {
            0 => vec![(self, Wire::ONE)],
            1 => vec![(&sides[0], builder.not(*second_won)), (&sides[1], *second_won)],
            _ => {
                let upper = levels.next_power_of_two() / 2;
                let mut all = Vec::new();
                for (tree, won) in self.winners(builder, upper) {
                    let below = tree.winners(builder, levels - upper);
                    // One of those below wins if `tree` does, so the last costs no AND.
                    let mut rest = won;
                    for (at, (tree, wire)) in below.iter().enumerate() {
                        let wire = match at + 1 == below.len() {
                            true => rest,
                            false => builder.and(won, *wire),
                        };
                        rest = builder.xor(rest, wire);
                        all.push((*tree, wire));
                    }
                }
                all
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::plain::{PLACE, Plain, integers, numbers, ring, run};
    use super::*;

    fn index_circuit(players: usize) -> Circuit {
        let mut builder = Builder::new();
        let winners = winners(&mut builder, players);
        let index = index(&mut builder, &winners);
        builder.finish(&index)
    }

    /// The place and the value of each lane's first least score; `scores` are columns.
    fn least(scores: &[i64], players: usize) -> (Vec<u64>, Vec<i64>) {
        let lanes = scores.len() / players;
        (0..lanes)
            .map(|lane| {
                let place = (0..players).min_by_key(|player| scores[player * lanes + lane]).unwrap();
                (place as u64, scores[place * lanes + lane])
            })
            .unzip()
    }

    /// Plays in the clear: the index of each lane's winner, who it is among all but the last, its score.
    fn played(scores: &[i64], players: usize) -> (Vec<u64>, Vec<u64>, Vec<i64>) {
        let mut engine = Plain::default();
        let outcome = run(play(&mut engine, PLACE, 64, ring(scores), players, true));
        let winners = run(engine.evaluate(PLACE, &one_hot(players), &outcome.matches));
        let index = run(engine.evaluate(PLACE, &index_circuit(players), &outcome.matches));
        let lanes = scores.len() / players;
        let belongs = (0..players - 1).flat_map(|player| numbers(&winners.part(player..player + 1).unwrap()));
        let belongs: Vec<u64> = belongs.collect();
        assert_eq!(belongs.len(), (players - 1) * lanes);
        let index = match players {
            1 => vec![0; lanes],
            _ => numbers(&index),
        };
        (index, belongs, integers(&outcome.least.unwrap()))
    }

    fn check(scores: &[i64], players: usize) {
        let (place, value) = least(scores, players);
        let (index, belongs, won) = played(scores, players);
        assert_eq!((&index, &won), (&place, &value));
        let expected: Vec<u64> = (0..players as u64 - 1)
            .flat_map(|player| place.iter().map(move |&at| (at == player).into()))
            .collect();
        assert_eq!(belongs, expected);
    }

    proptest! {
        #[test]
        fn the_first_of_the_least_wins(
            (players, scores) in (1..20usize, 1..70usize).prop_flat_map(|(players, lanes)| {
                (Just(players), proptest::collection::vec(-3..3i64, players * lanes))
            })
        ) {
            check(&scores, players);
        }
    }

    #[test]
    fn every_player_of_many_can_win() {
        for players in [2, 3, 5, 8, 13, 33, 100] {
            let scores: Vec<i64> = (0..players)
                .flat_map(|player| (0..players).map(move |lane| i64::from(lane != player)))
                .collect();
            check(&scores, players as usize);
            check(&vec![7; players as usize * 3], players as usize);
        }
    }

    #[test]
    fn circuits_are_small_and_shallow() {
        for (players, ands, depth) in [
            (1, 0, 0),
            (2, 0, 0),
            (3, 1, 1),
            (4, 2, 1),
            (5, 3, 2),
            (8, 6, 2),
            (10, 12, 2),
            (16, 22, 2),
            (32, 38, 3),
        ] {
            let circuit = one_hot(players);
            assert_eq!((circuit.inputs(), circuit.outputs()), (players - 1, players - 1));
            assert_eq!((circuit.and_count(), circuit.depth()), (ands, depth), "{players}");
        }
        assert_eq!(index_circuit(1).outputs(), 0);
        assert_eq!(index_circuit(1000).outputs(), 10);
    }

    #[test]
    fn exchanges_grow_with_levels_only() {
        for (players, levels) in [(1, 0), (2, 1), (3, 2), (5, 3), (8, 3), (9, 4)] {
            for least in [false, true] {
                let mut engine = Plain::default();
                let scores = ring(&vec![0; players * 3]);
                run(play(&mut engine, PLACE, 58, scores, players, least));
                let choices = if least || levels == 0 { levels } else { levels - 1 };
                assert_eq!(engine.exchanges, levels * sharing::sign::exchanges(58) + choices, "{players}");
            }
        }
    }
}
