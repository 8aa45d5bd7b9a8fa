//! What was given, where it came from, and how later layers win over earlier ones.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a value came from: `neurolink.toml, line 3`, `environment variable X`, `flag --x`.
pub(crate) type Origin = Arc<str>;

pub(crate) type Table = BTreeMap<String, Entry>;

/// A value with its origin. It may be a secret: there is no `Debug`.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// A value of a configuration. It may be a secret: there is no `Debug`.
#[derive(Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    String(String),
    /// From the environment or a flag: it may stand for a number, a truth value or a list.
    Text(String),
    List(Vec<Entry>),
    Table(Table),
    /// Something that no key takes, such as a date.
    Other(&'static str),
}

impl Value {
    /// What it is, for messages.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::String(_) | Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }

    /// The value for messages; `None` for lists and tables, which may hold secrets.
    pub(crate) fn shown(&self) -> Option<String> {
        match self {
            Self::Null => Some("null".into()),
            Self::Bool(value) => Some(value.to_string()),
            Self::Integer(value) => Some(value.to_string()),
            Self::Float(value) => Some(value.to_string()),
            Self::String(text) | Self::Text(text) => Some(if text.is_empty() { "\"\"".into() } else { text.clone() }),
            Self::List(_) | Self::Table(_) | Self::Other(_) => None,
        }
    }
}

/// A value that code or a flag sets: text is read as in the environment.
#[derive(Clone)]
pub struct Given(pub(crate) Value);

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Given(..)")
    }
}

impl From<&str> for Given {
    fn from(text: &str) -> Self {
        Self(Value::Text(text.into()))
    }
}

impl From<String> for Given {
    fn from(text: String) -> Self {
        Self(Value::Text(text))
    }
}

impl From<bool> for Given {
    fn from(value: bool) -> Self {
        Self(Value::Bool(value))
    }
}

impl From<u16> for Given {
    fn from(value: u16) -> Self {
        Self(Value::Integer(value.into()))
    }
}

impl From<u32> for Given {
    fn from(value: u32) -> Self {
        Self(Value::Integer(value.into()))
    }
}

impl From<Vec<String>> for Given {
    fn from(items: Vec<String>) -> Self {
        let origin: Origin = "".into();
        let item = |text| Entry { value: Value::String(text), origin: Arc::clone(&origin) };
        Self(Value::List(items.into_iter().map(item).collect()))
    }
}

/// Puts a value at a path; the entry that stands in the way, if there is one.
pub(crate) fn insert(table: &mut Table, path: &[&str], entry: Entry) -> Result<(), Origin> {
    let Some((last, parents)) = path.split_last() else { return Ok(()) };
    let mut table = table;
    for parent in parents {
        let next = table
            .entry((*parent).to_owned())
            .or_insert_with(|| Entry { value: Value::Table(Table::new()), origin: Arc::clone(&entry.origin) });
        match &mut next.value {
            Value::Table(inner) => table = inner,
            _ => return Err(Arc::clone(&next.origin)),
        }
    }
    if let Some(known) = table.get(*last) {
        return Err(Arc::clone(&known.origin));
    }
    table.insert((*last).to_owned(), entry);
    Ok(())
}

/// Lays `over` on `base`: tables are merged, everything else is replaced.
pub(crate) fn merge(base: &mut Table, over: Table) {
    for (key, entry) in over {
        let Some(below) = base.get_mut(&key) else {
            base.insert(key, entry);
            continue;
        };
        match (&mut below.value, entry.value) {
            (Value::Table(below), Value::Table(over)) => merge(below, over),
            (_, value) => *below = Entry { value, origin: entry.origin },
        }
    }
}
