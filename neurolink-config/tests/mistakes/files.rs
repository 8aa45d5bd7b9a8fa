//! Files that cannot be read, or are none of a configuration.

use neurolink_config::Loader;

use crate::common;

#[test]
fn files_that_are_none_are_refused_without_quoting_them() {
    let files = [
        ("x.toml", "[auth]\ntoken = \"hush", "in line 2"),
        ("y.toml", "[auth]\ntoken = \"hush\"\ntoken = \"hush\"", "in line 3"),
        ("x.json", "{\"auth\":{\"token\":\"hush\" \"x\"}}", "in line 1"),
        ("y.json", "{\"auth\":{\"token\":\"hush\",\"token\":\"hush\"}}", "`token` is there twice"),
        ("z.json", "[1]", "a table of sections"),
        ("x.ini", "[auth]", "name it `.toml`, `.json` or `.yaml`"),
        ("big.toml", "", ""),
    ];
    for (name, content, advice) in files {
        let path = common::file(name, content);
        let loaded = Loader::new().file(&path).load();
        if advice.is_empty() {
            assert!(loaded.is_ok(), "an empty file says nothing");
            continue;
        }
        let text = loaded.expect_err(name).to_string();
        assert!(text.contains(advice) && text.contains(name), "{name}: {text}");
        assert!(!text.contains("hush"), "{text}");
    }
    let folder = Loader::new().file(env!("CARGO_TARGET_TMPDIR")).load().expect_err("a folder");
    assert!(folder.to_string().contains("it is a folder"));
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let path = common::file("large.toml", &"#".repeat(4 * 1024 * 1024 + 1));
    let text = Loader::new().file(&path).load().expect_err("too large").to_string();
    assert!(text.contains("more than the 4194304 bytes"), "{text}");
    let path = common::file("token", &"x".repeat(64 * 1024 + 1));
    let text = with_token_file(path.to_str().expect("UTF-8")).expect_err("too large");
    assert!(text.contains("more than the 65536 bytes"), "{text}");
}

fn with_token_file(path: &str) -> Result<(), String> {
    let loader = Loader::new().environment([("NEUROLINK__AUTH__TOKEN_FILE", path)]);
    loader.load().map(|_| ()).map_err(|error| error.to_string())
}

#[cfg(unix)]
#[test]
fn devices_and_pipes_are_refused_without_reading_them() {
    let folder = common::file("x", "");
    let folder = folder.parent().expect("a folder");
    let (pipe, endless) = (folder.join("pipe.toml"), folder.join("endless.toml"));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    std::os::unix::fs::symlink("/dev/zero", &endless).expect("a link");
    for path in [&pipe, &endless] {
        let text = Loader::new().file(path).load().expect_err("no file").to_string();
        assert!(text.contains("it is no regular file"), "{text}");
        let path = path.to_str().expect("UTF-8");
        let text = with_token_file(path).expect_err("no file");
        assert!(text.contains("it is no regular file"), "{text}");
        let keys = Loader::new().environment([("NEUROLINK__AUTH__API_KEYS_FILE", path)]);
        let text = keys.load().expect_err("no file").to_string();
        assert!(text.contains("it is no regular file"), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn links_to_secrets_are_followed_as_kubernetes_makes_them() {
    let secret = common::file("token", "a-token-of-mine-alone");
    let link = secret.with_file_name("link");
    std::os::unix::fs::symlink(&secret, &link).expect("a link");
    with_token_file(link.to_str().expect("UTF-8")).expect("a regular file in the end");
}
