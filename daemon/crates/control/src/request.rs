//! What a client may ask for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::bytes;

/// One request. Unless a variant says otherwise it is answered by exactly one response, and any request may be
/// answered by [`Response::Failed`](crate::Response::Failed) instead, which ends it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Answered by `Status`.
    Status,
    /// Announces a document. Answered by `Ready`; then the client sends [`Chunk`](Self::Chunk)s and one
    /// [`End`](Self::End), and the daemon answers `Dataset` once the rows are durable. If the daemon fails in the
    /// middle it sends `Failed` and closes the connection.
    Upload {
        /// The dataset's name from now on.
        name: String,
        /// The document's own file name, without folders.
        file_name: String,
        /// Its length in bytes, where the client knows it.
        size: Option<u64>,
    },
    /// The next piece of a document, at most [`CHUNK_BYTES`](crate::CHUNK_BYTES). No answer.
    Chunk(#[serde(with = "bytes")] Vec<u8>),
    /// The document is complete.
    End,
    /// Answered by `Datasets`.
    Datasets,
    /// Answered by `Dataset`.
    ShowDataset {
        /// The dataset.
        name: String,
    },
    /// Answered by any number of `Chunk` and one `Done`.
    Retrieve {
        /// The dataset.
        name: String,
        /// In which form.
        format: RetrieveFormat,
    },
    /// Answered by `Done`.
    RemoveDataset {
        /// The dataset.
        name: String,
    },
    /// Starts a joint run. Answered by `JobStarted` once the request itself is found good.
    Cluster(ClusterRequest),
    /// Finds out what a run would cost, and starts none. Answered by `Estimate`; all parties are asked whether they
    /// would take part, and any of them may refuse.
    Estimate(ClusterRequest),
    /// Answered by `Jobs`, the newest first.
    Jobs,
    /// Answered by any number of `Progress`, then `Finished` or `Failed`; at once if the job is over. Closing the
    /// connection stops the watching, not the job.
    WatchJob {
        /// The job.
        id: String,
    },
    /// Answered by `Done` once the job has been told to stop.
    CancelJob {
        /// The job.
        id: String,
    },
    /// Goes on with an interrupted job of this lead. Answered by `JobStarted` once the job runs again.
    ResumeJob {
        /// The job.
        id: String,
    },
    /// Answered by `Results`, the newest first.
    Results,
    /// Answered by `Result`.
    ShowResult {
        /// The result.
        id: String,
    },
    /// The labels of this host's rows: any number of `Chunk` that together are the CSV document `row,label`, then
    /// `Done`.
    Labels {
        /// The result.
        id: String,
    },
    /// Answered by `Done`.
    RemoveResult {
        /// The result.
        id: String,
    },
    /// Answered by `Peers`, without asking them.
    Peers,
    /// Answered by `Peer`.
    AddPeer(NewPeer),
    /// Answered by `Peer`, with what the attempt to reach it found.
    PingPeer {
        /// The peer.
        name: String,
    },
    /// Answered by `Done`.
    RemovePeer {
        /// The peer.
        name: String,
    },
    /// Answered by `Plugins`.
    Plugins,
    /// Tries out a plugin file on the daemon's machine without taking it into use. Answered by `Plugin`.
    CheckPlugin {
        /// Absolute path, as the daemon sees it.
        file: String,
    },
    /// Reads the settings again. Answered by `Reloaded`.
    Reload,
}

/// A joint run over one dataset name that every host has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterRequest {
    /// The dataset.
    pub dataset: String,
    /// How many clusters.
    pub k: u32,
    /// The other hosts by name; empty for every host peer that lists the dataset.
    pub peers: Vec<String>,
    /// The third party by name; `None` where settings know only one.
    pub third_party: Option<String>,
    /// The metric plugin; `None` for the settings' default.
    pub metric: Option<String>,
    /// What hosts may see during the run.
    pub privacy: Privacy,
    /// How rows are scaled first.
    pub normalize: Normalize,
    /// Public bounds per attribute, for [`Normalize::Range`] only.
    pub bounds: Vec<Bound>,
    /// What happens to rows with a missing value.
    pub missing: Missing,
    /// Attributes by name and in order; `None` for every numeric one that is not the class.
    pub attributes: Option<Vec<String>>,
    /// Upper limit of rounds; `None` for the settings' limit.
    pub max_rounds: Option<u32>,
    /// Stop when centres move at most this far in scaled units; `None` for the daemon's default.
    pub tolerance: Option<f64>,
    /// How many starts; `None` for the daemon's default.
    pub starts: Option<u32>,
    /// Seed of the public choices of the run, to repeat it; `None` for a random one.
    pub seed: Option<u64>,
}

impl ClusterRequest {
    /// A request with every choice at its default.
    pub fn new(dataset: impl Into<String>, k: u32) -> Self {
        Self {
            dataset: dataset.into(),
            k,
            peers: Vec::new(),
            third_party: None,
            metric: None,
            privacy: Privacy::Sealed,
            normalize: Normalize::ZScore,
            bounds: Vec::new(),
            missing: Missing::Fail,
            attributes: None,
            max_rounds: None,
            tolerance: None,
            starts: None,
            seed: None,
        }
    }
}

/// The public range of one attribute, in its own units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// The attribute.
    pub attribute: String,
    /// The value that becomes 0.
    pub low: f64,
    /// The value that becomes 1; greater than `low`.
    pub high: f64,
}

/// A peer to be added at run time; the same facts as a `[[peer]]` of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPeer {
    /// Its name here.
    pub name: String,
    /// What it does in runs with us.
    pub role: Role,
    /// `host:port`.
    pub address: String,
    /// SHA-256 of its public key info, 64 hexadecimal digits.
    pub fingerprint: String,
    /// The datasets it may use.
    pub datasets: Vec<String>,
}

/// A name that none of the known ones is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} (known: {known})")]
pub struct UnknownName {
    what: &'static str,
    known: String,
}

/// An enumeration whose variants have stable names, alike on the command line, in JSON and in print.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every variant's name, in order.
            pub const NAMES: &[&str] = &[$($text),+];

            /// The variant's name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, UnknownName> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(UnknownName { what: $what, known: Self::NAMES.join(", ") }),
                }
            }
        }
    };
}

named! {
    /// What a party does.
    Role, "role" {
        /// Holds rows.
        Host = "host",
        /// Holds a Paillier key and deals randomness; never rows.
        ThirdParty = "third-party",
    }
}

named! {
    /// What hosts see while a run goes on.
    Privacy, "privacy mode" {
        /// Nothing but one stop bit a round.
        Sealed = "sealed",
        /// The rounded joint centres of every round.
        Open = "open",
    }
}

named! {
    /// How attributes are scaled before the run.
    Normalize, "normalisation" {
        /// Joint mean 0 and joint standard deviation 1; both are shown to the hosts.
        ZScore = "z-score",
        /// Joint mean 0; it is shown to the hosts.
        Mean = "mean",
        /// Public bounds to 0 and 1; shows nothing.
        Range = "range",
        /// As they are.
        None = "none",
    }
}

named! {
    /// What happens to missing values.
    Missing, "policy for missing values" {
        /// The run is refused.
        Fail = "fail",
        /// Rows with one are left out.
        Drop = "drop",
        /// The attribute's mean takes its place.
        Mean = "mean",
    }
}

named! {
    /// The form in which a dataset is given back.
    RetrieveFormat, "format" {
        /// Byte for byte as uploaded.
        Original = "original",
        /// XRFF written from the typed columns.
        Xrff = "xrff",
        /// CSV written from the typed columns.
        Csv = "csv",
    }
}
