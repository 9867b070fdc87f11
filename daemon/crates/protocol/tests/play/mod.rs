//! Plays a whole run over the simulated network, with real keys and real plugins' metrics.

use std::sync::{Arc, LazyLock};

use kmeans::Metric;
use kmeans::fixed::reference::{self, Parameters};
use kmeans::fixed::{Missing, Normalise, RawRows};
use paillier::{KeySize, SecretKey};
use protocol::{HostInput, LeadLinks, Outcome, PartyId, Plan, ProtocolError, SecondLinks, ThirdPartyLinks};
use sim::{Report, World};

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
        rows_bound: hosts.iter().map(|rows| rows.rows().next_multiple_of(64) as u64).sum(),
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

/// Plays `plan` in `world`.
pub(crate) fn play<'a>(
    mut world: World<'a, Ended>,
    plan: &'a Plan,
    hosts: &'a [RawRows],
    metric: &'a dyn Metric,
) -> Report<Ended> {
    let input =
        |index: usize| HostInput { rows: &hosts[index], metric, min_cluster_rows: 1, progress: &|_| {} };
    for party in world.parties() {
        match party {
            PartyId::LEAD => {
                let input = input(0);
                world.play(party, async move |mut links| {
                    let mut links = LeadLinks {
                        second: links.take(PartyId::SECOND),
                        third: links.take(PartyId::THIRD_PARTY),
                        contributors: links.take_contributors(),
                    };
                    protocol::lead(plan, input, &mut links).await.map(Some)
                });
            }
            PartyId::SECOND => {
                let input = input(1);
                world.play(party, async move |mut links| {
                    let mut links = SecondLinks {
                        lead: links.take(PartyId::LEAD),
                        third: links.take(PartyId::THIRD_PARTY),
                    };
                    protocol::second(plan, input, &mut links).await.map(Some)
                });
            }
            PartyId::THIRD_PARTY => world.play(party, async move |mut links| {
                let mut links = ThirdPartyLinks {
                    lead: links.take(PartyId::LEAD),
                    second: links.take(PartyId::SECOND),
                    contributors: links.take_contributors(),
                };
                protocol::third_party(plan, &KEY, &mut links).await.map(|_| None)
            }),
            PartyId(further) => {
                let input = input(further.into());
                world.play(party, async move |mut links| {
                    let (mut lead, mut third) = (links.take(PartyId::LEAD), links.take(PartyId::THIRD_PARTY));
                    protocol::contributor(plan, input, &mut lead, &mut third).await.map(Some)
                });
            }
        }
    }
    world.run()
}

/// Rows of attributes `a0, a1, …`.
pub(crate) fn rows(dim: usize, values: Vec<f64>) -> RawRows {
    RawRows { attributes: (0..dim).map(|i| format!("a{i}")).collect(), values }
}

/// Plays the run and holds every host's outcome against the reference, bit for bit.
pub(crate) fn assert_equals_reference(plan: &Plan, hosts: &[RawRows], metric: &dyn Metric) {
    let expected = reference::run(hosts, &parameters(plan), metric).expect("the reference runs");
    let report = play(World::new(hosts.len() as u8), plan, hosts, metric);
    for (host, expected_labels) in expected.labels.iter().enumerate() {
        let outcome = match report.result(PartyId(host as u8)) {
            Ok(Some(outcome)) => outcome,
            other => panic!("host {host}: {:?}", other.as_ref().err()),
        };
        assert_eq!(outcome.scale, expected.scale, "host {host}");
        assert_eq!(outcome.centres, expected.centres, "host {host}");
        assert_eq!((outcome.rounds, outcome.converged), (expected.rounds, expected.converged), "host {host}");
        assert_eq!(&outcome.labels, expected_labels, "host {host}");
        assert_eq!(outcome.sizes.as_ref(), plan.reveal_sizes.then_some(&expected.sizes), "host {host}");
        assert_eq!(outcome.inertia, plan.reveal_inertia.then_some(expected.inertia), "host {host}");
    }
    assert!(report.result(PartyId::THIRD_PARTY).is_ok());
}
