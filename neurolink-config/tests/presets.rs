//! What each preset says, and that its page says the same.

use std::collections::BTreeMap;

use neurolink_config::{Config, Loader, Preset};
use neurolink_core::App;
use neurolink_routes::{OfflineEngine, WithRoutes as _};

/// Every key of a preset that has a value, as a file would write it.
fn values(preset: Preset) -> BTreeMap<String, String> {
    fn walk(path: &str, value: &toml::Value, into: &mut BTreeMap<String, String>) {
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    walk(&if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, value, into);
                }
            }
            value => drop(into.insert(path.to_owned(), value.to_string())),
        }
    }
    let mut all = BTreeMap::new();
    walk("", &toml::Value::try_from(Config::preset(preset)).expect("TOML"), &mut all);
    all
}

#[test]
fn the_page_lists_exactly_what_presets_differ_in() {
    let presets = Preset::ALL.map(values);
    let shown = |values: &BTreeMap<String, String>, key: &str| {
        values.get(key).map_or_else(|| "none".to_owned(), |value| format!("`{value}`"))
    };
    let keys: std::collections::BTreeSet<_> = presets.iter().flat_map(BTreeMap::keys).collect();
    let rows = keys.into_iter().filter(|key| *key != "preset").filter_map(|key| {
        let cells: Vec<_> = presets.iter().map(|values| shown(values, key)).collect();
        let differ = cells.iter().any(|cell| *cell != cells[0]);
        differ.then(|| format!("| `{key}` | {} |", cells.join(" | ")))
    });
    let page = include_str!("../../docs/presets.md");
    let names = Preset::ALL.map(|preset| format!("`{preset}`")).join(" | ");
    let head = format!("| key | {names} |\n|---|---|---|---|\n");
    let table = page.split_once(&head).expect("the head of the table").1;
    let written: Vec<_> = table.lines().take_while(|line| line.starts_with('|')).collect();
    assert_eq!(written, rows.collect::<Vec<_>>());
}

#[test]
fn a_server_of_each_preset_can_be_built_with_authentication_and_without() {
    for preset in Preset::ALL {
        for token in [None, Some("a-token-of-mine-alone")] {
            let variables = token.map(|token| ("NEUROLINK__AUTH__TOKEN", token));
            let loaded = Loader::new().preset(preset).environment(variables).load().expect("valid");
            let builder = loaded.config.apply(App::builder(OfflineEngine::new())).expect("valid");
            let app = builder.all_routes().build().expect("valid");
            let route = app.plan().routes.iter().find(|route| route.path == "/api/version").expect("a route");
            let limit = route.steps.iter().find(|step| step.name == "rate-limit").map(|step| step.summary.as_str());
            assert_eq!(
                limit,
                match preset {
                    Preset::Neurolink => Some("100 in 900s by address"),
                    Preset::Keryx => Some("20 in 60s, strict counter, by user or address, 200 for users"),
                    _ => None,
                }
            );
        }
    }
}

#[test]
fn what_is_given_wins_over_keryx() {
    let variables = [
        ("NEUROLINK__PRESET", "keryx"),
        ("NEUROLINK__SERVER__PORT", "3000"),
        ("NEUROLINK__RATE_LIMIT__STORE", "redis"),
        ("NEUROLINK__RATE_LIMIT__REDIS_URL", "redis://127.0.0.1:6379"),
        ("NEUROLINK__CORS__ORIGINS", "https://app.example.com"),
        ("NEUROLINK__HEADERS__CONTENT_SECURITY_POLICY", "default-src 'self'"),
    ];
    let loaded = Loader::new().environment(variables).load().expect("Keryx's keys go with the preset's algorithm");
    assert_eq!((loaded.config.server.port, loaded.warnings.len(), loaded.weaknesses.len()), (3000, 0, 0));
    let other = [("NEUROLINK__RATE_LIMIT__ALGORITHM", "gcra")];
    let error = Loader::new().environment(variables).environment(other).load().expect_err("keys of another algorithm");
    assert!(error.to_string().contains("rate_limit.redis_keys"), "{error}");
}

// Shows S2-42.
#[test]
fn one_variable_turns_production_on() {
    let load = |file: &str, variables: &[(&str, &str)]| {
        Loader::new().text("file.toml", file).environment(variables.to_vec()).load().expect("valid")
    };
    let production = ("NEUROLINK__PRODUCTION", "true");
    for preset in Preset::ALL {
        let file = format!("preset = \"{preset}\"\n[errors]\ndev_errors = true");
        let (develops, produces) = (load(&file, &[]), load(&file, &[production]));
        assert!(develops.config.settings().errors.dev_errors, "{preset}");
        assert!(!produces.config.settings().errors.dev_errors, "{preset}: a file cannot turn it back");
        assert_eq!(produces.warnings, ["errors.dev_errors has no effect while production is `true`"]);
        assert_eq!(produces.weaknesses, [], "{preset}: nothing is open that nobody named");
        let shown = toml::to_string(&produces.config).expect("TOML");
        let again = load(&shown, &[]);
        assert_eq!((toml::to_string(&again.config).expect("TOML"), again.warnings.len()), (shown, 0), "{preset}");
    }
    let named = load("preset = \"keryx\"\n[cors]\norigins = \"*\"", &[production]);
    assert_eq!(named.weaknesses.len(), 1, "what somebody names stays, and is told");
}

#[test]
fn production_set_in_code_tells_no_causes() {
    let mut config = Config::default();
    (config.production, config.errors.dev_errors) = (true, true);
    assert!(!config.settings().errors.dev_errors);
    assert_eq!(config.weaknesses(), []);
}

#[test]
fn a_misspelt_variable_of_production_is_told() {
    let loaded = Loader::new().environment([("NEUROLINK_PRODUCTION", "true")]).load().expect("valid");
    assert!(!loaded.config.production);
    assert!(loaded.warnings[0].contains("did you mean NEUROLINK__PRODUCTION?"), "{:?}", loaded.warnings);
    let error = Loader::new().environment([("NEUROLINK__PRODUCTION", "production")]).load().expect_err("no truth");
    assert!(error.to_string().contains("write `true` or `false`"), "{error}");
}
