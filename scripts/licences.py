#!/usr/bin/env python3
"""Every dependency has a permissive licence."""
import json
import re
import subprocess
import sys

ALLOWED = {
    "MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Zlib", "0BSD", "Unlicense", "CC0-1.0",
    "Unicode-3.0", "Unicode-DFS-2016", "BSL-1.0", "MIT-0", "CDLA-Permissive-2.0", "Apache-2.0 WITH LLVM-exception",
}


def permitted(expression: str) -> bool:
    """An SPDX expression whose every AND part has an allowed OR alternative."""
    expression = expression.replace("/", " OR ").replace("(", " ").replace(")", " ")
    return all(
        any(alternative.strip() in ALLOWED for alternative in re.split(r"\bOR\b", part))
        for part in re.split(r"\bAND\b", expression)
    )


metadata = json.loads(subprocess.run(
    ["cargo", "metadata", "--format-version", "1", "--locked", "--all-features"],
    capture_output=True, text=True, check=True,
).stdout)
wrong = [
    f"{package['name']} {package['version']}: {package['license'] or 'no licence named'}"
    for package in metadata["packages"]
    if not permitted(package["license"] or "")
]
print(f"{len(metadata['packages'])} packages")
print("\n".join(wrong))
sys.exit(1 if wrong else 0)
