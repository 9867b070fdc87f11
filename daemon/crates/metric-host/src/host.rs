//! The metrics of one plugin directory.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kmeans::Metric;

use crate::library;
use crate::loaded::{LoadedMetric, SecureForm};
use crate::probe::Probe;
use crate::refusal::{Refusal, Rejected};
use crate::trust::{FileIdentity, Trust};

/// The metrics that were loaded from one directory, by name.
#[derive(Debug)]
pub struct MetricHost {
    dir: PathBuf,
    trust: Trust,
    probe: Probe,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The metrics that runs may name.
    plugins: BTreeMap<String, Plugin>,
    /// Every file that was ever opened in this process: the loader would hand out the old code again for a
    /// new file under the same path.
    opened: HashMap<PathBuf, FileIdentity>,
    /// What the last look at the directory refused.
    rejected: Vec<Arc<Rejected>>,
}

#[derive(Debug)]
struct Plugin {
    metric: Arc<LoadedMetric>,
    file: PathBuf,
}

/// The plugin directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// Its owner, mode or place is wrong.
    #[error("the plugin directory cannot be used: {0}")]
    Directory(Refusal),
    /// It cannot be listed.
    #[error("the plugin directory {} cannot be listed: {source}", dir.display())]
    List {
        /// The directory.
        dir: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// One loaded metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// How a protocol may compute it on hidden data.
    pub secure_form: SecureForm,
    /// Whether its costs are squares of a distance.
    pub costs_are_squares: bool,
    /// The file that it was loaded from.
    pub file: PathBuf,
    /// What it did wrong, if it is disabled.
    pub broken: Option<String>,
}

/// What a reload did, beside [`MetricHost::rejected`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Metrics that can be named now and could not before, or come from a new file.
    pub added: Vec<String>,
    /// Metrics that can no longer be named, because their files are gone.
    pub retired: Vec<String>,
}

impl MetricHost {
    /// Loads every `.so` file of `dir`, in the order of their names. What is refused is listed by
    /// [`Self::rejected`]; other files are not looked at.
    ///
    /// Blocks until every file was tried in a child process, for at most the probe's limit each.
    ///
    /// # Errors
    /// If `dir` cannot be listed, or it or a directory above it could be changed by others.
    pub fn load_dir(dir: &Path, trust: &Trust, probe: &Probe) -> Result<Self, HostError> {
        let dir = trust.check_directory(dir).map_err(HostError::Directory)?;
        let host = Self { dir, trust: *trust, probe: probe.clone(), state: Mutex::default() };
        host.reload()?;
        Ok(host)
    }

    /// Looks at the directory again: loads new files and retires the metrics whose files are gone.
    ///
    /// A file that was replaced under the same name is refused ([`Refusal::Replaced`]) and the loaded code stays
    /// in use. Runs that hold a metric keep it.
    ///
    /// # Errors
    /// As [`Self::load_dir`]; the metrics then stay as they are.
    pub fn reload(&self) -> Result<Reloaded, HostError> {
        // The lock is held throughout, so that two reloads do not open the same file.
        let mut state = self.state();
        self.trust.check_directory(&self.dir).map_err(HostError::Directory)?;
        let files = self.files()?;
        let mut reloaded = Reloaded::default();
        state.plugins.retain(|name, plugin| {
            let stays = files.contains(&plugin.file);
            if !stays {
                reloaded.retired.push(name.clone());
            }
            stays
        });
        state.rejected.clear();
        for file in files {
            match self.load_file(&mut state, &file) {
                Ok(None) => {}
                Ok(Some(name)) => reloaded.added.push(name),
                Err(reason) => state.rejected.push(Arc::new(Rejected { file, reason })),
            }
        }
        reloaded.retired.retain(|name| !state.plugins.contains_key(name));
        Ok(reloaded)
    }

    /// The metric with this name, unless it is disabled.
    pub fn get(&self, name: &str) -> Option<Arc<dyn Metric>> {
        let state = self.state();
        let metric = &state.plugins.get(name)?.metric;
        metric.broken().is_none().then(|| Arc::clone(metric) as Arc<dyn Metric>)
    }

    /// All loaded metrics, disabled ones too, in the order of their names.
    pub fn list(&self) -> Vec<PluginInfo> {
        let describe = |Plugin { metric, file }: &Plugin| PluginInfo {
            name: metric.name().to_owned(),
            version: metric.version().to_owned(),
            secure_form: metric.secure_form(),
            costs_are_squares: metric.costs_are_squares(),
            file: file.clone(),
            broken: metric.broken().map(str::to_owned),
        };
        self.state().plugins.values().map(describe).collect()
    }

    /// The files that the last load or reload refused, in the order of their names.
    pub fn rejected(&self) -> Vec<Arc<Rejected>> {
        self.state().rejected.clone()
    }

    /// Nothing that is done under the lock leaves the state half changed, so a panic there does no harm.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The `.so` files of the directory, sorted.
    fn files(&self) -> Result<Vec<PathBuf>, HostError> {
        let list = || -> io::Result<Vec<PathBuf>> {
            let mut files = Vec::new();
            for entry in fs::read_dir(&self.dir)? {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == "so") {
                    files.push(path);
                }
            }
            files.sort();
            Ok(files)
        };
        list().map_err(|source| HostError::List { dir: self.dir.clone(), source })
    }

    /// Loads one file; gives its metric's name if that is new.
    fn load_file(&self, state: &mut State, file: &Path) -> Result<Option<String>, Refusal> {
        let name = library::metric_name(file)?;
        let identity = self.trust.check_file(file)?;
        if state.opened.get(file).is_some_and(|opened| *opened != identity) {
            return Err(Refusal::Replaced);
        }
        if let Some(plugin) = state.plugins.get(name) {
            if plugin.file == file {
                return Ok(None);
            }
            return Err(Refusal::Duplicate { name: name.to_owned(), first: plugin.file.clone() });
        }
        self.probe.run(file)?;
        if self.trust.check_file(file)? != identity {
            return Err(Refusal::Changed);
        }
        state.opened.insert(file.to_owned(), identity);
        let metric = Arc::new(library::open(file)?);
        state.plugins.insert(name.to_owned(), Plugin { metric, file: file.to_owned() });
        Ok(Some(name.to_owned()))
    }
}
