use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use neurolink_core::ConfigProblem;
use neurolink_core::server::Adapter;
use neurolink_serve::ServeConfig;

/// The web frameworks there are adapters for.
///
/// ```
/// use neurolink::Framework;
///
/// assert_eq!("axum".parse(), Ok(Framework::Axum));
/// assert!("express".parse::<Framework>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Framework {
    /// axum; feature `axum`.
    Axum,
    /// actix-web; feature `actix`.
    Actix,
    /// warp; feature `warp`.
    Warp,
    /// poem; feature `poem`.
    Poem,
}

/// A name that is no framework's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFramework(String);

impl fmt::Display for UnknownFramework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no framework; choose one of axum, actix, warp, poem", self.0)
    }
}

impl std::error::Error for UnknownFramework {}

impl Framework {
    /// All of them, compiled in or not.
    pub const ALL: [Self; 4] = [Self::Axum, Self::Actix, Self::Warp, Self::Poem];

    /// The name, which is also the feature's.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Axum => "axum",
            Self::Actix => "actix",
            Self::Warp => "warp",
            Self::Poem => "poem",
        }
    }

    /// Whether its feature is enabled.
    #[must_use]
    pub fn is_enabled(self) -> bool {
        self.adapter().is_ok()
    }

    /// Its adapter, with nothing but the app.
    ///
    /// # Errors
    /// When its feature is not enabled; the problem names it.
    pub fn adapter(self) -> Result<Arc<dyn Adapter>, ConfigProblem> {
        self.adapter_with(ServeConfig::default())
    }

    /// Its adapter, with these limits and times of connections.
    ///
    /// # Errors
    /// When its feature is not enabled; the problem names it.
    #[cfg_attr(
        not(any(feature = "axum", feature = "actix", feature = "warp", feature = "poem")),
        expect(unused_variables, reason = "no framework is there to take it")
    )]
    pub fn adapter_with(self, config: ServeConfig) -> Result<Arc<dyn Adapter>, ConfigProblem> {
        match self {
            #[cfg(feature = "axum")]
            Self::Axum => Ok(Arc::new(neurolink_axum::Axum::new().serve_config(config))),
            #[cfg(feature = "actix")]
            Self::Actix => Ok(Arc::new(neurolink_actix::Actix::new().serve_config(config))),
            #[cfg(feature = "warp")]
            Self::Warp => Ok(Arc::new(neurolink_warp::Warp::new().serve_config(config))),
            #[cfg(feature = "poem")]
            Self::Poem => Ok(Arc::new(neurolink_poem::Poem::new().serve_config(config))),
            #[cfg(not(all(feature = "axum", feature = "actix", feature = "warp", feature = "poem")))]
            missing => Err(missing.not_enabled()),
        }
    }

    /// What the framework decides before the app is asked, as the conformance suite reads it.
    ///
    /// # Errors
    /// When its feature is not enabled; the problem names it.
    pub fn divergences(self) -> Result<&'static str, ConfigProblem> {
        match self {
            #[cfg(feature = "axum")]
            Self::Axum => Ok(neurolink_axum::DIVERGENCES),
            #[cfg(feature = "actix")]
            Self::Actix => Ok(neurolink_actix::DIVERGENCES),
            #[cfg(feature = "warp")]
            Self::Warp => Ok(neurolink_warp::DIVERGENCES),
            #[cfg(feature = "poem")]
            Self::Poem => Ok(neurolink_poem::DIVERGENCES),
            #[cfg(not(all(feature = "axum", feature = "actix", feature = "warp", feature = "poem")))]
            missing => Err(missing.not_enabled()),
        }
    }

    #[cfg(any(test, not(all(feature = "axum", feature = "actix", feature = "warp", feature = "poem"))))]
    fn not_enabled(self) -> ConfigProblem {
        let problem = format!("{self} is not compiled in; enable it: neurolink = {{ features = [\"{self}\"] }}");
        ConfigProblem::new("framework", problem)
    }
}

impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Framework {
    type Err = UnknownFramework;

    fn from_str(name: &str) -> Result<Self, UnknownFramework> {
        match name {
            "actix-web" => Ok(Self::Actix),
            _ => Self::ALL
                .into_iter()
                .find(|framework| framework.as_str() == name)
                .ok_or_else(|| UnknownFramework(name.chars().take(40).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPILED_IN: [bool; 4] =
        [cfg!(feature = "axum"), cfg!(feature = "actix"), cfg!(feature = "warp"), cfg!(feature = "poem")];

    /// `scripts/release-check` runs it with one framework at a time.
    #[test]
    fn one_that_is_not_compiled_in_names_its_feature() {
        for (framework, compiled_in) in Framework::ALL.into_iter().zip(COMPILED_IN) {
            assert_eq!(framework.is_enabled(), compiled_in, "{framework}");
            assert_eq!(framework.divergences().is_ok(), compiled_in, "{framework}");
            let problem = framework.adapter().err().unwrap_or_else(|| framework.not_enabled()).to_string();
            let fix =
                format!("{framework} is not compiled in; enable it: neurolink = {{ features = [\"{framework}\"] }}");
            assert!(problem.contains("framework") && problem.contains(&fix), "{problem}");
        }
    }
}
