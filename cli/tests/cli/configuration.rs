//! What is configured, what is wrong with it, and what is shown of it.

use crate::kit::{err, folder, frameworks, neurolink, out, run};

#[test]
fn all_mistakes_of_a_configuration_are_listed_with_where_they_come_from() {
    let file = folder().join("my.toml");
    std::fs::write(&file, "[server]\nprot = 1\n\n[timeout]\nrequest = 30\n").expect("a file");
    let output = neurolink(&["serve", "--port", "high", "--cors-origin", "example.com", "--config"])
        .arg(&file)
        .env("NEUROLINK__AUTH__TOKEN", "hush")
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(2));
    let text = err(&output);
    for part in [
        "the configuration has 5 mistakes",
        "server.port = high (from flag --port)",
        "server.prot = 1 (from ",
        "my.toml, line 2)",
        "did you mean `port`?",
        "auth.token = [hidden, 4 bytes] (from environment variable NEUROLINK__AUTH__TOKEN)",
        "cors.origins[0] = example.com (from flag --cors-origin)",
        "timeout.request = 30 (from ",
        "say the unit: `30s` or `30ms`",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("hush"), "{text}");
}

// Shows S3-45.
#[test]
fn a_public_address_without_authentication_is_refused() {
    let output = run(&["serve", "--host", "0.0.0.0", "--port", "0"]);
    assert_eq!(output.status.code(), Some(2));
    let text = err(&output);
    assert!(text.contains("server.host = 0.0.0.0 (from flag --host)"), "{text}");
    assert!(text.contains("NEUROLINK__AUTH__TOKEN") && text.contains("`--allow-unauthenticated`"), "{text}");
    assert!(text.contains("`server.allow_unauthenticated = true`"), "{text}");
}

// Shows V53.
#[test]
fn any_origin_with_credentials_is_served_by_no_framework() {
    for framework in frameworks() {
        let mut command = neurolink(&["serve", "--port", "0", "--framework", framework]);
        command.env("NEUROLINK__CORS__ORIGINS", "*").env("NEUROLINK__CORS__CREDENTIALS", "true");
        let output = command.output().expect("the binary runs");
        assert_eq!((output.status.code(), out(&output).as_str()), (Some(2), ""), "{framework}: {}", err(&output));
        assert!(err(&output).contains("cors.credentials"), "{framework}: {}", err(&output));
    }
}

#[test]
fn numbers_that_cannot_be_are_explained_by_us() {
    for (flag, value, key, advice) in [
        ("--body-limit", "0", "body.limit = 0", "write at least `1`"),
        ("--body-limit", "-1", "body.limit = -1", "write bytes, or a whole number and a unit"),
        ("--rate-limit", "-1/60s", "rate_limit.limit = -1/60s", "such as `100/60s`"),
        ("--rate-limit", "99999999999999/1s", "rate_limit.limit = 99999999999999/1s", "at most `4294967295/..`"),
        ("--port", "-1", "server.port = -1", "from 0 to 65535"),
    ] {
        let output = run(&["config", flag, value]);
        assert_eq!(output.status.code(), Some(2), "{flag} {value}");
        let text = err(&output);
        assert!(text.contains(&format!("{key} (from flag {flag})")) && text.contains(advice), "{text}");
    }
}

#[test]
fn a_place_to_listen_is_an_address_with_or_without_a_port() {
    for (place, host, port) in [
        ("localhost", "localhost", 3000),
        ("localhost:80", "localhost", 80),
        ("127.0.0.1:0", "127.0.0.1", 0),
        ("[::1]", "[::1]", 3000),
        ("[::1]:80", "[::1]", 80),
        ("::1", "::1", 3000),
        ("::", "::", 3000),
    ] {
        let output = run(&["config", "--format", "json", "--bind", place]);
        let config: serde_json::Value =
            serde_json::from_str(&out(&output)).unwrap_or_else(|_| panic!("{}", err(&output)));
        assert_eq!((&config["server"]["host"], &config["server"]["port"]), (&host.into(), &port.into()), "{place}");
    }
    let text = err(&run(&["config", "--bind", "8080"]));
    assert!(text.contains("server.host = 8080 (from flag --bind)"), "{text}");
}

#[test]
fn a_file_that_a_variable_names_is_told_with_it() {
    let output = neurolink(&["config"]).env("NEUROLINK_CONFIG", "no-such.toml").output().expect("the binary runs");
    let text = err(&output);
    assert!(text.contains("no-such.toml (from environment variable NEUROLINK_CONFIG)"), "{text}");
}

// Shows S0-79.
#[test]
fn routes_are_a_table_or_json() {
    let output = run(&["routes"]);
    assert!(output.status.success(), "{}", err(&output));
    let text = out(&output);
    assert!(text.starts_with("METHOD") && text.contains("/api/agent/execute"), "{text}");
    assert!(text.contains("security-headers") && text.contains("bodies up to 1mb"), "{text}");
    for part in ["x-request-id, made here", "Without a route:", "Refused before:"] {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }

    let output = run(&["routes", "--format", "json", "--base-path", "/v1", "--body-limit", "2kb"]);
    assert!(output.status.success(), "{}", err(&output));
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let routes = plan["routes"].as_array().expect("a list");
    let execute = routes.iter().find(|route| route["path"] == "/v1/agent/execute").expect("a route");
    assert_eq!((&execute["method"], &execute["bodyLimit"]), (&"POST".into(), &2048.into()));
    let path = plan["paths"].as_array().expect("a list").iter().find(|path| path["path"] == "/v1/agent/execute");
    assert_eq!(path.expect("a path")["allow"], "POST, OPTIONS");
    let checks: Vec<_> = plan["checks"].as_array().expect("a list").iter().map(|check| &check["name"]).collect();
    assert_eq!(checks, ["request-id", "client", "sizes", "repeated", "host", "path"]);
    assert!(plan["unmatched"].is_array() && plan["refused"].is_array(), "{plan}");
}

// Shows S3-39.
#[test]
fn the_effective_configuration_has_no_secrets_and_can_be_read_again() {
    let folder = folder();
    std::fs::write(folder.join("neurolink.toml"), "preset = \"neurolink\"\n[server]\nport = 4000\n").expect("a file");
    let config = |arguments: &[&str]| {
        neurolink(arguments)
            .current_dir(&folder)
            .env("NEUROLINK__AUTH__TOKEN", "a-token-that-nobody-sees")
            .output()
            .expect("the binary runs")
    };
    let output = config(&["config"]);
    let text = out(&output);
    assert!(output.status.success() && text.contains("port = 4000"), "{text}{}", err(&output));
    assert!(text.contains("token = \"[hidden]\"") && !text.contains("nobody-sees"), "{text}");
    assert!(err(&output).contains("warning: weak setting cors.origins"), "weak settings are said: {}", err(&output));

    let json = config(&["config", "--format", "json", "--port", "5000"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!((&json["server"]["port"], &json["auth"]["token"]), (&5000.into(), &"[hidden]".into()));

    std::fs::write(folder.join("again.toml"), text.replace("token = \"[hidden]\"\n", "")).expect("a file");
    let again = config(&["config", "--config", "again.toml"]);
    assert_eq!(out(&again), text);
}

#[test]
fn what_config_writes_is_read_without_a_warning() {
    for preset in neurolink_config::Preset::ALL.map(neurolink_config::Preset::as_str) {
        let folder = folder();
        let first = run(&["config", "--preset", preset]);
        std::fs::write(folder.join("neurolink.toml"), &first.stdout).expect("a file");
        let again = neurolink(&["config"]).current_dir(&folder).output().expect("the binary runs");
        assert!(again.status.success(), "{}", err(&again));
        assert_eq!(out(&again), out(&first));
        assert!(!err(&again).contains("no effect"), "{preset}: {}", err(&again));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn files_that_never_end_are_refused() {
    let link = folder().join("endless.toml");
    std::os::unix::fs::symlink("/dev/zero", &link).expect("a link");
    let output = neurolink(&["config", "--config"]).arg(&link).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("it is no regular file"), "{}", err(&output));
    let secret = neurolink(&["config"]).env("NEUROLINK__AUTH__TOKEN_FILE", "/dev/zero").output();
    let secret = secret.expect("the binary runs");
    assert_eq!(secret.status.code(), Some(2));
    assert!(err(&secret).contains("it is no regular file"), "{}", err(&secret));
}
