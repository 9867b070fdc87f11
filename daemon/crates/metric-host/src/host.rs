//! The metrics of one plugin directory.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kmeans::Metric;

use crate::library;
use crate::loaded::{LoadedMetric, SecureForm};
use crate::probe::{Probe, Sound};
use crate::refusal::{Refusal, Rejected};
use crate::trust::{FileIdentity, Trust};

/// The metrics that were loaded from one directory, by name.
#[derive(Debug)]
pub struct MetricHost {
    /// `None` for a host that never has any.
    source: Option<Source>,
    /// Every file that was ever opened in this process: the loader would hand out the old code again for a
    /// new file under the same path. Locked for a whole reload, so that two do not open the same file.
    opened: Mutex<HashMap<PathBuf, FileIdentity>>,
    /// Locked for moments only, so that a plugin on trial keeps no run waiting.
    current: Mutex<Current>,
}

/// Where metrics come from.
#[derive(Debug)]
struct Source {
    dir: PathBuf,
    trust: Trust,
    probe: Probe,
}

#[derive(Debug, Default)]
struct Current {
    /// The metrics that runs may name.
    plugins: BTreeMap<String, Plugin>,
    /// What the last look at the directory refused.
    rejected: Vec<Arc<Rejected>>,
}

#[derive(Debug, Clone)]
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
    /// A host without metrics, for a party that computes none; it has no directory, and a reload finds nothing.
    pub fn empty() -> Self {
        Self { source: None, opened: Mutex::default(), current: Mutex::default() }
    }

    /// Loads every `.so` file of `dir`, in the order of their names. What is refused is listed by
    /// [`Self::rejected`]; other files are not looked at.
    ///
    /// Blocks until every file was tried in a child process, for at most the probe's limit each.
    ///
    /// # Errors
    /// If `dir` cannot be listed, or it or a directory above it could be changed by others.
    pub fn load_dir(dir: &Path, trust: &Trust, probe: &Probe) -> Result<Self, HostError> {
        let dir = trust.check_directory(dir).map_err(HostError::Directory)?;
        let source = Source { dir, trust: *trust, probe: probe.clone() };
        let host = Self { source: Some(source), ..Self::empty() };
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
        let Some(source) = &self.source else { return Ok(Reloaded::default()) };
        let mut opened = lock(&self.opened);
        source.trust.check_directory(&source.dir).map_err(HostError::Directory)?;
        let files = source.files()?;
        let (mut plugins, gone): (BTreeMap<_, _>, BTreeMap<_, _>) = lock(&self.current)
            .plugins
            .clone()
            .into_iter()
            .partition(|(_, plugin)| files.contains(&plugin.file));
        let (mut added, mut rejected) = (Vec::new(), Vec::new());
        for file in files {
            match source.load_file(&mut opened, &plugins, &file) {
                Ok(None) => {}
                Ok(Some(metric)) => {
                    added.push(metric.name().to_owned());
                    plugins.insert(metric.name().to_owned(), Plugin { metric: Arc::new(metric), file });
                }
                Err(reason) => rejected.push(Arc::new(Rejected { file, reason })),
            }
        }
        let retired = gone.into_keys().filter(|name| !plugins.contains_key(name)).collect();
        *lock(&self.current) = Current { plugins, rejected };
        Ok(Reloaded { added, retired })
    }

    /// The metric with this name, unless it is disabled.
    pub fn get(&self, name: &str) -> Option<Arc<dyn Metric>> {
        let current = lock(&self.current);
        let metric = &current.plugins.get(name)?.metric;
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
        lock(&self.current).plugins.values().map(describe).collect()
    }

    /// The files that the last load or reload refused, in the order of their names.
    pub fn rejected(&self) -> Vec<Arc<Rejected>> {
        lock(&self.current).rejected.clone()
    }
}

impl Source {
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

    /// Loads one file; gives its metric if that is new.
    fn load_file(
        &self,
        opened: &mut HashMap<PathBuf, FileIdentity>,
        plugins: &BTreeMap<String, Plugin>,
        file: &Path,
    ) -> Result<Option<LoadedMetric>, Refusal> {
        let name = library::metric_name(file)?;
        let identity = self.trust.check_file(file)?;
        if opened.get(file).is_some_and(|opened| !opened.is_same_content(&identity)) {
            return Err(Refusal::Replaced);
        }
        if let Some(plugin) = plugins.get(name) {
            if plugin.file == file {
                return Ok(None);
            }
            return Err(Refusal::Duplicate { name: name.to_owned(), first: plugin.file.clone() });
        }
        self.probe.run(file)?;
        if self.trust.check_file(file)? != identity {
            return Err(Refusal::Changed);
        }
        opened.insert(file.to_owned(), identity);
        library::open(file).map(Some)
    }
}

/// Nothing that is done under these locks leaves a state half changed, so a panic there does no harm.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts one file through everything that comes before loading, with its directories, and loads it in the child
/// process only. For a plugin that an operator wants to know about.
///
/// # Errors
/// Why it would not be loaded from where it is.
pub fn check_file(file: &Path, trust: &Trust, probe: &Probe) -> Result<Sound, Refusal> {
    let file_name = file.file_name().ok_or(Refusal::FileName)?;
    let dir = match file.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let file = trust.check_directory(dir)?.join(file_name);
    library::metric_name(&file)?;
    trust.check_file(&file)?;
    Ok(probe.run(&file)?)
}
