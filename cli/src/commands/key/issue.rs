use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use neurolink::middleware::{IssuedApiKey, NewApiKey, StoredApiKey};
use neurolink::{Clock as _, SystemClock};
use serde_json::json;

use super::store;
use crate::output::{BOLD, DIM, Failure, paint, print};

/// Makes an API key of 256 random bits and shows it once.
///
/// What is kept is its SHA-256: as an entry for the configuration file, which is shown with the key, or in the store of
/// the configuration.
#[derive(Args)]
#[command(after_help = "\
Examples:
  neurolink key issue --user alice --role reader
  neurolink key issue --user ci --role deployer --expires 365d --rate-limit 100 --format json
  neurolink key issue --user alice --store --config neurolink.toml")]
pub(crate) struct Issue {
    /// Id of the user whose key it is
    #[arg(long)]
    user: String,

    /// Role that the user has with it; may be repeated
    #[arg(long, value_name = "ROLE")]
    role: Vec<String>,

    /// Permission that the user has with it; may be repeated, and needs --store
    #[arg(long, value_name = "PERMISSION", requires = "store")]
    permission: Vec<String>,

    /// What it is for
    #[arg(long)]
    name: Option<String>,

    /// When it ends: after 1d to 365d, or never
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = days)]
    expires: Lifetime,

    /// Requests in the window of a limit by API key, instead of that limit's number
    #[arg(long, value_name = "REQUESTS")]
    rate_limit: Option<u32>,

    /// What it begins with
    #[arg(long, default_value = "nl_", conflicts_with = "store")]
    prefix: String,

    /// Keeps it in the store that `auth.api_keys` of the configuration names
    #[arg(long)]
    store: bool,

    /// File of that configuration [default: as of `serve`]
    #[arg(long, value_name = "FILE", requires = "store")]
    config: Option<PathBuf>,

    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Format {
    /// Text for people
    #[default]
    Text,
    /// One object of JSON
    Json,
}

/// Days, or none for a key without an end.
#[derive(Clone, Copy)]
struct Lifetime(Option<u32>);

fn days(text: &str) -> Result<Lifetime, String> {
    if text == "never" {
        return Ok(Lifetime(None));
    }
    let days = text.strip_suffix('d').and_then(|days| days.parse().ok());
    days.map(|days| Lifetime(Some(days))).ok_or_else(|| "write days, such as `30d`, or `never`".into())
}

impl Issue {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let key = NewApiKey::new(self.user).roles(self.role).permissions(self.permission);
        let key = self.name.into_iter().fold(key, NewApiKey::name);
        let key = self.rate_limit.into_iter().fold(key, NewApiKey::rate_limit);
        let key = match self.expires.0 {
            Some(days) => key.expires_in_days(days),
            None => key.never_expires(),
        };
        let now = SystemClock.now();
        let issued = if self.store {
            let issuer = store::issuer(self.config)?;
            store::wait(issuer.issue(key, now))?
        } else {
            key.make(&self.prefix, now).map_err(|error| store::failure(&error))?
        };
        match self.format {
            Format::Text => print(text(issued, self.store)),
            Format::Json => print(object(issued)),
        }
    }
}

/// When it ends (RFC 3339).
fn end(stored: &StoredApiKey) -> Option<String> {
    let seconds = i64::try_from(stored.expires?.as_secs()).ok()?;
    Timestamp::from_second(seconds).ok().map(|end| end.to_string())
}

fn object(issued: IssuedApiKey) -> String {
    let stored = issued.stored().clone();
    json!({
        "id": issued.id(),
        "key": issued.into_key(),
        "hash": stored.hash.to_string(),
        "user": stored.user,
        "name": stored.name,
        "roles": stored.roles,
        "permissions": stored.permissions,
        "expires": end(&stored),
        "rateLimit": stored.rate_limit,
    })
    .to_string()
}

fn text(issued: IssuedApiKey, is_stored: bool) -> String {
    let (id, stored) = (issued.id(), issued.stored().clone());
    let ends = end(&stored).unwrap_or_else(|| "never".into());
    let shown = format!(
        "{}  {}\nid   {id}\nends {ends}\n\n{}",
        paint(BOLD, "key"),
        paint(BOLD, issued.into_key()),
        paint(DIM, "It is shown this once; whoever loses it needs another.")
    );
    if is_stored {
        return format!("{shown}\nIt is in the store: `neurolink key revoke {id}` takes it back.");
    }
    format!("{shown}\nThe configuration knows it by its hash:\n\n{}", entry(&stored, &id))
}

/// The entry for a configuration file.
fn entry(stored: &StoredApiKey, id: &str) -> String {
    let mut entry = toml::Table::new();
    entry.insert("key".into(), stored.hash.to_string().into());
    entry.insert("id".into(), id.into());
    entry.insert("user".into(), stored.user.clone().into());
    entry.insert("roles".into(), stored.roles.clone().into());
    if let Some(end) = end(stored) {
        entry.insert("expires".into(), end.into());
    }
    if let Some(limit) = stored.rate_limit {
        entry.insert("rate_limit".into(), i64::from(limit).into());
    }
    format!("[[auth.api_keys.keys]]\n{}", entry.to_string().trim_end())
}
