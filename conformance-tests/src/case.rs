//! A case as it is written in TOML, and its rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use toml::Value;

use crate::expect::Expect;

/// What a failure of a case means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// The server is wrong.
    #[serde(rename = "MUST")]
    Must,
    /// A warning.
    #[serde(rename = "SHOULD")]
    Should,
    /// For information.
    #[serde(rename = "MAY")]
    May,
}

/// A request and what has to come back.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// `area/kebab-case`; never renamed.
    pub id: String,
    /// What a failure means.
    pub level: Level,
    /// The RFC section or the row of the original that the case comes from.
    pub source: String,
    /// The requirements that it covers.
    #[serde(default)]
    pub covers: Vec<String>,
    /// The configuration that the server has to run with.
    #[serde(default = "reference")]
    pub needs: String,
    /// The request of a case with one request.
    pub request: Option<RequestSpec>,
    /// What has to come back for it.
    pub expect: Option<Expect>,
    /// The requests of a case with several.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// How often the request is sent, each time on a new connection; the expectation is for the last answer.
    #[serde(default = "once")]
    pub repeat: u32,
    /// An attack that has to be refused: 4xx or a closed connection, never 2xx, 5xx or silence.
    #[serde(default)]
    pub refuse: bool,
    /// Exactly so many answers come back.
    pub single: Option<usize>,
    /// The status of each of those answers; a list allows several.
    #[serde(default)]
    pub statuses: Vec<Statuses>,
    /// Why one of `statuses` allows several.
    pub why: Option<String>,
    /// Whether the server has to close after those answers.
    #[serde(default)]
    pub closed: bool,
    /// What the text of each of those answers contains; where several statuses are right, with the first of them.
    #[serde(default)]
    pub bodies_contain: Vec<String>,
    /// The method of each request in raw bytes, where HEAD decides how an answer is read.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Milliseconds for the whole case.
    #[serde(default = "timeout")]
    pub timeout_ms: u64,
    /// Whether what it asks is counted by the client's address, so that it needs one that no other case shares.
    #[serde(default)]
    pub by_address: bool,
    /// The address that the client connects from; one of its own unless given.
    pub from: Option<std::net::IpAddr>,
    /// The name of the row, for a case with a table.
    #[serde(skip)]
    pub row: Option<String>,
    /// What has to come back, as it is written, for reports.
    #[serde(skip)]
    pub wanted: String,
}

/// One request of several, and what has to come back.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The request.
    pub request: RequestSpec,
    /// What has to come back.
    pub expect: Expect,
    /// Whether it goes over a connection of its own.
    #[serde(default)]
    pub new_connection: bool,
}

/// A status, or several that are right.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Statuses {
    /// Exactly this one.
    One(u16),
    /// One of these.
    Any(Vec<u16>),
}

impl Statuses {
    /// Whether the status is right.
    #[must_use]
    pub fn allows(&self, status: u16) -> bool {
        match self {
            Self::One(one) => *one == status,
            Self::Any(any) => any.contains(&status),
        }
    }
}

impl Statuses {
    /// Whether this is the only right status or the first of several.
    pub(crate) fn is_first(&self, status: u16) -> bool {
        match self {
            Self::One(one) => *one == status,
            Self::Any(any) => any.first() == Some(&status),
        }
    }
}

impl std::fmt::Display for Statuses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::One(one) => write!(f, "{one}"),
            Self::Any(any) => write!(f, "one of {any:?}"),
        }
    }
}

/// A request as it is written in a case.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestSpec {
    /// The method; GET unless given.
    pub method: Option<String>,
    /// The request target, sent as it is.
    pub path: Option<String>,
    /// `1.1` or `1.0`.
    pub version: Option<String>,
    /// Header lines, in order.
    #[serde(default)]
    pub headers: HeaderLines,
    /// Sends the credential of a user of the reference configuration: `user`, `other`, `admin` or `key`.
    #[serde(rename = "as")]
    pub user: Option<String>,
    /// The body; escapes are `\r`, `\n`, `\\` and `\xNN`.
    pub body: Option<String>,
    /// The body as JSON, with its content type.
    pub body_json: Option<serde_json::Value>,
    /// The body in chunks.
    pub chunked: Option<Vec<String>>,
    /// All bytes of the request, with the same escapes; nothing is added.
    pub raw: Option<String>,
    /// The Host; an empty one sends no Host.
    pub host: Option<String>,
    /// Leaves out `Connection: close`.
    #[serde(default)]
    pub keep_alive: bool,
}

/// Header lines as a table or as a list of pairs.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum HeaderLines {
    /// `{ name = "value" }`
    Table(BTreeMap<String, String>),
    /// `[["Name", "value"], ..]`
    List(Vec<(String, String)>),
}

impl Default for HeaderLines {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl HeaderLines {
    /// The lines in the order they are sent.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let (table, list) = match self {
            Self::Table(table) => (Some(table), None),
            Self::List(list) => (None, Some(list)),
        };
        let table = table.into_iter().flatten().map(|(name, value)| (&**name, &**value));
        table.chain(list.into_iter().flatten().map(|(name, value)| (&**name, &**value)))
    }
}

/// What is wrong with a file of cases.
#[derive(Debug, Error)]
pub enum CaseError {
    /// It is no TOML.
    #[error("{file}: {error}")]
    Toml {
        /// The file.
        file: String,
        /// What the parser said.
        error: Box<toml::de::Error>,
    },
    /// A case is malformed.
    #[error("{file}: {case}: {problem}")]
    Case {
        /// The file.
        file: String,
        /// The case, by id or number.
        case: String,
        /// What is wrong.
        problem: String,
    },
}

fn reference() -> String {
    "reference".into()
}

const fn once() -> u32 {
    1
}

const fn timeout() -> u64 {
    5000
}

impl Case {
    /// The name of the test: `id`, or `id[row]`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.row {
            Some(row) => format!("{}[{row}]", self.id),
            None => self.id.clone(),
        }
    }

    /// The part of the id in front of the slash.
    #[must_use]
    pub fn area(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }

    /// Whether it needs an address that no other case shares, or one that it names.
    pub(crate) const fn is_by_address(&self) -> bool {
        self.by_address || self.from.is_some()
    }

    /// Reads a file of cases and expands their rows.
    ///
    /// # Errors
    /// The file or a case in it is malformed.
    pub fn parse_file(file: &str, text: &str) -> Result<Vec<Self>, CaseError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            case: Vec<toml::Table>,
        }
        let parsed: File =
            toml::from_str(text).map_err(|error| CaseError::Toml { file: file.into(), error: Box::new(error) })?;
        let mut cases = Vec::new();
        for (number, table) in parsed.case.into_iter().enumerate() {
            let id = table.get("id").and_then(Value::as_str).map(str::to_owned);
            let id = id.unwrap_or_else(|| format!("case {}", number + 1));
            cases.extend(expand(table).map_err(|problem| CaseError::Case { file: file.into(), case: id, problem })?);
        }
        Ok(cases)
    }

    fn validate(&self) -> Result<(), String> {
        let kinds = usize::from(self.expect.is_some())
            + usize::from(!self.steps.is_empty())
            + usize::from(self.refuse)
            + usize::from(self.single.is_some());
        if kinds != 1 {
            return Err("needs exactly one of expect, steps, refuse and single".into());
        }
        if self.steps.is_empty() == self.request.is_none() {
            return Err("needs a request, or steps with theirs".into());
        }
        if self.single.is_some_and(|count| count != self.statuses.len()) {
            return Err("`single` needs one entry of `statuses` an answer".into());
        }
        let several = self.statuses.iter().any(|statuses| matches!(statuses, Statuses::Any(_)));
        if several && self.why.as_deref().unwrap_or_default().is_empty() {
            return Err("a list of statuses needs a `why`".into());
        }
        if self.area() == self.id || self.source.is_empty() {
            return Err("needs an id of the form area/name, and a source".into());
        }
        let expects = self.expect.iter().chain(self.steps.iter().map(|step| &step.expect));
        for expect in expects {
            expect.validate()?;
        }
        Ok(())
    }
}

fn expand(mut table: toml::Table) -> Result<Vec<Case>, String> {
    let Some(rows) = table.remove("rows") else { return Ok(vec![finish(table, None)?]) };
    let rows = rows.as_array().ok_or("rows must be a list of tables")?;
    let mut cases = Vec::new();
    for row in rows {
        let row = row.as_table().ok_or("a row must be a table")?;
        let name = row.get("name").and_then(Value::as_str).ok_or("a row needs a name")?;
        let mut value = Value::Table(table.clone());
        substitute(&mut value, row);
        let Value::Table(table) = value else { return Err("a case must be a table".into()) };
        cases.push(finish(table, Some(name.to_owned()))?);
    }
    Ok(cases)
}

fn finish(table: toml::Table, row: Option<String>) -> Result<Case, String> {
    let wanted = wanted(&table);
    let mut case: Case = table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())?;
    case.row = row;
    case.wanted = wanted;
    case.validate()?;
    Ok(case)
}

/// The keys of a case that say what has to come back.
fn wanted(table: &toml::Table) -> String {
    const KEYS: [&str; 8] = ["expect", "refuse", "single", "statuses", "bodies_contain", "closed", "methods", "why"];
    let mut found: toml::Table = table
        .iter()
        .filter(|(key, _)| KEYS.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if let Some(steps) = table.get("steps").and_then(Value::as_array) {
        let expectations = steps.iter().filter_map(|step| step.get("expect").cloned()).collect();
        found.insert("steps".into(), Value::Array(expectations));
    }
    found.to_string().trim().to_owned()
}

/// Puts a row's values in place of `{name}`; a string that is nothing else takes the value itself.
fn substitute(value: &mut Value, row: &toml::Table) {
    match value {
        Value::String(text) => {
            let whole = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            if let Some(found) = whole.and_then(|key| row.get(key)) {
                *value = found.clone();
                return;
            }
            for (key, with) in row {
                if let Some(with) = with.as_str() {
                    *text = text.replace(&format!("{{{key}}}"), with);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| substitute(item, row)),
        Value::Table(table) => {
            for (key, mut item) in std::mem::take(table) {
                substitute(&mut item, row);
                let named = key.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
                let named = named.and_then(|key| row.get(key)?.as_str());
                table.insert(named.unwrap_or(&key).to_owned(), item);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_named_cases_of_one_id() {
        let cases = Case::parse_file(
            "t.toml",
            r#"
            [[case]]
            id = "a/b"
            level = "MUST"
            source = "RFC"
            request = { path = "/x/{p}", body_json = { "{k}" = "{body}" } }
            expect = { status = 200 }
            rows = [{ name = "one", p = "1", k = "x", body = { a = 1 } }, { name = "two", p = "2", k = "y", body = [] }]
            "#,
        )
        .unwrap();
        assert_eq!(cases.iter().map(Case::name).collect::<Vec<_>>(), ["a/b[one]", "a/b[two]"]);
        let request = cases[0].request.as_ref().unwrap();
        assert_eq!(request.path.as_deref(), Some("/x/1"));
        assert_eq!(request.body_json, Some(serde_json::json!({ "x": { "a": 1 } })));
    }

    #[test]
    fn malformed_cases_are_refused() {
        let head = "[[case]]\nid = \"a/b\"\nlevel = \"MUST\"\nsource = \"x\"\n";
        for rest in [
            "",
            "request = {}\n",
            "request = {}\nexpect = { status = 200 }\nrefuse = true\n",
            "request = {}\nexpect = { status = [200, 400] }\n",
            "request = {}\nexpect = { status = 200 }\nunknown = 1\n",
            "request = {}\nsingle = 2\nstatuses = [200]\n",
            "request = {}\nsingle = 1\nstatuses = [[200, 400]]\n",
            "expect = { status = 200 }\n",
        ] {
            assert!(Case::parse_file("t", &format!("{head}{rest}")).is_err(), "{rest}");
        }
    }
}
