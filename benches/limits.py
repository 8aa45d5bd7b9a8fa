#!/usr/bin/env python3
"""What a limit in memory costs: the time of a check, and the memory that a million addresses take.

    benches/limits.py

A check has to take less than 150 ns with one address and 350 ns among a million, two threads have to do at least 1.6
times the checks of one, and a million addresses may grow the process by 64 MB with room for all of them and by 12 MB
with the default of 100,000; an address that is over its limit is still refused after them. The sliding log, which keeps
the time of each request, has only the bounds of the default. It wants a quiet machine with two cores.
A megabyte is 1,000,000 bytes.
Ends with 1 when a figure is missed.
"""
import argparse
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Figure, its unit, and what it has to be.
WANTED = {
    "one_key_ns": ("ns", "<", 150),
    "million_keys_ns": ("ns", "<", 350),
    "two_threads_ratio": ("times", ">=", 1.6),
    "default_mb": ("MB", "<", 12),
    "default_refused": ("refused", ">=", 1),
    "million_mb": ("MB", "<", 64),
    "million_refused": ("refused", ">=", 1),
}
# Four algorithms with a flood of either size, three of them with times.
FIGURES = 4 * 4 + 3 * 3
# 16 bytes a time and 80 a key are more than any other algorithm has.
ONLY_TOLD = {("sliding_log", "million_mb")}


def main() -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    run = subprocess.run(
        ["cargo", "test", "--release", "--workspace", "--all-features", "--locked", "--lib", "counters::figures", "--",
         "--nocapture"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )
    if run.returncode:
        raise SystemExit(f"{run.stdout[-2000:]}the figures were not measured")
    missed = 0
    figures = [line.split()[-3:] for line in run.stdout.splitlines() if "figure " in line]
    for name, what, value in figures:
        unit, relation, bound = WANTED[what]
        met = float(value) < bound if relation == "<" else float(value) >= bound
        verdict = "ok" if met else "told" if (name, what) in ONLY_TOLD else "MISSED"
        missed += verdict == "MISSED"
        print(f"{name:16}{what:20}{float(value):10.2f} {unit:8}{relation} {bound}  {verdict}")
    if len(figures) != FIGURES:
        print(f"{len(figures)} of {FIGURES} figures came", file=sys.stderr)
        return 1
    return 1 if missed else 0


sys.exit(main())
