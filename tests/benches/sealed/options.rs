//! What to measure.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::network::Network;
use crate::shape::Shape;

/// Whether the rounds are sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Privacy {
    /// On shares.
    Sealed,
    /// For comparison, with every round's centres shown.
    Open,
}

impl Privacy {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Privacy::Sealed => "sealed",
            Privacy::Open => "open",
        }
    }
}

/// Measures joint runs of three real daemons on this machine.
///
/// Without options: the shapes of the reference and two small ones on the loopback, and one of them on each other
/// network; about three minutes once everything is built. Any of --rows, --attributes and --clusters chooses shapes
/// instead, all combinations of those given.
#[derive(Debug, Parser)]
#[command(name = "sealed", bin_name = "cargo bench -p cloister-tests --bench sealed --")]
pub(crate) struct Options {
    /// 1 000, 10 000 and 100 000 rows, 2 and 10 attributes, 2, 5 and 10 clusters, on every network
    #[arg(long, conflicts_with_all = ["rows", "attributes", "clusters"])]
    pub(crate) full: bool,
    /// A run over 1 000 000 rows, alone or before the others that are asked for
    #[arg(long)]
    pub(crate) million: bool,
    /// Rows of both hosts together
    #[arg(long, value_name = "N,…", value_delimiter = ',')]
    rows: Vec<usize>,
    /// Attributes
    #[arg(long, value_name = "D,…", value_delimiter = ',')]
    attributes: Vec<usize>,
    /// Clusters
    #[arg(long, value_name = "K,…", value_delimiter = ',')]
    clusters: Vec<usize>,
    /// The networks [default: all with --full and without chosen shapes, else loopback]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    network: Vec<Network>,
    /// The mode
    #[arg(long, default_value = "sealed")]
    pub(crate) privacy: Privacy,
    /// Main rounds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=300))]
    pub(crate) rounds: u32,
    /// How often each run is repeated; the fastest rounds count, and the largest memory
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) turns: u32,
    /// What the rows are drawn from
    #[arg(long, default_value_t = 1957)]
    pub(crate) seed: u64,
    /// Write everything that was found to this file too
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Said by `cargo bench`; without it one small run shows that everything still fits together
    #[arg(long, hide = true)]
    pub(crate) bench: bool,
}

impl Options {
    /// What the command line says.
    pub(crate) fn read() -> Self {
        let mut options = Options::parse();
        if !options.bench {
            (options.rounds, options.turns) = (2, 1);
        }
        options
    }

    /// The runs, network by network.
    pub(crate) fn runs(&self) -> Vec<(Network, Shape)> {
        let mut runs = if !self.bench {
            vec![(Network::Loopback, Shape { rows: 1_000, dim: 2, k: 2 })]
        } else if self.full {
            self.on(&Network::ALL, &shapes(&[1_000, 10_000, 100_000], &[2, 10], &[2, 5, 10]))
        } else if self.rows.len() + self.attributes.len() + self.clusters.len() > 0 {
            let given =
                |chosen: &[usize], default| if chosen.is_empty() { vec![default] } else { chosen.to_vec() };
            let chosen =
                shapes(&given(&self.rows, 10_000), &given(&self.attributes, 2), &given(&self.clusters, 5));
            self.on(&[Network::Loopback], &chosen)
        } else if self.million {
            Vec::new()
        } else {
            let one = Shape { rows: 10_000, dim: 2, k: 5 };
            let mut few = self.on(
                &[Network::Loopback],
                &[
                    Shape { rows: 1_000, dim: 2, k: 2 },
                    Shape { rows: 1_000, dim: 10, k: 10 },
                    one,
                    Shape { rows: 100_000, dim: 2, k: 5 },
                    Shape { rows: 100_000, dim: 10, k: 10 },
                ],
            );
            if self.network.is_empty() {
                few.extend([(Network::Lan, one), (Network::Wan, one)]);
            }
            few
        };
        if self.million {
            runs.insert(0, (Network::Loopback, Shape { rows: 1_000_000, dim: 2, k: 5 }));
        }
        runs
    }

    /// These shapes on the networks that were asked for.
    fn on(&self, default: &[Network], shapes: &[Shape]) -> Vec<(Network, Shape)> {
        let networks = if self.network.is_empty() { default } else { &self.network };
        networks.iter().flat_map(|&network| shapes.iter().map(move |&shape| (network, shape))).collect()
    }
}

/// All combinations.
fn shapes(rows: &[usize], dims: &[usize], ks: &[usize]) -> Vec<Shape> {
    let mut all = Vec::new();
    for &rows in rows {
        for &dim in dims {
            all.extend(ks.iter().map(|&k| Shape { rows, dim, k }));
        }
    }
    all
}
