//! The README lists every key that is read, with its default and its variable.

use std::collections::BTreeMap;

use neurolink_config::Loader;
use toml::{Table, Value};

/// No key is called so, and none is close to it.
const UNKNOWN: &str = "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzz";

/// What tables and entries of lists need before they show their defaults; nothing in `server.tls` has one.
const NEEDED: &str = r#"
[auth]
tokens = [{ token = "a-token-for-this-test-alone", user = "u" }]
[auth.api_keys]
keys = [{ key = "a-key-for-this-test-alone", user = "u" }]
[[auth.passwords]]
name = "ada"
hash = "$argon2id$v=19$m=7168,t=1,p=1$c2FsdC1mb3ItdGVzdHM$/1ZUydr1QQ0gEJrK1BFmOleeZaTC2eEV00YfNJTIKtg"
user = "u"
[auth.jwt]
secrets = [{ secret = "0123456789abcdef0123456789abcdef" }]
issuer = "i"
audience = "a"
"#;

/// The same for a login, which signs its tokens itself: `auth.jwt` is not beside it.
const NEEDED_OF_LOGINS: &str = r#"
[[auth.passwords]]
name = "ada"
hash = "$argon2id$v=19$m=7168,t=1,p=1$c2FsdC1mb3ItdGVzdHM$/1ZUydr1QQ0gEJrK1BFmOleeZaTC2eEV00YfNJTIKtg"
user = "u"
[auth.login]
secret = "0123456789abcdef0123456789abcdef"
"#;

/// What comes of a value at a path such as `auth.tokens[].user`; `None` for the whole file.
fn table_with(path: &str, value: Value) -> Table {
    let mut value = value;
    for part in path.split('.').rev().filter(|part| !part.is_empty()) {
        let (name, inner) = match part.strip_suffix("[]") {
            Some(name) => (name, Value::Array(vec![value])),
            None => (part, value),
        };
        value = Value::Table(Table::from_iter([(name.to_owned(), inner)]));
    }
    value.as_table().expect("a table").clone()
}

/// The keys of the table at a path, if there is one: what the advice about an unknown key in it names.
fn keys_at(path: &str) -> Option<Vec<String>> {
    let unknown = Value::Table(Table::from_iter([(UNKNOWN.to_owned(), Value::Integer(1))]));
    let toml = table_with(path, unknown).to_string();
    let error = Loader::new().text("a table with an unknown key", toml).load().err()?;
    let advice = error.problems().iter().find(|problem| problem.key.ends_with(UNKNOWN))?;
    let (_, names) = advice.problem.split_once("there are ").expect("it names the keys");
    Some(names.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

/// Every key below a path that holds a value.
fn leaves(path: &str, keys: Vec<String>, all: &mut Vec<String>) {
    for key in keys {
        let key = if path.is_empty() { key } else { format!("{path}.{key}") };
        let list = format!("{key}[]");
        if let Some(inner) = keys_at(&key) {
            leaves(&key, inner, all);
        } else if let Some(inner) = keys_at(&list) {
            leaves(&list, inner, all);
        } else {
            all.push(key);
        }
    }
}

/// The value at a path.
fn value_at<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    let (parents, last) = path.rsplit_once('.').unwrap_or(("", path));
    let parents = parents.split('.').filter(|part| !part.is_empty());
    let inner = parents.into_iter().try_fold(table, |table, part| match part.strip_suffix("[]") {
        Some(name) => table.get(name)?.get(0)?.as_table(),
        None => table.get(part)?.as_table(),
    });
    inner?.get(last)
}

/// The default of a key as the README writes it.
fn default_of(key: &str) -> String {
    let text = if key.starts_with("auth.login.") { NEEDED_OF_LOGINS } else { NEEDED };
    let needed: Table = toml::from_str(text).expect("TOML");
    let loaded = Loader::new().text("what is needed", text).load().expect("valid");
    let shown = Table::try_from(&loaded.config).expect("TOML");
    match value_at(&shown, key) {
        Some(value) if value_at(&needed, key).is_none() => format!("`{value}`"),
        _ => "none".into(),
    }
}

fn variable_of(key: &str) -> String {
    if key.contains("[]") {
        return "in a file only".into();
    }
    format!("`NEUROLINK__{}`", key.to_uppercase().replace('.', "__"))
}

/// Key, default and variable of each row of the README's list.
fn rows() -> BTreeMap<&'static str, (&'static str, &'static str)> {
    let (_, list) = include_str!("../README.md").split_once("| key | type and unit |").expect("the list of keys");
    let rows = list.lines().skip(2).take_while(|line| line.starts_with('|'));
    let cells = rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    cells
        .map(|cells| {
            let [key, kind, default, variable] = cells[..] else { panic!("a row has four cells: {cells:?}") };
            assert!(!kind.is_empty(), "{key} has a type");
            (key.trim_matches('`'), (default, variable))
        })
        .collect()
}

#[test]
fn every_key_is_in_the_readme_with_its_default_and_its_variable() {
    let mut keys = Vec::new();
    leaves("", keys_at("").expect("the sections"), &mut keys);
    let expected: BTreeMap<_, _> = keys.iter().map(|key| (key.as_str(), (default_of(key), variable_of(key)))).collect();
    let rows = rows();
    for (key, (default, variable)) in &expected {
        let row = rows.get(key).unwrap_or_else(|| panic!("`{key}` is not in the README"));
        assert_eq!(*row, (default.as_str(), variable.as_str()), "the row of {key}");
    }
    let gone: Vec<_> = rows.keys().copied().filter(|key| !expected.contains_key(key)).collect();
    assert_eq!(gone, [""; 0], "the README has keys that are not read");
    assert!(expected.len() > 100, "the walk has found the keys: {}", expected.len());
}
