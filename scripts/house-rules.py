#!/usr/bin/env python3
"""Rules of the house that no lint knows: file sizes, what is in a `mod.rs`, nothing unfinished or ignored, no path of some machine."""
import pathlib
import re
import subprocess
import sys
import tomllib

LONGEST = 450  # lines; a file is a room with one purpose
# A `mod.rs` re-exports and explains: what it would hold has a name, and the file of that name.
ITEM = re.compile(r"\s*(pub(\([a-z ]+\))? )?((async|const|unsafe|default) )*(fn|impl|struct|enum|trait|static|const|type|union|macro_rules!)\b")

tracked = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True)
files = [pathlib.Path(name) for name in tracked.stdout.split("\n") if name and pathlib.Path(name).is_file()]
problems = []
for path in files:
    if path.suffix == ".rs":
        text = path.read_text()
        lines = text.count("\n")
        if lines > LONGEST and "tests" not in path.parts:
            problems.append(f"{path}: {lines} lines, at most {LONGEST}")
        for number, line in enumerate(text.splitlines(), 1):
            if path.name == "mod.rs" and ITEM.match(line):
                problems.append(f"{path}:{number}: a mod.rs only re-exports and explains; move it into a file of its name: {line.strip()}")
            if re.search(r"\b(todo|unimplemented)!|#\[ignore", line):
                problems.append(f"{path}:{number}: {line.strip()}")
    if path.suffix in {".rs", ".md", ".toml", ".py", ".mjs", ".sh"} and path.name not in {"house-rules.py"}:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r"(^|[\s\"'(`])/(root|work|home)/[a-z]", line):
                problems.append(f"{path}:{number}: a path of some machine: {line.strip()}")
workspace = tomllib.loads(pathlib.Path("Cargo.toml").read_text())["workspace"]
if workspace["default-members"] != workspace["members"]:
    problems.append("Cargo.toml: workspace.default-members is another list than workspace.members; make it the same")
print(f"{len(files)} files")
print("\n".join(problems))
sys.exit(1 if problems else 0)
