use control::facts::PluginInfo;
use control::{ErrorCode, Failure, Request};

use crate::cli::Plugins;
use crate::daemon::{Daemon, answer};
use crate::output::{self, Outcome, Output};
use crate::text;

const COLUMNS: [&str; 7] = ["name", "version", "description", "usable", "default", "file", "problem"];

fn row(plugin: &PluginInfo) -> [String; 7] {
    [
        plugin.name.clone(),
        plugin.version.clone(),
        plugin.description.clone(),
        text::yes_no(plugin.usable),
        text::yes_no(plugin.default),
        plugin.file.clone(),
        plugin.problem.clone().unwrap_or_default(),
    ]
}

pub(super) fn run(daemon: &mut Daemon, command: Option<&Plugins>, output: &Output) -> Outcome {
    match command {
        None | Some(Plugins::List) => {
            let plugins = daemon.ask(&Request::Plugins, answer!(Plugins))?;
            output.list("plugins", &plugins, COLUMNS, row)
        }
        Some(Plugins::Check { file }) => {
            // The daemon has another working directory than we.
            let path = std::path::absolute(file).map_err(|error| {
                Failure::new(ErrorCode::Usage, format!("{}: {error}", file.display()))
                    .with_hint("name a file")
            })?;
            let request = Request::CheckPlugin { file: path.display().to_string() };
            let plugin = daemon.ask(&request, answer!(Plugin))?;
            if plugin.usable {
                return output.facts("plugin", &*plugin, |plugin| output::table(COLUMNS, [row(plugin)]));
            }
            let why = plugin.problem.as_deref().unwrap_or("not usable");
            let failure = Failure::new(ErrorCode::BadData, format!("{}: {why}", plugin.file));
            Err(failure.with_hint("plugins are built against the abi crate's header").into())
        }
    }
}
