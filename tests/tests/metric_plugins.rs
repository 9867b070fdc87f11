//! Metrics come and go while the daemons run.

use cloister_tests::documents::{deal, numbers, real};
use cloister_tests::expected::{Expected, defaults, euclidean, manhattan};
use cloister_tests::fleet::{Fleet, FleetConfig};
use cloister_tests::plugins::install_c;
use control::facts::PluginInfo;
use kmeans::fixed::reference::Parameters;
use kmeans::{Metric, MetricError};

/// What the C plugin `chebyshev` computes, in plain words.
#[derive(Debug)]
struct Chebyshev;

impl Metric for Chebyshev {
    fn name(&self) -> &str {
        "chebyshev"
    }

    fn version(&self) -> &str {
        "1.0.0"
    }

    fn assign(
        &self,
        rows: &[f64],
        dim: usize,
        centres: &[f64],
        labels: &mut [u32],
        costs: &mut [f64],
    ) -> Result<(), MetricError> {
        for (row, (label, cost)) in rows.chunks_exact(dim).zip(labels.iter_mut().zip(costs)) {
            *cost = f64::INFINITY;
            for (index, centre) in centres.chunks_exact(dim).enumerate() {
                let mut candidate = [0.0];
                self.distances(row, dim, centre, &mut candidate)?;
                if candidate[0] < *cost {
                    (*label, *cost) = (index as u32, candidate[0]);
                }
            }
        }
        Ok(())
    }

    fn distances(
        &self,
        rows: &[f64],
        dim: usize,
        centre: &[f64],
        costs: &mut [f64],
    ) -> Result<(), MetricError> {
        for (row, cost) in rows.chunks_exact(dim).zip(costs) {
            *cost = row.iter().zip(centre).map(|(x, c)| (x - c).abs()).fold(0.0, f64::max);
        }
        Ok(())
    }
}

fn iris() -> Fleet {
    let fleet = Fleet::start(&FleetConfig { datasets: &["iris"], ..FleetConfig::default() });
    fleet.upload("iris", &deal(&real("iris"), 2));
    fleet
}

fn expected(metric: &dyn Metric) -> Expected {
    let rows: Vec<_> = deal(&real("iris"), 2).iter().map(|part| numbers(part, None)).collect();
    Expected::of(&rows, &Parameters { starts: 2, ..defaults(3, 5) }, metric)
}

const RUN: [&str; 7] = ["iris", "-k", "3", "--starts", "2", "--seed", "5"];

/// Builds the C plugin of the metric host's own tests, as another version if so asked.
fn install(fleet: &Fleet, host: usize, version: &str) {
    let source = include_str!("../../daemon/crates/metric-host/tests/plugins/chebyshev.c");
    assert!(source.contains("\"1.0.0\""));
    let source = source.replace("\"1.0.0\"", &format!("\"{version}\""));
    install_c(&fleet.parties[host].folder().join("plugins"), "chebyshev", &source);
}

#[test]
fn a_plugin_in_c_is_dropped_in_and_used_without_a_restart() {
    let fleet = iris();
    let lead = fleet.lead();
    let named = [&RUN[..], &["--metric", "chebyshev"]].concat();
    lead.try_cluster(&named).refused(3, &["chebyshev"]);

    install(&fleet, 0, "1.0.0");
    lead.ctl(&["reload"]).good();
    // The peer does not have it: refused by name, at the lead in words and at the peer without a trace.
    lead.try_cluster(&named).refused(3, &["clinic-b", "chebyshev"]);

    install(&fleet, 1, "1.0.1");
    fleet.parties[1].ctl(&["reload"]).good();
    lead.try_cluster(&named).refused(4, &["clinic-b", "chebyshev", "1.0.0", "1.0.1"]);
    assert!(fleet.parties.iter().all(|party| party.results().is_empty()));

    // Another version under the same name needs a restart: code is never unloaded.
    install(&fleet, 1, "1.0.0");
    let mut fleet = fleet;
    fleet.parties[1].terminate();
    assert_eq!(fleet.parties[1].wait().and_then(|status| status.code()), Some(0));
    fleet.parties[1].start();
    let result = fleet.lead().cluster(&named);
    assert_eq!(result.metric, "chebyshev");
    expected(&Chebyshev).assert_equals(0, &result, &fleet.lead().labels(&result.id));

    let plugins: Vec<PluginInfo> = fleet.lead().ctl(&["plugins", "list", "--json"]).items();
    let usable: Vec<&str> =
        plugins.iter().filter(|plugin| plugin.usable).map(|plugin| plugin.name.as_str()).collect();
    assert_eq!(usable, ["chebyshev", "euclidean", "manhattan"]);
}

#[test]
fn the_default_metric_is_one_settings_line_and_a_reload() {
    let mut fleet = iris();
    let result = fleet.lead().cluster(&RUN);
    assert_eq!(result.metric, "euclidean");
    expected(&euclidean()).assert_equals(0, &result, &fleet.lead().labels(&result.id));

    let before = std::fs::read_to_string(fleet.lead().config()).unwrap();
    fleet.parties[0].settings.metric = "manhattan".into();
    fleet.parties[0].apply();
    let after = std::fs::read_to_string(fleet.lead().config()).unwrap();
    let changed: Vec<_> =
        before.lines().zip(after.lines()).filter(|(before, after)| before != after).collect();
    assert_eq!(changed, [("metric = \"euclidean\"", "metric = \"manhattan\"")]);

    let result = fleet.lead().cluster(&RUN);
    assert_eq!(result.metric, "manhattan");
    expected(&manhattan()).assert_equals(0, &result, &fleet.lead().labels(&result.id));
    let listed = |fleet: &Fleet| -> Vec<PluginInfo> { fleet.lead().ctl(&["plugins", "--json"]).items() };
    assert!(listed(&fleet).iter().all(|plugin| plugin.default == (plugin.name == "manhattan")));
}

#[test]
fn a_bad_plugin_keeps_nothing_else_from_working() {
    let fleet = iris();
    let lead = fleet.lead();
    let folder = lead.folder().join("plugins");
    std::fs::write(folder.join("libnonsense.so"), b"no machine code").unwrap();
    lead.ctl(&["reload"]).good();
    let plugins: Vec<PluginInfo> = lead.ctl(&["plugins", "list", "--json"]).items();
    let nonsense = plugins.iter().find(|plugin| plugin.file.contains("nonsense")).unwrap();
    assert!(!nonsense.usable && nonsense.problem.is_some(), "{nonsense:?}");
    let check = |name: &str| lead.ctl(&["plugins", "check", &folder.join(name).display().to_string()]);
    check("libeuclidean.so").good();
    check("libnonsense.so").refused(5, &["libnonsense.so"]);
    lead.cluster(&RUN);
}
