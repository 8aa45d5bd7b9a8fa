//! The tables of cases that have to hold every route of the reference server.

use std::collections::BTreeSet;

use neurolink_conformance::{cases, reference};

/// A new unsafe route needs a row in the case that sends each of them from another site.
#[test]
fn every_unsafe_route_is_tried_from_another_site() {
    let app = reference::app("reference").unwrap();
    let safe = ["GET", "HEAD", "OPTIONS"];
    let mut tried: BTreeSet<(String, String)> = BTreeSet::new();
    for case in
        cases().unwrap().into_iter().filter(|case| case.id == "crosssite/no-unsafe-route-is-run-from-another-site")
    {
        let request = case.request.unwrap();
        tried.insert((request.method.unwrap(), request.path.unwrap()));
    }
    let matches = |pattern: &str, path: &str| {
        let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
        pattern.len() == path.len()
            && pattern.iter().zip(&path).all(|(wanted, found)| wanted.starts_with('{') || wanted == found)
    };
    let unsafe_routes: Vec<_> =
        app.plan().routes.iter().filter(|route| !safe.contains(&route.method.as_str())).collect();
    assert!(unsafe_routes.len() >= 10, "{} unsafe routes", unsafe_routes.len());
    for route in &unsafe_routes {
        let is_tried = tried.iter().any(|(method, path)| *method == route.method && matches(&route.path, path));
        assert!(is_tried, "{} {} has no row in crosssite.toml", route.method, route.path);
    }
    for (method, path) in &tried {
        let is_there = unsafe_routes.iter().any(|route| route.method == *method && matches(&route.path, path));
        assert!(is_there, "{method} {path} is no unsafe route: the row proves nothing");
    }
}
