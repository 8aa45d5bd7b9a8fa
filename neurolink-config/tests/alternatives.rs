//! A later layer's choice takes the place of an earlier one's alternative.

#[path = "../kit/files.rs"]
mod common;

use neurolink_config::{Config, Loader};
use secrecy::ExposeSecret as _;

const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
const SET: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// What a section needs beside the pair that is looked at.
const JWT: &str = "[auth.jwt]\nsecrets = [{ secret = \"0123456789abcdef0123456789abcdef\" }]\n";
const PARTIES: &str = "issuer = \"i\"\naudience = \"a\"\n";

/// A key, its value, and how the configuration shows that it was chosen.
struct Choice {
    key: &'static str,
    value: String,
    is_chosen: fn(&Config) -> bool,
}

struct Pair {
    /// The section as the file has it, without the choice.
    section: String,
    sides: [Choice; 2],
    /// Secrets and lists have no flag.
    has_flag: bool,
}

fn choice(key: &'static str, value: impl Into<String>, is_chosen: fn(&Config) -> bool) -> Choice {
    Choice { key, value: value.into(), is_chosen }
}

fn path_of(name: &str, content: &str) -> String {
    common::file(name, content).to_str().expect("UTF-8").to_owned()
}

fn jwt(config: &Config) -> &neurolink_config::JwtConfig {
    config.auth.jwt.as_ref().expect("given")
}

fn is(secret: Option<&neurolink_config::SecretString>, expected: &str) -> bool {
    secret.is_some_and(|secret| secret.expose_secret() == expected)
}

fn pairs() -> Vec<Pair> {
    let pair = |section: &str, sides| Pair { section: section.into(), sides, has_flag: true };
    let secret = |section: &str, sides| Pair { section: section.into(), sides, has_flag: false };
    let jwt_section = format!("{JWT}{PARTIES}");
    let set_file = || {
        choice("auth.jwt.jwks_file", path_of("set.json", SET), |config| {
            jwt(config).jwks_file.is_some() && jwt(config).jwks.is_none() && jwt(config).jwks_url.is_none()
        })
    };
    let set = || {
        choice("auth.jwt.jwks", SET, |config| {
            jwt(config).jwks.is_some() && jwt(config).jwks_file.is_none() && jwt(config).jwks_url.is_none()
        })
    };
    let mut all = vec![
        pair(
            "[server]\n",
            [
                choice("server.unix", "/run/a.sock", |config| config.server.address() == "unix:/run/a.sock"),
                choice("server.port", "81", |config| config.server.address() == "127.0.0.1:81"),
            ],
        ),
        pair(
            "[server]\n",
            [
                choice("server.unix", "/run/a.sock", |config| config.server.address() == "unix:/run/a.sock"),
                choice("server.host", "::1", |config| config.server.address() == "[::1]:3000"),
            ],
        ),
        secret(
            "[auth]\n",
            [
                choice("auth.token", "a-token-in-plain-sight", |config| {
                    is(config.auth.token.as_ref(), "a-token-in-plain-sight")
                }),
                choice("auth.token_file", path_of("token", "a-token-from-its-file"), |config| {
                    is(config.auth.token.as_ref(), "a-token-from-its-file")
                }),
            ],
        ),
        secret(
            &jwt_section,
            [
                choice("auth.jwt.secret", "in-plain-sight-in-plain-sight-in-plain-sight", |config| {
                    is(jwt(config).secret.as_ref(), "in-plain-sight-in-plain-sight-in-plain-sight")
                }),
                choice(
                    "auth.jwt.secret_file",
                    path_of("secret", "from-its-file-from-its-file-from-its-file"),
                    |config| is(jwt(config).secret.as_ref(), "from-its-file-from-its-file-from-its-file"),
                ),
            ],
        ),
        secret(
            "[rate_limit]\nlimit = \"1/1s\"\nstore = \"redis\"\n",
            [
                choice("rate_limit.redis_url", "redis://one", |config| {
                    is(config.rate_limit.redis_url.as_ref(), "redis://one")
                }),
                choice("rate_limit.redis_url_file", path_of("url", "redis://two"), |config| {
                    is(config.rate_limit.redis_url.as_ref(), "redis://two")
                }),
            ],
        ),
        pair(
            &jwt_section,
            [
                choice("auth.jwt.public_key", PEM, |config| {
                    jwt(config).public_key.is_some() && jwt(config).public_key_file.is_none()
                }),
                choice("auth.jwt.public_key_file", path_of("key.pem", PEM), |config| {
                    jwt(config).public_key_file.is_some()
                }),
            ],
        ),
        pair(&jwt_section, [set(), set_file()]),
        pair(
            &format!("{JWT}audience = \"a\"\n"),
            [
                choice("auth.jwt.issuer", "i", |config| jwt(config).issuer.is_some() && !jwt(config).any_issuer),
                choice("auth.jwt.any_issuer", "true", |config| jwt(config).issuer.is_none() && jwt(config).any_issuer),
            ],
        ),
        pair(
            &format!("{JWT}issuer = \"i\"\n"),
            [
                choice("auth.jwt.audience", "a", |config| jwt(config).audience.is_some() && !jwt(config).any_audience),
                choice("auth.jwt.any_audience", "true", |config| {
                    jwt(config).audience.is_none() && jwt(config).any_audience
                }),
            ],
        ),
    ];
    if cfg!(feature = "jwks") {
        let url = || {
            choice("auth.jwt.jwks_url", "http://localhost/jwks", |config| {
                jwt(config).jwks_url.is_some() && jwt(config).jwks.is_none() && jwt(config).jwks_file.is_none()
            })
        };
        all.extend([pair(&jwt_section, [set(), url()]), pair(&jwt_section, [set_file(), url()])]);
    }
    all
}

/// A loader with a choice in its file.
fn in_file(section: &str, choice: &Choice) -> Loader {
    let key = choice.key.rsplit('.').next().expect("a key");
    let plain = matches!(choice.value.as_str(), "true" | "81");
    let value = if plain { choice.value.clone() } else { format!("{:?}", choice.value) };
    Loader::new().file(common::file("a.toml", &format!("{section}{key} = {value}\n")))
}

fn variable(choice: &Choice) -> [(String, String); 1] {
    [(format!("NEUROLINK__{}", choice.key.to_uppercase().replace('.', "__")), choice.value.clone())]
}

fn assert_chosen(loader: Loader, chosen: &Choice, layers: &str) {
    let config = loader.load().unwrap_or_else(|error| panic!("{layers}: {error}")).config;
    assert!((chosen.is_chosen)(&config), "{layers}");
}

#[test]
fn a_variable_wins_over_the_alternative_in_a_file_and_a_flag_over_both() {
    for Pair { section, sides: [one, other], has_flag } in pairs() {
        for (lower, higher) in [(&one, &other), (&other, &one)] {
            let file = in_file(&section, lower);
            assert_chosen(file.clone(), lower, lower.key);
            let variable_layers = format!("{} over {}", higher.key, lower.key);
            assert_chosen(file.clone().environment(variable(higher)), higher, &variable_layers);
            if !has_flag {
                continue;
            }
            let flag = |loader: Loader| loader.set(higher.key, higher.value.as_str(), "flag");
            assert_chosen(flag(file.clone()), higher, &format!("flag {variable_layers}"));
            assert_chosen(flag(file.environment(variable(lower))), higher, &format!("flag {variable_layers}, twice"));
        }
    }
}

#[test]
fn a_switch_that_is_off_is_no_choice() {
    let file = common::file("a.toml", &format!("{JWT}{PARTIES}"));
    let off = [("NEUROLINK__AUTH__JWT__ANY_ISSUER", "0"), ("NEUROLINK__AUTH__JWT__ANY_AUDIENCE", "false")];
    let config = Loader::new().file(file).environment(off).load().expect("valid").config;
    assert_eq!((jwt(&config).issuer.as_deref(), jwt(&config).audience.as_deref()), (Some("i"), Some("a")));
}

#[test]
fn a_socket_beside_host_and_port_in_one_layer_wins() {
    let file = common::file("a.toml", "[server]\nunix = \"/run/a.sock\"\nhost = \"::1\"\nport = 81\n");
    let config = Loader::new().file(file).load().expect("valid").config;
    assert_eq!(config.server.address(), "unix:/run/a.sock");
}
