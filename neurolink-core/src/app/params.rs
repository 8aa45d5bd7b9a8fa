//! Path parameters, decoded once.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use smallvec::SmallVec;

use super::Context;
use super::pattern::Pattern;
use crate::Error;

/// Where in the canonical path the parameters are.
pub(crate) type Ranges = SmallVec<[Range<usize>; 4]>;

/// The parameters of a scope's pattern, which stand in front of the route's while its policy decides.
pub(crate) struct ScopeParams {
    pub(crate) pattern: Arc<Pattern>,
    pub(crate) ranges: Ranges,
}

impl ScopeParams {
    /// Those of the request's path: none if it is not the pattern's.
    pub(crate) fn of(pattern: &Arc<Pattern>, ctx: &Context) -> Option<Self> {
        let path = ctx.path();
        let ranges = pattern.captures(path).or_else(|| {
            // A host's router may serve a path with and without its last slash.
            pattern.captures(path.strip_suffix('/').filter(|_| ctx.is_native())?)
        })?;
        Some(Self { pattern: Arc::clone(pattern), ranges })
    }

    fn range(&self, name: &str) -> Option<Range<usize>> {
        let index = self.pattern.names().position(|own| own == name)?;
        self.ranges.get(index).cloned()
    }
}

impl Context {
    /// A path parameter, decoded once.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Cow<'_, str>> {
        let own = || {
            let index = self.target().param_names.iter().position(|own| **own == *name)?;
            self.param_ranges.get(index).cloned()
        };
        let range = self.scope_params.as_ref().and_then(|scope| scope.range(name)).or_else(own)?;
        percent_decode_str(self.path().get(range)?).decode_utf8().ok()
    }

    pub(crate) fn params(&self) -> Result<Vec<(String, String)>, Error> {
        self.target()
            .param_names
            .iter()
            .map(|name| {
                let value =
                    self.param(name).ok_or_else(|| Error::bad_request("A path parameter is not valid UTF-8"))?;
                Ok((name.to_string(), value.into_owned()))
            })
            .collect()
    }
}
