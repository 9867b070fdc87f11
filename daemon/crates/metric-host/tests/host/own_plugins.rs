//! The two plugins of this repository as the shared libraries that are installed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::directory::{load, outcome, plugin_dir, set_mode};
use kmeans::Metric;
use metric_host::{MetricHost, Reloaded, SecureForm, from_static};

/// Where cargo put the libraries that this test's dependencies are also built as.
fn built(file_name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().join(file_name)
}

fn install(dir: &Path, file_name: &str) {
    let target = dir.join(file_name);
    fs::copy(built(file_name), &target).unwrap();
    set_mode(&target, 0o644);
}

#[test]
fn both_are_loaded_and_compute_as_if_linked_in() {
    let dir = plugin_dir();
    install(dir.path(), "libeuclidean.so");
    let host = load(dir.path());
    install(dir.path(), "libmanhattan.so");
    assert_eq!(host.reload().unwrap(), Reloaded { added: vec!["manhattan".to_owned()], retired: vec![] });
    assert_eq!(outcome(&host), (vec!["euclidean".to_owned(), "manhattan".to_owned()], vec![]));
    let forms: Vec<_> =
        host.list().iter().map(|plugin| (plugin.secure_form, plugin.costs_are_squares)).collect();
    assert_eq!(forms, [(SecureForm::SquaredEuclidean, true), (SecureForm::Manhattan, false)]);

    // Values whose sums round differently in every order.
    let (dim, n) = (37, 41);
    let value = |i: usize| (i as f64 * 0.7).sin() * 10_f64.powi((i % 9) as i32 - 4);
    let rows: Vec<f64> = (0..n * dim).map(value).collect();
    let centres: Vec<f64> = (0..11 * dim).map(|i| value(3 * i + 1)).collect();
    for linked in [&euclidean::METRIC, &manhattan::METRIC].map(|metric| from_static(metric).unwrap()) {
        let loaded = host.get(linked.name()).unwrap();
        let answer = |metric: &dyn Metric| {
            let (mut labels, mut costs) = (vec![0; n], vec![0.0; n]);
            metric.assign(&rows, dim, &centres, &mut labels, &mut costs).unwrap();
            (labels, costs.into_iter().map(f64::to_bits).collect::<Vec<_>>())
        };
        assert_eq!(answer(&*loaded), answer(&linked));
    }
}

#[test]
fn an_empty_host_needs_no_directory_and_stays_empty() {
    let host = MetricHost::empty();
    assert_eq!(host.reload().unwrap(), Reloaded::default());
    assert_eq!(outcome(&host), (vec![], vec![]));
    assert!(host.get("euclidean").is_none());
}
