//! `daemon/docs/protocol.md` lists every message, with the ways that it really takes.

mod play;

use std::collections::{BTreeMap, BTreeSet};

use kmeans::fixed::Grid;
use kmeans::fixed::sealed::Form;
use play::{euclidean, plan, play, rows};
use protocol::message::{
    Contribution, Corrections, Key, LabelShare, Layer, Masked, MaskedLabels, MaskedRows, MaskedTotal, Opened,
    Opening, Proceed, RowShare, TotalShare, TripleSeed,
};
use protocol::{Message, PartyId, Plan, Privacy};
use sim::World;

const DOCUMENT: &str = include_str!("../../../docs/protocol.md");

/// A party's letter in the document.
fn letter(party: PartyId) -> char {
    match party {
        PartyId::LEAD => 'L',
        PartyId::SECOND => 'G',
        PartyId::THIRD_PARTY => 'T',
        PartyId(_) => 'H',
    }
}

/// The table of messages: number, name and ways.
fn documented() -> BTreeMap<u16, (String, BTreeSet<String>)> {
    DOCUMENT
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let number: u16 = cells.get(1)?.parse().ok()?;
            let name = cells[2].trim_matches('`').to_owned();
            Some((number, (name, cells[3].split(", ").map(str::to_owned).collect())))
        })
        .collect()
}

#[test]
fn every_message_is_documented_with_its_ways() {
    let hosts = [rows(1, vec![1.0, 2.0, 9.0]), rows(1, vec![1.5, 8.0]), rows(1, vec![30.0, 31.0])];
    let (open, metric) = (plan(&hosts, 2), euclidean());
    let sealed = Plan { privacy: Privacy::Sealed(Form::SquaredEuclid), ..open.clone() };
    macro_rules! names {
        ($($message:ident),+) => { [$(($message::KIND, $message::NAME)),+] };
    }
    let names = names!(
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
    );
    let mut found: BTreeMap<u16, (String, BTreeSet<String>)> =
        names.iter().map(|&(number, name)| (number, (name.to_owned(), BTreeSet::new()))).collect();
    for plan in [open, sealed] {
        let report = play(World::new(3).record(), &plan, &hosts, &*metric);
        for to in [PartyId::LEAD, PartyId::SECOND, PartyId(2), PartyId::THIRD_PARTY] {
            for received in report.transcript(to) {
                let way = format!("{} → {}", letter(received.from), letter(to));
                found.get_mut(&received.message).expect("a message with a name").1.insert(way);
            }
        }
    }
    assert_eq!(documented(), found);
}

#[test]
fn numbers_in_the_document_are_the_code_s() {
    for stated in [
        format!("the variance to {} significant bits", kmeans::fixed::SHOWN_BITS),
        format!("then {} rounds settle them", kmeans::fixed::GROWTH_ROUNDS),
        format!("steps of 2^−{}", Grid::FINE.one().trailing_zeros()),
        format!("steps of 2^−{}", Grid::COARSE.one().trailing_zeros()),
        format!("{} fractional bits: costs", kmeans::fixed::COST_FRACTION_BITS),
        format!("{} fractional bits: raw values", kmeans::fixed::WIDE_FRACTION_BITS),
        format!("any further host, up to {}", protocol::MAX_HOSTS - 2),
    ] {
        assert!(DOCUMENT.contains(&stated), "{stated}");
    }
}

#[test]
fn every_message_type_is_in_the_test_above() {
    let source = include_str!("../src/message.rs");
    let routes = source.lines().filter(|line| line.starts_with("route!(")).count();
    assert_eq!(documented().len(), routes);
}
