use std::ffi::OsString;
use std::path::{Path, PathBuf};

use neurolink_core::{ConfigError, ConfigProblem};

use crate::layers::{Entry, Given, Origin, Table, Value, insert, merge};
use crate::reader::{Found, text, with_origin};
use crate::{Config, LogFormat, Preset, Weakness, alternatives, environment, files, names};

/// The file that is read when none is named.
const DEFAULT_FILE: &str = "neurolink.toml";

/// Collects the layers of a configuration; later ones win: preset, files, environment, flags.
///
/// ```
/// use neurolink_config::Loader;
///
/// let loaded = Loader::new()
///     .environment([("NEUROLINK__SERVER__PORT", "8080")])
///     .set("rate_limit.limit", "100/60s", "flag --rate-limit")
///     .load()?;
/// assert_eq!(loaded.config.server.port, 8080);
/// # Ok::<(), neurolink_core::ConfigError>(())
/// ```
#[derive(Clone, Default)]
pub struct Loader {
    preset: Preset,
    files: Vec<NamedFile>,
    texts: Vec<(String, String)>,
    environment: Vec<(OsString, OsString)>,
    flags: Vec<(String, Given, String)>,
}

/// A file, and who named it if that is not whoever reads the messages.
#[derive(Clone, Debug)]
struct NamedFile {
    path: PathBuf,
    origin: Option<String>,
}

/// A configuration, and what should be said about it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What was given and has no effect.
    pub warnings: Vec<String>,
    /// Settings that weaken security, to be printed at start.
    pub weaknesses: Vec<Weakness>,
    /// The files that were read.
    pub files: Vec<PathBuf>,
    /// Who said `server.host`.
    host_origin: Option<Origin>,
}

/// A configuration that has mistakes.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refused {
    /// All mistakes.
    pub error: ConfigError,
    /// How lines look as far as it could be read: mistakes elsewhere are told in that format, too.
    pub log_format: LogFormat,
}

impl Loaded {
    /// Refuses to serve everybody on a public address, as [`Config::check_exposure`] does, and says who named the address.
    ///
    /// # Errors
    /// When `server.host` is no loopback address, there is no authentication, and nobody said that this is meant.
    pub fn check_exposure(&self) -> Result<(), ConfigError> {
        let Err(error) = self.config.check_exposure() else { return Ok(()) };
        let Some(origin) = &self.host_origin else { return Err(error) };
        Err(ConfigError::new(error.problems().iter().cloned().map(|found| with_origin(found, origin)).collect()))
    }
}

impl Loader {
    /// Reads nothing until told what.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The layers of [`Config::load`].
    #[must_use]
    pub fn from_system() -> Self {
        let mut loader = Self::new().environment(std::env::vars_os());
        match std::env::var_os(environment::FILE) {
            Some(path) if !path.is_empty() => {
                let origin = Some(format!("environment variable {}", environment::FILE));
                loader.files.push(NamedFile { path: path.into(), origin });
                loader
            }
            _ if Path::new(DEFAULT_FILE).is_file() => loader.file(DEFAULT_FILE),
            _ => loader,
        }
    }

    /// Begins with this preset, unless a layer names another by the key `preset`.
    #[must_use]
    pub const fn preset(mut self, preset: Preset) -> Self {
        self.preset = preset;
        self
    }

    /// Reads a file: TOML, JSON or YAML by its ending. A second file wins over the first.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.push(NamedFile { path: path.into(), origin: None });
        self
    }

    /// Reads these files only.
    #[must_use]
    pub fn only_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.clear();
        self.file(path)
    }

    /// Reads TOML that is at hand already; `name` says in messages where it came from. It wins over files.
    #[must_use]
    pub fn text(mut self, name: impl Into<String>, toml: impl Into<String>) -> Self {
        self.texts.push((name.into(), toml.into()));
        self
    }

    /// Reads variables: `NEUROLINK__SECTION__KEY`; lists have commas.
    #[must_use]
    pub fn environment<K: Into<OsString>, V: Into<OsString>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.environment.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Sets one key, such as `rate_limit.limit`; `origin` says who did, such as `flag --rate-limit`.
    ///
    /// Secrets cannot be set so: what a command line says is seen by every user of the machine.
    #[must_use]
    pub fn set(mut self, key: impl Into<String>, value: impl Into<Given>, origin: impl Into<String>) -> Self {
        self.flags.push((key.into(), value.into(), origin.into()));
        self
    }

    /// Reads everything and checks it.
    ///
    /// # Errors
    /// All mistakes at once, each with where it came from and what would be right.
    pub fn load(self) -> Result<Loaded, ConfigError> {
        self.load_or_refuse().map_err(|refused| refused.error)
    }

    /// Reads everything and checks it, as [`Loader::load`] does, for who writes a log about the mistakes.
    ///
    /// # Errors
    /// All mistakes at once, with the format of the log.
    pub fn load_or_refuse(self) -> Result<Loaded, Refused> {
        let (mut problems, mut warnings) = (Vec::new(), Vec::new());
        let mut layers = Vec::new();
        for NamedFile { path, origin } in &self.files {
            match (files::read(path), origin) {
                (Ok(layer), _) => layers.push(layer),
                (Err(problem), Some(origin)) => problems.push(problem.with_origin(origin)),
                (Err(problem), None) => problems.push(problem),
            }
        }
        for (name, toml) in &self.texts {
            match files::from_text(name, toml) {
                Ok(layer) => layers.push(layer),
                Err(problem) => problems.push(problem),
            }
        }
        layers.push(environment::layer(self.environment, &mut problems, &mut warnings));
        layers.push(flags(self.flags, &mut problems));

        let mut table = Table::new();
        for mut layer in layers {
            names::canonical(&mut layer, &mut problems);
            alternatives::give_way(&mut table, &layer);
            merge(&mut table, layer);
        }
        let host_origin = host_origin(&table);
        let found = Found::default();
        let mut config = Config::preset(preset(&table, self.preset, &found));
        config.read(table, &found);
        let (more_problems, more_warnings) = found.into_parts();
        problems.extend(more_problems);
        warnings.extend(more_warnings);
        if !problems.is_empty() {
            return Err(Refused { error: ConfigError::new(problems), log_format: config.log.format });
        }
        let weaknesses = config.weaknesses();
        Ok(Loaded {
            config,
            warnings,
            weaknesses,
            files: self.files.into_iter().map(|file| file.path).collect(),
            host_origin,
        })
    }
}

impl std::fmt::Debug for Loader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The variables and flags may hold secrets.
        f.debug_struct("Loader").field("preset", &self.preset).field("files", &self.files).finish_non_exhaustive()
    }
}

fn host_origin(table: &Table) -> Option<Origin> {
    match &table.get("server")?.value {
        Value::Table(server) => server.get("host").map(|entry| Origin::clone(&entry.origin)),
        _ => None,
    }
}

fn preset(table: &Table, otherwise: Preset, found: &Found) -> Preset {
    let Some(entry) = table.get("preset") else { return otherwise };
    match text(&entry.value).and_then(|name| name.parse()) {
        Ok(preset) => preset,
        Err(problem) => {
            let mut problem = ConfigProblem::new("preset", problem);
            if let Some(shown) = entry.value.shown() {
                problem = problem.with_value(shown);
            }
            found.problem(with_origin(problem, &entry.origin));
            otherwise
        }
    }
}

fn flags(flags: Vec<(String, Given, String)>, problems: &mut Vec<ConfigProblem>) -> Table {
    let mut layer = Table::new();
    for (key, Given(value), origin) in flags {
        let path: Vec<&str> = key.split('.').collect();
        let refuse = |problem: String| ConfigProblem::new(&*key, problem).with_origin(&*origin);
        if is_secret(&path) {
            let variable = environment::variable(&key);
            problems.push(refuse(format!(
                "a secret has no flag, since every user of the machine could see it; set {variable} or {variable}_FILE"
            )));
            continue;
        }
        let entry = Entry { value, origin: origin.as_str().into() };
        if let Err(other) = insert(&mut layer, &path, entry) {
            problems.push(refuse(format!("it is given already by {other}; remove one")));
        }
    }
    layer
}

fn is_secret(path: &[&str]) -> bool {
    matches!(
        path,
        ["auth", "token" | "tokens" | "jwt_secret"]
            | ["auth", "jwt", "secret"]
            | ["auth", "login", "secret" | "redis_url"]
            | ["auth", "api_keys", "keys" | "redis_url"]
            | ["rate_limit", "redis_url"]
    )
}
