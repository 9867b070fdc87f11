//! The metric plugins as a client sees them.

use std::path::Path;

use control::facts::PluginInfo;
use control::{ErrorCode, Failure};
use metric_host::{SecureForm, Trust, check_file};

use crate::node::Node;
use crate::startup;

/// All of them, the usable ones first.
pub(crate) fn list(node: &Node) -> Vec<PluginInfo> {
    let default = &node.settings().plugins.metric;
    let loaded = node.metrics.list().into_iter().map(|plugin| PluginInfo {
        default: plugin.name == *default,
        description: describe(&plugin),
        file: plugin.file.display().to_string(),
        usable: plugin.broken.is_none(),
        problem: plugin.broken,
        version: plugin.version,
        name: plugin.name,
    });
    let rejected = node.metrics.rejected().into_iter().map(|rejected| PluginInfo {
        problem: Some(rejected.reason.to_string()),
        ..unusable(&rejected.file)
    });
    let mut all: Vec<PluginInfo> = loaded.chain(rejected).collect();
    all.sort_by_key(|plugin| !plugin.usable);
    all
}

fn unusable(file: &Path) -> PluginInfo {
    PluginInfo {
        name: file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned(),
        version: String::new(),
        description: String::new(),
        file: file.display().to_string(),
        usable: false,
        default: false,
        problem: None,
    }
}

fn describe(plugin: &metric_host::PluginInfo) -> String {
    let costs = if plugin.costs_are_squares { "squares of a distance" } else { "distances" };
    let form = match plugin.secure_form {
        SecureForm::None => "for mode open only",
        SecureForm::SquaredEuclidean => "the squared Euclidean form",
        SecureForm::Manhattan => "the Manhattan form",
    };
    format!("costs are {costs}; {form}")
}

/// Tries a file out without taking it into use.
pub(crate) fn check(node: &Node, file: &str) -> Result<PluginInfo, Failure> {
    let path = Path::new(file);
    if !path.is_absolute() {
        return Err(Failure::new(
            ErrorCode::Usage,
            "a plugin's path must be absolute: the daemon has its own folder",
        ));
    }
    let shown: String = file.chars().filter(|c| !c.is_control()).collect();
    if let Err(error) = path.symlink_metadata() {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorCode::NotFound,
            _ => ErrorCode::Failed,
        };
        return Err(Failure::new(code, format!("{shown} cannot be examined: {error}"))
            .with_hint("name a file that the daemon's user may read"));
    }
    let default = &node.settings().plugins.metric;
    Ok(match check_file(path, &Trust::own(), &startup::probe()) {
        Ok(sound) => PluginInfo {
            default: sound.name == *default,
            name: sound.name,
            version: sound.version,
            usable: true,
            ..unusable(path)
        },
        Err(refusal) => PluginInfo { problem: Some(refusal.to_string()), ..unusable(path) },
    })
}
