#!/usr/bin/env python3
"""Loads every server in one run and prints what a request costs each: the bare frameworks, their usual crates, ours.

    benches/load.py             seven rounds of everything, about half an hour; writes docs/performance.md and its plot
    benches/load.py --quick     three short rounds of the small loads without latencies, at most five minutes; writes nothing
    benches/load.py --framework axum --kind usual --kind mounted --load GET

The server has one thread on core 0, the load generator (wrk; oha for latencies, without which it says that there are none) is on core 1.
The rounds alternate: every server of a framework is loaded once a round, in an order that turns, and ratios are taken
round by round. CPU per request is the server's user and system time, divided by the requests it answered.
Ends with 1 when a figure that is promised is missed.
"""
import argparse
import json
import os
import pathlib
import shutil
import sys
import time

import loading
import performance

FRAMEWORKS = ["axum", "actix", "warp", "poem"]
# Of these --quick takes a look.
QUICK = ["GET", "POST 1 KB", "SSE 50"]
KINDS = ["bare", "looped", "usual", "mounted", "remembered", "native"]


def subjects(options) -> dict:
    """The servers of each framework, by kind."""
    kinds = options.kind or KINDS
    result = {}
    for framework in options.framework or FRAMEWORKS:
        # actix-web has no loop but its own.
        result[framework] = [kind for kind in kinds if (kind, framework) != ("looped", "actix")]
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three rounds of one second")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--framework", action="append", choices=FRAMEWORKS)
    parser.add_argument("--kind", action="append", choices=KINDS)
    parser.add_argument("--load", action="append", choices=list(loading.LOADS))
    parser.add_argument("--json", type=pathlib.Path, help="also write all measurements to this file")
    options = parser.parse_args()
    rounds = options.rounds or (3 if options.quick else 7)
    seconds = options.seconds or (1 if options.quick else 2)
    for tool, package in (("wrk", "wrk"), ("taskset", "util-linux")):
        if not shutil.which(tool):
            print(f"{tool} is missing; install it with: sudo apt-get install -y {package}", file=sys.stderr)
            return 2
    if os.cpu_count() < 2:
        print("two cores are needed: one for the server, one for the load", file=sys.stderr)
        return 2
    loading.build()
    if loading.no_latencies() and not options.quick:
        print(loading.no_latencies(), file=sys.stderr)
    loads = options.load or (QUICK if options.quick else list(loading.LOADS))
    started = time.monotonic()
    results = {}
    if not options.kind and not options.framework:
        with loading.Server("raw", "hyper") as raw:
            results["hyper"] = loading.rounds({"raw": raw}, loads, rounds, seconds, not options.quick)
    for framework, kinds in subjects(options).items():
        servers = {kind: loading.Server(kind, framework) for kind in kinds}
        try:
            for kind, server in servers.items():
                server.__enter__()
                loading.check(server, jobs=kind in ("usual", "mounted", "remembered", "native"))
            results[framework] = loading.rounds(servers, loads, rounds, seconds, not options.quick)
        finally:
            for server in servers.values():
                server.__exit__()
        performance.table(framework, results[framework])
    minutes = (time.monotonic() - started) / 60
    whole = not (options.quick or options.framework or options.kind or options.load)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    if whole:
        performance.write(results, rounds, seconds, minutes)
    missed = performance.missed(results)
    for text in missed:
        print(f"missed: {text}", file=sys.stderr)
    print(f"{minutes:.0f} minutes")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
