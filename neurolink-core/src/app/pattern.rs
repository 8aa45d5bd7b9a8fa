//! The one pattern syntax of routes and scopes: `/a/{id}`, `/a/{*rest}`, and in a scope `/a/*`.

use std::fmt;
use std::ops::Range;

use super::params::Ranges;

/// A parsed path pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    text: Box<str>,
    segments: Box<[Segment]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(Box<str>),
    Param(Box<str>),
    Rest(Box<str>),
}

/// How the paths of a route relate to a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coverage {
    /// No path of the route is in the scope.
    Never,
    /// Some are: the scope is asked at each request.
    Sometimes,
    /// All are.
    Always,
}

impl Pattern {
    /// Parses a route's pattern.
    ///
    /// # Errors
    /// What is wrong and what would be right.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let Some(path) = text.strip_prefix('/') else {
            return Err(format!("a path begins with a slash; write `/{text}`"));
        };
        let mut segments = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        let mut rest = false;
        for segment in path.split('/') {
            if rest {
                return Err("nothing can follow a `{*rest}` segment; move it to the end".into());
            }
            if let Some(name) = segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
                let (name, is_rest) = name.strip_prefix('*').map_or((name, false), |name| (name, true));
                let valid = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                if name.is_empty() || !valid {
                    return Err(format!("`{segment}` is no parameter; its name takes letters, digits and `_`"));
                }
                if names.contains(&name) {
                    return Err(format!("the parameter `{name}` is there twice; give one of them another name"));
                }
                names.push(name);
                rest = is_rest;
                segments.push(if is_rest { Segment::Rest(name.into()) } else { Segment::Param(name.into()) });
                continue;
            }
            if segment.contains(['{', '}']) {
                return Err(format!("`{segment}`: a parameter takes a whole segment, as in `/{{id}}`"));
            }
            if segment.contains('*') {
                return Err(format!("`{segment}`: write `{{*rest}}` for the rest of a path"));
            }
            if let Some(name) = segment.strip_prefix(':') {
                return Err(format!("`{segment}`: write a parameter as `{{{name}}}`"));
            }
            segments.push(Segment::Literal(segment.into()));
        }
        let literal = text.replace(['{', '}', '*'], "");
        match super::path::canonical(&literal) {
            Err(problem) => {
                let problem = problem.to_lowercase();
                return Err(format!("{problem}; write a plain path such as `/api/users/{{id}}`"));
            }
            Ok(canonical) if canonical.path != literal => {
                return Err(format!("it is not in canonical form; write `{}`", canonical.path));
            }
            Ok(canonical) if !canonical.normal => {
                return Err("it has an empty segment; write one slash between two segments, as in `/a/b`".into());
            }
            Ok(_) => {}
        }
        Ok(Self { text: text.into(), segments: segments.into() })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether both are the same but for the names of parameters.
    pub(crate) fn same_shape(&self, other: &Self) -> bool {
        self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(|(one, two)| match (one, two) {
                (Segment::Literal(one), Segment::Literal(two)) => one == two,
                (Segment::Param(_), Segment::Param(_)) | (Segment::Rest(_), Segment::Rest(_)) => true,
                _ => false,
            })
    }

    /// The names of the parameters, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Param(name) | Segment::Rest(name) => Some(&**name),
        })
    }

    /// Whether a canonical path is one of this pattern's.
    fn matches(&self, path: &str) -> bool {
        self.walk(path, |_| {})
    }

    /// Where in a canonical path the parameters are, if it is one of this pattern's.
    pub(super) fn captures(&self, path: &str) -> Option<Ranges> {
        let mut found = Ranges::new();
        self.walk(path, |range| found.push(range)).then_some(found)
    }

    fn walk(&self, path: &str, mut found: impl FnMut(Range<usize>)) -> bool {
        let Some(mut left) = path.strip_prefix('/') else { return false };
        let last = self.segments.len() - 1;
        for (index, segment) in self.segments.iter().enumerate() {
            let begins = path.len() - left.len();
            if matches!(segment, Segment::Rest(_)) {
                found(begins..path.len());
                return !left.is_empty();
            }
            let (head, tail) = left.split_once('/').map_or((left, None), |(head, tail)| (head, Some(tail)));
            match segment {
                Segment::Literal(text) if **text != *head => return false,
                Segment::Param(_) if head.is_empty() => return false,
                Segment::Param(_) => found(begins..begins + head.len()),
                _ => {}
            }
            match (tail, index == last) {
                (None, true) => return true,
                (Some(tail), false) => left = tail,
                _ => return false,
            }
        }
        false
    }

    /// How many of the paths of `route` match this pattern.
    fn covers(&self, route: &Self) -> Coverage {
        let mut coverage = Coverage::Always;
        let mut scope = self.segments.iter();
        let mut path = route.segments.iter();
        loop {
            match (scope.next(), path.next()) {
                (None, None) => return coverage,
                (Some(Segment::Rest(_)), Some(Segment::Literal(text))) if text.is_empty() && path.len() == 0 => {
                    return Coverage::Never; // `/a/{*rest}` does not match `/a/`
                }
                (Some(Segment::Rest(_)), Some(_)) => return coverage,
                (Some(_), Some(Segment::Rest(_))) => return Coverage::Sometimes,
                (Some(Segment::Literal(one)), Some(Segment::Literal(two))) if one != two => {
                    return Coverage::Never;
                }
                (Some(Segment::Param(_)), Some(Segment::Literal(text))) if text.is_empty() => {
                    return Coverage::Never;
                }
                (Some(Segment::Literal(text)), Some(Segment::Param(_))) => {
                    if text.is_empty() {
                        return Coverage::Never;
                    }
                    coverage = Coverage::Sometimes;
                }
                (Some(_), Some(_)) => {}
                (None, Some(_)) | (Some(_), None) => return Coverage::Never,
            }
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Where a middleware applies: `only` these paths, or all but `except` those.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    only: Option<Vec<Pattern>>,
    except: Vec<Pattern>,
}

/// Parses the patterns of a scope, where `/a/*` is short for `/a` and `/a/{*rest}`.
pub(crate) fn parse_scope(patterns: &[String]) -> Result<Vec<Pattern>, String> {
    let mut parsed = Vec::new();
    for text in patterns {
        let named = |problem: String| format!("`{text}`: {problem}");
        match text.strip_suffix("/*") {
            Some(prefix) => {
                if !prefix.is_empty() {
                    parsed.push(Pattern::parse(prefix).map_err(named)?);
                }
                parsed.push(Pattern::parse(&format!("{prefix}/{{*rest}}")).map_err(named)?);
                if prefix.is_empty() {
                    parsed.push(Pattern::parse("/").map_err(named)?);
                }
            }
            None => parsed.push(Pattern::parse(text).map_err(named)?),
        }
    }
    Ok(parsed)
}

impl Scope {
    pub(crate) const fn new(only: Option<Vec<Pattern>>, except: Vec<Pattern>) -> Self {
        Self { only, except }
    }

    pub(crate) const fn is_everywhere(&self) -> bool {
        self.only.is_none() && self.except.is_empty()
    }

    /// Whether it names the paths that it covers.
    pub(crate) const fn is_limited(&self) -> bool {
        self.only.is_some()
    }

    /// The patterns of `only`.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.only.iter().flatten()
    }

    /// Whether a canonical path is in this scope.
    pub(crate) fn contains(&self, path: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|pattern| pattern.matches(path)))
            && !self.except.iter().any(|pattern| pattern.matches(path))
    }

    /// Whether a path of a host's router is in this scope: such a router may serve it with and without its last slash,
    /// so what is protected is so in both spellings, and what is left out only in the one that was written.
    pub(crate) fn contains_native(&self, path: &str) -> bool {
        let slashless = path.strip_suffix('/').unwrap_or(path);
        self.only
            .as_ref()
            .is_none_or(|only| only.iter().any(|pattern| pattern.matches(path) || pattern.matches(slashless)))
            && !self.except.iter().any(|pattern| pattern.matches(path))
    }

    /// How many of a route's paths are in this scope.
    pub(crate) fn covers(&self, route: &Pattern) -> Coverage {
        let inside = self.only.as_ref().map_or(Coverage::Always, |only| any(only, route));
        match (inside, any(&self.except, route)) {
            (Coverage::Never, _) | (_, Coverage::Always) => Coverage::Never,
            (Coverage::Always, Coverage::Never) => Coverage::Always,
            _ => Coverage::Sometimes,
        }
    }

    /// The same, for a route, or for all paths that are no route's: those are asked at each request.
    pub(crate) fn covers_or_asks(&self, route: Option<&Pattern>) -> Coverage {
        match route {
            _ if self.is_everywhere() => Coverage::Always,
            Some(route) => self.covers(route),
            None => Coverage::Sometimes,
        }
    }

    /// Whether all paths of `pattern` that `demanding` has are in this scope, which is an authenticator's.
    pub(crate) fn protects(&self, pattern: &Pattern, demanding: &Self) -> bool {
        let inside = self.only.as_ref().is_none_or(|only| any(only, pattern) == Coverage::Always);
        // Without a list of its own, what the authenticator leaves out is not asked for.
        let spared = |left_out: &Pattern| {
            demanding.only.is_none()
                || left_out.covers(pattern) == Coverage::Never
                || any(&demanding.except, left_out) == Coverage::Always
        };
        inside && self.except.iter().all(spared)
    }

    /// The patterns of this scope that are not `protected`; those of every path if it names none.
    pub(crate) fn beyond(&self, protected: impl Fn(&Pattern) -> bool) -> Vec<String> {
        let all = || parse_scope(&["/*".into()]).unwrap_or_default();
        let patterns = self.only.clone().unwrap_or_else(all);
        patterns.iter().filter(|pattern| !protected(pattern)).map(ToString::to_string).collect()
    }

    /// Whether all of a route's paths would be in this scope and `except` leaves them out.
    pub(crate) fn leaves_out(&self, route: &Pattern) -> bool {
        self.only.as_ref().is_none_or(|only| any(only, route) != Coverage::Never)
            && any(&self.except, route) == Coverage::Always
    }

    /// The patterns that touch none of these routes.
    pub(crate) fn idle<'a>(&'a self, routes: &[&Pattern]) -> Vec<&'a Pattern> {
        let touches = |pattern: &&Pattern| {
            // `/a/*` became two patterns: one of them is enough.
            routes.iter().any(|route| pattern.covers(route) != Coverage::Never)
        };
        let all = self.only.iter().flatten().chain(&self.except);
        let (used, idle): (Vec<_>, Vec<_>) = all.partition(touches);
        idle.into_iter()
            .filter(|pattern| {
                !used.iter().any(|used| {
                    used.text.strip_suffix("/{*rest}") == Some(&pattern.text)
                        || pattern.text.strip_suffix("/{*rest}") == Some(&used.text)
                })
            })
            .collect()
    }
}

fn any(patterns: &[Pattern], route: &Pattern) -> Coverage {
    let mut coverage = Coverage::Never;
    for pattern in patterns {
        match pattern.covers(route) {
            Coverage::Always => return Coverage::Always,
            Coverage::Sometimes => coverage = Coverage::Sometimes,
            Coverage::Never => {}
        }
    }
    coverage
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).expect(text)
    }

    fn only(patterns: &[&str]) -> Scope {
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        Scope::new(Some(parse_scope(&patterns).expect("patterns")), Vec::new())
    }

    #[test]
    fn wrong_patterns_say_what_would_be_right() {
        for (text, hint) in [
            ("api", "begins with a slash"),
            ("/a/{*rest}/b", "move it to the end"),
            ("/a/{}", "its name takes"),
            ("/a/{i d}", "its name takes"),
            ("/{a}/{a}", "twice"),
            ("/a{id}", "whole segment"),
            ("/a/:id", "`{id}`"),
            ("/a/*", "`{*rest}`"),
            ("/%61", "write `/a`"),
            ("/a//b", "empty segment"),
            ("/a/../b", "dot segment"),
        ] {
            let problem = Pattern::parse(text).expect_err(text);
            assert!(problem.contains(hint), "{text}: {problem}");
        }
    }

    // Shows V35.
    #[test]
    fn a_scope_matches_whole_segments_and_never_a_string_prefix() {
        let scope = only(&["/api/admin/*"]);
        for inside in ["/api/admin", "/api/admin/users", "/api/admin/a/b"] {
            assert!(scope.contains(inside), "{inside}");
        }
        for outside in ["/api/adminx", "/api/administrator/x", "/api", "/API/admin", "/api/admin%2Fx"] {
            assert!(!scope.contains(outside), "{outside}");
        }
    }

    #[test]
    fn coverage_is_decided_at_build() {
        use Coverage::{Always, Never, Sometimes};
        for (scope, route, expected) in [
            ("/api/admin/*", "/api/admin/users", Always),
            ("/api/admin/*", "/api/admin", Always),
            ("/api/admin/*", "/api/{x}/users", Sometimes),
            ("/api/admin/*", "/api/health", Never),
            ("/api/tools/echo", "/api/tools/{name}", Sometimes),
            ("/api/tools/{n}", "/api/tools/{name}", Always),
            ("/api/tools/{n}", "/api/tools/{*rest}", Sometimes),
            ("/*", "/api/health", Always),
            ("/*", "/", Always),
            ("/api/x", "/api/x/y", Never),
        ] {
            assert_eq!(only(&[scope]).covers(&pattern(route)), expected, "{scope} over {route}");
        }
    }

    #[test]
    fn a_pattern_that_touches_no_route_is_found() {
        let route = pattern("/api/health");
        assert!(only(&["/api/health/*"]).idle(&[&route]).is_empty());
        assert_eq!(only(&["/api/helth"]).idle(&[&route]).len(), 1);
    }

    proptest! {
        #[test]
        fn coverage_agrees_with_matching(
            scope in "(/(a|b|\\{x\\})){1,3}(/\\{\\*r\\})?",
            route in "(/(a|b|\\{p\\})){1,3}",
            fill in proptest::collection::vec("(a|b|c)", 3),
        ) {
            let unique = |text: &str| {
                let mut count = 0;
                text.split('/').map(|s| if s == "{x}" || s == "{p}" { count += 1; format!("{{p{count}}}") } else { s.to_owned() })
                    .collect::<Vec<_>>().join("/")
            };
            let scope = Scope::new(Some(vec![pattern(&unique(&scope))]), Vec::new());
            let route = pattern(&unique(&route));
            let mut fill = fill.iter();
            let path: String = route.segments.iter().map(|segment| match segment {
                Segment::Literal(text) => format!("/{text}"),
                _ => format!("/{}", fill.next().expect("three")),
            }).collect();
            match scope.covers(&route) {
                Coverage::Always => prop_assert!(scope.contains(&path)),
                Coverage::Never => prop_assert!(!scope.contains(&path)),
                Coverage::Sometimes => {}
            }
        }
    }
}
