//! What a run has cost so far, over all its sessions: time by step, traffic by step, party and direction.

use std::collections::BTreeMap;
use std::sync::Arc;

use control::facts::LinkTraffic;
use protocol::{PartyId, Place, Step};
use serde::{Deserialize, Serialize};
use transport::{Count, Direction, Meter};

use super::descriptor::Invitation;
use super::phases::Phases;

/// Time and traffic of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Costs {
    /// By step.
    pub(crate) seconds: BTreeMap<String, f64>,
    traffic: Vec<Count>,
}

/// The costs of a session that goes on, with those of the sessions before it.
pub(crate) struct Spent {
    earlier: Costs,
    meter: Arc<Meter>,
    phases: Phases,
}

impl Spent {
    /// Begins to count.
    pub(crate) fn begin(earlier: Costs, meter: Arc<Meter>, phases: Phases) -> Self {
        Spent { earlier, meter, phases }
    }

    /// The run is now at `place`.
    pub(crate) fn enter(&self, place: Place) {
        self.phases.enter(place);
    }

    /// Where the run is.
    pub(crate) fn place(&self) -> Place {
        self.phases.place()
    }

    /// Bytes of a step in this session, over all links and directions.
    pub(crate) fn bytes_of(&self, step: Step) -> u64 {
        self.meter.snapshot().iter().filter(|count| count.step == step).map(|count| count.bytes).sum()
    }

    /// The last step that anything was sent in.
    pub(crate) fn last_step(&self) -> Option<Step> {
        self.meter.snapshot().iter().map(|count| count.step).max()
    }

    /// All up to now.
    pub(crate) fn total(&self) -> Costs {
        let mut total = self.earlier.clone();
        for (step, seconds) in self.phases.so_far() {
            *total.seconds.entry(step).or_default() += seconds;
        }
        for count in self.meter.snapshot() {
            let same = |known: &&mut Count| {
                (known.step, known.peer, known.direction) == (count.step, count.peer, count.direction)
            };
            match total.traffic.iter_mut().find(same) {
                Some(known) => {
                    known.messages += count.messages;
                    known.bytes += count.bytes;
                }
                None => total.traffic.push(count),
            }
        }
        total
    }
}

impl Costs {
    /// Bytes by step, over all links and directions.
    pub(crate) fn bytes(&self) -> BTreeMap<String, u64> {
        self.bytes_of(|_| true)
    }

    /// Messages over all links and directions.
    pub(crate) fn messages(&self) -> u64 {
        self.messages_of(|_| true)
    }

    /// The traffic by the party at the other end, in the order of the run's parties.
    pub(crate) fn links(&self, invitation: &Invitation) -> Vec<LinkTraffic> {
        let link = |peer: PartyId, name: &str| {
            let is = |direction| move |count: &&Count| count.peer == peer && count.direction == direction;
            LinkTraffic {
                peer: name.to_owned(),
                sent_bytes: self.bytes_of(is(Direction::Sent)),
                received_bytes: self.bytes_of(is(Direction::Received)),
                sent_messages: self.messages_of(is(Direction::Sent)),
                received_messages: self.messages_of(is(Direction::Received)),
            }
        };
        let used = |peer: PartyId| self.traffic.iter().any(|count| count.peer == peer);
        let parties = invitation.parties().into_iter().filter(|(party, _)| used(*party));
        parties.map(|(party, member)| link(party, &member.name)).collect()
    }

    fn bytes_of(&self, of: impl Fn(&&Count) -> bool) -> BTreeMap<String, u64> {
        let mut bytes: BTreeMap<Step, u64> = BTreeMap::new();
        for count in self.traffic.iter().filter(of) {
            *bytes.entry(count.step).or_default() += count.bytes;
        }
        bytes.into_iter().map(|(step, bytes)| (step.name().to_owned(), bytes)).collect()
    }

    fn messages_of(&self, of: impl Fn(&&Count) -> bool) -> u64 {
        self.traffic.iter().filter(of).map(|count| count.messages).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::descriptor::tests::descriptor;
    use super::*;

    fn count(step: Step, peer: PartyId, direction: Direction, bytes: u64) -> Count {
        Count { step, peer, direction, messages: 1, bytes }
    }

    #[test]
    fn costs_are_told_by_step_and_by_link() {
        let traffic = vec![
            count(Step::Setup, PartyId::THIRD_PARTY, Direction::Received, 5),
            count(Step::Round, PartyId::SECOND, Direction::Sent, 7),
            count(Step::Round, PartyId::SECOND, Direction::Received, 11),
            count(Step::Round, PartyId::THIRD_PARTY, Direction::Sent, 13),
        ];
        let costs = Costs { seconds: BTreeMap::from([("round".into(), 1.0)]), traffic };
        let descriptor = descriptor(kmeans::fixed::Normalise::ZScore);
        assert_eq!(costs.bytes(), BTreeMap::from([("round".into(), 31), ("setup".into(), 5)]));
        assert_eq!(costs.messages(), 4);
        let links = costs.links(&descriptor.invitation);
        assert_eq!(links.iter().map(|link| link.peer.as_str()).collect::<Vec<_>>(), ["b", "t"]);
        assert_eq!(links[0].sent_bytes, BTreeMap::from([("round".into(), 7)]));
        assert_eq!(links[1].received_bytes, BTreeMap::from([("setup".into(), 5)]));
        assert_eq!((links[1].sent_messages, links[1].received_messages), (1, 1));

        // A later session adds to it.
        let spent = Spent::begin(costs.clone(), Arc::new(Meter::new()), Phases::begin());
        let total = spent.total();
        assert_eq!(total.bytes(), costs.bytes());
        assert!(total.seconds["round"] >= 1.0 && total.seconds.contains_key("setup"));
    }
}
