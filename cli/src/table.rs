//! The plan as a compact table: what all routes share once, then what is special about each.

use std::fmt::Write as _;
use std::time::Duration;

use clap::builder::styling::Style;
use neurolink::Plan;
use neurolink::app::{PlannedRoute, PlannedStep};
use neurolink_config::units::{format_duration, format_size};

use crate::output::{BOLD, CYAN, DIM, GREEN, YELLOW, paint};

/// The table, with colours.
pub(crate) fn table(plan: &Plan) -> String {
    let mut text = String::new();
    let Some(first) = plan.routes.first() else { return "no routes".into() };
    let shared: Vec<&PlannedStep> =
        first.steps.iter().filter(|step| plan.routes.iter().all(|route| has(route, step))).collect();
    let body = most_common(&plan.routes.iter().map(|route| route.body_limit).collect::<Vec<_>>());
    let timeout = most_common(&plan.routes.iter().map(|route| route.timeout).collect::<Vec<_>>());
    let width = |of: fn(&PlannedRoute) -> usize| plan.routes.iter().map(of).max().unwrap_or(0);
    let path_width = width(|route| route.path.len());
    let access_width = width(|route| access(route).len()).max("ACCESS".len());
    let heading = format!("{:<6}  {:<path_width$}  {:<access_width$}  ALSO", "METHOD", "PATH", "ACCESS");
    let _ = writeln!(text, "{}", paint(BOLD, heading));
    for route in &plan.routes {
        let style = access_style(&route.access, !route.roles.is_empty());
        let special = special(route, &shared, body, timeout);
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
        let _ = writeln!(text, "  {:<check_width$}  {}", check.name, paint(DIM, short(&check.summary)));
    }
    let _ = writeln!(text, "\n{}", paint(BOLD, "Every route, outermost first:"));
    let name_width = shared.iter().map(|step| step.name.len()).max().unwrap_or(0);
    for step in &shared {
        if step.summary.is_empty() {
            let _ = writeln!(text, "  {}", step.name);
        } else {
            let summary = paint(DIM, short(&step.summary));
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

/// A summary that fits into a line.
fn short(summary: &str) -> String {
    const LONGEST: usize = 90;
    if summary.chars().count() <= LONGEST {
        return summary.to_owned();
    }
    summary.chars().take(LONGEST).chain(['…']).collect()
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

fn special(route: &PlannedRoute, shared: &[&PlannedStep], body: usize, timeout: Duration) -> String {
    let mut parts = Vec::new();
    if route.body_limit != body {
        parts.push(format!("body {}", format_size(route.body_limit)));
    }
    if route.timeout != timeout {
        parts.push(format!("within {}", format_duration(route.timeout)));
    }
    let own = route.steps.iter().filter(|step| !shared.iter().any(|other| other.name == step.name));
    parts.extend(own.map(describe));
    parts.join(&paint(DIM, ", "))
}

fn describe(step: &PlannedStep) -> String {
    let mut text = step.name.clone();
    if !step.summary.is_empty() {
        text.push_str(&paint(DIM, format_args!(" ({})", short(&step.summary))));
    }
    if step.partly {
        text.push_str(&paint(DIM, " on some paths"));
    }
    text
}
