//! The environment: `NEUROLINK__SECTION__KEY`.

use std::ffi::OsString;

use neurolink_core::ConfigProblem;

use crate::layers::{Entry, Table, Value, insert};
use crate::names::meant_by;

const PREFIX: &str = "NEUROLINK__";

/// The variable of the configuration file, which is no setting.
pub(crate) const FILE: &str = "NEUROLINK_CONFIG";

/// The variable of a key.
pub(crate) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"))
}

/// Makes a layer of variables; those of others are warned about.
pub(crate) fn layer(
    variables: Vec<(OsString, OsString)>,
    problems: &mut Vec<ConfigProblem>,
    warnings: &mut Vec<String>,
) -> Table {
    let mut layer = Table::new();
    let mut ours: Vec<(String, OsString)> = variables
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with("NEUROLINK_"))
        .collect();
    ours.sort_unstable();
    for (name, value) in ours {
        let Some(path) = name.strip_prefix(PREFIX) else {
            let value = value.to_string_lossy();
            if name != FILE && !is_service_link(&name, &value) {
                warnings.push(foreign(&name));
            }
            continue;
        };
        let origin = format!("environment variable {name}");
        let path = path.to_lowercase();
        let key = path.replace("__", ".");
        let mut refuse = |problem: String| {
            problems.push(ConfigProblem::new(&*key, problem).with_origin(&*origin));
        };
        let Ok(value) = value.into_string() else {
            refuse("its value is not UTF-8 text".into());
            continue;
        };
        let path: Vec<&str> = path.split("__").collect();
        if path.iter().any(|part| part.is_empty()) {
            refuse(format!("its name has an empty part; write for example `{}`", variable("server.port")));
            continue;
        }
        let entry = Entry { value: Value::Text(value), origin: origin.as_str().into() };
        if let Err(other) = insert(&mut layer, &path, entry) {
            refuse(format!("it is given already by {other}; remove one"));
        }
    }
    layer
}

fn foreign(name: &str) -> String {
    let rest = name["NEUROLINK_".len()..].to_lowercase();
    match meant_by(&rest).map(|key| variable(&key)) {
        Some(meant) => format!("environment variable {name} is not read; did you mean {meant}?"),
        None => format!(
            "environment variable {name} is not read; settings are called {}, with two underscores",
            variable("section.key")
        ),
    }
}

/// Whether Kubernetes made this variable for a service called `neurolink`, or `neurolink-..`.
fn is_service_link(name: &str, value: &str) -> bool {
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT") || name.contains("_SERVICE_PORT_") {
        return true;
    }
    // NEUROLINK_PORT is tcp://10.0.0.1:3000; a mere number is somebody's wish for a port.
    if name.ends_with("_PORT") && ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme)) {
        return true;
    }
    // NEUROLINK_PORT_3000_TCP, and the same with _PROTO, _PORT or _ADDR.
    name.match_indices("_PORT_").any(|(at, found)| {
        let mut parts = name[at + found.len()..].split('_');
        parts.next().is_some_and(is_port)
            && parts.next().is_some_and(|protocol| matches!(protocol, "TCP" | "UDP" | "SCTP"))
            && parts.next().is_none_or(|part| matches!(part, "PROTO" | "PORT" | "ADDR"))
    })
}
