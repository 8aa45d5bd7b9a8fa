//! Every mistake has a message that names the key, the value, where it came from and the fix.

#[path = "../../kit/files.rs"]
mod common;
mod files;
mod places;

use neurolink_config::Loader;

/// A file, and the key, the value if it is shown, and the advice of its only problem.
const FILES: &[(&str, &str, Option<&str>, &str)] = &[
    ("[server]\nport = 70000", "server.port", Some("70000"), "whole number from 0 to 65535"),
    ("[server]\nport = \"3000\"", "server.port", Some("3000"), "without quotes"),
    ("[server]\nframework = \"express\"", "server.framework", Some("express"), "`axum`, `actix`, `warp` and `poem`"),
    ("[server]\nhost = \"127.0.0.1:80\"", "server.host", Some("127.0.0.1:80"), "without the port"),
    ("[server]\nbase_path = \"api\"", "server.base_path", Some("api"), "write for example `/api`"),
    ("[server]\nbase_path = \"/a/../b\"", "server.base_path", Some("/a/../b"), "no plain path"),
    ("[server]\nhosts = [\"https://a.example\"]", "server.hosts[0]", Some("https://a.example"), "without scheme"),
    ("[server]\nhosts = \"a.example\"", "server.hosts", Some("a.example"), "write a list"),
    ("[server]\nallow_any_host = \"yes\"", "server.allow_any_host", Some("yes"), "without quotes"),
    ("[server]\ngrace = 25", "server.grace", Some("25"), "say the unit: `25s` or `25ms`"),
    ("[server]\nprot = 1", "server.prot", Some("1"), "did you mean `port`?"),
    ("[server]\nmax_connections = 0", "server.max_connections", Some("0"), "from 1 to"),
    ("[sever]\nport = 1", "sever", None, "did you mean `server`?"),
    ("server = 5", "server", None, "write a table: `[server]`"),
    ("preset = \"moden\"", "preset", Some("moden"), "write one of `modern`, `neurolink` and `keryx`"),
    ("[auth]\ntoken = \"\"", "auth.token", Some("[hidden, 0 bytes]"), "the secret is empty"),
    ("[auth]\ntoken = \"hush\"", "auth.token", Some("[hidden, 4 bytes]"), "at least 128 are needed"),
    ("[auth]\ntoken = \"hush-hush-hush-hush-hush-hush\"", "auth.token", Some("[hidden, 29 bytes]"), "can be guessed"),
    (
        "[auth]\ntoken = \"change-me-before-it-is-hush-1\"",
        "auth.token",
        Some("[hidden, 29 bytes]"),
        "stands in examples",
    ),
    (
        "[auth.api_keys]\nkeys = [{ key = \"sha256:hush\", user = \"a\" }]",
        "auth.api_keys.keys[0].key",
        Some("[hidden, 11 bytes]"),
        "`sha256:` and 64 hexadecimal digits",
    ),
    (
        "[auth.api_keys]\nkeys = [{ key = \"hush-hush-1-hush-hush-2\", user = \"a\", expires = \"tomorrow\" }]",
        "auth.api_keys.keys[0].expires",
        Some("tomorrow"),
        "write for example `2030-01-31T00:00:00Z`",
    ),
    (
        "[auth.api_keys]\nkeys = [{ key = \"hush-hush-1-hush-hush-2\", user = \"a\", rate_limit = 0 }]",
        "auth.api_keys.keys[0].rate_limit",
        Some("0"),
        "1 to",
    ),
    ("[auth.api_keys]\nstore = \"redis\"", "auth.api_keys.redis_url", None, "NEUROLINK__AUTH__API_KEYS__REDIS_URL"),
    (
        "[auth.api_keys]\nredis_url = \"redis://hush@localhost\"",
        "auth.api_keys.store",
        None,
        "a Redis is named and not used",
    ),
    ("[auth.api_keys]\nprefix = \"{a}\"", "auth.api_keys.prefix", Some("{a}"), "write for example `neurolink:prod`"),
    ("[auth]\ntoken_header = \"x y\"", "auth.token_header", Some("x y"), "no name of a header"),
    ("[auth]\ntoken_query = \"a&b\"", "auth.token_query", Some("a&b"), "no plain name"),
    ("[auth]\ntoken_cookie = \"\"", "auth.token_cookie", Some("\"\""), "empty"),
    ("[auth]\ntoken = 12345", "auth.token", None, "write the secret as text"),
    ("[auth]\ntokn = \"hush-hush-1-hush-hush-2\"", "auth.tokn", Some("[hidden, 23 bytes]"), "did you mean `token"),
    ("[auth]\ntokens = [{ user = \"a\" }]", "auth.tokens[0].token", None, "write the token, or `token_file`"),
    ("[auth]\ntokens = [{ token = \"hush-hush-1-hush-hush-2\" }]", "auth.tokens[0].user", None, "the id of the user"),
    ("[auth]\ntokens = []", "auth.tokens", None, "the list is empty"),
    ("[auth]\ntokens = \"hush-hush-1-hush-hush-2\"", "auth.tokens", None, "a list of tables"),
    (
        "[auth]\ntokens = [{ token = \"hush-hush-1-hush-hush-2\", user = \"a\", role = [\"x\"] }]",
        "auth.tokens[0].role",
        None,
        "did you mean `roles`?",
    ),
    (
        "[auth]\ntokens = [{ token = \"hush-hush-1-hush-hush-2\", user = \"a\" }, { token = \"hush-hush-1-hush-hush-2\", user = \"b\" }]",
        "auth.tokens[1]",
        Some("[hidden, 23 bytes]"),
        "the same secret as `auth.tokens[0]`",
    ),
    (
        "[auth]\ntoken = \"hush-hush-hush-hüsh\"",
        "auth.token",
        Some("[hidden, 20 bytes]"),
        "write letters, digits and `-._~+/`, and `=` only at its end",
    ),
    ("[auth]\ntoken = \"hush=hush-hush-hush\"", "auth.token", Some("[hidden, 19 bytes]"), "only at its end"),
    ("[auth]\ntoken = \"hush hush hush hush\"", "auth.token", Some("[hidden, 19 bytes]"), "`openssl rand -hex 32`"),
    (
        "[auth.api_keys]\nkeys = [{ key = \"hush hush hush hush\", user = \"a\" }]",
        "auth.api_keys.keys[0].key",
        Some("[hidden, 19 bytes]"),
        "write visible ASCII without blanks",
    ),
    (
        "[auth]\npasswords = [{ name = \"ada\", hash = \"$argon2id$v=19$m=7168,t=1,p=1$c2FsdC1mb3ItdGVzdHM$/1ZUydr1QQ0gEJrK1BFmOleeZaTC2eEV00YfNJTIKtg\", user = \"u\" }, { name = \"ada\", hash = \"$argon2id$v=19$m=7168,t=1,p=1$c2FsdC1mb3ItdGVzdHM$/1ZUydr1QQ0gEJrK1BFmOleeZaTC2eEV00YfNJTIKtg\", user = \"u\" }]",
        "auth.passwords[1].name",
        Some("ada"),
        "`auth.passwords[0]` has this name already",
    ),
    (
        "[auth]\npasswords = [{ name = \"a:b\", hash = \"$argon2id$v=19$m=7168,t=1,p=1$c2FsdC1mb3ItdGVzdHM$/1ZUydr1QQ0gEJrK1BFmOleeZaTC2eEV00YfNJTIKtg\", user = \"u\" }]",
        "auth.passwords[0].name",
        Some("a:b"),
        "without a colon",
    ),
    ("[rate_limit]\nlimit = \"9/1s\"\ntokens = true\nskip_successful = true", "rate_limit.tokens", None, "choose one"),
    (
        "[rate_limit]\nlimit = \"9/1s\"\ntokens = true\nalgorithm = \"sliding_log\"",
        "rate_limit.tokens",
        None,
        "sliding_counter",
    ),
    ("[auth]\ntoken = \"[hidden]\"", "auth.token", Some("[hidden, 8 bytes]"), "give the secret itself"),
    ("[auth]\nlockout_store = \"disk\"", "auth.lockout_store", Some("disk"), "`memory` and `redis`"),
    ("[auth]\nfailure_limit = \"30\"", "auth.failure_limit", Some("30"), "or `off`"),
    ("[auth]\npublic = [\"api/x\"]", "auth.public[0]", Some("api/x"), "begins with a slash"),
    ("[auth]\npublic = [\"/a\"]\nskip_paths = [\"/b\"]", "auth.skip_paths", None, "is given already by"),
    (
        "[auth.jwt]\nsecret = \"hush-hush-1-hush-hush-2\"\nissuer = \"i\"\naudience = \"a\"",
        "auth.jwt.secret",
        Some("[hidden, 23 bytes]"),
        "at least 32 random bytes",
    ),
    ("[auth.jwt]\nissuer = \"i\"\naudience = \"a\"", "auth.jwt.secret", None, "NEUROLINK__AUTH__JWT__SECRET"),
    (
        "[auth.jwt]\nsecret = \"0123456789abcdef0123456789abcdef\"\nissuer = \"i\"",
        "auth.jwt.audience",
        None,
        "`any_audience = true`",
    ),
    (
        "[auth.jwt]\nissuer = \"i\"\naudience = \"a\"\nsecret = \"0123456789abcdef0123456789abcdef\"\nleeway = \"61s\"",
        "auth.jwt.leeway",
        Some("61s"),
        "set the clocks instead",
    ),
    (
        "[auth.jwt]\nissuer = \"i\"\naudience = \"a\"\nsecret = \"0123456789abcdef0123456789abcdef\"\nalgorithms = [\"HS256\", \"none\"]",
        "auth.jwt.algorithms[1]",
        Some("none"),
        "write one of HS256",
    ),
    (
        "[auth.jwt]\nissuer = \"i\"\naudience = \"a\"\nsecret = \"0123456789abcdef0123456789abcdef\"\nalgorithms = [\"RS256\"]",
        "auth.jwt.algorithms",
        None,
        "RS256 is accepted and has no key",
    ),
    (
        "[auth.jwt]\nissuer = \"i\"\naudience = \"a\"\nsecrets = [{ secret = \"0123456789abcdef0123456789abcdef\", algorithm = \"HS512\" }]",
        "auth.jwt.secrets[0].secret",
        Some("[hidden, 32 bytes]"),
        "at least 64 random bytes",
    ),
    (
        "[auth.jwt]\nissuer = \"i\"\naudience = \"a\"\nsecrets = [{ secret = \"0123456789abcdef0123456789abcdef\", algorithm = \"RS256\" }]",
        "auth.jwt.secrets[0].algorithm",
        Some("RS256"),
        "HS256, HS384, HS512",
    ),
    (
        "[auth.jwt]\nissuer = \"i\"\naudience = \"a\"\npublic_key_file = \"no-such-file\"",
        "auth.jwt.public_key_file",
        Some("no-such-file"),
        "check the path",
    ),
    (
        "[auth.jwt]\nissuer = \"i\"\naudience = \"a\"\npublic_key = \"hello\"",
        "auth.jwt.public_key",
        Some("hello"),
        "-----BEGIN PUBLIC KEY-----",
    ),
    ("[auth.jwt]\nissuer = \"i\"\naudience = \"a\"\njwks = \"{}\"", "auth.jwt.jwks", Some("{}"), "RFC 7517"),
    (
        "[auth.jwt]\nissuer = \"i\"\naudience = \"a\"\njwks_file = \"no-such-file\"",
        "auth.jwt.jwks_file",
        Some("no-such-file"),
        "check the path",
    ),
    (
        "[auth.jwt]\nissuer = \"i\"\naudience = \"a\"\njwks_url = \"http://login.example.com/jwks\"",
        "auth.jwt.jwks_url",
        Some("http://login.example.com/jwks"),
        "write `https://`",
    ),
    (
        "[auth.jwt]\nissuer = \"i\"\naudience = \"a\"\njwks_url = \"https://login.example.com/jwks\"\njwks = '{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}'",
        "auth.jwt.jwks",
        None,
        "remove one of the two",
    ),
    ("[auth.api_keys]\nheader = \"x api\"", "auth.api_keys.header", Some("x api"), "no name of a header"),
    ("[auth.api_keys]\nfile = \"no-such-file\"", "auth.api_keys.file", Some("no-such-file"), "check the path"),
    (
        "[cors]\norigins = [\"app.example.com\"]",
        "cors.origins[0]",
        Some("app.example.com"),
        "write for example `https://",
    ),
    (
        "[cors]\norigins = [\"https://a.example:99999\"]",
        "cors.origins[0]",
        Some("https://a.example:99999"),
        "it is no origin",
    ),
    (
        "[cors]\norigins = [\"http://a.example:80\"]",
        "cors.origins[0]",
        Some("http://a.example:80"),
        "without the scheme's own port",
    ),
    ("[headers.custom]\nX-A = \"1\"\nx-a = \"2\"", "headers.custom.x-a", Some("2"), "it is given already by"),
    ("[cors]\norigins = [\"https://a.example/\"]", "cors.origins[0]", Some("https://a.example/"), "without a path"),
    (
        "[cors]\norigins = [\"https://u:hush-hush-hush-hush@a.example\"]",
        "cors.origins[0]",
        Some("[hidden, 39 bytes]"),
        "no origin",
    ),
    ("[cors]\norigins = \"https://a.example\"", "cors.origins", Some("https://a.example"), "write a list of origins"),
    ("[cors]\norigins = [\"*\", \"https://a.example\"]", "cors.origins[0]", Some("*"), "stands alone"),
    ("[cors]\norigins = []", "cors.origins", None, "write `\"off\"`"),
    ("[cors]\norigins = \"*\"\ncredentials = true", "cors.credentials", None, "list the origins"),
    ("[cors]\norigins = \"*\"\nmethods = [\"get\"]", "cors.methods[0]", Some("get"), "in capitals"),
    ("[cors]\nenabled = true", "cors.enabled", Some("true"), "`origins = \"off\"`"),
    ("[concurrency]\nall = 0", "concurrency.all", Some("0"), "from 1 to 4294967295; or `off`"),
    ("[concurrency]\nall = 5\nqueue = -1", "concurrency.queue", Some("-1"), "a whole number from 0"),
    (
        "[concurrency]\nper_caller = 5\nkey = \"ip\"",
        "concurrency.key",
        Some("ip"),
        "`address`, `user`, `caller` and `api_key`",
    ),
    ("[rate_limit]\nlimit = 100", "rate_limit.limit", Some("100"), "`100/60s`"),
    ("[rate_limit]\nlimit = \"0/60s\"", "rate_limit.limit", Some("0/60s"), "at least 1, or `off`"),
    (
        "[rate_limit]\nlimit = \"99999999999999/1s\"",
        "rate_limit.limit",
        Some("99999999999999/1s"),
        "at most `4294967295/..`",
    ),
    ("[rate_limit]\nmaxRequests = 100", "rate_limit.maxRequests", Some("100"), "write `limit = \"100/60s\"`"),
    (
        "[rate_limit]\nlimit = \"1/1s\"\nkey = \"ip\"",
        "rate_limit.key",
        Some("ip"),
        "`address`, `user`, `caller` and `api_key`",
    ),
    (
        "[rate_limit]\nlimit = \"1/1s\"\nalgorithm = \"sliding\"",
        "rate_limit.algorithm",
        Some("sliding"),
        "`sliding_log`",
    ),
    ("[rate_limit]\nlimit = \"1/1s\"\nburst = -1", "rate_limit.burst", Some("-1"), "a whole number from 0"),
    ("[rate_limit]\nlimit = \"1/1s\"\nheaders = [\"draft-8\"]", "rate_limit.headers[0]", Some("draft-8"), "`draft-10`"),
    ("[rate_limit]\nheaders = [\"draft-7\", \"draft-10\"]", "rate_limit.headers", None, "choose one of them"),
    ("[rate_limit]\nlimit = \"1/1s\"\npaths = [\"/a/:id\"]", "rate_limit.paths[0]", Some("/a/:id"), "`{name}`"),
    ("[rate_limit]\nlimit = \"1/1s\"\nstore = \"disk\"", "rate_limit.store", Some("disk"), "`memory` and `redis`"),
    (
        "[rate_limit]\nlimit = \"1/1s\"\nstore = \"redis\"",
        "rate_limit.redis_url",
        None,
        "NEUROLINK__RATE_LIMIT__REDIS_URL_FILE",
    ),
    (
        "[rate_limit]\nlimit = \"1/1s\"\nredis_url = \"redis://:hush-hush@localhost\"",
        "rate_limit.store",
        None,
        "`store = \"redis\"`",
    ),
    (
        "[rate_limit]\nlimit = \"1/1s\"\non_store_failure = \"open\"",
        "rate_limit.on_store_failure",
        Some("open"),
        "`deny`, `allow` and `local`",
    ),
    (
        "[rate_limit]\nlimit = \"1/1s\"\nstore = \"redis\"\nredis_url = \"redis://localhost\"\nredis_keys = \"keryx\"",
        "rate_limit.redis_keys",
        None,
        "`algorithm = \"strict_counter\"`",
    ),
    (
        "[rate_limit]\nlimit = \"1/1s\"\nalgorithm = \"strict_counter\"\nstore = \"redis\"\nredis_url = \"redis://localhost\"\nredis_cluster = true\nredis_keys = \"keryx\"",
        "rate_limit.redis_keys",
        None,
        "no cluster can hold",
    ),
    ("[rate_limit]\nlimit = \"1/1s\"\nlocal_percent = 0", "rate_limit.local_percent", Some("0"), "from 1 to 100"),
    (
        "[rate_limit]\nlimit = \"1/1s\"\nstore_timeout = \"0s\"",
        "rate_limit.store_timeout",
        Some("0s"),
        "nothing could pass",
    ),
    ("[body]\nlimit = \"1 megabyte\"", "body.limit", Some("1 megabyte"), "`64kb`"),
    ("[body]\nlimit = 1.5", "body.limit", Some("1.5"), "it is a number; write bytes, or a whole number"),
    ("[body]\nlimit = 0", "body.limit", Some("0"), "write at least `1`"),
    ("[body]\nlimit = -1", "body.limit", Some("-1"), "write bytes"),
    ("[body]\nlimit = \"1gb\"", "body.limit", None, "raise `body.budget`"),
    ("[body]\ndecompress = [\"gzip\", \"br\"]", "body.decompress[1]", Some("br"), "write `gzip` or `deflate`"),
    ("[body]\ndecompress = \"gzip\"", "body.decompress", Some("gzip"), "write a list"),
    ("[body]\nparts = 0", "body.parts", Some("0"), "from 1 to 1000000"),
    ("[body]\npart_limit = 0", "body.part_limit", Some("0"), "or `off`"),
    ("[body]\npart_limit = \"much\"", "body.part_limit", Some("much"), "or `off`"),
    ("[body]\npart_head = 0", "body.part_head", Some("0"), "`8kb`"),
    ("[body]\njson_depth = 500", "body.json_depth", Some("500"), "from 1 to 120"),
    ("[timeout]\nrequest = \"0s\"", "timeout.request", Some("0s"), "nothing could pass"),
    ("[timeout]\nrequest = true", "timeout.request", Some("true"), "`300ms`, `30s`"),
    ("[timeout]\nrequest = \"half an hour\"", "timeout.request", Some("half an hour"), "`300ms`"),
    (
        "[headers]\nframe_options = \"allow\"",
        "headers.frame_options",
        Some("allow"),
        "`deny` or `sameorigin`; or `off`",
    ),
    ("[headers]\nhsts = true", "headers.hsts", Some("true"), "or `off`"),
    ("[headers]\nhsts = \"1y\"", "headers.hsts", Some("1y"), "max-age=31536000"),
    ("[headers]\ncsp = \"x\"", "headers.csp", Some("[hidden, 1 bytes]"), "write `content_security_policy`"),
    ("[headers.custom]\nx-a = \"a\\nb\"", "headers.custom.x-a", Some("a\nb"), "on one line"),
    ("[proxies]\ntrusted = [\"10.0.0.0/99\"]", "proxies.trusted[0]", Some("10.0.0.0/99"), "`10.0.0.0/8`"),
    ("[proxies]\ntrusted = [\"10.0.0.1\"]\nheader = \"a b\"", "proxies.header", Some("a b"), "header"),
    (
        "[server]\nunix = \"/tmp/neurolink.sock\"\nreuse_port = true",
        "server.reuse_port",
        None,
        "share a port, not a Unix socket",
    ),
    ("[proxies]\nhops = 2", "proxies.hops", None, "name their networks in `trusted`"),
    ("[proxies]\nheader = \"x-real-ip\"", "proxies.header", None, "name their networks in `trusted`"),
    ("[proxies]\ntrusted = [\"10.0.0.1\"]\nhops = 0", "proxies.hops", Some("0"), "from 1 to 64"),
    ("[request_id]\nheader = \"\"", "request_id.header", Some("\"\""), "it is empty"),
    ("[errors]\nformat = \"xml\"", "errors.format", Some("xml"), "`envelope` and `problem`"),
    ("[log]\nlevel = \"loud\"", "log.level", Some("loud"), "`debug` and `trace`"),
    ("[log]\nlevel = 1979-05-27", "log.level", None, "it is a date"),
];

// Shows S2-44, S3-01, S3-52, V73.
#[test]
fn every_mistake_names_the_key_the_value_the_line_and_the_fix() {
    for (content, key, value, advice) in FILES {
        let path = common::file("a.toml", content);
        let error = Loader::new().file(&path).load().expect_err(content);
        let [problem] = error.problems() else { panic!("{content}: {error}") };
        assert_eq!(problem.key, *key, "{content}");
        assert_eq!(problem.value.as_deref(), *value, "{content}");
        assert!(problem.problem.contains(advice), "{content}: {}", problem.problem);
        let origin = problem.origin.as_deref().unwrap_or_default();
        assert!(origin.contains("a.toml, line "), "{content}: {origin}");
        let text = format!("{error} {error:?}");
        assert!(!text.contains("hush"), "{text}");
    }
}

/// Variables, and the key and advice of their only problem.
const VARIABLES: &[(&str, &str, &str, &str)] = &[
    ("NEUROLINK__SERVER__PORT", "http", "server.port", "whole number"),
    ("NEUROLINK__SERVER__HOST", "", "server.host", "it is empty"),
    ("NEUROLINK__SERVER__HOTS", "x", "server.hots", "did you mean `host`?"),
    ("NEUROLINK__SERVER__HOST", "8080", "server.host", "without the port"),
    (
        "NEUROLINK__SERVER_PORT",
        "1",
        "server_port",
        "did you mean `server.port`, as a variable NEUROLINK__SERVER__PORT?",
    ),
    ("NEUROLINK__SERVER", "x", "server", "NEUROLINK__SERVER__KEY"),
    ("NEUROLINK__SERVER__", "x", "server.", "an empty part"),
    ("NEUROLINK__AUTH__TOKEN", "", "auth.token", "the secret is empty"),
    ("NEUROLINK__AUTH__TOKEN", "\n", "auth.token", "the secret is empty"),
    ("NEUROLINK__AUTH__TOKEN", "hush hush\nhush", "auth.token", "several lines"),
    ("NEUROLINK__AUTH__TOKEN_FILE", "/no/such/hush", "auth.token_file", "no such file"),
    ("NEUROLINK__AUTH__TOKEN_FILE", "", "auth.token_file", "the path of a file"),
    ("NEUROLINK__AUTH__TOKENS", "hush-hush", "auth.tokens", "in a file"),
    ("NEUROLINK__CORS__ORIGINS", ",", "cors.origins", "write `\"off\"`"),
    ("NEUROLINK__CROSS_SITE__ENABLED", "maybe", "cross_site.enabled", "`true` or `false`"),
    ("NEUROLINK__TIMEOUT__REQUEST", "30", "timeout.request", "`30s` or `30ms`"),
];

// Shows S2-01.
#[test]
fn variables_are_named_in_their_mistakes() {
    for (name, value, key, advice) in VARIABLES {
        let error = Loader::new().environment([(name, value)]).load().expect_err(name);
        let [problem] = error.problems() else { panic!("{name}: {error}") };
        assert_eq!(problem.key, *key, "{name}");
        assert!(problem.problem.contains(advice), "{name}: {}", problem.problem);
        assert_eq!(problem.origin.as_deref(), Some(&*format!("environment variable {name}")));
        if !key.ends_with("_file") {
            assert!(!format!("{error} {error:?}").contains("hush"), "{error}");
        }
    }
}
