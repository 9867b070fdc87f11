//! Whatever happens to any message, every living party ends in time, knows whom to blame, and nobody panics.

mod play;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kmeans::Metric;
use kmeans::fixed::RawRows;
use play::{Ended, assert_reported, euclidean, plan, play, rows};
use protocol::message::{
    Contribution, Corrections, Key, Layer, MaskedTotal, Opened, Opening, Proceed, TotalShare, TripleSeed,
};
use protocol::{Blame, Cause, Message, PartyId, Place, Plan, ProtocolError, Step};
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
    fn new(hosts: usize) -> Self {
        let all = [rows(1, vec![1.0, 2.0, 9.0]), rows(1, vec![1.5, 8.0]), rows(1, vec![30.0, 31.0, 32.0])];
        let hosts = all[..hosts].to_vec();
        let plan = Plan { max_rounds: 2, ..plan(&hosts, 3) };
        let report = play(World::new(hosts.len() as u8).record(), &plan, &hosts, &*euclidean());
        assert_reported(&report, &plan, &hosts, &*euclidean());
        let parties = (0..hosts.len() as u8).map(PartyId).chain([PartyId::THIRD_PARTY]);
        let all =
            parties.flat_map(|to| report.transcript(to).iter().map(move |received| (to, received.clone())));
        let mut seen = BTreeSet::new();
        let mut messages: Vec<_> = all
            .filter(|(to, received)| {
                let Place { step, round } = received.place;
                seen.insert((*to, received.from, step, round, received.message))
            })
            .collect();
        let last = messages.iter().map(|(_, received)| received.place).max_by_key(|p| (p.step, p.round));
        // Of the start's rounds, which are alike, the first stands for all.
        messages.retain(|(_, r)| r.place.step != Step::Start || [1, 6, 11].contains(&r.place.round));
        Scene { plan, hosts, metric: euclidean(), messages, last: last.expect("a run has messages") }
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

    /// A fault of the sender at every message; `make` gives it from the honest message.
    fn strike_senders(&self, name: &str, cause: Cause, make: impl Fn(&Received) -> Fault) {
        for (to, received) in &self.messages {
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

    /// A fault of the receiver at every message.
    fn strike_receivers(&self, name: &str, fault: &Fault) {
        for (to, received) in &self.messages {
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
    fn tamper(&self, byte: impl Fn(usize) -> usize) {
        for (to, received) in &self.messages {
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
        Proceed
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

macro_rules! for_hosts {
    ($($name:ident: $hosts:literal),+) => {$(
        mod $name {
            use super::*;

            #[test]
            fn every_message_is_in_the_table() {
                let seen: BTreeSet<_> = Scene::new($hosts).messages.iter().map(|(_, r)| r.message).collect();
                let further = if $hosts > 2 { 10 } else { 9 };
                assert_eq!(seen.len(), further, "{seen:?}");
            }

            #[test]
            fn killed_senders() {
                Scene::new($hosts).strike_senders("killed", Cause::Unreachable, |_| Fault::Kill);
            }

            #[test]
            fn hanging_senders() {
                Scene::new($hosts).strike_senders("hangs", Cause::Unreachable, |_| Fault::Hang);
            }

            #[test]
            fn killed_receivers() {
                Scene::new($hosts).strike_receivers("killed", &Fault::Kill);
            }

            #[test]
            fn hanging_receivers() {
                Scene::new($hosts).strike_receivers("hangs", &Fault::Hang);
            }

            #[test]
            fn garbage() {
                Scene::new($hosts).strike_senders("garbage", Cause::Misbehaved, |_| Fault::Garbage);
            }

            #[test]
            fn too_short() {
                Scene::new($hosts).strike_senders("short", Cause::Misbehaved, |r| relengthened(r, -1));
            }

            #[test]
            fn too_long() {
                Scene::new($hosts).strike_senders("long", Cause::Misbehaved, |r| relengthened(r, 1));
            }

            #[test]
            fn tampered_values() {
                Scene::new($hosts).tamper(|len| len - 1);
                Scene::new($hosts).tamper(|len| len / 2);
            }
        }
    )+};
}

for_hosts!(two_hosts: 2, three_hosts: 3);
