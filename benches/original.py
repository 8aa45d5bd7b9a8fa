#!/usr/bin/env python3
"""Loads the original's four servers and ours with the five jobs, side by side, and writes the table in docs/performance.md.

    benches/original.py [--rounds 5] [--seconds 2]

The original comes from npm (conformance-tests/original), with its own middleware off and on. Every server has one core.
Ends with 1 when one of ours is not five times as fast as the original's fastest with its middleware off, or takes more
than a tenth of its memory.
"""
import argparse
import datetime
import pathlib
import re
import shutil
import subprocess
import sys

import loading
import performance
from loading import ROOT, Server, median

FOLDER = ROOT / "conformance-tests/original"
FRAMEWORKS = ["hono", "express", "fastify", "koa"]
LOADS = ["GET", "POST 1 KB", "SSE 50"]
PROMISED = ["GET", "POST 1 KB"]
FASTER, SMALLER = 5.0, 0.1


def servers() -> dict:
    found = {}
    for kind, words in (("mounted", ""), ("remembered", ", tokens remembered")):
        found |= {f"ours, {name}{words}": Server(kind, name) for name in ("axum", "actix", "warp", "poem")}
    for kind, words in (("bare", "middleware off"), ("jobs", "middleware on")):
        for name in FRAMEWORKS:
            command = ["node", "bench.mjs", name, "PORT", kind]
            found[f"original {name}, {words}"] = Server(kind, name, command, cwd=FOLDER, wait=30)
    return found


def check(server: Server) -> None:
    """Every server answers every load; ours does all jobs."""
    if server.kind in ("mounted", "remembered"):
        loading.check(server, jobs=True, loads=LOADS)
    else:
        loading.check(server, jobs=False, loads=LOADS, event=b"chunk ")


def strangers(everything: dict) -> list:
    """The originals that answer a caller without a token although their middleware is on: they do less than it seems."""
    guarded = [(name, server) for name, server in everything.items() if server.kind == "jobs"]
    return [name for name, server in guarded if loading.ask(server, "GET", {"Origin": loading.ORIGIN})[0].status == 200]


def missed(results: dict) -> list:
    found = []
    for load in PROMISED:
        measured = results[load]
        kinds = measured["rounds"][0]
        originals = [kind for kind in kinds if kind.endswith("off")]
        fastest = max(originals, key=lambda kind: median(measured, kind, "rps"))
        peak = min(max(one[kind]["peak_mib"] for one in measured["rounds"]) for kind in originals)
        # The promise is of tokens that are verified each time.
        for kind in (kind for kind in kinds if kind.startswith("ours") and not kind.endswith("remembered")):
            faster = median(measured, kind, "rps") / median(measured, fastest, "rps")
            if faster < FASTER:
                found.append(f"{kind}, {load}: {faster:.1f} times the requests of {fastest}, at least {FASTER}")
            share = max(one[kind]["peak_mib"] for one in measured["rounds"]) / peak
            if share > SMALLER:
                found.append(f"{kind}, {load}: {share:.2f} of the original's peak memory, at most {SMALLER}")
    return found


def write(results: dict, rounds: int, seconds: int, open_doors: list) -> None:
    lines = []
    for load, measured in results.items():
        fastest = max(median(measured, kind, "rps") for kind in measured["rounds"][0] if kind.endswith("off"))
        for kind in measured["rounds"][0]:
            peak = max(one[kind]["peak_mib"] for one in measured["rounds"])
            rate = median(measured, kind, "rps")
            lines.append([load, kind, f"{median(measured, kind, 'cpu_us'):.0f}", f"{rate:,.0f}", f"{rate / fastest:.1f}", f"{peak:.0f}"])
    head = ["load", "server", "CPU us", "requests/s", "the original's fastest, off = 1", "peak MiB"]
    body = "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *lines])
    print(body)
    version = re.search(r'"version": "([^"]+)"', (FOLDER / "node_modules/@juspay/neurolink/package.json").read_text()).group(1)
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    wrong = missed(results)
    verdict = "\n".join(f"- {text}" for text in wrong) if wrong else "None."
    doors = f"Answers callers without a token all the same: {', '.join(open_doors)}." if open_doors else ""
    made = f"""<!-- original -->
{datetime.date.today()}, {performance.machine()}; @juspay/neurolink {version} on Node {node}.
{loading.BUILT}
{rounds} rounds of {seconds} s for each server and load; each server has one core.
{doors}

{body}

Promises that this run missed:

{verdict}
<!-- /original -->"""
    page = performance.PAGE.read_text()
    performance.PAGE.write_text(re.sub(r"<!-- original -->.*<!-- /original -->", lambda _: made, page, flags=re.S))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    options = parser.parse_args()
    for tool, package in (("wrk", "wrk"), ("taskset", "util-linux"), ("node", "nodejs"), ("npm", "npm")):
        if not shutil.which(tool):
            print(f"{tool} is missing; install it with: sudo apt-get install -y {package}", file=sys.stderr)
            return 2
    if not (FOLDER / "node_modules").exists():
        subprocess.run(["npm", "ci", "--legacy-peer-deps", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=FOLDER, check=True)
    loading.build()
    everything = servers()
    try:
        for server in everything.values():
            server.__enter__()
            check(server)
        open_doors = strangers(everything)
        results = loading.rounds(everything, LOADS, options.rounds, options.seconds, latencies=False)
    finally:
        for server in everything.values():
            server.__exit__()
    write(results, options.rounds, options.seconds, open_doors)
    wrong = missed(results)
    for text in wrong:
        print(f"missed: {text}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
