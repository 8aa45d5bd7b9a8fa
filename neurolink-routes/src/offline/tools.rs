use std::sync::Arc;

use async_trait::async_trait;
use neurolink_core::Clock;
use neurolink_core::engine::{Call, ToolError, ToolInfo, Tools};
use serde_json::{Value, json};

use super::calculate::calculate;
use crate::timestamp::iso;

/// Tools that need nothing but the machine: `echo`, `calculate`, `time`.
#[derive(Clone, Debug)]
pub(crate) struct OfflineTools {
    pub(crate) clock: Arc<dyn Clock>,
}

impl OfflineTools {
    /// Runs a tool; none of them waits for anything.
    pub(crate) fn run(&self, name: &str, arguments: &Value) -> Result<Value, ToolError> {
        match name {
            "echo" => Ok(json!({ "text": text(arguments, "text")? })),
            "calculate" => {
                let value = calculate(text(arguments, "expression")?).map_err(ToolError::new)?;
                Ok(json!({ "result": number(value) }))
            }
            "time" => Ok(json!({ "time": iso(self.clock.now()) })),
            _ => Err(ToolError::new("there is no such tool")),
        }
    }
}

#[async_trait]
impl Tools for OfflineTools {
    fn list(&self) -> Vec<ToolInfo> {
        vec![
            ToolInfo::new(
                "calculate",
                "Works out an expression of numbers, + - * / % ^ and parentheses",
                parameter("expression", "The expression, at most 1024 bytes"),
            ),
            ToolInfo::new("echo", "Gives back a text", parameter("text", "The text")),
            ToolInfo::new("time", "Tells the time in UTC as ISO 8601", json!({ "type": "object", "properties": {} })),
        ]
    }

    async fn call(&self, name: &str, arguments: Value, _call: &Call) -> Result<Value, ToolError> {
        self.run(name, &arguments)
    }
}

fn parameter(name: &str, description: &str) -> Value {
    json!({
        "type": "object",
        "properties": { name: { "type": "string", "description": description } },
        "required": [name],
    })
}

fn text<'a>(arguments: &'a Value, name: &str) -> Result<&'a str, ToolError> {
    arguments
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| ToolError::new(format!("`{name}` is required and must be a string")))
}

/// Whole numbers are written without a fraction, as far as a client can hold them exactly.
fn number(value: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and at most 2^53")]
    if value.fract() == 0.0 && value.abs() <= EXACT { Value::from(value as i64) } else { Value::from(value) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use neurolink_core::ManualClock;

    use super::*;

    fn run(name: &str, arguments: &Value) -> Result<Value, String> {
        let clock = Arc::new(ManualClock::at(Duration::from_millis(1_700_000_000_005)));
        OfflineTools { clock }.run(name, arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn each_tool_answers() {
        assert_eq!(run("echo", &json!({"text": " hi"})), Ok(json!({"text": " hi"})));
        assert_eq!(run("calculate", &json!({"expression": "2*21"})), Ok(json!({"result": 42})));
        assert_eq!(run("calculate", &json!({"expression": "1/4"})), Ok(json!({"result": 0.25})));
        assert_eq!(run("calculate", &json!({"expression": "0*-1"})), Ok(json!({"result": 0})));
        assert_eq!(run("calculate", &json!({"expression": "2^60"})), Ok(json!({"result": 2f64.powi(60)})));
        assert_eq!(run("time", &json!({})), Ok(json!({"time": "2023-11-14T22:13:20.005Z"})));
    }

    #[test]
    fn a_failure_is_told_in_words() {
        assert_eq!(run("calculate", &json!({"expression": "1/0"})), Err("division by zero".into()));
        for arguments in [json!({}), json!({"text": 1}), json!(null)] {
            assert_eq!(run("echo", &arguments), Err("`text` is required and must be a string".into()));
        }
    }

    #[test]
    fn every_listed_tool_is_there_and_has_a_schema() {
        let tools = OfflineTools { clock: Arc::new(ManualClock::default()) };
        for tool in tools.list() {
            assert_eq!((tool.input_schema["type"].as_str(), tool.source.as_str()), (Some("object"), "built-in"));
            let arguments = json!({"text": "1", "expression": "1"});
            assert!(tools.run(&tool.name, &arguments).is_ok(), "{}", tool.name);
        }
    }
}
