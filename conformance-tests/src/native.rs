//! What also runs against routes that a framework serves itself.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::case::Case;
use crate::function::FunctionCase;

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
        self.names(&case.id, case.area())
            && !self.except.contains_key(&case.id)
            && !self.except.contains_key(&case.name())
    }

    /// Whether a conversation takes place there.
    pub(crate) fn holds_function(&self, case: &FunctionCase) -> bool {
        let area = case.id.split('/').next().unwrap_or_default();
        self.names(case.id, area) && !self.except.contains_key(case.id)
    }

    fn names(&self, id: &str, area: &str) -> bool {
        self.areas.iter().any(|own| own == area) || self.cases.iter().any(|own| own == id)
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
        let functions = area::function_cases();
        let areas = area::behaviours().unwrap();
        for area in &list.areas {
            assert!(areas.contains_key(area), "{area} is no area");
        }
        for id in &list.cases {
            assert!(cases.iter().any(|case| case.id == *id), "{id} is no case");
            assert!(!list.areas.iter().any(|area| id.starts_with(&format!("{area}/"))), "{id} runs with its area");
        }
        for (name, reason) in &list.except {
            let is_case = cases.iter().any(|case| case.id == *name || case.name() == *name);
            assert!(is_case || functions.iter().any(|case| case.id == name), "{name} is no case");
            assert!(!reason.trim().is_empty(), "{name} has no reason");
        }
    }

    #[test]
    fn what_looks_into_a_server_is_left_out_with_a_reason() {
        let list = list().unwrap();
        let inside: Vec<_> =
            area::function_cases().iter().filter(|case| case.inside && list.holds_function(case)).collect();
        assert!(
            inside.is_empty(),
            "native routes have no engine to look into: {:?}",
            inside.iter().map(|case| case.id).collect::<Vec<_>>()
        );
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
        let module = std::fs::read_to_string(format!("{CORE}/src/middleware/mod.rs")).unwrap();
        let lines: Vec<_> = module.lines().collect();
        for (before, line) in lines.iter().zip(&lines[1..]).filter(|(_, line)| line.starts_with("mod ")) {
            assert!(before.contains("feature = \""), "`{line}` has no feature, so that nothing asks for its proof");
        }
        let shown: BTreeSet<_> = list.middleware.keys().cloned().collect();
        assert_eq!(shown, middleware, "each middleware needs a line in native.toml");
        for (name, proof) in &list.middleware {
            let is_case = cases.iter().any(|case| case.id == *proof && list.holds(case));
            let is_test = KIT.contains(&format!("            {proof},\n")) && KIT.contains(&format!("fn {proof}("));
            assert!(is_case || is_test, "{name}: {proof} is neither a case that runs natively nor a test of the kit");
        }
    }
}
