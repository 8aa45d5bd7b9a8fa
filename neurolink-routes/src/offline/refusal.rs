use neurolink_core::{Code, Error};
use serde_json::{Value, json};

/// Collects names that this engine does not know.
#[derive(Default)]
pub(crate) struct Refusal(Vec<Value>);

impl Refusal {
    /// Refuses a name that is given and not one of `known`; the message names those and not what was sent.
    pub(crate) fn check(&mut self, path: &str, name: Option<&str>, known: &[&str]) {
        if name.is_some_and(|name| !known.contains(&name)) {
            let message = format!("the offline engine knows {}", known.join(", "));
            self.0.push(json!({ "path": path, "message": message, "code": "invalid_value" }));
        }
    }

    pub(crate) fn finish(self) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(Error::new(Code::ValidationError).with_message("Invalid request body").with_details(Value::Array(self.0)))
    }
}
