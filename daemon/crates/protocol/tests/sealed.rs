//! A run in mode `sealed` gives the plaintext reference's result, bit for bit.

mod play;

use kmeans::Metric;
use kmeans::fixed::sealed::Form;
use kmeans::fixed::{Normalise, RawRows};
use play::{assert_equals_reference, euclidean, plan, rows};
use protocol::{Plan, Privacy};

fn sealed(hosts: &[RawRows], k: usize, form: Form) -> Plan {
    Plan { privacy: Privacy::Sealed(form), max_rounds: 6, ..plan(hosts, k) }
}

fn assert_sealed(hosts: &[RawRows], k: usize) {
    let metric = euclidean();
    assert_equals_reference(&sealed(hosts, k, Form::SquaredEuclid), hosts, &*metric);
}

#[test]
fn two_hosts() {
    let hosts = [rows(1, vec![1.0, 2.0, 9.0]), rows(1, vec![1.5, 8.0])];
    assert_sealed(&hosts, 2);
}

#[test]
fn three_hosts() {
    let hosts = [rows(1, vec![1.0, 2.0, 9.0]), rows(1, vec![1.5, 8.0]), rows(1, vec![30.0, 31.0])];
    assert_sealed(&hosts, 2);
}
