use serde::{Deserialize, Serialize};

/// One metric plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginInfo {
    /// The metric's name; the file's name where it could not be loaded.
    pub name: String,
    /// The metric's version, empty where it could not be loaded.
    pub version: String,
    /// What it says about itself.
    pub description: String,
    /// The file.
    pub file: String,
    /// Whether runs may name it.
    pub usable: bool,
    /// Whether it is the settings' default.
    pub default: bool,
    /// Why it is not usable.
    pub problem: Option<String>,
}
