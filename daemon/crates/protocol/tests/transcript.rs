//! What the parties receive during a run: its shape depends on public numbers alone, what is masked looks uniform, and
//! what is opened is what mode `open` declares, no more.

mod play;

use std::collections::BTreeMap;

use kmeans::Metric;
use kmeans::fixed::{
    Assignment, GROWTH_ROUNDS, GridRows, Moments, RawRows, assign, cluster_costs, cluster_sums, growth,
    largest, moments, normalise, rounded_quotient, scale_from_shown, shown_moments, split,
};
use num_bigint::BigUint;
use paillier::{Ciphertext, Encryptor, Packing};
use play::irregularity::irregularity;
use play::{Ended, KEY, assert_reported, euclidean, parameters, plan, play, rows};
use protocol::message::{
    Contribution, Corrections, Key, Layer, MaskedTotal, Opened, Opening, Proceed, TotalShare, TripleSeed,
};
use protocol::{Message, PartyId, Place, Plan, Step};
use sharing::BitSlices;
use sim::{Fault, Received, Report, Site, World};

const DIM: usize = 4;
const K: usize = 4;

/// Two datasets of one shape: small values in one, large and of both signs in the other.
fn datasets(hosts: usize) -> [Vec<RawRows>; 2] {
    let of = |value: fn(usize) -> f64| -> Vec<RawRows> {
        let values = |host: usize| (0..20 * DIM).map(|i| value(1000 * host + i)).collect();
        (0..hosts).map(|host| rows(DIM, values(host))).collect()
    };
    [of(|i| (i % 7) as f64), of(|i| ((i * 7919) % 1009) as f64 * 1e6 - 5e8)]
}

fn plan_of(hosts: &[RawRows]) -> Plan {
    Plan { starts: 3, max_rounds: 2, tolerance: 1e4, ..plan(hosts, K) }
}

fn recorded(plan: &Plan, hosts: &[RawRows]) -> Report<Ended> {
    let metric = euclidean();
    let report = play(World::new(hosts.len() as u8).record(), plan, hosts, &*metric);
    assert_reported(&report, plan, hosts, &*metric);
    report
}

fn parties(hosts: usize) -> impl Iterator<Item = PartyId> + Clone {
    (0..hosts as u8).map(PartyId).chain([PartyId::THIRD_PARTY])
}

/// Bytes of a message's one vector.
fn vector(received: &Received) -> &[u8] {
    &received.payload[8..]
}

fn words(received: &Received) -> Vec<u64> {
    vector(received).chunks_exact(8).map(|w| u64::from_le_bytes(w.try_into().expect("eight bytes"))).collect()
}

/// Limbs of a slot at a place.
fn limbs(place: Place, plan: &Plan) -> usize {
    match (place.step, place.round) {
        (Step::Normalise, _) => 4,
        (Step::Reveal, 1 | 2) => 2,
        (Step::Start, round) if costs_are_compared(round, plan) => 2,
        _ => 1,
    }
}

fn costs_are_compared(round: u32, plan: &Plan) -> bool {
    let steps = growth(plan.k).len() as u32 - 1;
    // The first mean is at 1; every growth step then takes a choice and its rounds, and the best start is last.
    round >= 2
        && (round - 2).is_multiple_of(GROWTH_ROUNDS + 1)
        && round != 2
        && round <= 2 + steps * (GROWTH_ROUNDS + 1)
}

// The shape.

#[test]
fn transcripts_have_the_same_shape_for_other_data() {
    for hosts in [2, 3] {
        let shapes = datasets(hosts).map(|data| {
            let report = recorded(&plan_of(&data), &data);
            let mut shape = Vec::new();
            for (to, from) in parties(hosts).flat_map(|to| parties(hosts).map(move |from| (to, from))) {
                let entry = |r: &Received| (to, from, r.place, r.message, r.payload.len());
                shape.extend(report.transcript_from(to, from).map(entry));
            }
            shape
        });
        assert!(shapes[0].len() > 200);
        assert_eq!(shapes[0], shapes[1], "{hosts} hosts");
    }
}

#[test]
fn parties_receive_only_what_their_role_does() {
    let [data, _] = datasets(3);
    let report = recorded(&plan_of(&data), &data);
    let (third, further) = (PartyId::THIRD_PARTY, PartyId(2));
    let allowed: [(PartyId, PartyId, &[u16]); 8] = [
        (third, PartyId::LEAD, &[MaskedTotal::KIND, Proceed::KIND]),
        (PartyId::LEAD, third, &[Key::KIND, TripleSeed::KIND]),
        (PartyId::LEAD, PartyId::SECOND, &[Contribution::KIND, Layer::KIND, Opening::KIND]),
        (PartyId::LEAD, further, &[Contribution::KIND]),
        (PartyId::SECOND, third, &[Key::KIND, TripleSeed::KIND, TotalShare::KIND, Corrections::KIND]),
        (PartyId::SECOND, PartyId::LEAD, &[Layer::KIND, Opening::KIND]),
        (further, third, &[Key::KIND]),
        (further, PartyId::LEAD, &[Opened::KIND]),
    ];
    for to in parties(3) {
        for received in report.transcript(to) {
            let pair =
                allowed.iter().find(|(receiver, sender, _)| (*receiver, *sender) == (to, received.from));
            assert!(
                pair.is_some_and(|(.., kinds)| kinds.contains(&received.message)),
                "{to:?}: {received:?}"
            );
        }
    }
}

#[test]
fn contributions_are_ciphertexts_of_fixed_length() {
    let [data, _] = datasets(3);
    let report = recorded(&plan_of(&data), &data);
    let key = KEY.public();
    let mut seen = Vec::new();
    for received in report.transcript(PartyId::LEAD).iter().filter(|r| r.message == Contribution::KIND) {
        assert_eq!(vector(received).len() % key.ciphertext_len(), 0);
        for bytes in vector(received).chunks(key.ciphertext_len()) {
            assert!(Ciphertext::from_bytes(key, bytes).is_ok());
            seen.push(bytes.to_vec());
        }
    }
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), all, "no ciphertext is sent twice, whatever the plaintexts");
}

// Uniformity.

/// The slots of a masked total as the third party can open them: w + 64 bits each; the carry must be clear.
fn opened_by_third_party(received: &Received, slots: usize, limbs: usize) -> Vec<Vec<u8>> {
    let key = KEY.public();
    let packing = Packing::new(key, limbs).expect("a slot width of the protocol");
    let width = 64 * limbs + 65;
    let mut found = Vec::new();
    for bytes in vector(received).chunks(key.ciphertext_len()) {
        let ciphertext = Ciphertext::from_bytes(key, bytes).expect("a ciphertext");
        let plaintext = BigUint::from_bytes_be(&KEY.decrypt(&ciphertext).to_bytes());
        for slot in 0..packing.slots_per_plaintext().min(slots - found.len()) {
            let slot = (&plaintext >> (slot * width)) % (BigUint::from(1u8) << width);
            assert!(!slot.bit(width as u64 - 1), "a carry has probability 2^-64");
            let mut bytes = slot.to_bytes_le();
            bytes.resize(8 * limbs + 8, 0);
            found.push(bytes);
        }
        assert!(plaintext.bits() <= (packing.slots_per_plaintext() * width) as u64);
    }
    assert_eq!(found.len(), slots);
    found
}

/// What each party receives masked, by party, kind and width, and by place as well.
fn masked(report: &Report<Ended>, plan: &Plan) -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut all: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    let mut add = |name: &str, place: Place, elements: Vec<Vec<u8>>| {
        let place = format!("{name} at {} {}", place.step.name(), place.round);
        all.entry(place).or_default().extend(elements.clone());
        all.entry(name.to_owned()).or_default().extend(elements);
    };
    let by_word = |r: &Received| vector(r).chunks(8).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let slots: BTreeMap<_, _> = report
        .transcript(PartyId::SECOND)
        .iter()
        .filter(|r| r.message == TotalShare::KIND)
        .map(|r| ((r.place.step, r.place.round), words(r).len() / limbs(r.place, plan)))
        .collect();
    for received in report.transcript(PartyId::THIRD_PARTY).iter().filter(|r| r.message == MaskedTotal::KIND)
    {
        let limbs = limbs(received.place, plan);
        let slots = slots[&(received.place.step, received.place.round)];
        let name = format!("T's masked totals of {limbs} limbs");
        add(&name, received.place, opened_by_third_party(received, slots, limbs));
    }
    for (party, name, kind) in [
        (PartyId::SECOND, "G's shares of totals", TotalShare::KIND),
        (PartyId::SECOND, "G's corrections", Corrections::KIND),
        (PartyId::SECOND, "G's layers", Layer::KIND),
        (PartyId::LEAD, "L's layers", Layer::KIND),
    ] {
        for received in report.transcript(party).iter().filter(|r| r.message == kind && r.payload.len() > 8) {
            add(name, received.place, by_word(received));
        }
    }
    all
}

#[test]
fn what_is_masked_looks_uniform() {
    for data in datasets(3) {
        let plan = plan_of(&data);
        let masked = masked(&recorded(&plan, &data), &plan);
        for name in ["T's masked totals of 1 limbs", "G's shares of totals", "G's corrections", "L's layers"]
        {
            assert!(masked[name].len() > 300, "{name}: too few to tell");
        }
        for (name, elements) in &masked {
            assert_eq!(irregularity(name, elements), None);
        }
    }
}

#[test]
fn a_total_without_a_mask_is_noticed() {
    // The lead sends what it should have masked: sums and counts of round 0.
    let [data, _] = datasets(2);
    let plan = plan_of(&data);
    let key = KEY.public();
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    let totals: Vec<u64> = (0..K * (DIM + 1)).map(|i| (i as u64) << 18).collect();
    let plaintexts = Packing::new(key, 1).unwrap().pack(&totals).unwrap();
    let ciphertexts = Encryptor::new(key, &mut rng).encrypt_all(&plaintexts, &mut rng).unwrap();
    let unmasked = MaskedTotal { ciphertexts: ciphertexts.iter().flat_map(Ciphertext::to_bytes).collect() };
    let site = Site::sends(PartyId::LEAD).at(Place { step: Step::Round, round: 0 }).message::<MaskedTotal>();
    let metric = euclidean();
    let world = World::new(2).record().fault(site, Fault::replace(&unmasked));
    let report = play(world, &plan, &data, &*metric);
    assert_eq!(report.struck(0), 1);
    let masked = masked(&report, &plan);
    let noticed = |name: &str| irregularity(name, &masked[name]).is_some();
    assert!(noticed("T's masked totals of 1 limbs at round 0"));
    assert!(noticed("G's shares of totals at round 0"));
    assert!(!noticed("G's corrections at round 0"));
}

#[test]
fn weak_masks_are_noticed() {
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    let mut uniform = |count: usize, len: usize| -> Vec<Vec<u8>> {
        let mut bytes = vec![0; len];
        let mut element = || {
            rand_core::Rng::fill_bytes(&mut rng, &mut bytes);
            bytes.clone()
        };
        (0..count).map(|_| element()).collect()
    };
    assert_eq!(irregularity("uniform", &uniform(500, 16)), None);
    // A mask no longer than the value: the bits above it tell the value's carry.
    let mut short = uniform(100, 16);
    short.iter_mut().for_each(|element| element[8..].fill(0));
    assert!(irregularity("short", &short).is_some());
    // One mask for all.
    let once = uniform(1, 16);
    assert!(irregularity("once", &vec![once[0].clone(); 100]).is_some());
    // A single bit in the clear.
    let mut bit = uniform(100, 16);
    bit.iter_mut().for_each(|element| element[5] |= 4);
    assert!(irregularity("bit", &bit).is_some());
    // Bytes that are letters.
    let mut letters = uniform(500, 16);
    letters.iter_mut().flatten().for_each(|byte| *byte = b'a' + *byte % 26);
    assert!(irregularity("letters", &letters).is_some());
}

// What is opened.

/// What the reference says is opened, place by place: lanes, bits, and the values in limbs.
struct Expected {
    opened: Vec<(Place, usize, Vec<Vec<u64>>)>,
}

impl Expected {
    fn add(&mut self, step: Step, round: u32, bits: usize, values: Vec<Vec<u64>>) {
        self.opened.push((Place { step, round }, bits, values));
    }

    fn add_numbers(&mut self, step: Step, round: u32, bits: usize, values: impl IntoIterator<Item = i64>) {
        let low = |value: i64| vec![value as u64 & ((1 << bits) - 1)];
        self.add(step, round, bits, values.into_iter().map(low).collect());
    }

    /// The run in plaintext, every opening on its way.
    fn new(plan: &Plan, hosts: &[RawRows], metric: &dyn Metric) -> Self {
        let mut expected = Expected { opened: Vec::new() };
        let pooled = rows(plan.dim, hosts.iter().flat_map(|host| host.values.clone()).collect());
        expected.add_numbers(Step::Setup, 1, 1, [i64::from(pooled.rows() < plan.k)]);

        let shown: Vec<_> = moments(&pooled).iter().map(|joint: &Moments| shown_moments(joint)).collect();
        let of_attribute = |(mean, variance): &(i128, BigUint)| {
            let mean = BigUint::from(*mean as u128 & ((1 << 82) - 1));
            let mut limbs = (mean + (variance << 82u32)).to_u64_digits();
            limbs.resize(4, 0);
            limbs
        };
        expected.add(Step::Normalise, 0, 82 + 160, shown.iter().map(of_attribute).collect());
        let data =
            normalise(&pooled, &scale_from_shown(&plan.normalise, plan.dim, &shown)).expect("in range");

        let mut starts = vec![vec![0; plan.dim]; plan.starts];
        let mut place = 1;
        for (index, step) in growth(plan.k).windows(2).map(|w| (w[0], w[1])).enumerate() {
            if index == 0 {
                starts.iter_mut().for_each(|centres| *centres = round(&data, centres, metric));
                expected.add_numbers(Step::Start, place, 32, starts.concat());
                place += 1;
            }
            let (from, to) = step;
            let chosen: Vec<Vec<bool>> = starts
                .iter()
                .map(|centres| largest(&cluster_costs(&assigned(&data, centres, metric), from), to - from))
                .collect();
            if from > 1 {
                expected.add_numbers(Step::Start, place, 1, chosen.concat().into_iter().map(i64::from));
            }
            place += 1;
            for (start, (centres, chosen)) in starts.iter_mut().zip(&chosen).enumerate() {
                *centres = split(centres, plan.dim, chosen, plan.seed, start);
            }
            for _ in 0..GROWTH_ROUNDS {
                starts.iter_mut().for_each(|centres| *centres = round(&data, centres, metric));
                expected.add_numbers(Step::Start, place, 32, starts.concat());
                place += 1;
            }
        }
        let inertia = |centres: &[i64]| -> u128 {
            cluster_costs(&assigned(&data, centres, metric), plan.k).iter().sum()
        };
        let best = (0..plan.starts).min_by_key(|&start| inertia(&starts[start])).expect("a start");
        expected.add_numbers(Step::Start, place, 2, [best as i64]);

        let mut centres = starts.swap_remove(best);
        let rounds = kmeans::fixed::reference::run(hosts, &parameters(plan), metric).expect("runs").rounds;
        for number in 0..rounds {
            centres = round(&data, &centres, metric);
            expected.add_numbers(Step::Round, number, 32, centres.iter().copied());
        }
        let last = assigned(&data, &centres, metric);
        expected.add_numbers(Step::Reveal, 0, 1, vec![0; plan.k]);
        let sizes = cluster_sums(&data, &last.labels, plan.k).counts;
        expected.add(Step::Reveal, 1, 94, sizes.iter().map(|&size| vec![size, 0]).collect());
        let inertia = inertia(&centres);
        expected.add(Step::Reveal, 2, 94, vec![vec![inertia as u64, (inertia >> 64) as u64]]);
        expected
    }
}

fn assigned(data: &GridRows, centres: &[i64], metric: &dyn Metric) -> Assignment {
    assign(data, centres, metric).expect("assigns")
}

fn round(data: &GridRows, centres: &[i64], metric: &dyn Metric) -> Vec<i64> {
    let sums = cluster_sums(data, &assigned(data, centres, metric).labels, centres.len() / data.dim);
    let divided = |(at, &old): (usize, &i64)| match sums.counts[at / data.dim] {
        0 => old,
        count => rounded_quotient(sums.sums[at].into(), count.into()) as i64,
    };
    centres.iter().enumerate().map(divided).collect()
}

#[test]
fn what_is_opened_is_what_the_mode_declares() {
    let metric = euclidean();
    for data in datasets(3) {
        let plan = plan_of(&data);
        let report = recorded(&plan, &data);
        let of = |party: PartyId, kind: u16| {
            let all = report.transcript(party).iter().filter(move |r| r.message == kind);
            all.map(|r| (r.place, words(r))).collect::<Vec<_>>()
        };
        let (at_lead, at_second) = (of(PartyId::LEAD, Opening::KIND), of(PartyId::SECOND, Opening::KIND));
        let opened: Vec<(Place, Vec<u64>)> = at_lead
            .iter()
            .zip(&at_second)
            .map(|((place, one), (_, other))| (*place, one.iter().zip(other).map(|(a, b)| a ^ b).collect()))
            .collect();
        assert_eq!(of(PartyId(2), Opened::KIND), opened, "a further host is told just that");

        let expected = Expected::new(&plan, &data, &*metric);
        assert_eq!(
            at_second.iter().map(|opening| opening.0).collect::<Vec<_>>(),
            expected.opened.iter().map(|opened| opened.0).collect::<Vec<_>>(),
            "one opening at each place that declares one, and at no other"
        );
        for ((place, words), (_, bits, values)) in opened.into_iter().zip(&expected.opened) {
            let found = BitSlices::from_words(words, *bits, values.len()).expect("the declared size");
            assert_eq!(found.to_limbs(values[0].len()).unwrap(), values.concat(), "{place:?}");
        }
    }
}
