//! The command line as types.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use control::{Bound, Missing, Normalize, Privacy, RetrieveFormat, Role};

/// Talk to a Cloister daemon: private joint k-means over data that stay where they are.
#[derive(Parser)]
#[command(name = "cloisterctl", version, arg_required_else_help = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 2 bad usage, 3 not found, 4 refused by policy or permission, \
    5 bad input data, 6 a party did not answer or broke off, 7 stored data damaged or wrong key, 130 interrupted."
)]
pub(crate) struct Cli {
    /// The daemon's control socket [env: CLOISTER_SOCKET] [default: /run/cloister/control.sock]
    #[arg(long, global = true, value_name = "PATH", conflicts_with = "config")]
    pub(crate) socket: Option<PathBuf>,
    /// Take the control socket from this settings file of a daemon
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print one JSON document instead of tables
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Show no progress and no confirmations
    #[arg(long, global = true)]
    pub(crate) quiet: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Role, identity, peers and whether they answer, datasets, jobs
    Status,
    /// Store a document, XRFF or CSV, also compressed with gzip
    Upload(Upload),
    /// List the datasets
    Datasets,
    /// Show one dataset: attributes, rows, chunks, sizes
    Show {
        /// The dataset
        name: String,
    },
    /// Get a dataset back, byte for byte unless another format is named
    Retrieve(Retrieve),
    /// Delete a dataset
    Remove {
        /// The dataset
        name: String,
    },
    /// Cluster a dataset together with the peers that have it
    Cluster(Box<Cluster>),
    /// List, watch, cancel and resume jobs
    Jobs {
        #[command(subcommand)]
        command: Option<Jobs>,
    },
    /// List, show, export and remove results
    Results {
        #[command(subcommand)]
        command: Option<Results>,
    },
    /// List, add, try and remove peers
    Peers {
        #[command(subcommand)]
        command: Option<Peers>,
    },
    /// List metric plugins, or try one out
    Plugins {
        #[command(subcommand)]
        command: Option<Plugins>,
    },
    /// Let the daemon read its settings again
    Reload,
    /// Print a completion script
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Args)]
pub(crate) struct Upload {
    /// The document
    pub(crate) file: PathBuf,
    /// The dataset's name [default: the file's name without .xrff, .xml, .csv and .gz]
    #[arg(long)]
    pub(crate) name: Option<String>,
}

#[derive(Args)]
pub(crate) struct Retrieve {
    /// The dataset
    pub(crate) name: String,
    /// Where to write it [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// In which form
    #[arg(long, default_value = "original", value_parser = one_of::<RetrieveFormat>(RetrieveFormat::NAMES))]
    pub(crate) format: RetrieveFormat,
}

#[derive(Args)]
pub(crate) struct Cluster {
    /// The dataset
    pub(crate) name: String,
    /// How many clusters
    #[arg(short, value_name = "K", allow_negative_numbers = true, value_parser = count)]
    pub(crate) k: u32,
    /// A host to cluster with; may be repeated [default: every host that may use the dataset]
    #[arg(long = "peer", value_name = "HOST")]
    pub(crate) peers: Vec<String>,
    /// The third party [default: the only one known]
    #[arg(long, value_name = "NAME")]
    pub(crate) third_party: Option<String>,
    /// The metric plugin [default: the daemon's]
    #[arg(long)]
    pub(crate) metric: Option<String>,
    /// What hosts may see during the run: nothing but when to stop (sealed), or the joint centres of every round (open),
    /// which every host's policy must allow. sealed takes a metric with a secure form: see `plugins list`
    #[arg(long, default_value = "sealed", value_parser = one_of::<Privacy>(Privacy::NAMES))]
    pub(crate) privacy: Privacy,
    /// How attributes are scaled first
    #[arg(long, default_value = "z-score", value_parser = one_of::<Normalize>(Normalize::NAMES))]
    pub(crate) normalize: Normalize,
    /// Public bounds for --normalize range: give it once per attribute (--bounds age=0:120 --bounds height=0:250), or a
    /// list with commas (--bounds age=0:120,height=0:250)
    #[arg(long = "bounds", value_name = "ATTRIBUTE=LOW:HIGH", value_parser = bounds)]
    pub(crate) bounds: Vec<Bounds>,
    /// What happens to rows with a missing value
    #[arg(long, default_value = "fail", value_parser = one_of::<Missing>(Missing::NAMES))]
    pub(crate) missing: Missing,
    /// The attributes to use, in order [default: every numeric one that is not the class]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) attributes: Option<Vec<String>>,
    /// The most rounds [default: the daemon's policy]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count)]
    pub(crate) max_rounds: Option<u32>,
    /// Stop when centres move no farther than this, in scaled units [default: 0]
    #[arg(long, value_name = "T", allow_negative_numbers = true, value_parser = tolerance)]
    pub(crate) tolerance: Option<f64>,
    /// How many starts [default: 16, with --privacy open 6]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count)]
    pub(crate) starts: Option<u32>,
    /// Repeat the public choices of an earlier run
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = seed)]
    pub(crate) seed: Option<u64>,
    /// Return as soon as the job has started
    #[arg(long)]
    pub(crate) detach: bool,
    /// Start nothing: print what the run would cost in bytes, messages, memory and time. All parties are asked whether
    /// they would take part
    #[arg(long, conflicts_with = "detach")]
    pub(crate) estimate: bool,
}

/// The bounds in one `--bounds`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bounds(pub(crate) Vec<Bound>);

#[derive(Subcommand)]
pub(crate) enum Jobs {
    /// List the jobs
    List,
    /// Follow a job to its end
    Watch {
        /// The job
        id: String,
    },
    /// Stop a job, or give an interrupted one up
    Cancel {
        /// The job
        id: String,
    },
    /// Go on with an interrupted job from the last round that all its hosts have kept
    Resume {
        /// The job
        id: String,
        /// Return as soon as the job runs again
        #[arg(long)]
        detach: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Results {
    /// List the results
    List,
    /// Show one result
    Show {
        /// The result
        id: String,
    },
    /// Write the labels of this host's rows as CSV: row,label
    Labels {
        /// The result
        id: String,
        /// Where to write them [default: standard output]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Write a result for other programs: all of it as JSON, or its centres as CSV
    Export {
        /// The result
        id: String,
        /// In which form
        #[arg(long, value_enum)]
        format: ExportFormat,
        /// Where to write it [default: standard output]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Delete a result
    Remove {
        /// The result
        id: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ExportFormat {
    Json,
    Csv,
}

#[derive(Subcommand)]
pub(crate) enum Peers {
    /// List the peers
    List,
    /// Make a peer known
    Add {
        /// Its name here
        name: String,
        /// What it does
        #[arg(long, value_parser = one_of::<Role>(Role::NAMES))]
        role: Role,
        /// Where it listens
        #[arg(long, value_name = "HOST:PORT")]
        address: String,
        /// What `cloisterd fingerprint` prints there
        #[arg(long, value_name = "HEX", value_parser = fingerprint)]
        fingerprint: String,
        /// A dataset it may use; may be repeated
        #[arg(long = "dataset", value_name = "NAME")]
        datasets: Vec<String>,
    },
    /// Try to reach a peer
    Ping {
        /// The peer
        name: String,
    },
    /// Forget a peer
    Remove {
        /// The peer
        name: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum Plugins {
    /// List the plugins
    List,
    /// Try a plugin file on the daemon's machine without taking it into use
    Check {
        /// The file
        file: PathBuf,
    },
}

/// A parser for an enumeration that knows its own names.
fn one_of<T>(names: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name| name.parse::<T>())
}

fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
        _ => Err("must be a number that is not negative".into()),
    }
}

fn count(text: &str) -> Result<u32, String> {
    let most = u32::MAX;
    text.parse()
        .ok()
        .filter(|&count| count > 0)
        .ok_or_else(|| format!("must be a whole number from 1 to {most}"))
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("must be a whole number from 0 to {}", u64::MAX))
}

/// A comma separates bounds only where one is complete, so that attributes may contain one.
fn bounds(text: &str) -> Result<Bounds, String> {
    let mut found = Vec::new();
    let mut begun = String::new();
    for piece in text.split_inclusive(',') {
        begun += piece.strip_suffix(',').unwrap_or(piece);
        if begun.rsplit_once('=').is_some_and(|(_, range)| range.contains(':')) {
            found.push(bound(&begun)?);
            begun.clear();
        } else if piece.ends_with(',') {
            begun.push(',');
        }
    }
    if found.is_empty() || !begun.is_empty() || text.ends_with(',') {
        bound(&begun)?;
    }
    Ok(Bounds(found))
}

/// The last `=` separates, so that attributes may contain one.
fn bound(text: &str) -> Result<Bound, String> {
    let wrong = || "must be ATTRIBUTE=LOW:HIGH, for instance height=0:250".to_owned();
    let (attribute, range) = text.rsplit_once('=').ok_or_else(wrong)?;
    let (low, high) = range.split_once(':').ok_or_else(wrong)?;
    let number = |text: &str| text.parse::<f64>().ok().filter(|value| value.is_finite()).ok_or_else(wrong);
    let (low, high) = (number(low)?, number(high)?);
    if attribute.is_empty() {
        return Err(wrong());
    }
    if low >= high {
        return Err("the lower bound must be below the upper one".into());
    }
    Ok(Bound { attribute: attribute.to_owned(), low, high })
}

fn fingerprint(text: &str) -> Result<String, String> {
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err("must be 64 hexadecimal digits".into())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn bounds_are_checked() {
        let expected = Bound { attribute: "a=b".into(), low: -1.5, high: 2.0 };
        assert_eq!(bound("a=b=-1.5:2"), Ok(expected));
        for bad in ["", "a", "a=1", "=1:2", "a=2:1", "a=1:1", "a=x:2", "a=0:inf", "a=nan:1"] {
            assert!(bound(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn bounds_come_one_by_one_or_as_a_list() {
        let all = |text: &str| {
            let Bounds(list) = bounds(text)?;
            Ok::<_, String>(
                list.into_iter().map(|bound| (bound.attribute, bound.low, bound.high)).collect::<Vec<_>>(),
            )
        };
        assert_eq!(all("a=0:1"), Ok(vec![("a".into(), 0.0, 1.0)]));
        assert_eq!(all("a=0:1,b=-2:2"), Ok(vec![("a".into(), 0.0, 1.0), ("b".into(), -2.0, 2.0)]));
        assert_eq!(
            all("a, in cm=0:1,b=0:2"),
            Ok(vec![("a, in cm".into(), 0.0, 1.0), ("b".into(), 0.0, 2.0)])
        );
        for bad in ["", ",", "a", "a=0:1,", ",,", "a=2:1,b=0:1", "a=x:1,b=0:1", "a=0:1,b", "a=0:1,b=3"] {
            assert!(bounds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tolerances_are_checked() {
        assert_eq!(tolerance("1e-4"), Ok(1e-4));
        for bad in ["-1", "nan", "inf", "x"] {
            assert!(tolerance(bad).is_err(), "{bad}");
        }
    }
}
