//! The plan as a compact table: what all routes share once, then what is special about each.

use std::fmt::Write as _;
use std::time::Duration;

use anstream::adapter::strip_str;
use clap::builder::styling::Style;
use neurolink::Plan;
use neurolink::app::{PlannedRoute, PlannedStep};
use neurolink_config::units::{format_duration, format_size};

use crate::output::{BOLD, CYAN, DIM, GREEN, YELLOW, paint};

/// How wide the terminal is; `None` where output is no terminal.
pub(crate) fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0.into())
}

/// The table, with colours; what is special about a route is shortened to the width.
pub(crate) fn table(plan: &Plan, width: Option<usize>) -> String {
    let room = |used: usize| width.map_or(usize::MAX, |width| width.saturating_sub(used).max(NARROWEST));
    let mut text = String::new();
    let Some(first) = plan.routes.first() else { return "no routes".into() };
    let shared: Vec<&PlannedStep> =
        first.steps.iter().filter(|step| plan.routes.iter().all(|route| has(route, step))).collect();
    let body = most_common(&plan.routes.iter().map(|route| route.body_limit).collect::<Vec<_>>());
    let timeout = most_common(&plan.routes.iter().map(|route| route.timeout).collect::<Vec<_>>());
    let widest = |of: fn(&PlannedRoute) -> usize| plan.routes.iter().map(of).max().unwrap_or(0);
    let path_width = widest(|route| route.path.len());
    let access_width = widest(|route| access(route).len()).max("ACCESS".len());
    let special = |route| special(route, &shared, body, timeout, room(12 + path_width + access_width));
    let specials: Vec<String> = plan.routes.iter().map(special).collect();
    let also = if specials.iter().all(String::is_empty) { "" } else { "ALSO" };
    let heading = format!("{:<6}  {:<path_width$}  {:<access_width$}  {also}", "METHOD", "PATH", "ACCESS");
    let _ = writeln!(text, "{}", paint(BOLD, heading.trim_end()));
    for (route, special) in plan.routes.iter().zip(specials) {
        let style = access_style(&route.access, !route.roles.is_empty());
        let access = access(route);
        let _ = write!(
            text,
            "{}  {}  {}",
            paint(CYAN, format_args!("{:<6}", route.method)),
            pad(&route.path, path_width),
            paint(style, &access),
        );
        let gap = if special.is_empty() { 0 } else { access_width + 2 - access.len() };
        let _ = writeln!(text, "{:gap$}{special}", "");
    }
    let _ = writeln!(text, "\n{}", paint(BOLD, "Every request, before its route:"));
    let check_width = plan.checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    for check in &plan.checks {
        let summary = paint(DIM, short(&check.summary, room(4 + check_width).min(LONGEST_SUMMARY)));
        let _ = writeln!(text, "  {:<check_width$}  {summary}", check.name);
    }
    let _ = writeln!(text, "\n{}", paint(BOLD, "Every route, outermost first:"));
    let name_width = shared.iter().map(|step| step.name.len()).max().unwrap_or(0);
    for step in &shared {
        if step.summary.is_empty() {
            let _ = writeln!(text, "  {}", step.name);
        } else {
            let summary = paint(DIM, short(&step.summary, room(4 + name_width).min(LONGEST_SUMMARY)));
            let _ = writeln!(text, "  {:<name_width$}  {summary}", step.name);
        }
    }
    for (what, steps) in [("Without a route:", &plan.unmatched), ("Refused before:", &plan.refused)] {
        let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
        let _ = writeln!(text, "{} {}", paint(BOLD, what), names.join(&paint(DIM, " > ")));
    }
    let _ = writeln!(
        text,
        "{} bodies up to {}, answers within {}",
        paint(BOLD, "Unless told:"),
        format_size(body),
        format_duration(timeout),
    );
    text
}

/// The longest summary of a check or a step, in characters.
const LONGEST_SUMMARY: usize = 90;

/// What is left of the last column on however narrow a terminal.
const NARROWEST: usize = 12;

/// A text of at most so many characters.
fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

fn pad(text: &str, width: usize) -> String {
    format!("{text:<width$}")
}

fn has(route: &PlannedRoute, step: &PlannedStep) -> bool {
    route.steps.iter().any(|other| other.name == step.name && other.partly == step.partly)
}

fn most_common<T: PartialEq + Copy + Default>(values: &[T]) -> T {
    let count = |value: &&T| values.iter().filter(|other| other == value).count();
    values.iter().max_by_key(count).copied().unwrap_or_default()
}

/// Who may call, in a word or two.
fn access(route: &PlannedRoute) -> String {
    let mut needs = Vec::new();
    if !route.roles.is_empty() {
        needs.push(format!("role {}", route.roles.join("|")));
    }
    if !route.permissions.is_empty() {
        needs.push(format!("may {}", route.permissions.join("&")));
    }
    needs.extend(route.required.iter().cloned());
    if !route.policies.is_empty() {
        needs.push(format!("policy {}", route.policies.join("&")));
    }
    if needs.is_empty() { route.access.clone() } else { needs.join(", ") }
}

fn access_style(access: &str, roles: bool) -> Style {
    match access {
        _ if roles => GREEN,
        "user" => GREEN,
        "anyone" => YELLOW,
        _ => DIM,
    }
}

/// With what each step does if there is room, else with names only, cut in the end.
fn special(route: &PlannedRoute, shared: &[&PlannedStep], body: usize, timeout: Duration, room: usize) -> String {
    let mut parts = Vec::new();
    if route.body_limit != body {
        let limit = if route.body_limit == usize::MAX { "of any size".into() } else { format_size(route.body_limit) };
        parts.push(format!("body {limit}"));
    }
    if route.timeout != timeout {
        parts.push(format!("within {}", format_duration(route.timeout)));
    }
    let own = || route.steps.iter().filter(|step| !shared.iter().any(|other| other.name == step.name));
    let comma = paint(DIM, ", ");
    let full = parts.iter().cloned().chain(own().map(describe)).collect::<Vec<_>>().join(&comma);
    if strip_str(&full).to_string().chars().count() <= room {
        return full;
    }
    parts.extend(own().map(|step| step.name.clone()));
    short(&parts.join(", "), room)
}

fn describe(step: &PlannedStep) -> String {
    let mut text = step.name.clone();
    if !step.summary.is_empty() {
        text.push_str(&paint(DIM, format_args!(" ({})", short(&step.summary, LONGEST_SUMMARY))));
    }
    if step.partly {
        text.push_str(&paint(DIM, " on some paths"));
    }
    text
}

#[cfg(test)]
mod tests {
    use neurolink::routes::OfflineEngine;
    use neurolink::{CreateServer, Route, create_server};

    use super::*;

    #[test]
    fn a_narrow_terminal_shortens_the_last_column_only() {
        let app = create_server(OfflineEngine::new()).build_app().expect("an app");
        let lines = |width| strip_str(&table(app.plan(), width)).to_string();
        let (wide, narrow) = (lines(None), lines(Some(80)));
        let longest = |text: &str| text.lines().map(|line| line.chars().count()).max();
        assert!(longest(&wide) > Some(80), "there is something to shorten: {wide}");
        assert!(longest(&narrow) <= Some(80), "{narrow}");
        for (before, after) in wide.lines().zip(narrow.lines()).filter(|(before, _)| before.contains("/api/")) {
            let columns = |line: &str| line.split_whitespace().take(3).map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(columns(before), columns(after));
        }
    }

    #[test]
    fn the_last_column_is_there_if_a_route_has_something_of_its_own() {
        let heading = |server: CreateServer| {
            let app = server.build_app().expect("an app");
            strip_str(&table(app.plan(), None)).to_string().lines().next().map(str::to_owned)
        };
        let own = Route::get("/api/hello", async || "hello").timeout(Duration::from_secs(1));
        let server = || create_server(OfflineEngine::new());
        assert!(heading(server()).is_some_and(|line| line.ends_with("  ACCESS")));
        assert!(heading(server().route(own)).is_some_and(|line| line.ends_with("  ALSO")));
    }
}
