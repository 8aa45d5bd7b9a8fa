//! `serve --log json`: whatever it writes, each line is one object.

use std::net::TcpListener;
use std::process::Output;

use serde_json::Value;

use crate::kit::{Serving, err, folder, frameworks, neurolink, out, run};

/// Each line as the object that it must be.
fn objects(text: &str) -> Vec<Value> {
    let object = |line| serde_json::from_str::<Value>(line).ok().filter(Value::is_object);
    text.lines().map(|line| object(line).unwrap_or_else(|| panic!("no object: {line:?}"))).collect()
}

#[test]
fn every_line_of_both_outputs_is_an_object() {
    for framework in frameworks() {
        let mut command = neurolink(&["serve", "--port", "0", "--log", "json", "--framework", framework]);
        // A weak setting and a variable that means nothing are told at start.
        command.env("NEUROLINK__CORS__ORIGINS", "*").env("NEUROLINK_OTHER", "x").env("RUST_LOG", "trace");
        let serving = Serving::start(&mut command);
        let place = format!("http://{}", serving.address);
        serving.get("/api/health", "");
        serving.send("nonsense\r\n\r\n");
        let first = objects(&serving.first);
        assert_eq!((&first[0]["place"], &first[0]["framework"]), (&place.into(), &framework.into()), "{first:?}");
        let (code, out, err) = serving.end("-TERM");
        assert_eq!(code, Some(0), "{framework}: {out}{err}");
        let routes = objects(&out);
        let health = routes.iter().find(|line| line["route"]["path"] == "/api/health").expect("a line for the route");
        assert_eq!((&health["route"]["method"], &health["route"]["access"]), (&"GET".into(), &"public".into()));
        let log = objects(&err);
        assert!(log.iter().any(|line| line["path"] == "/api/health" && line["status"] == 200), "{framework}: {err}");
        assert!(err.contains("weak setting cors.origins") && err.contains("NEUROLINK_OTHER"), "{framework}: {err}");
    }
}

/// The objects of standard error; nothing must be on the other output.
fn failure(output: &Output, code: i32) -> Vec<Value> {
    assert_eq!((output.status.code(), out(output).as_str()), (Some(code), ""), "{}", err(output));
    objects(&err(output))
}

#[test]
fn failures_are_objects_too() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let lines = failure(&run(&["serve", "--port", &port, "--log", "json"]), 1);
    let [line] = &lines[..] else { panic!("one failure, one line: {lines:?}") };
    assert_eq!(line["level"], "ERROR");
    assert!(line["message"].as_str().is_some_and(|text| text.contains("--port 0")), "the hint: {line}");

    // As the file says it.
    let path = folder().join("json.toml");
    std::fs::write(&path, format!("[log]\nformat = \"json\"\n[server]\nport = {port}\n")).expect("written");
    failure(&run(&["serve", "--config", path.to_str().expect("UTF-8")]), 1);
}

#[test]
fn each_mistake_of_the_configuration_is_an_object() {
    let lines = failure(&run(&["serve", "--log", "json", "--port", "many", "--body-limit", "big"]), 2);
    let mut keys: Vec<_> = lines.iter().map(|line| (line["key"].as_str(), line["value"].as_str())).collect();
    keys.sort_unstable();
    assert_eq!(keys, [(Some("body.limit"), Some("big")), (Some("server.port"), Some("many"))]);
    assert!(lines.iter().all(|line| line["level"] == "ERROR" && line["message"].is_string()), "{lines:?}");
    // An address that everybody reaches, and nobody who is asked for a credential.
    let lines = failure(&run(&["serve", "--log", "json", "--host", "0.0.0.0"]), 2);
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[test]
fn mistakes_are_objects_wherever_the_format_is_said() {
    let by_variable = |arguments: &[&str]| {
        let mut command = neurolink(&[&["serve"], arguments].concat());
        failure(&command.env("NEUROLINK__LOG__FORMAT", "json").output().expect("it runs"), 2)
    };
    assert_eq!(by_variable(&["--port", "99999"])[0]["key"], "server.port");
    by_variable(&["--config", "there-is-no-such-file.toml"]);

    let path = folder().join("mistake.toml");
    std::fs::write(&path, "[log]\nformat = \"json\"\n[server]\nport = 99999\n").expect("written");
    let path = path.to_str().expect("UTF-8");
    assert_eq!(failure(&run(&["serve", "--config", path]), 2)[0]["key"], "server.port");
    let output = run(&["serve", "--config", path, "--log", "text"]);
    assert!(err(&output).starts_with("error: "), "the flag wins: {}", err(&output));
}
