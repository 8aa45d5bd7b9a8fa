#!/usr/bin/env python3
"""Rules of the house that no lint knows: file sizes, what is in a `mod.rs`, nothing unfinished or ignored, no path of some machine.

What it looks for is planted first, each time: a check that cannot fail proves nothing.
"""
import pathlib
import re
import subprocess
import sys
import tomllib

LONGEST = 450  # lines; a file is a room with one purpose
# A `mod.rs` re-exports and explains: what it would hold has a name, and the file of that name.
ALLOWED_IN_MOD = re.compile(r"//[^\n]*|#!?\[[^\]]*\]|(\bpub(\([^)]*\))?\s+)?\b(mod\s+\w+|use\s[^;]*);")
UNFINISHED = re.compile(r"\b(todo|unimplemented)!|#\[ignore")
OF_SOME_MACHINE = re.compile(r"(^|[\s\"'(`=])/(root|work|home)/[a-z]")
# Scripts of ours that have no ending are read, too.
TEXTS = {".rs", ".md", ".toml", ".py", ".mjs", ".sh", ".lua", ""}
# What has to be found: a path, and a text with it.
PLANTED = [
    ("src/long.rs", "\n" * (LONGEST + 1)),
    *(("src/a/mod.rs", f"//! Explains.\n\nmod b;\n{item}\n") for item in [
        "fn f() {}", "pub(crate) async fn f() {}", "pub(in crate::app) fn f() {}", 'extern "C" fn f() {}', "impl A {}", "struct A;",
        "pub enum A {}", "unsafe trait A {}", "static A: u8 = 1;", "const A: u8 = 1;", "type A = u8;", "union A {}",
        "macro_rules! a { () => {}; }", "thread_local! {}", "#[cfg(test)] fn f() {}", "#[cfg(test)]\nmod tests {}",
        "pub(crate) mod x { fn f() {} }", "pub use c::{\n    d,\n}; fn f() {}",
    ]),
    ("src/a.rs", "fn f() { todo!() }"),
    ("src/a.rs", "fn f() { unimplemented!() }"),
    ("src/a.rs", "#[ignore]"),
    *((name, f"{before}/{folder}/someone")
      for name in ["src/a.rs", "a.md", "a.toml", "a.py", "a.mjs", "a.sh", "a.lua", "scripts/tool", ".ci/run", "check"]
      for folder in ["root", "work", "home"] for before in ["", "cd ", '"', "'", "(", "`", "A="]),
]
# What must not be.
CLEAN = [
    ("src/a/mod.rs", "//! Explains a fn f() {}.\n\n#[cfg(test)]\nmod tests;\npub(in crate::a) mod b;\n// Why.\npub(crate) use b::{\n    C, // here\n    D,\n};\n"),
    ("tests/long.rs", "\n" * (LONGEST + 1)),
    *(("src/a.rs", f'let inside = "/app/{folder}/a";') for folder in ["root", "work", "home"]),
]


def problems(path: pathlib.Path, text: str) -> list:
    """What is wrong with a file."""
    found = []
    if path.suffix == ".rs" and text.count("\n") > LONGEST and "tests" not in path.parts:
        found.append(f"{path}: {text.count(chr(10))} lines, at most {LONGEST}")
    if path.name == "mod.rs":
        items = ALLOWED_IN_MOD.sub(lambda allowed: "\n" * allowed.group().count("\n"), text)
        found += [f"{path}:{number}: a mod.rs only re-exports and explains; move it into a file of its name: {line.strip()}"
                  for number, line in enumerate(items.splitlines(), 1) if line.strip()][:1]
    for number, line in enumerate(text.splitlines(), 1):
        if path.suffix == ".rs" and UNFINISHED.search(line):
            found.append(f"{path}:{number}: {line.strip()}")
        if path.suffix in TEXTS and path.name != "house-rules.py" and OF_SOME_MACHINE.search(line):
            found.append(f"{path}:{number}: a path of some machine: {line.strip()}")
    return found


def unnoticed() -> list:
    """What was planted and not found, or found and not planted."""
    wrong = [f"not found in {name}: {text[-60:]!r}" for name, text in PLANTED if not problems(pathlib.Path(name), text)]
    return wrong + [f"found where nothing is: {text}" for name, text in CLEAN for text in problems(pathlib.Path(name), text)]


def main() -> int:
    found = [f"scripts/house-rules.py: {text}" for text in unnoticed()]
    tracked = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True)
    files = [pathlib.Path(name) for name in tracked.stdout.split("\n") if name and pathlib.Path(name).is_file()]
    for path in files:
        if path.suffix in TEXTS:
            found += problems(path, path.read_text())
    workspace = tomllib.loads(pathlib.Path("Cargo.toml").read_text())["workspace"]
    if workspace["default-members"] != workspace["members"]:
        found.append("Cargo.toml: workspace.default-members is another list than workspace.members; make it the same")
    print(f"{len(files)} files")
    print("\n".join(found))
    return 1 if found else 0


sys.exit(main())
