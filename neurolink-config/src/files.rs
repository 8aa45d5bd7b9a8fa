//! Files of configuration: TOML, JSON, and YAML with the feature `yaml`.

use std::path::Path;
use std::sync::Arc;

use neurolink_core::ConfigProblem;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use toml::de::{DeTable, DeValue};

use crate::bounded;
use crate::layers::{Entry, Origin, Table, Value};

/// No configuration is larger.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Reads a file by its ending.
pub(crate) fn read(path: &Path) -> Result<Table, ConfigProblem> {
    let name = path.display().to_string();
    let problem = |problem: String| ConfigProblem::new("the configuration file", problem).with_value(&name);
    let content = bounded::read(path, LARGEST).map_err(problem)?;
    let origin: Origin = name.as_str().into();
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending.to_ascii_lowercase().as_str() {
        "toml" => from_toml(&content, &origin),
        "json" => from_json(&content, &origin),
        "yaml" | "yml" => from_yaml(&content, &origin),
        _ => Err("its ending does not say what it is; name it `.toml`, `.json` or `.yaml`".into()),
    }
    .map_err(problem)
}

/// Reads TOML that came from somewhere else.
pub(crate) fn from_text(name: &str, toml: &str) -> Result<Table, ConfigProblem> {
    from_toml(toml, &name.into()).map_err(|problem| ConfigProblem::new("the configuration", problem).with_value(name))
}

fn from_toml(content: &str, file: &Origin) -> Result<Table, String> {
    // The parser's own text quotes the line, which may hold a secret.
    let document = DeTable::parse(content).map_err(|error| {
        let place = error.span().map(|span| format!(" in line {}", line(content, span.start)));
        format!("it is not TOML{}: {}", place.unwrap_or_default(), error.message())
    })?;
    Ok(toml_table(document.into_inner(), content, file))
}

fn toml_table(table: DeTable<'_>, content: &str, file: &Origin) -> Table {
    table
        .into_iter()
        .map(|(key, value)| {
            let origin = format!("{file}, line {}", line(content, key.span().start));
            (key.into_inner().into_owned(), toml_entry(value.into_inner(), origin.into(), content, file))
        })
        .collect()
}

fn toml_entry(value: DeValue<'_>, origin: Origin, content: &str, file: &Origin) -> Entry {
    let value = match value {
        DeValue::String(text) => Value::String(text.into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other("a number that is too large"), Value::Integer),
        DeValue::Float(number) => number.as_str().parse().map_or(Value::Other("a number"), Value::Float),
        DeValue::Boolean(value) => Value::Bool(value),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(items) => Value::List(
            items
                .into_iter()
                .map(|item| {
                    let origin = format!("{file}, line {}", line(content, item.span().start));
                    toml_entry(item.into_inner(), origin.into(), content, file)
                })
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(toml_table(table, content, file)),
    };
    Entry { value, origin }
}

fn line(content: &str, offset: usize) -> usize {
    let before = content.as_bytes().get(..offset).unwrap_or_default();
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

fn from_json(content: &str, file: &Origin) -> Result<Table, String> {
    let raw: Raw = serde_json::from_str(content).map_err(|error| {
        format!("it is not JSON in line {}, column {}: {}", error.line(), error.column(), category(&error))
    })?;
    raw.into_root(file)
}

/// What kind of mistake it is, without the text around it.
fn category(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    text.to_owned()
}

#[cfg(feature = "yaml")]
fn from_yaml(content: &str, file: &Origin) -> Result<Table, String> {
    let raw: Raw = serde_saphyr::from_str(content).map_err(|error| {
        let place = error.location().map(|place| format!(" in line {}", place.line()));
        format!("it is not YAML{}", place.unwrap_or_default())
    })?;
    raw.into_root(file)
}

#[cfg(not(feature = "yaml"))]
fn from_yaml(_: &str, _: &Origin) -> Result<Table, String> {
    Err("YAML is not compiled in; write TOML or JSON, or enable the feature `yaml` of neurolink-config".into())
}

/// What JSON and YAML can say; a key that is there twice is a mistake.
enum Raw {
    Scalar(Value),
    List(Vec<Raw>),
    Table(Vec<(String, Raw)>),
}

impl Raw {
    fn into_root(self, file: &Origin) -> Result<Table, String> {
        match self.into_entry(file).value {
            Value::Table(table) => Ok(table),
            Value::Null => Ok(Table::new()),
            other => Err(format!("it is {}; write a table of sections", other.kind())),
        }
    }

    fn into_entry(self, file: &Origin) -> Entry {
        let value = match self {
            Self::Scalar(value) => value,
            Self::List(items) => Value::List(items.into_iter().map(|item| item.into_entry(file)).collect()),
            Self::Table(table) => {
                Value::Table(table.into_iter().map(|(key, value)| (key, value.into_entry(file))).collect())
            }
        };
        Entry { value, origin: Arc::clone(file) }
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Null))
    }

    fn visit_none<E: de::Error>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Bool(value)))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Integer(value)))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Raw, E> {
        let large = Value::Other("a number that is too large");
        Ok(Raw::Scalar(i64::try_from(value).map_or(large, Value::Integer)))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Float(value)))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::String(value.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut table: Vec<(String, Raw)> = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, Raw>()? {
            if table.iter().any(|(known, _)| *known == key) {
                return Err(de::Error::custom(format!("the key `{key}` is there twice")));
            }
            table.push((key, value));
        }
        Ok(Raw::Table(table))
    }
}
