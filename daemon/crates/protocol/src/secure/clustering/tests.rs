//! Programs against the exact definition, in the clear and on true shares.

use kmeans::fixed::sealed::{self, Form, LocalCentres};
use kmeans::fixed::{Missing, Normalise};
use proptest::collection::vec;
use proptest::prelude::*;
use sharing::Party;

use super::super::plain::{PLACE, Plain, integers, numbers, ring, run};
use super::super::split::{both, opened, own, shared};
use super::super::{Engine, Segment};
use super::*;
use crate::{Plan, Privacy};

const FORMS: [Form; 2] = [Form::SquaredEuclid, Form::Manhattan];

/// Rows of each host, and centres.
#[derive(Clone, Debug)]
struct Case {
    form: Form,
    dim: usize,
    hosts: Vec<Vec<i64>>,
    centres: Vec<i64>,
    tolerance: f64,
    /// Each host's minimum.
    least: Vec<u64>,
}

/// What a round and a reveal after it give: centres, the stop bit, labels of all rows and padding, withheld clusters.
type End = (Vec<i64>, bool, Vec<u64>, Vec<bool>);

impl Case {
    fn k(&self) -> usize {
        self.centres.len() / self.dim
    }

    fn plan(&self) -> Plan {
        Plan {
            privacy: Privacy::Sealed(self.form),
            hosts: self.hosts.len(),
            rows: self.hosts.iter().map(|rows| (rows.len() / self.dim).next_multiple_of(64) as u64).collect(),
            min_cluster_rows: self.least.clone(),
            dim: self.dim,
            k: self.k(),
            starts: 4,
            seed: 11,
            max_rounds: 10,
            tolerance: self.tolerance,
            normalise: Normalise::ZScore,
            missing: Missing::Fail,
            reveal_sizes: true,
            reveal_inertia: true,
            key_bits: 2048,
            resume: None,
        }
    }

    fn task(&self) -> Task {
        Task::new(&self.plan(), self.form).unwrap()
    }

    /// Every host's rows with a 1 each, then rows of zeros.
    fn padded(&self) -> Vec<Vec<i64>> {
        let with_ones = |rows: &Vec<i64>| {
            let mut padded: Vec<i64> = Vec::new();
            rows.chunks_exact(self.dim).for_each(|row| padded.extend(row.iter().chain(&[1])));
            padded.resize((rows.len() / self.dim).next_multiple_of(64) * (self.dim + 1), 0);
            padded
        };
        self.hosts.iter().map(with_ones).collect()
    }

    fn expected(&self) -> End {
        let mut moved = self.centres.clone();
        sealed::round(self.form, &self.hosts, self.dim, &mut moved);
        let stop = sealed::at_rest(&self.centres, &moved, self.dim, self.task().limit());
        let assigned = |centres: &[i64]| -> Vec<Vec<u32>> {
            self.hosts.iter().map(|rows| sealed::assign(self.form, rows, self.dim, centres)).collect()
        };
        let (last_round, labels) = (assigned(&self.centres), assigned(&moved));
        let withheld = sealed::withheld(&last_round, &labels, self.k(), &self.least);
        let padded = |labels: Vec<u32>| {
            let padding = labels.len().next_multiple_of(64) - labels.len();
            labels.into_iter().map(u64::from).chain(vec![0; padding])
        };
        (moved, stop, labels.into_iter().flat_map(padded).collect(), withheld)
    }

    fn in_the_clear(&self, task: &Task) -> End {
        let mut engine = Plain::default();
        let rows = Plain::rows(self.dim + 1, &self.padded().concat());
        let Round { centres, matches, at_rest } =
            run(round(&mut engine, task, PLACE, &rows, &ring(&self.centres)));
        let Revealed { withheld, labels } = run(reveal(&mut engine, task, PLACE, &rows, &centres, &matches));
        (integers(&centres), at_rest, indices(&labels), withheld)
    }

    fn on_shares(&self, task: &Task, number: u64) -> End {
        let (segments, known) = dealt_out(&self.padded(), self.dim + 1);
        let centres = shared(number, &self.centres);
        let (segments, known, centres) = (&segments, &known, &centres);
        let program = |mut engine: super::super::split::Split| async move {
            let party = engine.party();
            let rows = engine.introduce(PLACE, segments, self.dim + 1, known_to(party, known)).await?;
            let moved = round(&mut engine, task, PLACE, &rows, own(party, centres)).await?;
            let end = reveal(&mut engine, task, PLACE, &rows, &moved.centres, &moved.matches).await?;
            Ok((moved, end))
        };
        let [(left, left_end), (right, right_end)] = both(number, program);
        assert_eq!((left.at_rest, &left_end.withheld), (right.at_rest, &right_end.withheld));
        let labels = left_end.labels.xor(&right_end.labels).unwrap();
        (opened(&[left.centres, right.centres]), left.at_rest, indices(&labels), left_end.withheld)
    }

    fn check(&self) {
        let expected = self.expected();
        assert!(self.in_the_clear(&self.task()) == expected);
        // One row of words a batch, and for Manhattan one attribute at a time.
        let small = self.task().with_memory(1);
        assert!(self.in_the_clear(&small) == expected);
        assert!(self.on_shares(&self.task(), 1) == expected);
        assert!(self.on_shares(&small, 2) == expected);
    }
}

/// The first host's rows are the left party's, the second one's the right party's; further ones are shared.
fn dealt_out(hosts: &[Vec<i64>], columns: usize) -> (Vec<Segment>, [Vec<u64>; 2]) {
    let mut known = [Vec::new(), Vec::new()];
    let mut segments = Vec::new();
    for (host, rows) in hosts.iter().enumerate() {
        segments.push(Segment { rows: rows.len() / columns, left: host != 1, right: host != 0 });
        for (at, &value) in rows.iter().enumerate() {
            let mask = match host {
                0 => 0,
                1 => value as u64,
                _ => (at as u64 + 7).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            };
            if host != 1 {
                known[0].push((value as u64).wrapping_sub(mask));
            }
            if host != 0 {
                known[1].push(mask);
            }
        }
    }
    (segments, known)
}

fn known_to(party: Option<Party>, known: &[Vec<u64>; 2]) -> Option<Vec<u64>> {
    party.map(|party| known[usize::from(party == Party::Right)].clone())
}

fn indices(labels: &Bits) -> Vec<u64> {
    match labels.wires() {
        0 => vec![0; labels.lanes()],
        _ => numbers(labels),
    }
}

/// Values with many ties, and values from all of the grid of a `z-score` run.
fn value() -> impl Strategy<Value = i64> {
    let most = (1 << 27) - 1;
    prop_oneof![4 => -2..3i64, 1 => Just(most), 1 => Just(-most), 4 => -most..=most]
}

fn case() -> impl Strategy<Value = Case> {
    let shape = (
        0..2usize,
        1..4usize,
        1..12usize,
        vec(0..80usize, 2..5),
        prop_oneof![Just(0.0), Just(1e-3), 0.0..600.0],
    );
    let least = prop_oneof![2 => 0..3u64, 2 => 0..20u64, 1 => Just(u64::MAX)];
    let least = vec(least, 4);
    (shape, least).prop_flat_map(|((form, dim, k, rows, tolerance), mut least)| {
        least.truncate(rows.len());
        let hosts: Vec<_> = rows.into_iter().map(|rows| vec(value(), rows * dim)).collect();
        (hosts, vec(value(), k * dim), Just(least)).prop_map(move |(hosts, centres, least)| Case {
            form: FORMS[form],
            dim,
            hosts,
            centres,
            tolerance,
            least,
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_round_and_a_reveal_are_the_reference(case in case()) {
        case.check();
    }
}

#[test]
fn rounds_and_reveals_at_the_edges_are_the_reference() {
    let most = (1 << 27) - 1;
    for form in FORMS {
        let check = |dim: usize, hosts: &[&[i64]], centres: &[i64]| {
            for least in [1, 2, 4] {
                let least = vec![least; hosts.len()];
                let hosts = hosts.iter().map(|rows| rows.to_vec()).collect();
                Case { form, dim, hosts, centres: centres.to_vec(), tolerance: 0.0, least }.check();
            }
        };
        // One row in all; a centre where it is.
        check(2, &[&[9, -9], &[]], &[1, 2, 9, -9, 3, 4]);
        // As many clusters as rows, each at its own.
        let rows: Vec<i64> = (0..9).map(|at| at * at).collect();
        check(1, &[&rows[..4], &rows[4..]], &rows);
        // All rows the same, all centres the same: the first takes all.
        check(2, &[&[5; 12], &[5; 140]], &[7; 10]);
        // A constant column, and clusters that nobody is near.
        check(2, &[&[1, 3, 2, 3, 8, 3], &[9, 3]], &[1, 0, most, 3, 8, 0, -most, 3]);
        // The largest distances there are, in both directions.
        check(3, &[&[most; 6], &[-most; 9]], &[-most, -most, -most, most, most, most]);
        check(1, &[&[-most, most], &[0]], &[most, -most]);
        // More than a word of rows, a round that moves nothing.
        check(1, &[&[4; 65], &[6; 63], &[5; 64]], &[5]);
    }
}

/// What the hosts bring to the start.
#[derive(Clone, Debug)]
struct Points {
    form: Form,
    dim: usize,
    starts: usize,
    /// Of each host, the points and their weights.
    hosts: Vec<(Vec<i64>, Vec<u64>)>,
    k: usize,
}

impl Points {
    fn task(&self) -> Task {
        let rows =
            self.hosts.iter().map(|(_, weights)| vec![0; self.dim * weights.iter().sum::<u64>() as usize]);
        let centres = vec![0; self.k * self.dim];
        let (hosts, least) = (rows.collect(), vec![1; self.hosts.len()]);
        let case = Case { form: self.form, dim: self.dim, hosts, centres, tolerance: 0.0, least };
        Task::new(&Plan { starts: self.starts, ..case.plan() }, self.form).unwrap()
    }

    fn rows(&self) -> Vec<Vec<i64>> {
        let of_host = |(points, weights): &(Vec<i64>, Vec<u64>)| {
            let rows = points.chunks_exact(self.dim).zip(weights);
            rows.flat_map(|(point, &weight)| {
                let weight = weight as i64;
                point.iter().copied().chain(point.iter().map(move |y| y * weight)).chain([weight])
            })
            .collect()
        };
        self.hosts.iter().map(of_host).collect()
    }

    fn check(&self) {
        let local: Vec<LocalCentres> = self
            .hosts
            .iter()
            .map(|(points, weights)| LocalCentres { points: points.clone(), weights: weights.clone() })
            .collect();
        let rows: Vec<u64> = self.hosts.iter().map(|(_, weights)| weights.iter().sum()).collect();
        let seeds = sealed::starts(11, &rows, self.k, self.starts);
        let expected = sealed::best_start(self.form, &local, self.dim, &seeds);
        let columns = 2 * self.dim + 1;
        for task in [self.task(), self.task().with_memory(1)] {
            let table = Plain::rows(columns, &self.rows().concat());
            assert!(integers(&run(start(&mut Plain::default(), &task, PLACE, &table))) == expected);
            let (segments, known) = dealt_out(&self.rows(), columns);
            let (task, segments, known) = (&task, &segments, &known);
            let shares = both(3, |mut engine| async move {
                let party = engine.party();
                let rows = engine.introduce(PLACE, segments, columns, known_to(party, known)).await?;
                start(&mut engine, task, PLACE, &rows).await
            });
            assert!(opened(&shares) == expected);
        }
    }
}

fn points() -> impl Strategy<Value = Points> {
    let shape = (0..2usize, 1..4usize, 1..7usize, 2..5usize, 1..6usize);
    shape.prop_flat_map(|(form, dim, k, hosts, starts)| {
        let p = sealed::points(k);
        let weight = prop_oneof![Just(0u64), 0..4u64, 0..3000u64];
        vec((vec(value(), p * dim), vec(weight, p)), hosts).prop_map(move |hosts| Points {
            form: FORMS[form],
            dim,
            starts,
            hosts,
            k,
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_start_is_the_reference(points in points()) {
        points.check();
    }
}

#[test]
fn starts_at_the_edges_are_the_reference() {
    for form in FORMS {
        let check = |k: usize, starts: usize, value: fn(usize) -> i64, weight: fn(usize) -> u64| {
            let p = sealed::points(k);
            let host = |host: usize| {
                let of_host = |at| host * p * 2 + at;
                (
                    (0..2 * p).map(|at| value(of_host(at))).collect(),
                    (0..p).map(|at| weight(of_host(at))).collect(),
                )
            };
            Points { form, dim: 2, starts, hosts: (0..3).map(host).collect(), k }.check();
        };
        // All points the same: starts and clusters tie.
        check(3, 5, |_| 4, |_| 1);
        // No weight at all but one.
        check(2, 3, |at| at as i64, |at| u64::from(at == 3));
        // One cluster; one start; more starts than a word has lanes for.
        check(1, 4, |at| (at as i64) << 20, |at| at as u64);
        check(4, 1, |at| -(at as i64), |_| 2);
        check(5, 16, |at| (at * at % 97) as i64 - 50, |at| (at % 3) as u64);
    }
}

#[test]
fn a_round_and_a_reveal_take_few_exchanges_whatever_the_rows() {
    for (k, most, reveal_most) in [(1, 22, 9), (2, 31, 16), (5, 44, 28), (10, 49, 33)] {
        let exchanges = |rows: usize| {
            let case = Case {
                form: Form::SquaredEuclid,
                dim: 2,
                hosts: vec![vec![1; 2 * rows]; 2],
                centres: vec![0; 2 * k],
                tolerance: 0.0,
                least: vec![5; 2],
            };
            let mut engine = Plain::default();
            let table = Plain::rows(3, &case.padded().concat());
            let task = case.task();
            let moved = run(round(&mut engine, &task, PLACE, &table, &ring(&case.centres)));
            let of_round = engine.exchanges;
            run(reveal(&mut engine, &task, PLACE, &table, &moved.centres, &moved.matches));
            (of_round, engine.exchanges - of_round)
        };
        // Counts of 16 bits both.
        let few = exchanges(20_000);
        assert!(few.0 <= most && few.1 <= reveal_most, "k = {k}: {few:?}");
        assert_eq!(few, exchanges(30_000));
    }
}

/// A role runs programs on a runtime with several threads.
#[test]
fn programs_may_move_between_threads() {
    fn may_move<T: Send>(_: T) {}
    let task = Case {
        form: FORMS[0],
        dim: 1,
        hosts: vec![vec![0]; 2],
        centres: vec![0],
        tolerance: 0.0,
        least: vec![1; 2],
    }
    .task();
    let (rows, centres) = (Plain::rows(1, &[0]), ring(&[0]));
    let mut engine = Plain::default();
    may_move(start(&mut engine, &task, PLACE, &rows));
    may_move(round(&mut engine, &task, PLACE, &rows, &centres));
    may_move(reveal(&mut engine, &task, PLACE, &rows, &centres, &[]));
}
