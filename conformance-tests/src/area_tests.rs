use super::*;

const IDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/case-ids.txt");

#[test]
fn the_ids_are_those_of_the_snapshot() {
    let mut now: String = case_ids().unwrap().into_iter().collect::<Vec<_>>().join("\n");
    now.push('\n');
    if std::env::var_os("UPDATE_CASE_IDS").is_some() {
        std::fs::write(IDS, &now).unwrap();
    }
    let then = std::fs::read_to_string(IDS).unwrap();
    assert_eq!(then, now, "an id is never renamed; for new ones run again with UPDATE_CASE_IDS=1");
}

#[test]
fn there_are_enough_behaviours() {
    let areas = behaviours().unwrap();
    let total: usize = areas.values().sum();
    assert!(total >= 440, "{total} behaviours: {areas:?}");
}

#[test]
fn names_are_unique_and_rows_share_one_entry() {
    let names = test_names().unwrap();
    let unique: BTreeSet<_> = names.iter().collect();
    assert_eq!(unique.len(), names.len());
    // Two entries with one id would count as one behaviour.
    for (file, text) in FILES {
        let table: toml::Table = toml::from_str(text).unwrap();
        let entries = table["case"].as_array().unwrap();
        let ids: BTreeSet<_> = entries.iter().map(|case| case["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), entries.len(), "{file}");
    }
}

#[test]
fn ids_are_kebab_case_and_of_their_files_area() {
    for id in case_ids().unwrap() {
        let (area, name) = id.split_once('/').unwrap();
        let known = FUNCTION_AREAS.contains(&area) || FILES.iter().any(|(file, _)| *file == format!("{area}.toml"));
        assert!(known, "{id}");
        assert!(
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
            "{id}"
        );
    }
    for (file, text) in FILES {
        for case in Case::parse_file(file, text).unwrap() {
            assert_eq!(format!("{}.toml", case.area()), **file, "{}", case.id);
        }
    }
}

#[test]
fn the_reference_configuration_is_toml_with_the_credentials_of_the_cases() {
    let config: toml::Table = toml::from_str(crate::REFERENCE_TOML).unwrap();
    let tokens = config["auth"]["tokens"].as_array().unwrap();
    let addr = "127.0.0.1:1".parse().unwrap();
    for (at, name) in ["{user-token}", "{admin-token}", "{other-token}"].iter().enumerate() {
        assert_eq!(tokens[at]["token"].as_str().unwrap(), crate::placeholders::fill(name, addr));
    }
    let key = &config["auth"]["api_keys"]["keys"][0]["key"];
    assert_eq!(key.as_str().unwrap(), crate::placeholders::fill("{api-key}", addr));
}

/// The first `{name}` in a text.
fn leftover(text: &str) -> Option<&str> {
    text.match_indices('{').find_map(|(at, _)| {
        let end = text[at..].find('}')? + at;
        let name = &text[at + 1..end];
        let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        is_name.then(|| &text[at..=end])
    })
}

#[test]
fn no_placeholder_is_left_unfilled() {
    let addr = "127.0.0.1:1".parse().unwrap();
    for case in cases().unwrap() {
        let requests = case.request.iter().chain(case.steps.iter().map(|step| &step.request));
        for request in requests {
            let bytes = crate::request::build(request, addr, true).bytes;
            let text = String::from_utf8_lossy(&bytes);
            assert_eq!(leftover(&text), None, "{}", case.name());
            assert!(!text.contains("{repeat"), "{}", case.name());
        }
        let steps: Vec<_> = case.steps.iter().map(|step| &step.expect).collect();
        let expect = format!("{:?} {:?} {steps:?}", case.expect, case.bodies_contain);
        assert!(!expect.contains("{repeat"), "{}: expectations have no placeholders", case.name());
        let expect = expect.replace("{user-token}", "").replace("{api-key}", "");
        let left = leftover(&expect).filter(|left| !left.starts_with("{jwt-"));
        assert_eq!(left.filter(|left| *left != "{port}"), None, "{}", case.name());
    }
}
