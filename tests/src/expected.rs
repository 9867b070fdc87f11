//! The plaintext result on all hosts' pooled rows, and what differs from it.

use control::Privacy;
use control::facts::RunResult;
use kmeans::Metric;
use kmeans::fixed::reference::{self, Outcome, Parameters};
use kmeans::fixed::sealed::{self, Form};
use kmeans::fixed::{COST_FRACTION_BITS, Missing, Normalise, RawRows};
use metric_host::LoadedMetric;

/// What a joint run over these rows must give.
pub struct Expected {
    /// The outcome on the grid.
    pub outcome: Outcome,
    /// Labels of each host's rows, `None` where a row is left out.
    pub labels: Vec<Vec<Option<u32>>>,
    privacy: Privacy,
    dim: usize,
}

/// The parameters of a run of mode `open` with the daemon's defaults.
pub fn defaults(k: usize, seed: u64) -> Parameters {
    defaults_of(Privacy::Open, k, seed)
}

/// The parameters of a run of this mode with the daemon's defaults.
pub fn defaults_of(privacy: Privacy, k: usize, seed: u64) -> Parameters {
    Parameters {
        k,
        starts: daemon::session::default_starts(privacy) as usize,
        seed,
        max_rounds: 300,
        tolerance: 0.0,
        normalise: Normalise::ZScore,
        missing: Missing::Fail,
    }
}

/// Squared Euclid, linked in.
pub fn euclidean() -> LoadedMetric {
    metric_host::from_static(&euclidean::METRIC).expect("the linked plugin is sound")
}

/// Manhattan, linked in.
pub fn manhattan() -> LoadedMetric {
    metric_host::from_static(&manhattan::METRIC).expect("the linked plugin is sound")
}

impl Expected {
    /// Clusters the pooled rows in plaintext, as a run of mode `open` does.
    ///
    /// # Panics
    /// If they cannot be clustered.
    #[track_caller]
    pub fn of(hosts: &[RawRows], parameters: &Parameters, metric: &dyn Metric) -> Self {
        let outcome = reference::run(hosts, parameters, metric).expect("rows that can be clustered");
        Self::from_outcome(hosts, Privacy::Open, parameters, outcome)
    }

    /// Clusters them as a run of mode `sealed` does, with a metric of this secure form.
    ///
    /// # Panics
    /// If they cannot be clustered.
    #[track_caller]
    pub fn sealed(hosts: &[RawRows], form: Form, parameters: &Parameters, metric: &dyn Metric) -> Self {
        let outcome = sealed::run(hosts, form, parameters, metric).expect("rows that can be clustered");
        Self::from_outcome(hosts, Privacy::Sealed, parameters, outcome)
    }

    fn from_outcome(hosts: &[RawRows], privacy: Privacy, parameters: &Parameters, outcome: Outcome) -> Self {
        let labels = hosts
            .iter()
            .zip(&outcome.labels)
            .map(|(rows, labels)| {
                let (_, kept) = rows.prepare(parameters.missing).expect("prepared before");
                let mut all = vec![None; rows.rows()];
                kept.iter().zip(labels).for_each(|(&row, &label)| all[row] = Some(label));
                all
            })
            .collect();
        Expected { outcome, labels, privacy, dim: hosts[0].dim() }
    }

    /// The centres in the attributes' own units.
    pub fn centres(&self) -> Vec<Vec<f64>> {
        let original =
            |centre: &[i64]| centre.iter().zip(&self.outcome.scale).map(|(&x, s)| s.original(x)).collect();
        self.outcome.centres.chunks_exact(self.dim).map(original).collect()
    }

    /// The joint inertia in normalised units.
    pub fn inertia(&self) -> f64 {
        self.outcome.inertia as f64 / f64::from(1u32 << COST_FRACTION_BITS)
    }

    /// How many rows of a host belong to each cluster.
    pub fn own_sizes(&self, host: usize) -> Vec<u64> {
        let mut sizes = vec![0; self.outcome.sizes.len()];
        self.labels[host].iter().flatten().for_each(|&label| sizes[label as usize] += 1);
        sizes
    }

    /// Clusters that are withheld when each host wants to show at least so many of its rows: those in which some host has
    /// rows, but fewer; in mode `sealed` by the last round's labels too, and those without rows.
    pub fn withheld(&self, min_cluster_rows: &[u64]) -> Vec<bool> {
        let clusters = self.outcome.sizes.len();
        let few = |cluster: usize| {
            let least = min_cluster_rows.iter().enumerate();
            least.into_iter().any(|(host, &least)| (1..least).contains(&self.own_sizes(host)[cluster]))
        };
        match self.privacy {
            Privacy::Open => (0..clusters).map(few).collect(),
            Privacy::Sealed => {
                let Outcome { last_round, labels, .. } = &self.outcome;
                sealed::withheld(last_round, labels, clusters, min_cluster_rows)
            }
        }
    }

    /// Holds that a host's result is this one to the last bit, where every host shows clusters of one row of its own.
    #[track_caller]
    pub fn assert_equals(&self, host: usize, result: &RunResult, labels: &[Option<u32>]) {
        self.assert_equals_withholding(host, result, labels, &vec![1; self.labels.len()]);
    }

    /// Holds that a host's result is this one, where each host wants to show at least so many of its rows.
    #[track_caller]
    pub fn assert_equals_withholding(
        &self,
        host: usize,
        result: &RunResult,
        labels: &[Option<u32>],
        min_cluster_rows: &[u64],
    ) {
        let outcome = &self.outcome;
        let withheld = self.withheld(min_cluster_rows);
        let (mean, deviation): (Vec<f64>, Vec<f64>) =
            outcome.scale.iter().map(|scale| scale.as_f64()).unzip();
        assert_eq!((&result.scale.mean, &result.scale.deviation), (&mean, &deviation), "scale");
        let centres: Vec<Option<Vec<f64>>> = self
            .centres()
            .into_iter()
            .zip(&withheld)
            .map(|(centre, &hidden)| (!hidden).then_some(centre))
            .collect();
        assert_eq!(result.centres, centres, "centres");
        assert_eq!((result.rounds, result.converged), (outcome.rounds, outcome.converged), "rounds");
        if self.privacy == Privacy::Sealed && withheld.contains(&true) {
            assert_eq!(
                (&result.sizes, result.inertia),
                (&None, None),
                "sums that would tell of what is withheld"
            );
        }
        if let Some(sizes) = &result.sizes {
            let expected: Vec<Option<u64>> = outcome
                .sizes
                .iter()
                .zip(&withheld)
                .map(|(&size, &hidden)| (!hidden).then_some(size))
                .collect();
            assert_eq!(*sizes, expected, "joint sizes");
        }
        if let Some(inertia) = result.inertia {
            assert_eq!(inertia, self.inertia(), "joint inertia");
        }
        assert_eq!(labels, self.labels[host], "labels of host {host}");
        assert_eq!(result.own.sizes, self.own_sizes(host), "own sizes of host {host}");
        assert_eq!(result.own.rows, self.own_sizes(host).iter().sum::<u64>(), "own rows of host {host}");
    }
}
