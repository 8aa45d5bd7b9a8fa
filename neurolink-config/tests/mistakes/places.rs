//! Mistakes of several places: all at once, each with its own.

use neurolink_config::Loader;

use crate::common;

#[test]
fn all_mistakes_of_all_layers_come_at_once() {
    let path = common::file("b.toml", "[server]\nport = 99999\nhots = 1\n\n[body]\nlimit = \"big\"");
    let error = Loader::new()
        .file(&path)
        .file("no-such-file.toml")
        .environment([("NEUROLINK__TIMEOUT__BODY", "5")])
        .set("rate_limit.limit", "many", "flag --rate-limit")
        .load()
        .expect_err("five mistakes and a missing file");
    let keys: Vec<_> = error.problems().iter().map(|problem| problem.key.as_str()).collect();
    let all =
        ["the configuration file", "server.port", "server.hots", "rate_limit.limit", "body.limit", "timeout.body"];
    assert_eq!(keys, all);
    let text = error.to_string();
    assert!(text.starts_with("the configuration has 6 mistakes:"), "{text}");
    assert!(text.contains("(from flag --rate-limit)") && text.contains("b.toml, line 2"), "{text}");
}

#[test]
fn a_mistake_between_keys_is_told_with_the_line_of_its_key() {
    let content = "[body]\nbudget = \"1kb\"\nlimit = \"2kb\"\n[cors]\norigins = \"*\"\ncredentials = true";
    let error = Loader::new().file(common::file("a.toml", content)).load().expect_err("two mistakes");
    let places = error.problems().iter().map(|problem| {
        let origin = problem.origin.as_deref().unwrap_or_default();
        (problem.key.as_str(), origin.rsplit(", ").next().unwrap_or_default())
    });
    assert_eq!(places.collect::<Vec<_>>(), [("cors.credentials", "line 6"), ("body.limit", "line 3")]);
}

#[test]
fn files_of_a_certificate_that_are_not_there_are_told_with_who_named_them() {
    let file = common::file("a.toml", "[server.tls]\ncert = \"no-such.crt\"");
    let key = [("NEUROLINK__SERVER__TLS__KEY", "no-such.key")];
    let error = Loader::new().file(file).environment(key).load().expect_err("two mistakes");
    let [cert, key] = error.problems() else { panic!("{error}") };
    assert_eq!((cert.key.as_str(), key.key.as_str()), ("server.tls.cert", "server.tls.key"));
    assert!(cert.origin.as_deref().is_some_and(|origin| origin.ends_with("a.toml, line 2")), "{cert}");
    assert_eq!(key.origin.as_deref(), Some("environment variable NEUROLINK__SERVER__TLS__KEY"));
    assert!(cert.problem.contains("no such file; check the path"), "{cert}");
}

#[test]
fn a_repeated_secret_is_named_by_its_true_number() {
    let keys = common::file("api.keys", "# a line\nhush-hush-1-hush-hush-2,kim\n");
    let toml = format!(
        "[auth]\ntokens = [{{ token = \"x\", user = \"a\" }}, {{ token = \"hush-hush-1-hush-hush-2\", user = \"b\" }}, \
         {{ token = \"hush-hush-1-hush-hush-2\", user = \"c\" }}]\n[auth.api_keys]\nfile = {:?}\n\
         keys = [{{ key = \"x\", user = \"a\" }}, {{ key = \"hush-hush-1-hush-hush-2\", user = \"b\" }}]",
        keys.to_str().expect("UTF-8")
    );
    let error = Loader::new().file(common::file("a.toml", &toml)).load().expect_err("repeated");
    let repeated: Vec<_> = error.problems().iter().filter(|found| found.problem.contains("same secret")).collect();
    let [token, key] = repeated.as_slice() else { panic!("{error}") };
    assert_eq!(token.key, "auth.tokens[2]");
    assert!(token.problem.contains("`auth.tokens[1]`"), "{}", token.problem);
    assert_eq!(key.key, "auth.api_keys.file, line 2");
    assert!(key.problem.contains("`auth.api_keys.keys[1]`"), "{}", key.problem);
    assert!(!error.to_string().contains("hush"), "{error}");
}

#[cfg(feature = "yaml")]
#[test]
fn yaml_is_read_and_its_mistakes_are_not_quoted() {
    let path = common::file("c.yaml", "server:\n  port: 8080\ncors:\n  origins:\n    - https://a.example\n");
    let loaded = Loader::new().file(&path).load().expect("valid");
    assert_eq!(loaded.config.server.port, 8080);
    let path = common::file("d.yml", "auth:\n  token: hush\n  token: hush\n bad");
    let text = Loader::new().file(&path).load().expect_err("no YAML").to_string();
    assert!(text.contains("it is not YAML") && !text.contains("hush"), "{text}");
}

#[test]
fn secrets_have_no_flag() {
    for key in ["auth.token", "auth.jwt.secret", "auth.tokens", "auth.api_keys.keys"] {
        let error = Loader::new().set(key, "hush-hush", "flag --x").load().expect_err(key);
        let text = format!("{error} {error:?}");
        assert!(text.contains("a secret has no flag") && !text.contains("hush"), "{text}");
    }
}
