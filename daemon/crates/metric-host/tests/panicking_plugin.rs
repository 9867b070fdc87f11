//! A plugin in Rust that panics: the host goes on without it.

use abi::{AssignCall, DistancesCall, Fault};
use kmeans::{Metric, MetricError};
use metric_host::from_static;

fn assign(call: AssignCall<'_>) -> Result<(), Fault> {
    // A bug that only some data meet.
    let index = call.rows[0] as usize;
    call.labels[index] = 0;
    call.costs.fill(0.0);
    Ok(())
}

fn distances(call: DistancesCall<'_>) -> Result<(), Fault> {
    call.costs.fill(0.0);
    Ok(())
}

abi::declare_metric! {
    name: "panicking",
    version: "0.1.0",
    flags: 0,
    secure_form: abi::SECURE_FORM_NONE,
    assign: assign,
    distances: distances,
}

#[test]
fn a_panic_becomes_an_error_and_disables_the_metric() {
    let metric = from_static(&METRIC).unwrap();
    let assign = |index: f64| metric.assign(&[index], 1, &[0.0], &mut [9], &mut [9.0]);
    assert_eq!(assign(0.0), Ok(()));
    let broken = MetricError::Broken {
        name: "panicking".to_owned(),
        what: "`assign` failed inside the plugin".to_owned(),
    };
    assert_eq!(assign(5.0), Err(broken.clone()));
    assert_eq!(assign(0.0), Err(broken.clone()), "stays disabled");
    assert_eq!(metric.distances(&[0.0], 1, &[0.0], &mut [9.0]), Err(broken));
    assert_eq!(metric.broken(), Some("`assign` failed inside the plugin"));
}
