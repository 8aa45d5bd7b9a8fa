#!/usr/bin/env python3
"""Holds the conformance suite to its times: the suite of each adapter, and the mutants that prove it.

    benches/suite.py             everything
    benches/suite.py axum poem   these adapters only, without the mutants
    benches/suite.py --share     only the share of the requirements that is covered
    MUTANTS=all benches/suite.py every case against every mutant, not only those of its areas; for this there is no time

It also prints the share of the requirements that cases and tests cover. Builds first, so that only the tests are measured. It wants a quiet machine with two cores, and says when it has none.
Ends with 1 when a time is missed or a test fails.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
ADAPTERS = ["axum", "actix", "warp", "poem"]
SUITE_SECONDS, MUTANTS_SECONDS = 60, 120


def tests() -> dict:
    """The test binaries by package and name, built."""
    build = subprocess.run(
        ["cargo", "test", "--workspace", "--all-features", "--locked", "--test", "conformance", "--test", "mutants",
         "--no-run", "--message-format", "json-render-diagnostics"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True,
    ).stdout
    found = {}
    for message in map(json.loads, build.splitlines()):
        if message.get("executable") and message["target"]["kind"] == ["test"]:
            folder = pathlib.Path(message["manifest_path"]).parent
            found[folder.name, message["target"]["name"]] = (folder, message["executable"])
    return found


def share() -> str:
    """The share of all rows that is covered, from the report that a test keeps current."""
    for line in (ROOT / "docs/coverage.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if cells[1:2] == ["all"]:
            return f"share covered: {cells[3]} of {cells[2]} rows of the requirements, see docs/coverage.md"
    raise SystemExit("docs/coverage.md has no row `all`; UPDATE_COVERAGE=1 writes it, see CONTRIBUTING.md")


def takes(name: str, folder: pathlib.Path, executable: str, most: float) -> bool:
    """Runs tests; whether they passed in time."""
    begun = time.monotonic()
    run = subprocess.run([executable, "--quiet"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seconds = time.monotonic() - begun
    verdict = "FAILED" if run.returncode else "TOO LONG" if seconds > most else "ok"
    bound = "" if most == float("inf") else f" of {most} s"
    print(f"{name:22}{seconds:6.1f} s{bound}  {verdict}", flush=True)
    if run.returncode:
        print(run.stdout[-4000:], file=sys.stderr)
    return verdict == "ok"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("adapter", nargs="*", metavar="ADAPTER", help="axum, actix, warp or poem")
    parser.add_argument("--share", action="store_true", help="only the share of the requirements that is covered")
    options = parser.parse_args()
    if options.share:
        print(share())
        return 0
    unknown = set(options.adapter) - set(ADAPTERS)
    if unknown:
        parser.error(f"no adapter is called {', '.join(sorted(unknown))}")
    built = tests()
    load = os.getloadavg()[0]
    if load > 1 and not options.adapter:
        print(f"the machine may not be quiet: its load was {load:.1f}, in part by the build", file=sys.stderr)
    right = [takes(f"suite of {name}", *built[f"adapter-{name}", "conformance"], SUITE_SECONDS) for name in options.adapter or ADAPTERS]
    if not options.adapter:
        most = float("inf") if os.environ.get("MUTANTS") == "all" else MUTANTS_SECONDS
        right.append(takes("mutants", *built["conformance-tests", "mutants"], most))
    print(share())
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
