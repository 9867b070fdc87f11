//! Input that cannot take part: its owner says what is wrong with it, the others only hear whose it is.

mod play;

use kmeans::fixed::sealed::Form;
use kmeans::fixed::{FixedError, Missing, Normalise, RawRows};
use kmeans::{Metric, MetricError};
use play::{Ended, KEY, euclidean, plan, play, rows};
use protocol::{Blame, Cause, LinkError, PartyId, Place, Plan, Privacy, ProtocolError, Step};
use sim::{Report, World};

const PLACE: Place = Place { step: Step::Setup, round: 0 };
const PARTIES: [PartyId; 4] = [PartyId::LEAD, PartyId::SECOND, PartyId(2), PartyId::THIRD_PARTY];

/// Three hosts of sound rows.
fn sound() -> Vec<RawRows> {
    vec![rows(1, vec![1.0, 2.0, 9.0]), rows(1, vec![1.5, 8.0]), rows(1, vec![30.0, 31.0])]
}

fn error(report: &Report<Ended>, party: PartyId) -> &ProtocolError {
    report.result(party).as_ref().expect_err("the run cannot go well")
}

/// What a party was told by another one.
fn told(report: &Report<Ended>, party: PartyId) -> Blame {
    match error(report, party) {
        ProtocolError::Link { source: LinkError::Aborted(blame), .. } => (**blame).clone(),
        other => panic!("{party:?} was told nothing: {other}"),
    }
}

/// The culprit has `expected`; the others hear of it without a word about the rows.
fn check(plan: &Plan, hosts: &[RawRows], culprit: PartyId, expected: &ProtocolError) {
    let report = play(World::new(3), plan, hosts, &*euclidean());
    assert_eq!(error(&report, culprit), expected);
    for party in PARTIES.into_iter().filter(|&party| party != culprit) {
        let blame = told(&report, party);
        assert_eq!((blame.party, blame.cause), (culprit, Cause::Data), "{party:?}");
        assert_eq!(blame.message, "its rows cannot take part; its own log says why");
    }
}

#[test]
fn rows_that_cannot_take_part() {
    for culprit in [0u8, 1, 2] {
        let with = |value: f64| {
            let mut hosts = sound();
            hosts[usize::from(culprit)].values.push(value);
            hosts
        };
        let attribute = || "a0".to_owned();

        let missing = FixedError::Missing { attribute: attribute(), rows: 1 };
        let hosts = with(f64::NAN);
        check(&plan(&hosts, 2), &hosts, PartyId(culprit), &missing.into());

        let raw = FixedError::RawRange { attribute: attribute(), rows: 1 };
        let hosts = with(-2e12);
        check(&plan(&hosts, 2), &hosts, PartyId(culprit), &raw.into());

        let range = FixedError::Range { attribute: attribute(), rows: 1, reach: 32767 };
        let hosts = with(40_000.0);
        let plan = Plan { normalise: Normalise::None, ..plan(&hosts, 2) };
        check(&plan, &hosts, PartyId(culprit), &range.into());
    }
}

#[test]
fn more_clusters_than_rows_of_all_hosts() {
    // Dropped rows do not count, and the hosts' own numbers of rows do not show.
    let mut hosts = sound();
    hosts[1].values[0] = f64::NAN;
    for (k, enough) in [(6, true), (7, false)] {
        let plan = Plan { missing: Missing::Drop, ..plan(&hosts, k) };
        let report = play(World::new(3), &plan, &hosts, &*euclidean());
        if enough {
            assert!(PARTIES.iter().all(|&party| report.result(party).is_ok()));
            continue;
        }
        // The first to find out may have told the others before they did.
        let own = |party: &&PartyId| *error(&report, **party) == ProtocolError::TooFewRows { k };
        assert!(PARTIES[..3].iter().any(|party| own(&party)));
        for party in PARTIES {
            let blame = error(&report, party).blame(party, PLACE);
            assert_eq!(blame.cause, Cause::Data, "{party:?}");
            assert!(blame.message.starts_with("k = 7 is larger than"), "{blame}");
        }
    }
}

/// A metric that breaks its contract once it is asked about more than one centre.
#[derive(Debug)]
struct Breaking;

impl Metric for Breaking {
    fn name(&self) -> &str {
        "breaking"
    }

    fn version(&self) -> &str {
        "1"
    }

    fn assign(
        &self,
        rows: &[f64],
        dim: usize,
        centres: &[f64],
        labels: &mut [u32],
        costs: &mut [f64],
    ) -> Result<(), MetricError> {
        if centres.len() > dim {
            return Err(broken());
        }
        kmeans::reference::SquaredEuclid.assign(rows, dim, centres, labels, costs)
    }

    fn distances(&self, _: &[f64], _: usize, _: &[f64], _: &mut [f64]) -> Result<(), MetricError> {
        Err(broken())
    }
}

fn broken() -> MetricError {
    MetricError::Broken { name: "breaking".into(), what: "gave a cost below zero".into() }
}

#[test]
fn a_metric_that_breaks_its_contract_is_no_fault_of_the_rows() {
    let hosts = sound();
    let plan = plan(&hosts, 2);
    let report = play(World::new(3), &plan, &hosts, &Breaking);
    for host in &PARTIES[..3] {
        let error = error(&report, *host);
        let expected = ProtocolError::Rows(FixedError::Metric(broken()));
        // Who hears of another host's failure before its own says that.
        let blame = error.blame(*host, PLACE);
        assert!(*error == expected || matches!(error, ProtocolError::Link { .. }), "{error}");
        assert_eq!(blame.cause, Cause::Internal);
        assert!(!blame.message.contains("breaking"), "{blame}");
    }
    assert_eq!(told(&report, PartyId::THIRD_PARTY).cause, Cause::Internal);
}

#[test]
fn a_key_of_another_size_is_refused() {
    let hosts = sound();
    let plan = Plan { key_bits: 2048, ..plan(&hosts, 2) };
    assert_eq!(KEY.public().bits(), 1024);
    let report = play(World::new(3), &plan, &hosts, &*euclidean());
    for party in PARTIES {
        let blame = error(&report, party).blame(party, PLACE);
        assert_eq!((blame.party, blame.cause), (PartyId::THIRD_PARTY, Cause::Misbehaved), "{party:?}");
    }
}

#[test]
fn plans_out_of_their_limits() {
    let sound = plan(&sound(), 2);
    assert_eq!(sound.check(), Ok(()));
    type Spoil = fn(&mut Plan);
    let refused: [(&str, Spoil); 15] = [
        ("the number of hosts", |plan| plan.hosts = 1),
        ("the number of hosts", |plan| plan.hosts = 17),
        ("the number of rows of all hosts", |plan| plan.rows[0] = 1 << 31),
        ("the number of attributes", |plan| plan.dim = 0),
        ("k", |plan| plan.k = 0),
        ("k", |plan| plan.k = 1025),
        ("the number of starts", |plan| plan.starts = 0),
        ("the number of starts", |plan| plan.starts = protocol::MAX_STARTS + 1),
        ("the round limit", |plan| plan.max_rounds = 0),
        ("the tolerance", |plan| plan.tolerance = f64::NAN),
        ("the tolerance", |plan| plan.tolerance = -0.5),
        ("the number of bounds", |plan| plan.normalise = Normalise::Range(vec![(0.0, 1.0); 2])),
        ("bounds", |plan| plan.normalise = Normalise::Range(vec![(1.0, 1.0)])),
        ("starts × k × (attributes + 1)", |plan| (plan.starts, plan.k, plan.dim) = (16, 1024, 1024)),
        ("starts × k²", |plan| (plan.starts, plan.k) = (8, 1024)),
    ];
    for (what, spoil) in refused {
        let mut plan = sound.clone();
        spoil(&mut plan);
        assert_eq!(plan.check().expect_err(what).what, what);
    }
}

#[test]
fn plans_out_of_the_limits_of_sealed_runs() {
    let open = plan(&sound(), 2);
    let sealed = Plan { privacy: Privacy::Sealed(Form::SquaredEuclid), ..open.clone() };
    assert_eq!(sealed.check(), Ok(()));
    assert_eq!(Plan { resume: Some(29), ..sealed.clone() }.check(), Ok(()));
    type Spoil = fn(&mut Plan);
    let refused: [(&str, Spoil); 6] = [
        ("each number of rows", |plan| plan.rows[1] = 100),
        ("the number of minimum cluster rows", |plan| plan.min_cluster_rows.truncate(1)),
        ("the round to resume", |plan| plan.resume = Some(30)),
        ("rows × (attributes + 1)", |plan| plan.rows[0] = 1 << 28),
        ("the points of the start × (2 × attributes + 1)", |plan| {
            (plan.hosts, plan.rows, plan.starts, plan.k, plan.dim) = (16, vec![64; 16], 1, 1000, 1000);
            plan.min_cluster_rows = vec![1; 16];
        }),
        ("starts × k × the points of the start", |plan| {
            (plan.hosts, plan.rows, plan.starts, plan.k) = (16, vec![64; 16], 2, 1024);
            plan.min_cluster_rows = vec![1; 16];
        }),
    ];
    for (what, spoil) in refused {
        let mut plan = sealed.clone();
        spoil(&mut plan);
        assert_eq!(plan.check().expect_err(what).what, what);
        assert_eq!(protocol::estimate(&plan).expect_err(what).what, what);
    }
    let resumed = Plan { resume: Some(1), ..open };
    assert_eq!(resumed.check().expect_err("a resumed open run").what, "a run to be resumed");
}
