//! What the parties receive in mode `sealed`: its shape depends on public numbers alone, everything before the reveal
//! looks uniform, and what is opened is one stop bit a round.

mod play;

use std::collections::BTreeMap;

use kmeans::Metric;
use kmeans::fixed::RawRows;
use kmeans::fixed::sealed::{self, Form};
use play::irregularity::irregularity;
use play::{Ended, Play, assert_reported, euclidean, expected, manhattan, plan, play, rows};
use protocol::message::{
    Contribution, Corrections, Key, LabelShare, Layer, Masked, MaskedLabels, MaskedRows, MaskedTotal, Opened,
    Opening, Proceed, RowShare, TotalShare, TripleSeed,
};
use protocol::{Message, PartyId, Place, Plan, Privacy, Step};
use sim::{Fault, Received, Report, Site, World};

const DIM: usize = 2;
const K: usize = 6;
const LEAD: PartyId = PartyId::LEAD;
const SECOND: PartyId = PartyId::SECOND;
const FURTHER: PartyId = PartyId(2);
const THIRD: PartyId = PartyId::THIRD_PARTY;

/// Two datasets of one shape, without groups, so that centres move for some rounds: small values in one, large and of both
/// signs in the other.
fn datasets(hosts: usize) -> [Vec<RawRows>; 2] {
    let of = |first: usize, map: fn(f64) -> f64| -> Vec<RawRows> {
        let value = |i: usize| map(((i * i % 1009 * 31 + i * 7919) % 10_007) as f64);
        let values = |host: usize| (0..150 * DIM).map(|i| value(first + 1000 * host + i)).collect();
        (0..hosts).map(|host| rows(DIM, values(host))).collect()
    };
    [of(0, |value| value / 1e4), of(50_000, |value| value * 1e6 - 5e9)]
}

fn plan_of(hosts: &[RawRows], form: Form) -> Plan {
    Plan { privacy: Privacy::Sealed(form), starts: 1, max_rounds: 2, ..plan(hosts, K) }
}

fn recorded(plan: &Plan, hosts: &[RawRows], metric: &dyn Metric) -> Report<Ended> {
    let report = play(World::new(hosts.len() as u8).record(), plan, hosts, metric);
    assert_reported(&report, plan, hosts, metric);
    report
}

fn parties(hosts: usize) -> impl Iterator<Item = PartyId> + Clone {
    (0..hosts as u8).map(PartyId).chain([THIRD])
}

fn words(received: &Received) -> Vec<u64> {
    let bytes = received.payload[8..].chunks_exact(8);
    bytes.map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes"))).collect()
}

// The shape.

#[test]
fn transcripts_have_the_same_shape_for_other_data() {
    for (form, metric) in [(Form::SquaredEuclid, euclidean()), (Form::Manhattan, manhattan())] {
        for hosts in [2, 3] {
            let shapes = datasets(hosts).map(|data| {
                let report = recorded(&plan_of(&data, form), &data, &*metric);
                let mut shape = Vec::new();
                for (to, from) in parties(hosts).flat_map(|to| parties(hosts).map(move |from| (to, from))) {
                    let entry = |r: &Received| (to, from, r.place, r.message, r.payload.len());
                    shape.extend(report.transcript_from(to, from).map(entry));
                }
                shape
            });
            assert!(
                shapes[0].iter().any(|(_, _, place, ..)| *place == Place { step: Step::Round, round: 1 })
            );
            assert_eq!(shapes[0], shapes[1], "{hosts} hosts, {form:?}");
        }
    }
}

#[test]
fn parties_receive_only_what_their_role_does() {
    let [data, _] = datasets(3);
    let report = recorded(&plan_of(&data, Form::SquaredEuclid), &data, &*euclidean());
    let of_pair = [Masked::KIND, MaskedRows::KIND, Layer::KIND, Opening::KIND, LabelShare::KIND];
    let allowed: [(PartyId, PartyId, &[u16]); 8] = [
        (THIRD, LEAD, &[MaskedTotal::KIND, Proceed::KIND]),
        (LEAD, THIRD, &[Key::KIND, TripleSeed::KIND]),
        (LEAD, SECOND, &[&of_pair[..], &[Contribution::KIND, MaskedLabels::KIND]].concat()),
        (LEAD, FURTHER, &[Contribution::KIND, RowShare::KIND]),
        (SECOND, THIRD, &[Key::KIND, TripleSeed::KIND, TotalShare::KIND, Corrections::KIND]),
        (SECOND, LEAD, &of_pair),
        (FURTHER, THIRD, &[Key::KIND, TripleSeed::KIND]),
        (FURTHER, LEAD, &[Opened::KIND, LabelShare::KIND]),
    ];
    for to in parties(3) {
        for received in report.transcript(to) {
            let pair = allowed.iter().find(|(at, from, _)| (*at, *from) == (to, received.from));
            let fits = pair.is_some_and(|(.., kinds)| kinds.contains(&received.message));
            assert!(fits, "{to:?}: message {} from {:?}", received.message, received.from);
        }
    }
}

// What is opened.

/// The opened words at every place before the reveal, as both compute parties see them; an error if they are not what the
/// mode declares there: a bit at the headcount, means and deviations, one stop bit a round.
fn openings(at_lead: &[Received], at_second: &[Received]) -> Result<Vec<(Place, Vec<u64>)>, String> {
    let of = |all: &[Received]| -> Vec<Received> {
        let early = all.iter().filter(|r| r.message == Opening::KIND && r.place.step != Step::Reveal);
        early.cloned().collect()
    };
    let (at_lead, at_second) = (of(at_lead), of(at_second));
    if at_lead.len() != at_second.len() {
        return Err("one of the two was shown more".into());
    }
    let mut opened: Vec<(Place, Vec<u64>)> = Vec::new();
    for (one, other) in at_lead.iter().zip(&at_second) {
        let words: Vec<u64> = words(one).iter().zip(words(other)).map(|(a, b)| a ^ b).collect();
        let declared = match one.place.step {
            Step::Setup | Step::Round => words.len() == 1 && words[0] <= 1,
            Step::Normalise => true,
            Step::Start | Step::Reveal => false,
        };
        let again = opened.last().is_some_and(|(place, _)| *place == one.place);
        if !declared || again || one.place != other.place {
            return Err(format!("{} words opened at {:?}", words.len(), one.place));
        }
        opened.push((one.place, words));
    }
    Ok(opened)
}

#[test]
fn one_bit_a_round_is_opened_and_it_says_whether_to_stop() {
    let metric = euclidean();
    for data in datasets(3) {
        let plan = Plan { max_rounds: 40, ..plan_of(&data, Form::SquaredEuclid) };
        let report = recorded(&plan, &data, &*metric);
        let opened = openings(report.transcript(LEAD), report.transcript(SECOND)).expect("as declared");
        let rounds = expected(&plan, &data, &*metric).rounds;
        let stops: Vec<_> = (0..rounds)
            .map(|round| (Place { step: Step::Round, round }, vec![u64::from(round + 1 == rounds)]))
            .collect();
        assert!(rounds > 1);
        assert_eq!(
            opened.iter().filter(|(place, _)| place.step == Step::Round).cloned().collect::<Vec<_>>(),
            stops
        );
        let before = opened.iter().filter(|(place, _)| place.step < Step::Round).map(|(place, _)| place.step);
        assert_eq!(before.collect::<Vec<_>>(), [Step::Setup, Step::Normalise]);
        let told = report.transcript(FURTHER).iter().filter(|r| r.message == Opened::KIND);
        let told: Vec<_> =
            told.filter(|r| r.place.step != Step::Reveal).map(|r| (r.place, words(r))).collect();
        assert_eq!(told, opened, "a further host is told just that");
    }
}

#[test]
fn an_early_opening_is_noticed() {
    let [data, _] = datasets(2);
    let report = recorded(&plan_of(&data, Form::SquaredEuclid), &data, &*euclidean());
    let honest = [LEAD, SECOND].map(|party| report.transcript(party).to_vec());
    assert!(openings(&honest[0], &honest[1]).is_ok());
    // One centre more, wherever the mode opens nothing of the kind.
    for place in [Place { step: Step::Start, round: 0 }, Place { step: Step::Round, round: 1 }] {
        let planted = honest.each_ref().map(|all| {
            let mut all = all.clone();
            let at = all.iter().rposition(|r| r.place == place).expect("a message of the place");
            let share =
                all.iter().rfind(|r| r.message == Opening::KIND && r.payload.len() == 8 + 8 * K * DIM);
            let mut share = share.expect("the final centres are opened").clone();
            share.place = place;
            all.insert(at + 1, share);
            all
        });
        assert!(openings(&planted[0], &planted[1]).is_err(), "{place:?}");
    }
}

// Uniformity.

/// Bytes in the clear are looked at message by message from this many words on.
const ENOUGH: usize = 10;

/// What does not look uniform of all that each party received masked: by party, kind and step, by place, and by message.
fn irregularities(report: &Report<Ended>, hosts: usize) -> Vec<String> {
    let mut all: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for to in parties(hosts) {
        for (index, received) in report.transcript(to).iter().enumerate() {
            let masked = [
                (Masked::KIND, Masked::NAME),
                (MaskedRows::KIND, MaskedRows::NAME),
                (RowShare::KIND, RowShare::NAME),
                (MaskedLabels::KIND, MaskedLabels::NAME),
                (Layer::KIND, Layer::NAME),
                (Corrections::KIND, Corrections::NAME),
                (TotalShare::KIND, TotalShare::NAME),
            ];
            let Some((_, name)) = masked.into_iter().find(|(kind, _)| *kind == received.message) else {
                continue;
            };
            let elements: Vec<Vec<u8>> = received.payload[8..].chunks_exact(8).map(<[u8]>::to_vec).collect();
            let (step, round) = (received.place.step.name(), received.place.round);
            let mut names = vec![format!("{to:?} {name} {step}"), format!("{to:?} {name} {step} {round}")];
            if elements.len() >= ENOUGH {
                names.push(format!("{to:?} {name} {step} {round} message {index}"));
            }
            for name in names {
                all.entry(name).or_default().extend(elements.iter().cloned());
            }
        }
    }
    assert!(all.values().map(Vec::len).max() > Some(5000), "enough to tell");
    all.iter()
        .filter(|(_, elements)| !elements.is_empty())
        .filter_map(|(name, e)| irregularity(name, e))
        .collect()
}

#[test]
fn everything_before_the_reveal_looks_uniform() {
    for (form, metric) in [(Form::SquaredEuclid, euclidean()), (Form::Manhattan, manhattan())] {
        for data in datasets(3) {
            let report = recorded(&plan_of(&data, form), &data, &*metric);
            assert_eq!(irregularities(&report, 3), Vec::<String>::new());
        }
    }
}

#[test]
fn a_further_host_receives_nothing_else_before_the_reveal() {
    let [data, _] = datasets(3);
    let report = recorded(&plan_of(&data, Form::SquaredEuclid), &data, &*euclidean());
    let rounds =
        report.transcript(FURTHER).iter().filter(|r| [Step::Start, Step::Round].contains(&r.place.step));
    assert!(rounds.clone().count() > 0);
    assert!(
        rounds.into_iter().all(|r| r.message == Opened::KIND && r.payload.len() == 16),
        "one word a round"
    );
}

/// In place of the first of the sender's messages of the kind at the place, as many words in the clear.
fn planted<M: Message>(site: Site, words: M, data: &[RawRows], plan: &Plan) -> Report<Ended> {
    let metric = euclidean();
    let world = World::new(2).record().fault(site.message::<M>(), Fault::replace(&words));
    let report = Play::new(plan, data, &*metric).run(world);
    assert!(report.struck(0) > 0);
    report
}

#[test]
fn values_in_the_clear_are_noticed() {
    let [_, data] = datasets(2);
    let plan = plan_of(&data, Form::SquaredEuclid);
    let metric = euclidean();
    let centres = expected(&plan, &data, &*metric).centres;
    let grid = sealed::grid(&plan.normalise, DIM).expect("a grid");
    assert!(centres.iter().all(|centre| centre.abs() < grid.most()));

    // The lead sends its rows without their masks.
    let honest = recorded(&plan, &data, &*metric);
    let len = |step, kind| {
        let all = honest.transcript(SECOND).iter();
        let found = all.filter(|r| r.place.step == step && r.message == kind).map(|r| words(r).len());
        found.max().expect("such a message")
    };
    let place = Place { step: Step::Start, round: 1 };
    let clear = (0..len(Step::Start, MaskedRows::KIND)).map(|i| centres[i % centres.len()] as u64).collect();
    let report = planted(Site::sends(LEAD).at(place), MaskedRows { words: clear }, &data, &plan);
    let found = irregularities(&report, 2);
    assert!(found.iter().any(|what| what.contains("MaskedRows start")), "{found:?}");

    // The lead sends the centres in place of the masked operands that a product opens.
    let place = Place { step: Step::Round, round: 0 };
    let clear = centres.iter().map(|&centre| centre as u64).collect();
    let report = planted(Site::sends(LEAD).at(place), Masked { words: clear }, &data, &plan);
    let found = irregularities(&report, 2);
    assert!(found.iter().any(|what| what.contains("Masked round 0 message")), "{found:?}");
}
