//! The two metrics of this repository, linked in, through the whole conformance suite.

use kmeans::{Metric, MetricError};
use metric_host::{SecureForm, conformance, from_static};

#[test]
fn euclidean_is_sound_and_is_what_it_says() {
    let metric = from_static(&euclidean::METRIC).unwrap();
    assert_eq!((metric.name(), metric.version()), ("euclidean", env!("CARGO_PKG_VERSION")));
    assert!(metric.costs_are_squares());
    assert_eq!(metric.secure_form(), SecureForm::SquaredEuclidean);
    let report = conformance::check(&metric).unwrap();
    assert_eq!((report.dims, report.batches), (17, 17 * 10 * (17 + 12)));
    conformance::check_secure_form(&metric, SecureForm::SquaredEuclidean).unwrap();
    let breach = conformance::check_secure_form(&metric, SecureForm::Manhattan).unwrap_err();
    assert_eq!(breach.rule, conformance::Rule::SecureForm);
}

#[test]
fn manhattan_is_sound_and_is_what_it_says() {
    let metric = from_static(&manhattan::METRIC).unwrap();
    assert_eq!((metric.name(), metric.version()), ("manhattan", env!("CARGO_PKG_VERSION")));
    assert!(!metric.costs_are_squares());
    assert_eq!(metric.secure_form(), SecureForm::Manhattan);
    conformance::check(&metric).unwrap();
    conformance::check_secure_form(&metric, SecureForm::Manhattan).unwrap();
    let breach = conformance::check_secure_form(&metric, SecureForm::SquaredEuclidean).unwrap_err();
    assert_eq!(breach.rule, conformance::Rule::SecureForm);
}

#[test]
fn costs_are_squares_or_sums_of_differences() {
    let (rows, centres) = ([0.0, 0.0, 3.0, 4.0, 6.0, 8.0], [3.0, 4.0, 100.0, 0.0]);
    let mut labels = [9; 3];
    let mut costs = [-1.0; 3];
    from_static(&euclidean::METRIC).unwrap().assign(&rows, 2, &centres, &mut labels, &mut costs).unwrap();
    assert_eq!((labels, costs), ([0; 3], [25.0, 0.0, 25.0]));
    from_static(&manhattan::METRIC).unwrap().distances(&rows, 2, &centres[2..], &mut costs).unwrap();
    assert_eq!(costs, [100.0, 101.0, 102.0]);
}

#[test]
fn slices_that_do_not_fit_are_refused_and_disable_nothing() {
    let metric = from_static(&euclidean::METRIC).unwrap();
    let (mut labels, mut costs) = ([0; 2], [0.0; 2]);
    let refused = |answer: Result<(), MetricError>| assert!(matches!(answer, Err(MetricError::Shape(_))));
    refused(metric.assign(&[1.0; 4], 0, &[1.0], &mut labels, &mut costs));
    refused(metric.assign(&[1.0; 3], 2, &[1.0; 2], &mut labels, &mut costs));
    refused(metric.assign(&[1.0; 4], 2, &[], &mut labels, &mut costs));
    refused(metric.assign(&[1.0; 4], 2, &[1.0; 3], &mut labels, &mut costs));
    refused(metric.assign(&[1.0; 4], 2, &[1.0; 2], &mut labels[..1], &mut costs));
    refused(metric.assign(&[], usize::MAX, &[1.0; 2], &mut labels, &mut costs));
    refused(metric.distances(&[1.0; 4], 2, &[1.0; 3], &mut costs));
    refused(metric.distances(&[1.0; 4], 3, &[1.0; 3], &mut costs));
    assert_eq!(metric.assign(&[], 2, &[1.0; 2], &mut [], &mut []), Ok(()));
    assert_eq!(metric.assign(&[1.0; 4], 2, &[1.0; 2], &mut labels, &mut costs), Ok(()));
    assert_eq!(metric.broken(), None);
}
