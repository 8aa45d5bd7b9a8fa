//! Which layer wins, what the environment means, and where secrets come from.

#[path = "../kit/files.rs"]
mod common;

use std::time::Duration;

use neurolink_config::{Config, HeaderPreset, HeaderValue, Loader, Origins, Preset, Rate, RateLimitKey};
use secrecy::ExposeSecret as _;

const NONE: [(&str, &str); 0] = [];

#[test]
fn later_layers_win() {
    let path = common::file(
        "a.toml",
        "preset = \"neurolink\"\n[server]\nport = 1\nhost = \"::1\"\n[body]\nlimit = \"2mb\"\n[timeout]\nrequest = \"1s\"",
    );
    let loaded = Loader::new()
        .preset(Preset::Modern)
        .file(path)
        .environment([("NEUROLINK__SERVER__PORT", "2"), ("NEUROLINK__BODY__LIMIT", "3mb")])
        .set("server.port", 3u16, "flag --port")
        .load()
        .expect("valid");
    let config = loaded.config;
    assert_eq!(config.preset, Preset::Neurolink, "the file's preset wins over the default one");
    assert_eq!(config.headers.preset, HeaderPreset::Neurolink, "from the preset");
    assert_eq!(config.timeout.request, Duration::from_secs(1), "from the file");
    assert_eq!(config.body.limit, 3 << 20, "the environment wins over the file");
    assert_eq!(config.server.port, 3, "the flag wins over the environment");
    assert_eq!(config.server.address(), "[::1]:3");
}

#[test]
fn a_second_file_wins_over_the_first_key_by_key() {
    let one = common::file("one.toml", "[server]\nport = 1\nbase_path = \"/one\"");
    let two = common::file("two.json", "{\"server\":{\"port\":2}}");
    let config = Loader::new().file(one).file(two).load().expect("valid").config;
    assert_eq!((config.server.port, config.server.base_path.as_str()), (2, "/one"));
}

// Shows S0-83, S2-01, S2-17, S2-22.
#[test]
fn variables_are_read_by_the_type_of_their_key() {
    let config = Loader::new()
        .environment([
            ("NEUROLINK__SERVER__HOSTS", "a.example, b.example"),
            ("NEUROLINK__SERVER__ALLOW_UNAUTHENTICATED", "true"),
            ("NEUROLINK__CORS__ORIGINS", "https://a.example,https://b.example"),
            ("NEUROLINK__RATE_LIMIT__LIMIT", "5/60s"),
            ("NEUROLINK__RATE_LIMIT__KEY", "user"),
            ("NEUROLINK__RATE_LIMIT__SKIP_PATHS", "/api/health/*"),
            ("NEUROLINK__AUTH__FAILURE_LIMIT", "off"),
            ("NEUROLINK__HEADERS__REFERRER_POLICY", "off"),
            ("NEUROLINK__HEADERS__XSS_PROTECTION", "0"),
            ("NEUROLINK__HEADERS__CUSTOM__X_SERVICE", "neurolink"),
        ])
        .load()
        .expect("valid")
        .config;
    assert_eq!(config.server.hosts, ["a.example", "b.example"]);
    assert!(config.server.allow_unauthenticated);
    let origins = ["https://a.example", "https://b.example"].map(String::from).to_vec();
    assert_eq!(config.cors.origins, Origins::List(origins));
    assert_eq!(config.rate_limit.limit, Some(Rate::new(5, Duration::from_secs(60))));
    assert_eq!((config.rate_limit.key, config.rate_limit.except), (RateLimitKey::User, vec!["/api/health/*".into()]));
    assert_eq!(config.auth.failure_limit, None);
    assert_eq!(config.headers.referrer_policy, HeaderValue::Off);
    assert_eq!(config.headers.xss_protection, HeaderValue::Value("0".into()));
    assert_eq!(config.headers.custom["x-service"], HeaderValue::Value("neurolink".into()));
}

// Shows S1-62, S1-67.
#[test]
fn times_of_nginx_are_a_preset_and_what_is_given_wins() {
    let text = "[timeout]\nsend = \"5s\"\npreset = \"nginx\"\n";
    let timeout = Loader::new().text("a.toml", text).load().expect("valid").config.timeout;
    let seconds =
        [timeout.request, timeout.body, timeout.head, timeout.send, timeout.keep_alive].map(|time| time.as_secs());
    assert_eq!(seconds, [60, 12, 12, 5, 60]);
}

// Shows S3-40.
#[test]
fn other_variables_are_warned_about_and_service_links_are_not() {
    let loaded = Loader::new()
        .environment([
            ("NEUROLINK_SERVER_PORT", "8080"),
            ("NEUROLINK_PORT", "8080"),
            ("NEUROLINK_TELEMETRY", "off"),
            ("NEUROLINK_SERVICE_HOST", "10.0.0.1"),
            ("NEUROLINK_SERVICE_PORT", "3000"),
            ("NEUROLINK_SERVICE_PORT_HTTP", "3000"),
            ("NEUROLINK_API_PORT", "tcp://10.0.0.1:3000"),
            ("NEUROLINK_PORT_3000_TCP", "tcp://10.0.0.1:3000"),
            ("NEUROLINK_PORT_3000_TCP_ADDR", "10.0.0.1"),
            ("NEUROLINK_CONFIG", "x.toml"),
            ("HOME", "/"),
        ])
        .load()
        .expect("valid");
    let warnings = loaded.warnings;
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings.iter().any(|text| text.contains("did you mean NEUROLINK__SERVER__PORT?")), "{warnings:?}");
    let link = Loader::new().environment([("NEUROLINK_PORT", "tcp://10.0.0.1:3000")]).load().expect("valid");
    assert!(link.warnings.is_empty());
}

#[test]
fn a_key_without_effect_is_warned_about() {
    let loaded = Loader::new()
        .environment([("NEUROLINK__RATE_LIMIT__PATHS", "/api/x"), ("NEUROLINK__CORS__MAX_AGE", "1h")])
        .load()
        .expect("valid");
    assert_eq!(loaded.warnings.len(), 2, "{:?}", loaded.warnings);
    assert!(loaded.warnings[0].starts_with("cors.max_age has no effect while"), "{:?}", loaded.warnings);
    let several = [("NEUROLINK__RATE_LIMIT__PATHS", "/api/x"), ("NEUROLINK__RATE_LIMIT__KEY", "user")];
    let warnings = Loader::new().environment(several).load().expect("valid").warnings;
    assert!(warnings[0].starts_with("rate_limit.paths and rate_limit.key have no effect while"), "{warnings:?}");
    let burst = [("NEUROLINK__RATE_LIMIT__LIMIT", "10/1s"), ("NEUROLINK__RATE_LIMIT__BURST", "20")];
    let warnings = Loader::new().environment(burst).load().expect("valid").warnings;
    let expected = "rate_limit.burst has no effect unless rate_limit.algorithm is `leaky_bucket`";
    assert_eq!(warnings, [expected]);
}

#[test]
fn settings_of_a_store_that_is_not_used_are_warned_about() {
    let warnings = |variables: &[(&str, &str)]| {
        let limit = ("NEUROLINK__RATE_LIMIT__LIMIT", "10/1s");
        let all = variables.iter().chain([&limit]).copied();
        Loader::new().environment(all).load().expect("valid").warnings
    };
    let percent = ("NEUROLINK__RATE_LIMIT__LOCAL_PERCENT", "10");
    let failure = ("NEUROLINK__RATE_LIMIT__ON_STORE_FAILURE", "local");
    let expected =
        "rate_limit.on_store_failure and rate_limit.local_percent have no effect unless rate_limit.store is `redis`";
    assert_eq!(warnings(&[percent, failure]), [expected]);
    let redis = [("NEUROLINK__RATE_LIMIT__STORE", "redis"), ("NEUROLINK__RATE_LIMIT__REDIS_URL", "redis://localhost")];
    let expected = "rate_limit.local_percent has no effect unless rate_limit.on_store_failure is `local`";
    assert_eq!(warnings(&[redis[0], redis[1], percent]), [expected]);
    assert!(warnings(&[redis[0], redis[1], percent, failure]).is_empty());
}

#[test]
fn limits_of_concurrency_are_numbers_or_off() {
    let set = [("NEUROLINK__CONCURRENCY__ALL", "500"), ("NEUROLINK__CONCURRENCY__PER_CALLER", "off")];
    let loaded = Loader::new().environment(set).load().expect("valid");
    assert_eq!((loaded.config.concurrency.all, loaded.config.concurrency.per_caller), (Some(500), None));
    let idle = [("NEUROLINK__CONCURRENCY__QUEUE", "5"), ("NEUROLINK__CONCURRENCY__KEY", "user")];
    let warnings = Loader::new().environment(idle).load().expect("valid").warnings;
    let expected = [
        "concurrency.key has no effect while concurrency.per_caller is `off`; name a number, such as 10",
        "concurrency.queue has no effect while concurrency.all is `off`; name a number, such as 500",
    ];
    assert_eq!(warnings, expected);
}

// Shows S3-39, S3-40, S3-41.
#[test]
fn secrets_come_from_variables_or_files() {
    let secret = common::file("jwt.secret", "0123456789abcdef0123456789abcdef\n");
    let keys =
        common::file("api.keys", "# team\nkey-of-kim-and-nobody,kim,user|admin\n\nkey-of-lee-and-nobody , lee\n");
    let secret = secret.to_str().expect("UTF-8");
    let config = Loader::new()
        .environment([
            ("NEUROLINK__AUTH__TOKEN", "a-token-of-mine-alone"),
            ("NEUROLINK__AUTH__JWT_SECRET_FILE", secret),
            ("NEUROLINK__AUTH__JWT__ISSUER", "i"),
            ("NEUROLINK__AUTH__JWT_AUDIENCE", "a"),
            ("NEUROLINK__AUTH__API_KEYS_FILE", keys.to_str().expect("UTF-8")),
        ])
        .load()
        .expect("valid")
        .config;
    assert_eq!(config.auth.token.as_ref().expect("given").expose_secret(), "a-token-of-mine-alone");
    let jwt = config.auth.jwt.as_ref().expect("given");
    assert_eq!(
        jwt.secret.as_ref().expect("given").expose_secret(),
        "0123456789abcdef0123456789abcdef",
        "the newline is trimmed"
    );
    let keys: Vec<_> =
        config.auth.api_keys.keys.iter().map(|key| (key.key.expose_secret(), &*key.user, key.roles.len())).collect();
    assert_eq!(keys, [("key-of-kim-and-nobody", "kim", 2), ("key-of-lee-and-nobody", "lee", 0)]);

    let shown = format!("{config:?} {}", serde_json::to_string(&config).expect("JSON"));
    for secret in ["a-token-of-mine-alone", "0123456789abcdef", "key-of-kim-and-nobody"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("\"token\":\"[hidden]\""));
}

#[test]
fn a_secret_and_its_file_at_once_is_a_mistake_and_a_later_layer_is_none() {
    let secret = common::file("token", "from-the-file-of-mine");
    let secret = secret.to_str().expect("UTF-8");
    let both = [("NEUROLINK__AUTH__TOKEN", "from-the-variable"), ("NEUROLINK__AUTH__TOKEN_FILE", secret)];
    let error = Loader::new().environment(both).load().expect_err("both");
    let text = error.to_string();
    assert!(text.contains("`auth.token_file` is given as well, by environment variable"), "{text}");
    assert!(!text.contains("from-the"), "{text}");

    let twice = [("NEUROLINK__AUTH__JWT_SECRET", "x"), ("NEUROLINK__AUTH__JWT__SECRET", "y")];
    let text = Loader::new().environment(twice).load().expect_err("two spellings").to_string();
    assert!(text.contains("given already by environment variable NEUROLINK__AUTH__JWT__SECRET"), "{text}");

    let file = common::file("a.toml", "[auth]\ntoken = \"in-the-configuration\"");
    let loaded = Loader::new().file(file).environment([("NEUROLINK__AUTH__TOKEN_FILE", secret)]).load();
    let token = loaded.expect("the variable wins").config.auth.token.expect("given");
    assert_eq!(token.expose_secret(), "from-the-file-of-mine");
}

#[test]
fn files_of_keys_are_checked_without_quoting_them() {
    for (name, content, advice) in [
        ("a.keys", "hush\n", "line 1 of it is no `key,user`"),
        ("b.keys", "a-key-that-is-long-enough,user\nhush-hush-1-hush-hush-2,\n", "line 2"),
        ("f.keys", "hush,user", "the key of line 1 of it has at most"),
        ("g.keys", "hush-hüsh-hush-hush,user", "the key of line 1 of it has characters that no request can carry"),
        ("c.keys", "# nothing\n", "the file has no key"),
        ("d.toml", "keys = [{ key = \"hush\" }]", "line 1"),
        ("e.toml", "keys = [{ key = \"\", user = \"hush\" }]", "the key of keys[0] of it has at most"),
    ] {
        let path = common::file(name, content);
        let path = path.to_str().expect("UTF-8");
        let error = Loader::new().environment([("NEUROLINK__AUTH__API_KEYS_FILE", path)]).load().expect_err(name);
        let text = format!("{error} {error:?}");
        assert!(text.contains(advice) && !text.contains("hush"), "{text}");
    }
}

#[test]
fn what_is_shown_can_be_read_again() {
    for preset in Preset::ALL {
        let config = Config::preset(preset);
        let shown = toml::to_string(&config).expect("TOML");
        let path = common::file("shown.toml", &shown);
        let again = Loader::new().file(path).load().expect("valid");
        assert_eq!(toml::to_string(&again.config).expect("TOML"), shown);
        assert_eq!(again.warnings, [""; 0], "what we write ourselves is no mistake");
    }
}

// Shows S0-73.
#[test]
fn the_file_of_the_readme_is_valid_and_its_defaults_are_the_defaults() {
    let readme = include_str!("../README.md");
    let example = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a file");
    let plain: Vec<_> = example
        .lines()
        .filter(|line| !line.contains("# example") || line.starts_with('['))
        .filter(|line| {
            !["tokens", "jwt", "passwords", "login", "api_keys", "public"].iter().any(|key| line.starts_with(key))
        })
        .collect();
    let path = common::file("readme.toml", &plain.join("\n"));
    let loaded = Loader::new().file(path).environment(NONE).load().expect("valid");
    let default = toml::to_string(&Config::default()).expect("TOML");
    assert_eq!(toml::to_string(&loaded.config).expect("TOML"), default);
}

#[test]
fn the_configuration_of_the_conformance_suite_is_valid() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../conformance-tests/reference.toml");
    let loaded = Loader::new().file(path).load().expect("valid");
    assert_eq!(loaded.config.auth.tokens.len(), 3);
    assert_eq!(loaded.config.timeout.request, Duration::from_millis(300));
    assert_eq!(loaded.config.body.limit, 1024);
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
}

// Shows S0-34.
#[test]
fn weak_settings_are_listed() {
    let loaded = Loader::new()
        .environment([
            ("NEUROLINK__SERVER__ALLOW_ANY_HOST", "true"),
            ("NEUROLINK__SERVER__ALLOW_UNAUTHENTICATED", "true"),
            ("NEUROLINK__CORS__ORIGINS", "*"),
            ("NEUROLINK__CROSS_SITE__ENABLED", "false"),
            ("NEUROLINK__PROXIES__TRUSTED", "0.0.0.0/0"),
        ])
        .load()
        .expect("valid");
    let keys: Vec<_> = loaded.weaknesses.iter().map(|weakness| weakness.key).collect();
    let all = [
        "server.allow_any_host",
        "server.allow_unauthenticated",
        "cors.origins",
        "cross_site.enabled",
        "proxies.trusted",
    ];
    assert_eq!(keys, all);
    assert!(Config::default().weaknesses().is_empty());
}

#[test]
fn a_public_address_needs_authentication() {
    let exposed = |host: &str, more: &[(&str, &str)]| {
        let host = [("NEUROLINK__SERVER__HOST", host)];
        let loaded = Loader::new().environment(host).environment(more.to_vec()).load().expect("valid");
        loaded.config.check_exposure().is_err()
    };
    for host in ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "::ffff:127.0.0.1"] {
        assert!(!exposed(host, &[]), "{host}");
    }
    for host in ["0.0.0.0", "::", "192.0.2.1", "server.example"] {
        assert!(exposed(host, &[]), "{host}");
        assert!(!exposed(host, &[("NEUROLINK__AUTH__TOKEN", "a-token-of-mine-alone")]), "{host}");
        assert!(!exposed(host, &[("NEUROLINK__SERVER__ALLOW_UNAUTHENTICATED", "true")]), "{host}");
    }
}

#[test]
fn an_exposed_address_is_told_with_who_named_it() {
    let loaded = Loader::new().set("server.host", "0.0.0.0", "flag --host").load().expect("valid");
    let error = loaded.check_exposure().expect_err("exposed");
    let [problem] = error.problems() else { panic!("{error}") };
    assert_eq!(problem.origin.as_deref(), Some("flag --host"));
    assert!(problem.problem.contains("`--allow-unauthenticated`"), "{}", problem.problem);
    assert!(Loader::new().load().expect("valid").check_exposure().is_ok());
}

#[test]
fn keys_may_be_hashes_and_have_an_end_a_name_and_a_limit_and_tokens_another_place() {
    let key = "nl_a-key-that-nobody-has-guessed-so-far";
    let hash = neurolink_core::middleware::ApiKeyHash::of(key);
    let toml = format!(
        "[auth]\ntoken = \"a-token-of-mine-0123\"\ntoken_header = \"X-Custom-Auth\"\ntoken_query = \"access_token\"\n\
         [auth.api_keys]\nkeys = [{{ key = \"{hash}\", id = \"reports\", user = \"kim\", roles = [\"reader\"], \
         expires = \"2030-01-31T00:00:00Z\", rate_limit = 3 }}]"
    );
    let loaded = Loader::new().file(common::file("a.toml", &toml)).load().expect("valid");
    let (auth, shown) = (&loaded.config.auth, toml::to_string(&loaded.config).expect("TOML"));
    let own = &auth.api_keys.keys[0];
    assert_eq!((own.id.as_deref(), own.rate_limit), (Some("reports"), Some(3)));
    assert_eq!(own.expires, Some(std::time::Duration::from_secs(1_896_048_000)));
    assert!(shown.contains("expires = \"2030-01-31T00:00:00Z\"") && !shown.contains(&hash.to_string()), "{shown}");
    assert_eq!(
        (auth.token_header.as_deref(), auth.token_query.as_deref()),
        (Some("x-custom-auth"), Some("access_token"))
    );
    assert!(loaded.weaknesses.iter().any(|weakness| weakness.key == "auth.token_query"));
    assert!(loaded.config.stack().expect("valid").build().is_ok());
}

#[test]
fn a_place_for_tokens_without_tokens_has_no_effect() {
    let file = common::file("a.toml", "[auth]\ntoken_header = \"x-custom-auth\"");
    let warnings = Loader::new().file(file).load().expect("valid").warnings;
    assert_eq!(warnings, ["auth.token_header has no effect without auth.token, auth.tokens, auth.jwt or auth.login"]);
}
