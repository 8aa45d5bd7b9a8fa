use neurolink_core::{AppBuilder, ConfigError};

use crate::Config;

impl Config {
    /// Sets an app up.
    ///
    /// # Errors
    /// None yet.
    pub fn apply(&self, builder: AppBuilder) -> Result<AppBuilder, ConfigError> {
        Ok(builder)
    }
}
