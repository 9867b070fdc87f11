//! Whatever happens to any message, every living party ends in time, knows whom to blame, and nobody panics.

mod play;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use kmeans::Metric;
use kmeans::fixed::sealed::Form;
use kmeans::fixed::{Normalise, RawRows};
use play::{Ended, assert_reported, euclidean, plan, play, rows};
use protocol::message::{
    Contribution, Corrections, Key, LabelShare, Layer, Masked, MaskedLabels, MaskedRows, MaskedTotal, Opened,
    Opening, Proceed, RowShare, TotalShare, TripleSeed,
};
use protocol::{Blame, Cause, Message, PartyId, Place, Plan, Privacy, ProtocolError, Step};
use sim::{Fault, Outcome, Received, Report, Site, World};

const TIMEOUT: Duration = Duration::from_secs(30);
const STEP_LIMIT: Duration = Duration::from_secs(3600);

/// A run with every operation in it: growth with a choice, several starts, all that can be shown.
struct Scene {
    plan: Plan,
    hosts: Vec<RawRows>,
    metric: Arc<dyn Metric>,
    /// One message of every kind at every place that has code of its own, from every party to every other.
    messages: Vec<(PartyId, Received)>,
    /// After the last place some parties have ended well before others fail.
    last: Place,
}

impl Scene {
    fn open(hosts: usize, normalise: Normalise) -> Self {
        Self::new(hosts, |plan| Plan { normalise: normalise.clone(), ..plan })
    }

    fn sealed(hosts: usize) -> Self {
        let privacy = Privacy::Sealed(Form::SquaredEuclid);
        Self::new(hosts, |plan| Plan { privacy, normalise: Normalise::None, k: 2, starts: 1, ..plan })
    }

    fn new(hosts: usize, change: impl Fn(Plan) -> Plan) -> Self {
        let all = [rows(1, vec![1.0, 2.0, 9.0]), rows(1, vec![1.5, 8.0]), rows(1, vec![30.0, 31.0, 32.0])];
        let hosts = all[..hosts].to_vec();
        let plan = change(Plan { max_rounds: 2, ..plan(&hosts, 3) });
        let report = play(World::new(hosts.len() as u8).record(), &plan, &hosts, &*euclidean());
        assert_reported(&report, &plan, &hosts, &*euclidean());
        let parties = (0..hosts.len() as u8).map(PartyId).chain([PartyId::THIRD_PARTY]);
        let all = parties.flat_map(|to| report.transcript(to).iter().map(move |r| (to, r.clone())));
        let mut seen = BTreeSet::new();
        let mut messages: Vec<_> = all
            .filter(|(to, r)| seen.insert((*to, r.from, r.place.step, r.place.round, r.message)))
            .collect();
        let last = messages.iter().map(|(_, r)| r.place).max_by_key(|place| (place.step, place.round));
        if plan.privacy == Privacy::Open {
            // Of the start's rounds, which are alike, the first stands for all; 7 is the choice of the costliest
            // cluster, 12 that of the best start.
            messages.retain(|(_, r)| r.place.step != Step::Start || [1, 7, 12].contains(&r.place.round));
        }
        Scene { plan, hosts, metric: euclidean(), messages, last: last.expect("a run has messages") }
    }

    /// One message of each kind between each two parties, with other places among them for another `turn`.
    fn one_of_each(&self, turn: usize) -> Vec<(PartyId, Received)> {
        let mut places: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (to, received) in &self.messages {
            places.entry((*to, received.from, received.message)).or_default().push((*to, received.clone()));
        }
        let turned = places.into_values().enumerate();
        turned.map(|(index, places)| places[(index + turn) % places.len()].clone()).collect()
    }

    fn run(&self, site: Site, fault: Fault) -> Report<Ended> {
        let world =
            World::new(self.hosts.len() as u8).timeout(TIMEOUT).step_limit(STEP_LIMIT).fault(site, fault);
        play(world, &self.plan, &self.hosts, &*self.metric)
    }

    fn parties(&self) -> impl Iterator<Item = PartyId> + use<> {
        (0..self.hosts.len() as u8).map(PartyId).chain([PartyId::THIRD_PARTY])
    }

    /// Every living party blames `culprit`; who had nothing left to wait for may have ended well.
    fn assert_blamed(&self, what: &str, report: &Report<Ended>, at: Place, culprit: PartyId, cause: Cause) {
        for party in self.parties() {
            match report.outcome(party) {
                Outcome::Killed | Outcome::Hung => assert_eq!(party, culprit, "{what}"),
                Outcome::Done(Ok(_)) => assert_eq!(at, self.last, "{what}: {party:?} noticed nothing"),
                Outcome::Done(Err(error)) => {
                    let Blame { party: blamed, cause: found, .. } = error.blame(party, at);
                    assert_eq!((blamed, found), (culprit, cause), "{what}: {party:?} says {error}");
                }
            }
        }
        assert!(report.elapsed() <= 2 * TIMEOUT, "{what}: took {:?}", report.elapsed());
    }

    /// A fault of the sender at each of `messages`; `make` gives it from the honest message.
    fn strike_senders(
        &self,
        name: &str,
        messages: &[(PartyId, Received)],
        cause: Cause,
        make: impl Fn(&Received) -> Fault,
    ) {
        for (to, received) in messages {
            let site = site_of(*to, received);
            let what = format!(
                "{name}: {} from {:?} to {to:?} at {:?}",
                kind(received),
                received.from,
                received.place
            );
            let report = self.run(site, make(received));
            assert!(report.struck(0) > 0, "{what}: did not strike");
            self.assert_blamed(&what, &report, received.place, received.from, cause);
            // The receiver of a message that never came cannot have ended well.
            if let Outcome::Done(ended) = report.outcome(*to) {
                assert!(ended.is_err(), "{what}: {to:?} went on without it");
            }
        }
    }

    /// A fault of the receiver at one message of each kind.
    fn strike_receivers(&self, name: &str, turn: usize, fault: &Fault) {
        for (to, received) in &self.one_of_each(turn) {
            let site =
                Site::receives(*to).at(received.place).peer(received.from).message_number(received.message);
            let what = format!("{name}: {to:?} on receiving {} at {:?}", kind(received), received.place);
            let report = self.run(site, fault.clone());
            assert!(report.struck(0) > 0, "{what}: did not strike");
            assert!(!matches!(report.outcome(*to), Outcome::Done(_)), "{what}");
            self.assert_blamed(&what, &report, received.place, *to, Cause::Unreachable);
        }
    }

    /// A turned bit may go unnoticed in memory (on real links TLS refuses it); the run ends in any case.
    fn tamper(&self, turn: usize, byte: impl Fn(usize) -> usize) {
        for (to, received) in &self.one_of_each(turn) {
            let byte = byte(received.payload.len());
            let what = format!("byte {byte} of {} to {to:?} at {:?}", kind(received), received.place);
            let report = self.run(site_of(*to, received), Fault::Tamper { byte });
            assert!(report.struck(0) > 0, "{what}: did not strike");
            for party in self.parties() {
                if let Err(error) = report.result(party) {
                    assert!(!matches!(error, ProtocolError::Defect(_)), "{what}: {party:?} says {error}");
                }
            }
            assert!(report.elapsed() <= 2 * TIMEOUT, "{what}: took {:?}", report.elapsed());
        }
    }
}

fn site_of(to: PartyId, received: &Received) -> Site {
    Site::sends(received.from).at(received.place).peer(to).message_number(received.message)
}

fn kind(received: &Received) -> &'static str {
    macro_rules! name {
        ($($message:ident),+) => {
            match received.message {
                $($message::KIND => $message::NAME,)+
                other => panic!("message {other} is in no table"),
            }
        };
    }
    name!(
        Key,
        TripleSeed,
        Contribution,
        MaskedTotal,
        TotalShare,
        Corrections,
        Layer,
        Opening,
        Opened,
        Proceed,
        MaskedRows,
        Masked,
        RowShare,
        LabelShare,
        MaskedLabels
    )
}

/// The honest message, with `more` elements more than it has; what has a fixed length is cut or lengthened by a byte.
fn relengthened(received: &Received, more: i64) -> Fault {
    let Fault::Replace { encoded } = Fault::replace(&Proceed { more: true }) else {
        unreachable!("a replacement")
    };
    let mut encoded = encoded[..1].to_vec();
    let payload = &received.payload;
    let element = match received.message {
        TripleSeed::KIND | Proceed::KIND => 0,
        Key::KIND | Contribution::KIND | MaskedTotal::KIND => 1,
        _ => 8,
    };
    if element > 0 {
        let count = u64::from_le_bytes(payload[..8].try_into().expect("a length"));
        encoded.extend(count.wrapping_add_signed(more).to_le_bytes());
        encoded.extend(&payload[8..]);
    } else {
        encoded.extend(payload);
    }
    let len = encoded.len() as i64 + more * (element as i64).max(1);
    encoded.resize(len as usize, 1);
    Fault::Replace { encoded }
}

static TWO: LazyLock<Scene> = LazyLock::new(|| Scene::open(2, Normalise::None));
static THREE: LazyLock<Scene> = LazyLock::new(|| Scene::open(3, Normalise::None));
static THREE_SEALED: LazyLock<Scene> = LazyLock::new(|| Scene::sealed(3));

#[test]
fn every_party_killed_at_every_place() {
    THREE.strike_senders("killed", &THREE.messages, Cause::Unreachable, |_| Fault::Kill);
}

#[test]
fn every_party_killed_or_garbled_while_normalising() {
    let scene = Scene::open(3, Normalise::ZScore);
    let messages: Vec<_> =
        scene.messages.iter().filter(|(_, r)| r.place.step == Step::Normalise).cloned().collect();
    scene.strike_senders("killed", &messages, Cause::Unreachable, |_| Fault::Kill);
    scene.strike_senders("garbage", &messages, Cause::Misbehaved, |_| Fault::Garbage);
}

macro_rules! for_hosts {
    ($($name:ident: $scene:ident, $kinds:literal kinds;)+) => {$(
        mod $name {
            use super::*;

            #[test]
            fn every_kind_of_message_is_sent() {
                let seen: BTreeSet<_> = $scene.messages.iter().map(|(_, r)| r.message).collect();
                assert_eq!(seen.len(), $kinds, "{seen:?}");
            }

            #[test]
            fn killed() {
                $scene.strike_senders("killed", &$scene.one_of_each(0), Cause::Unreachable, |_| Fault::Kill);
                $scene.strike_receivers("killed", 1, &Fault::Kill);
            }

            #[test]
            fn hanging() {
                $scene.strike_senders("hangs", &$scene.one_of_each(2), Cause::Unreachable, |_| Fault::Hang);
                $scene.strike_receivers("hangs", 3, &Fault::Hang);
            }

            #[test]
            fn garbage() {
                let messages = $scene.one_of_each(4);
                $scene.strike_senders("garbage", &messages, Cause::Misbehaved, |_| Fault::Garbage);
            }

            #[test]
            fn wrong_lengths() {
                for (turn, more) in [(5, -1), (6, 1)] {
                    let messages = $scene.one_of_each(turn);
                    let what = format!("{more} elements more");
                    $scene.strike_senders(&what, &messages, Cause::Misbehaved, |r| relengthened(r, more));
                }
            }

            #[test]
            fn turned_bits() {
                $scene.tamper(7, |len| len - 1);
                $scene.tamper(8, |len| len / 2);
            }
        }
    )+};
}

for_hosts! {
    two_hosts: TWO, 9 kinds;
    three_hosts: THREE, 10 kinds;
    three_hosts_sealed: THREE_SEALED, 15 kinds;
}

#[test]
fn a_slow_party_is_waited_for() {
    let slow = Fault::Delay(Duration::from_secs(600));
    let report = THREE.run(Site::sends(PartyId::SECOND).message::<Contribution>(), slow);
    assert!(report.struck(0) > 10);
    assert_reported(&report, &THREE.plan, &THREE.hosts, &*THREE.metric);
}
