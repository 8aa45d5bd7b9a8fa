//! Walks the merged layers, takes keys, and records every problem.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use neurolink_core::ConfigProblem;

use crate::layers::{Entry, Origin, Table, Value};
use crate::names::{advice, one_of, with_section};
use crate::units;

/// Everything that was found, in order.
#[derive(Default)]
pub(crate) struct Found {
    problems: RefCell<Vec<ConfigProblem>>,
    warnings: RefCell<Vec<String>>,
}

impl Found {
    pub(crate) fn problem(&self, problem: ConfigProblem) {
        self.problems.borrow_mut().push(problem);
    }

    /// How many problems there are until now.
    pub(crate) fn count(&self) -> usize {
        self.problems.borrow().len()
    }

    pub(crate) fn warn(&self, warning: String) {
        self.warnings.borrow_mut().push(warning);
    }

    pub(crate) fn into_parts(self) -> (Vec<ConfigProblem>, Vec<String>) {
        (self.problems.into_inner(), self.warnings.into_inner())
    }
}

/// One table of the configuration. Every key that is asked for is known; the rest are reported by `finish`.
pub(crate) struct Section<'f> {
    path: String,
    table: Table,
    origin: Option<Origin>,
    known: Vec<&'static str>,
    /// Where the keys that were taken came from.
    taken: BTreeMap<&'static str, Origin>,
    found: &'f Found,
}

impl<'f> Section<'f> {
    pub(crate) const fn root(table: Table, found: &'f Found) -> Self {
        Self { path: String::new(), table, origin: None, known: Vec::new(), taken: BTreeMap::new(), found }
    }

    pub(crate) const fn found(&self) -> &'f Found {
        self.found
    }

    /// The whole name of a key.
    pub(crate) fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Its own name, such as `auth.tokens[1]`.
    pub(crate) fn name(&self) -> &str {
        &self.path
    }

    /// Where it came from.
    pub(crate) const fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// Warns about keys that were changed and have no effect.
    pub(crate) fn warn_idle(&self, keys: &[(&str, bool)], why: &str) {
        let idle: Vec<_> = keys.iter().filter(|(_, changed)| *changed).map(|(key, _)| self.key(key)).collect();
        match idle.as_slice() {
            [] => {}
            [key] => self.found.warn(format!("{key} has no effect {why}")),
            [keys @ .., last] => self.found.warn(format!("{} and {last} have no effect {why}", keys.join(", "))),
        }
    }

    /// Whether any of its keys are given.
    pub(crate) fn given(&self, keys: &[&str]) -> Vec<String> {
        keys.iter().filter(|key| self.table.contains_key(**key)).map(|key| self.key(key)).collect()
    }

    pub(crate) fn take(&mut self, key: &'static str) -> Option<Entry> {
        self.known.push(key);
        let entry = self.table.remove(key)?;
        self.taken.insert(key, Arc::clone(&entry.origin));
        Some(entry)
    }

    /// Reports a problem with a key that is not there, or that something else is in the way of.
    pub(crate) fn missing(&self, key: &str, problem: &str) {
        let found = ConfigProblem::new(self.key(key), problem);
        let given = self.table.get(key).map(|entry| &entry.origin).or_else(|| self.taken.get(key));
        self.found.problem(match given.or(self.origin.as_ref()) {
            Some(origin) => with_origin(found, origin),
            None => found,
        });
    }

    /// Reports a problem with an entry's value.
    pub(crate) fn wrong(&self, key: &str, entry: &Entry, problem: impl Into<String>) {
        let mut found = ConfigProblem::new(self.key(key), problem);
        if let Some(shown) = entry.value.shown() {
            found = found.with_value(shown);
        }
        self.found.problem(with_origin(found, &entry.origin));
    }

    /// Reads a key into its place; what is wrong with it is recorded and the place stays as it is.
    pub(crate) fn set<T>(&mut self, key: &'static str, place: &mut T, parse: impl FnOnce(&Value) -> Result<T, String>) {
        let Some(entry) = self.take(key) else { return };
        match parse(&entry.value) {
            Ok(value) => *place = value,
            Err(problem) => self.wrong(key, &entry, problem),
        }
    }

    /// Reads a list of texts; every item that is wrong is recorded under its own number.
    pub(crate) fn list(
        &mut self,
        key: &'static str,
        place: &mut Vec<String>,
        check: impl Fn(&str) -> Result<(), String>,
    ) {
        let Some(entry) = self.take(key) else { return };
        if let Some(items) = self.items(key, &entry, check) {
            *place = items;
        }
    }

    /// The items of an entry that is a list, or a text with commas.
    pub(crate) fn items(
        &self,
        key: &str,
        entry: &Entry,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Option<Vec<String>> {
        let items: Vec<Entry> = match &entry.value {
            Value::List(items) => items.clone(),
            Value::Text(text) => text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| Entry { value: Value::String(item.into()), origin: Arc::clone(&entry.origin) })
                .collect(),
            other => {
                let example = "write a list, such as `[\"..\", \"..\"]`";
                self.wrong(key, entry, format!("it is {}; {example}", other.kind()));
                return None;
            }
        };
        let mut good = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let origin = if item.origin.is_empty() { &entry.origin } else { &item.origin };
            let item = Entry { value: item.value.clone(), origin: Arc::clone(origin) };
            match text(&item.value).and_then(|text| check(&text).map(|()| text)) {
                Ok(text) => good.push(text),
                Err(problem) => self.wrong(&format!("{key}[{index}]"), &item, problem),
            }
        }
        Some(good)
    }

    /// A table inside; `None` when it is not given.
    pub(crate) fn section(&mut self, key: &'static str) -> Option<Self> {
        let entry = self.take(key)?;
        match entry.value {
            Value::Table(table) => Some(self.inner(self.key(key), table, entry.origin)),
            Value::Null => Some(self.inner(self.key(key), Table::new(), entry.origin)),
            ref other => {
                let problem = format!(
                    "it is {}; write a table: `[{}]`, or for example `{}`",
                    other.kind(),
                    self.key(key),
                    crate::environment::variable(&format!("{}.key", self.key(key)))
                );
                // Somebody may have written a secret here.
                let found = ConfigProblem::new(self.key(key), problem);
                self.found.problem(with_origin(found, &entry.origin));
                None
            }
        }
    }

    /// A list of tables.
    pub(crate) fn sections(&mut self, key: &'static str) -> Option<Vec<Self>> {
        let entry = self.take(key)?;
        let name = self.key(key);
        let Value::List(items) = entry.value else {
            let found =
                ConfigProblem::new(&name, format!("it is {}; write a list of tables, in a file", entry.value.kind()));
            self.found.problem(with_origin(found, &entry.origin));
            return None;
        };
        let mut sections = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let name = format!("{name}[{index}]");
            match item.value {
                Value::Table(table) => sections.push(self.inner(name, table, item.origin)),
                other => {
                    let problem = format!("it is {}; write a table", other.kind());
                    self.found.problem(with_origin(ConfigProblem::new(name, problem), &item.origin));
                }
            }
        }
        Some(sections)
    }

    fn inner(&self, path: String, table: Table, origin: Origin) -> Self {
        Self { path, table, origin: Some(origin), known: Vec::new(), taken: BTreeMap::new(), found: self.found }
    }

    /// Every entry that is left, of a table whose keys are free.
    pub(crate) fn drain(&mut self) -> Table {
        std::mem::take(&mut self.table)
    }

    /// Reports every key that nobody asked for.
    pub(crate) fn finish(self) {
        for (key, entry) in &self.table {
            let meant = if self.path.is_empty() { with_section(key) } else { None };
            let mut found = ConfigProblem::new(self.key(key), meant.unwrap_or_else(|| advice(key, &self.known)));
            found = match &entry.value {
                // A misspelt key may hold a secret.
                Value::String(text) | Value::Text(text) => found.with_secret(text),
                other => other.shown().map_or(found.clone(), |shown| found.with_value(shown)),
            };
            self.found.problem(with_origin(found, &entry.origin));
        }
    }
}

pub(crate) fn with_origin(problem: ConfigProblem, origin: &Origin) -> ConfigProblem {
    if origin.is_empty() { problem } else { problem.with_origin(&**origin) }
}

/// A text that is not empty.
pub(crate) fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) | Value::Text(text) if text.trim().is_empty() => {
            Err("it is empty; give a value or leave the key out".into())
        }
        Value::String(text) | Value::Text(text) => Ok(text.trim().to_owned()),
        other => Err(format!("it is {}; write text in quotes", other.kind())),
    }
}

/// `true` or `false`.
pub(crate) fn boolean(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err("write `true` or `false`".into()),
        },
        Value::String(_) => Err("write `true` or `false`, without quotes".into()),
        other => Err(format!("it is {}; write `true` or `false`", other.kind())),
    }
}

/// A whole number from `least` to `most`, which its type has to hold.
pub(crate) fn integer<N: TryFrom<i64>>(least: i64, most: i64) -> impl Fn(&Value) -> Result<N, String> {
    move |value| {
        let number = match value {
            Value::Integer(number) => Some(*number),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        let quotes = if matches!(value, Value::String(_)) { ", without quotes" } else { "" };
        number
            .filter(|number| (least..=most).contains(number))
            .and_then(|number| N::try_from(number).ok())
            .ok_or_else(|| format!("write a whole number from {least} to {most}{quotes}"))
    }
}

/// `30s`; zero only where it has a meaning.
pub(crate) fn duration(zero: bool) -> impl Fn(&Value) -> Result<Duration, String> {
    move |value| match units::parse_duration(&measure(value, units::DURATION_HELP)?)? {
        duration if duration.is_zero() && !zero => {
            Err("it is zero, so that nothing could pass; give more or leave it out".into())
        }
        duration => Ok(duration),
    }
}

/// `1mb`, or bytes.
pub(crate) fn size(value: &Value) -> Result<usize, String> {
    units::parse_size(&measure(value, units::SIZE_HELP)?)
}

/// A number with its unit, or without.
fn measure(value: &Value, help: &str) -> Result<String, String> {
    match value {
        Value::Integer(number) => Ok(number.to_string()),
        Value::String(_) | Value::Text(_) => text(value),
        other => Err(format!("it is {}; {help}", other.kind())),
    }
}

/// A number of requests, or `off`.
pub(crate) fn count(value: &Value) -> Result<Option<u32>, String> {
    match value {
        Value::Bool(false) => Ok(None),
        Value::Text(word) | Value::String(word) if word.eq_ignore_ascii_case("off") => Ok(None),
        value => integer(1, u32::MAX.into())(value).map(Some).map_err(|problem| format!("{problem}; or `off`")),
    }
}

/// `100/60s`, or `off`.
pub(crate) fn rate(value: &Value) -> Result<Option<units::Rate>, String> {
    match value {
        Value::Bool(false) => Ok(None),
        Value::Integer(number) => Err(format!("say the time, too: `{number}/60s`; or `off`")),
        value => {
            let text = text(value)?;
            if text.eq_ignore_ascii_case("off") {
                return Ok(None);
            }
            text.parse().map(Some).map_err(|problem: String| {
                if problem.contains("off") { problem } else { format!("{problem}; or `off`") }
            })
        }
    }
}

/// One of some words.
pub(crate) fn word<T: Copy>(words: &[(&'static str, T)]) -> impl Fn(&Value) -> Result<T, String> {
    move |value| {
        let given = text(value)?;
        let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        words
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(&given))
            .map(|(_, value)| *value)
            .ok_or_else(|| format!("write one of {}", one_of(&known)))
    }
}
