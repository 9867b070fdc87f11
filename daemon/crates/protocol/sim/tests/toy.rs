//! A toy protocol of two messages: the lead sends numbers, the second answers with their sum.

use std::time::Duration;

use protocol::{Lead, Link, LinkError, Message, PartyId, Place, Second, SentBy, SentTo, Step};
use serde::{Deserialize, Serialize};
use sim::{Fault, Outcome, Report, Site, World};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Numbers(Vec<u64>);
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sum(u64);

impl Message for Numbers {
    const NAME: &'static str = "Numbers";
    const KIND: u16 = 901;
}
impl SentBy<Lead> for Numbers {}
impl SentTo<Second> for Numbers {}

impl Message for Sum {
    const NAME: &'static str = "Sum";
    const KIND: u16 = 902;
}
impl SentBy<Second> for Sum {}
impl SentTo<Lead> for Sum {}

const PLACE: Place = Place { step: Step::Round, round: 3 };

async fn lead(second: &mut impl Link<Lead, Second>, numbers: &[u64]) -> Result<u64, LinkError> {
    second.send(PLACE, &Numbers(numbers.to_vec())).await?;
    let Sum(sum) = second.receive(PLACE, 8).await?;
    Ok(sum)
}

async fn second(lead: &mut impl Link<Second, Lead>, count: usize) -> Result<u64, LinkError> {
    let Numbers(numbers) = lead.receive(PLACE, 8 + 8 * count).await?;
    let sum = numbers.iter().fold(0, |sum: u64, n| sum.wrapping_add(*n));
    lead.send(PLACE, &Sum(sum)).await?;
    Ok(sum)
}

type Ending = Result<u64, LinkError>;

fn run<'a>(mut world: World<'a, Ending>, numbers: &'a [u64]) -> Report<Ending> {
    world.play(PartyId::LEAD, async move |mut links| lead(&mut links.take(PartyId::SECOND), numbers).await);
    world.play(PartyId::SECOND, async move |mut links| {
        second(&mut links.take(PartyId::LEAD), numbers.len()).await
    });
    for idle in world.parties().into_iter().skip(2) {
        world.play(idle, async |_| Ok(0));
    }
    world.run()
}

fn numbers() -> Site {
    Site::sends(PartyId::LEAD).at(PLACE).message::<Numbers>()
}

#[test]
fn the_parties_agree() {
    let report = run(World::new(2), &[1, 2, 3]);
    assert_eq!(report.result(PartyId::LEAD), &Ok(6));
    assert_eq!(report.result(PartyId::SECOND), &Ok(6));
    assert_eq!(report.elapsed(), Duration::ZERO);
}

#[test]
fn a_message_of_many_frames_arrives() {
    let many: Vec<u64> = (0..500_000).collect();
    let report = run(World::new(2).record(), &many);
    assert_eq!(report.result(PartyId::LEAD), &Ok(499_999 * 250_000));
    assert_eq!(report.transcript(PartyId::SECOND)[0].payload.len(), 8 + 8 * many.len());
}

#[test]
fn transcripts_hold_what_each_party_received() {
    let report = run(World::new(3).record(), &[7, 8]);
    let [received] = report.transcript(PartyId::SECOND) else { panic!("one message") };
    assert_eq!((received.from, received.place, received.message), (PartyId::LEAD, PLACE, Numbers::KIND));
    let words: Vec<u64> =
        received.payload.chunks(8).map(|w| u64::from_le_bytes(w.try_into().unwrap())).collect();
    assert_eq!(words, [2, 7, 8]);
    let from_second: Vec<_> = report.transcript_from(PartyId::LEAD, PartyId::SECOND).collect();
    assert_eq!(from_second[0].payload, 15u64.to_le_bytes());
    assert!(report.transcript(PartyId::THIRD_PARTY).is_empty());
    let sent: u64 = report.traffic(PartyId::LEAD).iter().map(|count| count.messages).sum();
    assert_eq!(sent, 2, "one sent, one received");
}

#[test]
fn a_killed_party_closes_its_links() {
    let report = run(World::new(2).fault(numbers(), Fault::Kill), &[1]);
    assert_eq!(report.outcome(PartyId::LEAD), &Outcome::Killed);
    assert_eq!(report.result(PartyId::SECOND), &Err(LinkError::Closed));
    assert_eq!(report.struck(0), 1);
}

#[test]
fn a_party_killed_on_receipt_closes_its_links() {
    let site = Site::receives(PartyId::SECOND).peer(PartyId::LEAD).step(Step::Round).round(3);
    let report = run(World::new(2).fault(site, Fault::Kill), &[1]);
    assert_eq!(report.outcome(PartyId::SECOND), &Outcome::Killed);
    assert_eq!(report.result(PartyId::LEAD), &Err(LinkError::Closed));
}

#[test]
fn a_hung_party_is_found_out_by_its_silence() {
    let report = run(World::new(2).timeout(Duration::from_secs(120)).fault(numbers(), Fault::Hang), &[1]);
    assert_eq!(report.outcome(PartyId::LEAD), &Outcome::Hung);
    assert_eq!(report.result(PartyId::SECOND), &Err(LinkError::Timeout { seconds: 120 }));
    assert!((120..240).contains(&report.elapsed().as_secs()), "{:?}", report.elapsed());
}

#[test]
fn garbage_is_refused() {
    for seed in 0..50 {
        let report = run(World::new(2).seed(seed).fault(numbers(), Fault::Garbage), &[1]);
        let error = report.result(PartyId::SECOND).as_ref().unwrap_err();
        assert!(
            matches!(error, LinkError::Malformed { .. } | LinkError::Unexpected { .. }),
            "seed {seed}: {error:?}"
        );
        // The lead's own message never arrived; it hears that the second closed.
        assert_eq!(report.result(PartyId::LEAD), &Err(LinkError::Closed), "seed {seed}");
    }
}

#[test]
fn a_tampered_byte_changes_the_value_or_breaks_the_message() {
    let report = run(World::new(2).fault(numbers(), Fault::Tamper { byte: 8 }), &[10]);
    assert_eq!(report.result(PartyId::SECOND), &Ok(11));
    let report = run(World::new(2).fault(numbers(), Fault::Tamper { byte: 0 }), &[10]);
    assert!(matches!(report.result(PartyId::SECOND), Err(LinkError::Malformed { .. })));
}

#[test]
fn a_replaced_message_is_taken_for_the_real_one() {
    let forged = Fault::replace(&Numbers(vec![40]));
    let report = run(World::new(2).fault(numbers(), forged), &[2]);
    assert_eq!(report.result(PartyId::LEAD), &Ok(40));
    let longer = Fault::replace(&Numbers(vec![1, 2, 3]));
    let report = run(World::new(2).fault(numbers(), longer), &[2]);
    assert_eq!(report.result(PartyId::SECOND), &Err(LinkError::TooLong { len: 32, limit: 16 }));
}

#[test]
fn a_slow_party_is_waited_for_until_the_step_limit() {
    let slow = |minutes: u64| {
        let delay = Fault::Delay(Duration::from_secs(60 * minutes));
        run(World::new(2).step_limit(Duration::from_secs(600)).fault(numbers(), delay), &[5])
    };
    let report = slow(9);
    assert_eq!(report.result(PartyId::LEAD), &Ok(5));
    assert_eq!(report.elapsed(), Duration::from_secs(540));
    let report = slow(11);
    assert_eq!(report.result(PartyId::SECOND), &Err(LinkError::Timeout { seconds: 600 }));
}

#[test]
fn other_places_are_left_alone() {
    let elsewhere = numbers().round(4);
    let report = run(World::new(2).fault(elsewhere, Fault::Kill), &[1]);
    assert_eq!(report.result(PartyId::LEAD), &Ok(1));
    assert_eq!(report.struck(0), 0);
}
