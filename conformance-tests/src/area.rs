//! The cases that are embedded in this crate.

use std::collections::BTreeSet;

use crate::case::{Case, CaseError};
use crate::function::FunctionCase;
use crate::functions;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// Name and text of each file of cases.
        const FILES: &[(&str, &str)] = &[
            $((concat!($name, ".toml"), include_str!(concat!("../cases/", $name, ".toml")))),*
        ];
    };
}

files!(
    "agent",
    "apikey",
    "auth",
    "basic",
    "body",
    "chunked",
    "cors",
    "crosssite",
    "decompress",
    "duplicates",
    "envelope",
    "errors",
    "expect",
    "headers",
    "health",
    "host",
    "http",
    "injection",
    "json",
    "jwt",
    "keryx",
    "limit",
    "login",
    "methods",
    "middleware",
    "mount",
    "multipart",
    "parser",
    "path",
    "policy",
    "protected",
    "proxies",
    "requestid",
    "roles",
    "routing",
    "smuggling",
    "sse",
    "tools",
    "validation",
);

/// Areas that hold nothing but conversations.
#[cfg(test)]
const FUNCTION_AREAS: &[&str] = &["backpressure", "cancel", "concurrency", "connections", "http2", "lifecycle"];

/// All cases that are written as data, a row each.
///
/// # Errors
/// A file is malformed.
pub fn cases() -> Result<Vec<Case>, CaseError> {
    let mut all = Vec::new();
    for (file, text) in FILES {
        all.extend(Case::parse_file(file, text)?);
    }
    Ok(all)
}

/// All cases that are written as code.
#[must_use]
pub fn function_cases() -> &'static [FunctionCase] {
    functions::ALL
}

/// The ids of all cases, sorted: each is one behaviour.
///
/// # Errors
/// A file is malformed.
pub fn case_ids() -> Result<BTreeSet<String>, CaseError> {
    let mut ids: BTreeSet<_> = cases()?.into_iter().map(|case| case.id).collect();
    ids.extend(function_cases().iter().map(|case| case.id.to_owned()));
    Ok(ids)
}

/// How many behaviours the suite tells apart, by area.
///
/// # Errors
/// A file is malformed.
pub fn behaviours() -> Result<std::collections::BTreeMap<String, usize>, CaseError> {
    let mut areas = std::collections::BTreeMap::new();
    for id in case_ids()? {
        let area = id.split('/').next().unwrap_or_default().to_owned();
        *areas.entry(area).or_default() += 1;
    }
    Ok(areas)
}

/// The names of all tests.
///
/// # Errors
/// A file is malformed.
pub fn test_names() -> Result<Vec<String>, CaseError> {
    let mut names: Vec<_> = cases()?.iter().map(Case::name).collect();
    names.extend(function_cases().iter().map(|case| case.id.to_owned()));
    Ok(names)
}

#[cfg(test)]
#[path = "area_tests.rs"]
mod tests;
