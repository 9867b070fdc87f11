//! Plays a whole run over the simulated network, with real keys and real plugins' metrics.

#![allow(dead_code, reason = "every test program has this module whole and uses its part")]

pub(crate) mod irregularity;

use std::sync::{Arc, LazyLock, Mutex};

use kmeans::Metric;
use kmeans::fixed::reference::{self, Parameters};
use kmeans::fixed::{Missing, Normalise, RawRows, sealed};
use paillier::{KeySize, SecretKey};
use protocol::{
    Checkpoint, HostInput, LeadLinks, Outcome, PartyId, Place, Plan, Privacy, ProtocolError, SecondLinks,
    Step, ThirdPartyLinks,
};
use sim::{Links, Report, World};
use transport::AbortHandle;

/// One test key for all runs of a test program.
pub(crate) static KEY: LazyLock<SecretKey> =
    LazyLock::new(|| SecretKey::generate(KeySize::Bits1024, &mut rand_core::UnwrapErr(getrandom::SysRng)));

/// What any party ends with: hosts an outcome, the third party nothing.
pub(crate) type Ended = Result<Option<Outcome>, ProtocolError>;

pub(crate) fn euclidean() -> Arc<dyn Metric> {
    Arc::new(metric_host::from_static(&euclidean::METRIC).expect("the linked plugin is sound"))
}

pub(crate) fn manhattan() -> Arc<dyn Metric> {
    Arc::new(metric_host::from_static(&manhattan::METRIC).expect("the linked plugin is sound"))
}

/// A plan for these hosts with everything shown and usual settings.
pub(crate) fn plan(hosts: &[RawRows], k: usize) -> Plan {
    Plan {
        hosts: hosts.len(),
        privacy: Privacy::Open,
        rows: hosts.iter().map(|rows| rows.rows().next_multiple_of(64) as u64).collect(),
        min_cluster_rows: vec![1; hosts.len()],
        dim: hosts[0].dim(),
        k,
        starts: 2,
        seed: 7,
        max_rounds: 30,
        tolerance: 0.0,
        normalise: Normalise::ZScore,
        missing: Missing::Fail,
        reveal_sizes: true,
        reveal_inertia: true,
        key_bits: 1024,
        resume: None,
    }
}

/// The same run for the plaintext reference.
pub(crate) fn parameters(plan: &Plan) -> Parameters {
    Parameters {
        k: plan.k,
        starts: plan.starts,
        seed: plan.seed,
        max_rounds: plan.max_rounds,
        tolerance: plan.tolerance,
        normalise: plan.normalise.clone(),
        missing: plan.missing,
    }
}

/// What is played.
#[derive(Clone, Copy)]
pub(crate) struct Play<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) hosts: &'a [RawRows],
    pub(crate) metric: &'a dyn Metric,
    pub(crate) key: &'a SecretKey,
    /// Told of every host's progress.
    pub(crate) observer: &'a (dyn Fn(PartyId, Place) + Send + Sync),
    /// What each host goes on from, if the plan resumes.
    pub(crate) resume: &'a [Checkpoint],
    /// Given what hosts keep.
    pub(crate) keep: &'a (dyn Fn(PartyId, &Checkpoint) + Send + Sync),
}

impl<'a> Play<'a> {
    /// Nobody looks on.
    pub(crate) fn new(plan: &'a Plan, hosts: &'a [RawRows], metric: &'a dyn Metric) -> Self {
        Play { plan, hosts, metric, key: &KEY, observer: &|_, _| {}, resume: &[], keep: &|_, _| {} }
    }

    /// Runs all roles. As a daemon does, a party that fails tells all others whom to blame.
    pub(crate) fn run(self, mut world: World<'a, Ended>) -> Report<Ended> {
        let Play { plan, hosts, metric, key, observer, resume, keep } = self;
        for party in world.parties() {
            world.play(party, async move |mut links: Links| {
                let handles = links.abort_handles();
                let reached = Mutex::new(Place { step: Step::Setup, round: 0 });
                let progress = |place| {
                    *reached.lock().expect("nobody panics with it") = place;
                    observer(party, place);
                };
                let keep = |checkpoint: &Checkpoint| keep(party, checkpoint);
                let input = || {
                    let host = usize::from(party.0);
                    let (rows, resume) = (&hosts[host], resume.get(host).cloned());
                    let min_cluster_rows = plan.min_cluster_rows[host];
                    HostInput { rows, metric, min_cluster_rows, progress: &progress, resume, keep: &keep }
                };
                match party {
                    PartyId::LEAD => {
                        let mut links = LeadLinks {
                            second: links.take(PartyId::SECOND),
                            third: links.take(PartyId::THIRD_PARTY),
                            contributors: links.take_contributors(),
                        };
                        let ended = protocol::lead(plan, input(), &mut links).await.map(Some);
                        tell(&handles, party, &reached, &ended);
                        ended
                    }
                    PartyId::SECOND => {
                        let mut links = SecondLinks {
                            lead: links.take(PartyId::LEAD),
                            third: links.take(PartyId::THIRD_PARTY),
                        };
                        let ended = protocol::second(plan, input(), &mut links).await.map(Some);
                        tell(&handles, party, &reached, &ended);
                        ended
                    }
                    PartyId::THIRD_PARTY => {
                        let mut links = ThirdPartyLinks {
                            lead: links.take(PartyId::LEAD),
                            second: links.take(PartyId::SECOND),
                            contributors: links.take_contributors(),
                        };
                        let ended = protocol::third_party(plan, key, &mut links).await.map(|_| None);
                        tell(&handles, party, &reached, &ended);
                        ended
                    }
                    PartyId(_) => {
                        let (mut lead, mut third) =
                            (links.take(PartyId::LEAD), links.take(PartyId::THIRD_PARTY));
                        let ended = protocol::contributor(plan, party, input(), &mut lead, &mut third)
                            .await
                            .map(Some);
                        tell(&handles, party, &reached, &ended);
                        ended
                    }
                }
            });
        }
        world.run()
    }
}

/// Plays `plan` in `world`.
pub(crate) fn play<'a>(
    world: World<'a, Ended>,
    plan: &'a Plan,
    hosts: &'a [RawRows],
    metric: &'a dyn Metric,
) -> Report<Ended> {
    Play::new(plan, hosts, metric).run(world)
}

/// Gives up on all links if the role failed. The links must not have been dropped yet.
fn tell(handles: &[AbortHandle], me: PartyId, reached: &Mutex<Place>, ended: &Ended) {
    if let Err(error) = ended {
        let blame = error.blame(me, *reached.lock().expect("nobody panics with it"));
        handles.iter().for_each(|handle| handle.abort(blame.clone()));
    }
}

/// What the plaintext reference of the plan's mode gives.
pub(crate) fn expected(plan: &Plan, hosts: &[RawRows], metric: &dyn Metric) -> reference::Outcome {
    match plan.privacy {
        Privacy::Open => reference::run(hosts, &parameters(plan), metric),
        Privacy::Sealed(form) => sealed::run(hosts, form, &parameters(plan), metric),
    }
    .expect("the reference runs")
}

/// Rows of attributes `a0, a1, …`.
pub(crate) fn rows(dim: usize, values: Vec<f64>) -> RawRows {
    RawRows { attributes: (0..dim).map(|i| format!("a{i}")).collect(), values }
}

/// Which clusters a run of the plan's mode withholds, by what the reference gives.
pub(crate) fn withheld(plan: &Plan, expected: &reference::Outcome) -> Vec<bool> {
    let (k, least) = (plan.k, &plan.min_cluster_rows);
    match plan.privacy {
        Privacy::Sealed(_) => sealed::withheld(&expected.last_round, &expected.labels, k, least),
        Privacy::Open => {
            let counted = |labels: &[u32], cluster| labels.iter().filter(|&&label| label == cluster).count();
            let few = |(labels, least): (&Vec<u32>, &u64), cluster| {
                (1..*least).contains(&(counted(labels, cluster) as u64))
            };
            (0..k as u32).map(|j| expected.labels.iter().zip(least).any(|host| few(host, j))).collect()
        }
    }
}

/// Plays the run and holds every host's outcome against the reference, bit for bit.
pub(crate) fn assert_equals_reference(plan: &Plan, hosts: &[RawRows], metric: &dyn Metric) {
    let report = play(World::new(hosts.len() as u8), plan, hosts, metric);
    assert_reported(&report, plan, hosts, metric);
}

/// Holds every host's outcome against the reference, bit for bit: what is withheld as well.
pub(crate) fn assert_reported(report: &Report<Ended>, plan: &Plan, hosts: &[RawRows], metric: &dyn Metric) {
    let expected = expected(plan, hosts, metric);
    let withheld = withheld(plan, &expected);
    let whole = plan.privacy == Privacy::Open || !withheld.contains(&true);
    let shown = |(centre, &withheld): (&[i64], &bool)| (!withheld).then(|| centre.to_vec());
    let centres: Vec<_> = expected.centres.chunks(plan.dim).zip(&withheld).map(shown).collect();
    for (host, expected_labels) in expected.labels.iter().enumerate() {
        let outcome = match report.result(PartyId(host as u8)) {
            Ok(Some(outcome)) => outcome,
            other => panic!("host {host}: {:?}", other.as_ref().err()),
        };
        assert_eq!(outcome.scale, expected.scale, "host {host}");
        assert_eq!(outcome.centres, centres, "host {host}");
        assert_eq!((outcome.rounds, outcome.converged), (expected.rounds, expected.converged), "host {host}");
        assert_eq!(&outcome.labels, expected_labels, "host {host}");
        let (sizes, inertia) = (plan.reveal_sizes && whole, plan.reveal_inertia && whole);
        assert_eq!(outcome.sizes.as_ref(), sizes.then_some(&expected.sizes), "host {host}");
        assert_eq!(outcome.inertia, inertia.then_some(expected.inertia), "host {host}");
    }
    assert!(report.result(PartyId::THIRD_PARTY).is_ok());
}
