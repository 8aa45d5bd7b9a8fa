//! The line that `serve` prints works as it is printed.

use std::process::Command;

use crate::kit::{Serving, folder, neurolink};

const ADA: &str = "$argon2id$v=19$m=7168,t=1,p=1$c2FsdC1mb3ItdGVzdHM$/1ZUydr1QQ0gEJrK1BFmOleeZaTC2eEV00YfNJTIKtg";
const TOKEN: &str = "a-token-of-this-test";
const KEY: &str = "a-key-of-this-test-only";

/// A configuration, and the variable that its line names, with the secret.
fn configurations() -> Vec<(String, Option<(&'static str, &'static str)>)> {
    let password = |name: &str| {
        let text = format!("[[auth.passwords]]\nname = {name:?}\nhash = \"{ADA}\"\nuser = \"u1\"");
        (text, Some(("PASSWORD", "correct horse")))
    };
    vec![
        (String::new(), None),
        (format!("[auth]\ntoken = \"{TOKEN}\""), Some(("TOKEN", TOKEN))),
        (format!("[auth]\ntokens = [{{ token = \"{TOKEN}\", user = \"u1\" }}]"), Some(("TOKEN", TOKEN))),
        (format!("[auth.api_keys]\nkeys = [{{ key = \"{KEY}\", user = \"u1\" }}]"), Some(("KEY", KEY))),
        (
            format!("[auth.api_keys]\nheader = \"x-own\"\nkeys = [{{ key = \"{KEY}\", user = \"u1\" }}]"),
            Some(("KEY", KEY)),
        ),
        password("ada"),
        password("it's $HOME \"ada\""),
        ("[server]\nhost = \"127.0.0.2\"\nbase_path = \"/\"".into(), None),
        (
            format!("[server]\nhost = \"0.0.0.0\"\nhosts = [\"*.example.com\"]\n[auth]\ntoken = \"{TOKEN}\""),
            Some(("TOKEN", TOKEN)),
        ),
        ("[server]\nproxy_protocol = true\n[proxies]\ntrusted = [\"127.0.0.1\"]".into(), None),
    ]
}

/// Starts a server with these arguments, pastes its line and gives the status, and the line.
fn paste(arguments: &[&str], variable: Option<(&str, &str)>) -> (String, String) {
    let mut serving = Serving::start(&mut neurolink(&[&["serve"], arguments].concat()));
    let line = serving.line_with("curl ");
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{line} --silent --output /dev/null --write-out '%{{http_code}}'")]);
    shell.envs(variable);
    let output = shell.output().expect("a shell");
    let status = String::from_utf8(output.stdout).expect("UTF-8");
    (status, line)
}

#[test]
fn the_line_works_as_printed_for_every_kind_of_authentication() {
    for (configuration, variable) in configurations() {
        let path = folder().join("neurolink.toml");
        std::fs::write(&path, &configuration).expect("written");
        let (status, line) = paste(&["--config", path.to_str().expect("UTF-8"), "--port", "0"], variable);
        assert_eq!(status, "200", "{configuration}\n{line}");
        if let Some((name, secret)) = variable {
            assert!(line.contains(&format!("${name}")) && !line.contains(secret), "{line}");
        }
        assert!(!line.contains("$argon2id"), "{line}");
    }
}

#[test]
fn the_line_works_over_tls() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (cert, key) = (folder().join("tls.crt"), folder().join("tls.key"));
    std::fs::write(&cert, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let [cert, key] = [&cert, &key].map(|path| path.to_str().expect("UTF-8"));
    let (status, line) = paste(&["--port", "0", "--tls-cert", cert, "--tls-key", key], None);
    assert_eq!(status, "200", "{line}");
}

#[cfg(unix)]
#[test]
fn the_line_works_for_a_unix_socket_with_a_blank_in_its_path() {
    let place = format!("unix:{}", folder().join("a b.sock").display());
    let (status, line) = paste(&["--bind", &place], None);
    assert_eq!(status, "200", "{line}");
}
