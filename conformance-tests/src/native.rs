//! What also runs against routes that a framework serves itself.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::case::Case;

/// `native.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    areas: Vec<String>,
    cases: Vec<String>,
    /// Why a case, or a row of it, does not run there.
    except: BTreeMap<String, String>,
    /// What shows a middleware there.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test holds it to the truth"))]
    middleware: BTreeMap<String, String>,
}

/// The list.
///
/// # Errors
/// It is malformed.
pub(crate) fn list() -> Result<List, String> {
    toml::from_str(include_str!("../native.toml")).map_err(|error| format!("native.toml: {error}"))
}

impl List {
    /// Whether a case runs there.
    pub(crate) fn holds(&self, case: &Case) -> bool {
        let is_there = self.areas.iter().any(|area| area == case.area()) || self.cases.contains(&case.id);
        is_there && !self.except.contains_key(&case.id) && !self.except.contains_key(&case.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{area, cases};

    const KIT: &str = include_str!("../kit/native.rs");
    const CORE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../neurolink-core");

    #[test]
    fn the_list_names_areas_and_cases_that_there_are() {
        let (list, cases) = (list().unwrap(), cases().unwrap());
        let areas = area::behaviours().unwrap();
        for area in &list.areas {
            assert!(areas.contains_key(area), "{area} is no area");
        }
        for id in &list.cases {
            assert!(cases.iter().any(|case| case.id == *id), "{id} is no case");
            assert!(!list.areas.iter().any(|area| id.starts_with(&format!("{area}/"))), "{id} runs with its area");
        }
        for (name, reason) in &list.except {
            assert!(cases.iter().any(|case| case.id == *name || case.name() == *name), "{name} is no case");
            assert!(!reason.trim().is_empty(), "{name} has no reason");
        }
    }

    /// The features of the core that are middleware: those of `full`, and those that its module names.
    fn middleware() -> BTreeSet<String> {
        let manifest: toml::Table =
            toml::from_str(&std::fs::read_to_string(format!("{CORE}/Cargo.toml")).unwrap()).unwrap();
        let full = manifest["features"]["full"].as_array().unwrap();
        let mut all: BTreeSet<_> = full.iter().map(|feature| feature.as_str().unwrap().to_owned()).collect();
        let module = std::fs::read_to_string(format!("{CORE}/src/middleware/mod.rs")).unwrap();
        let named = module.split("feature = \"").skip(1).filter_map(|rest| rest.split('"').next());
        all.extend(named.map(str::to_owned));
        all
    }

    #[test]
    fn every_middleware_of_the_core_is_shown_around_native_routes() {
        let (list, cases) = (list().unwrap(), cases().unwrap());
        let middleware = middleware();
        assert!(middleware.len() >= 9, "{middleware:?}");
        let shown: BTreeSet<_> = list.middleware.keys().cloned().collect();
        assert_eq!(shown, middleware, "each middleware needs a line in native.toml");
        for (name, proof) in &list.middleware {
            let is_case = cases.iter().any(|case| case.id == *proof && list.holds(case));
            let is_test = KIT.contains(&format!("            {proof},\n")) && KIT.contains(&format!("fn {proof}("));
            assert!(is_case || is_test, "{name}: {proof} is neither a case that runs natively nor a test of the kit");
        }
    }
}
