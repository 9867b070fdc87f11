//! Walks the merged settings tree, takes each key once, and remembers everything that was wrong.

use config::{Map, Value, ValueKind};

use super::Problem;

/// What config names as the origin of a value that came from a variable.
const ENVIRONMENT: &str = "the environment";

/// One table of the tree, and the keys in it that nobody has taken yet.
pub(super) struct Section {
    /// How messages name it: empty, `policy`, or `peer[2]`.
    path: String,
    /// How the list of known keys names it: `peer` for every `[[peer]]`.
    pattern: String,
    rest: Map<String, Value>,
}

/// The one pass over a tree.
pub(super) struct Reader {
    file: String,
    known: Vec<String>,
    unknown: Vec<(String, String, Option<String>)>,
    problems: Vec<Problem>,
}

fn join(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

fn from_environment(value: &Value) -> bool {
    value.origin() == Some(ENVIRONMENT)
}

impl Reader {
    /// A reader for a tree read from this file.
    pub(super) fn new(file: String) -> Self {
        Self { file, known: Vec::new(), unknown: Vec::new(), problems: Vec::new() }
    }

    /// The top of the tree.
    pub(super) fn root(tree: Map<String, Value>) -> Section {
        Section { path: String::new(), pattern: String::new(), rest: tree }
    }

    fn report(&mut self, origin: Option<&str>, key: String, message: impl Into<String>) {
        let place = match origin {
            Some(ENVIRONMENT) => ENVIRONMENT.to_owned(),
            _ => self.file.clone(),
        };
        self.problems.push(Problem { place, key, message: message.into() });
    }

    /// Notes something wrong with a key that has been taken.
    pub(super) fn wrong(&mut self, section: &Section, key: &str, message: impl Into<String>) {
        self.report(None, join(&section.path, key), message);
    }

    fn take(&mut self, section: &mut Section, key: &str) -> Option<Value> {
        let pattern = join(&section.pattern, key);
        if !self.known.contains(&pattern) {
            self.known.push(pattern);
        }
        section.rest.remove(key)
    }

    /// A table below a table; empty where it is not there.
    pub(super) fn section(&mut self, parent: &mut Section, key: &str) -> Section {
        let path = join(&parent.path, key);
        let rest = match parent.rest.remove(key) {
            None => Map::new(),
            Some(Value { kind: ValueKind::Table(table), .. }) => table,
            Some(value) => {
                self.report(value.origin(), path.clone(), format!("must be a table: [{key}]"));
                Map::new()
            }
        };
        Section { pattern: join(&parent.pattern, key), path, rest }
    }

    /// The tables of a list of tables, counted from 1 in messages.
    pub(super) fn sections(&mut self, parent: &mut Section, key: &str) -> Vec<Section> {
        let path = join(&parent.path, key);
        let list = match parent.rest.remove(key) {
            None => Vec::new(),
            Some(Value { kind: ValueKind::Array(list), .. }) => list,
            Some(value) => {
                let message = format!("must be tables in the settings file: [[{key}]]");
                self.report(value.origin(), path.clone(), message);
                Vec::new()
            }
        };
        let mut sections = Vec::new();
        for (index, value) in list.into_iter().enumerate() {
            let path = format!("{path}[{}]", index + 1);
            match value.kind {
                ValueKind::Table(rest) => {
                    sections.push(Section { path, pattern: join(&parent.pattern, key), rest })
                }
                _ => self.report(value.origin(), path, format!("must be a table: [[{key}]]")),
            }
        }
        sections
    }

    /// A text that `parse` makes sense of. `None` where it is missing or wrong; a missing one without default is
    /// a problem too.
    pub(super) fn required<T>(
        &mut self,
        section: &mut Section,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let Some(value) = self.take(section, key) else {
            self.wrong(section, key, "is missing, and has no default");
            return None;
        };
        match &value.kind {
            ValueKind::String(text) => match parse(text) {
                Ok(parsed) => return Some(parsed),
                Err(message) => self.report(value.origin(), join(&section.path, key), message),
            },
            _ => self.report(value.origin(), join(&section.path, key), "must be a text in quotes"),
        }
        None
    }

    /// A text that `parse` makes sense of, with a default.
    pub(super) fn text<T>(
        &mut self,
        section: &mut Section,
        key: &str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        let present = section.rest.contains_key(key);
        if !present {
            self.take(section, key);
            return default;
        }
        self.required(section, key, parse).unwrap_or(default)
    }

    /// A whole number within bounds.
    pub(super) fn number(
        &mut self,
        section: &mut Section,
        key: &str,
        default: u64,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> u64 {
        let Some(value) = self.take(section, key) else { return default };
        let number = match &value.kind {
            ValueKind::I64(number) => u64::try_from(*number).ok(),
            ValueKind::String(text) if from_environment(&value) => text.trim().parse().ok(),
            _ => None,
        };
        match number {
            Some(number) if bounds.contains(&number) => number,
            _ => {
                let message = format!("must be a whole number from {} to {}", bounds.start(), bounds.end());
                self.report(value.origin(), join(&section.path, key), message);
                default
            }
        }
    }

    /// `true` or `false`, and no other spelling: some of these open doors.
    pub(super) fn flag(&mut self, section: &mut Section, key: &str, default: bool) -> bool {
        let Some(value) = self.take(section, key) else { return default };
        match &value.kind {
            ValueKind::Boolean(flag) => return *flag,
            ValueKind::String(text) if from_environment(&value) && text == "true" => return true,
            ValueKind::String(text) if from_environment(&value) && text == "false" => return false,
            _ => self.report(value.origin(), join(&section.path, key), "must be true or false"),
        }
        default
    }

    /// A list of texts that `parse` makes sense of as a whole; separated by commas in the environment.
    pub(super) fn texts<T>(
        &mut self,
        section: &mut Section,
        key: &str,
        default: T,
        parse: impl FnOnce(&[String]) -> Result<T, String>,
    ) -> T {
        let Some(value) = self.take(section, key) else { return default };
        let texts = match &value.kind {
            ValueKind::Array(list) => list
                .iter()
                .map(|item| match &item.kind {
                    ValueKind::String(text) => Some(text.clone()),
                    _ => None,
                })
                .collect::<Option<Vec<_>>>(),
            ValueKind::String(text) if from_environment(&value) => Some(
                text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect(),
            ),
            _ => None,
        };
        match texts
            .ok_or_else(|| "must be a list of texts in quotes".to_owned())
            .and_then(|texts| parse(&texts))
        {
            Ok(parsed) => return parsed,
            Err(message) => self.report(value.origin(), join(&section.path, key), message),
        }
        default
    }

    /// Ends a table: what is left in it is unknown.
    pub(super) fn close(&mut self, section: Section) {
        let mut rest: Vec<_> = section.rest.into_iter().collect();
        rest.sort_by(|a, b| a.0.cmp(&b.0));
        for (key, value) in rest {
            let origin = value.origin().map(str::to_owned).or_else(|| first_origin(&value));
            self.unknown.push((join(&section.path, &key), join(&section.pattern, &key), origin));
        }
    }

    /// Every key that was asked for, with `peer` for each `[[peer]]`.
    pub(super) fn known(&self) -> &[String] {
        &self.known
    }

    /// Everything that was wrong.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        for (path, pattern, origin) in std::mem::take(&mut self.unknown) {
            let message = match nearest(&pattern, &self.known) {
                Some(known) => format!("unknown key; did you mean {known}?"),
                None => "unknown key".to_owned(),
            };
            self.report(origin.as_deref(), path, message);
        }
        self.problems
    }
}

/// Tables that only exist because of a variable carry no origin of their own, but their values do.
fn first_origin(value: &Value) -> Option<String> {
    match &value.kind {
        ValueKind::Table(table) => {
            table.values().find_map(|value| value.origin().map(str::to_owned).or_else(|| first_origin(value)))
        }
        _ => None,
    }
}

/// The known key or section that was most likely meant: the same word elsewhere, or the closest spelling.
fn nearest<'a>(unknown: &str, known: &'a [String]) -> Option<&'a str> {
    let word = |path: &'a str| path.rsplit('.').next().unwrap_or(path);
    let unknown_word = unknown.rsplit('.').next().unwrap_or(unknown);
    let sections = known.iter().filter_map(|path| path.split_once('.')).map(|(section, _)| section);
    let candidates = known.iter().map(String::as_str).chain(sections);
    candidates
        .map(|candidate| {
            let whole = strsim::jaro_winkler(unknown, candidate);
            let last = strsim::jaro_winkler(unknown_word, word(candidate));
            (whole.max(last), whole, candidate)
        })
        .filter(|(score, ..)| *score >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)))
        .map(|(.., candidate)| candidate)
}
