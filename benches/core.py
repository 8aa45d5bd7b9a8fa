#!/usr/bin/env python3
"""Counts the instructions and allocations of one request in the core alone, and holds them to the committed baseline.

    benches/core.py              compares with benches/core/baseline.json, and with what is promised;
                                 ends with 1 when something costs more
    benches/core.py --baseline   compares with the baseline only, as ./check does
    benches/core.py --update     writes the baseline
    benches/core.py --profile SCENARIO   where the instructions go

Each scenario runs under valgrind with two counts; the difference, divided, is one request's: it does not depend on
the machine's speed or load. Instructions may vary by 5 %, for hash maps have random seeds and libraries choose by processor; allocations by nothing.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BASELINE = ROOT / "benches/core/baseline.json"
TOLERANCE = 0.05
FEW, MANY = 50, 250

# What must hold, over what building the request costs.
BOUNDS = [
    # sentence, scenario, compared with, allocations, instructions
    ("GET without middleware", "get", "build-get", 6, 3000),
    ("headers, CORS and limit together", "get-headers-cors-limit", "get", None, 9000),
]
# What verifying a token may cost more than the same GET without authentication. The header is the client's to write:
# what building the longer request costs is left out on both sides.
TOKENS = [
    # sentence, scenario, what the library alone needs
    ("JWT of HS256 against jsonwebtoken::decode", "get-jwt", "decode-hs256"),
    ("JWT of ES256 against jsonwebtoken::decode", "get-jwt-es256", "decode-es256"),
    ("JWT of EdDSA against jsonwebtoken::decode", "get-jwt-eddsa", "decode-eddsa"),
]
TOKEN_FACTOR, TOKEN_MORE, TOKEN_HIT = 1.1, 8000, 6000


def binary() -> pathlib.Path:
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "--package", "neurolink-core-cost"], cwd=ROOT, check=True)
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release/core-cost"


def valgrind(tool: list, command: list, pattern: str) -> int:
    run = subprocess.run(["valgrind", *tool, *map(str, command)], capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{run.stderr[-2000:]}")
    return int(re.search(pattern, run.stderr).group(1).replace(",", ""))


def cost(program: pathlib.Path, scenario: str) -> dict:
    tools = {
        "instructions": (["--tool=callgrind", "--callgrind-out-file=/dev/null"], r"Collected : (\d+)"),
        "allocations": (["--tool=dhat", "--dhat-out-file=/dev/null"], r"Total:\s+[\d,]+ bytes in ([\d,]+) blocks"),
    }
    result = {}
    for name, (tool, pattern) in tools.items():
        few, many = (valgrind(tool, [program, scenario, count], pattern) for count in (FEW, MANY))
        result[name] = round((many - few) / (MANY - FEW), 1 if name == "allocations" else None)
    return result


def profile(program: pathlib.Path, scenario: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "callgrind.out"
        valgrind(["--tool=callgrind", f"--callgrind-out-file={out}"], [program, scenario, 2000], r"Collected : (\d+)")
        print(subprocess.run(["callgrind_annotate", "--show-percs=yes", out], capture_output=True, text=True, check=True).stdout)
    return 0


def tokens(costs: dict) -> list:
    """What tokens cost, and what is missed."""
    def count(name: str, base: str) -> int:
        return costs[name]["instructions"] - costs[base]["instructions"]

    plain = count("get", "build-get")
    rows = []
    for sentence, name, library in TOKENS:
        alone = count(library, "build-get")
        rows.append((f"{sentence} ({alone})", count(name, "build-get-bearing") - plain, round(alone * TOKEN_FACTOR) + TOKEN_MORE))
    rows.append(("JWT that is remembered", count("get-jwt-remembered", "build-get-bearing") - plain, TOKEN_HIT))
    wrong = []
    for sentence, own, most in rows:
        print(f"{sentence}: {own} instructions more than without authentication (bound {most})")
        if own > most:
            wrong.append(f"{sentence}: {own} instructions, at most {most}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--baseline", action="store_true")
    parser.add_argument("--profile", metavar="SCENARIO")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        print("valgrind is missing; install it with: sudo apt-get install -y valgrind", file=sys.stderr)
        return 2
    program = binary()
    if options.profile:
        return profile(program, options.profile)
    names = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        costs = dict(zip(names, pool.map(lambda name: cost(program, name), names)))
    baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    wrong = []
    print(f"{'scenario':26}{'instructions':>14}{'before':>10}{'allocations':>14}{'before':>10}")
    for name, now in costs.items():
        before = baseline.get(name)
        shown = before or {"instructions": "-", "allocations": "-"}
        print(f"{name:26}{now['instructions']:14}{shown['instructions']:>10}{now['allocations']:14}{shown['allocations']:>10}")
        if options.update:
            continue
        if before is None:
            wrong.append(f"{name} is not in the baseline")
            continue
        if now["allocations"] > before["allocations"] + 0.1:
            wrong.append(f"{name}: {now['allocations']} allocations, {before['allocations']} before")
        if now["instructions"] > before["instructions"] * (1 + TOLERANCE):
            wrong.append(f"{name}: {now['instructions']} instructions, {before['instructions']} before")
    if not options.update:
        wrong += [f"{name} is in the baseline, and there is no such scenario" for name in baseline if name not in costs]
    for sentence, name, base, allocations, instructions in [] if options.baseline else BOUNDS:
        over = {key: costs[name][key] - costs[base][key] for key in ("allocations", "instructions")}
        print(f"{sentence}: {over['instructions']} instructions (bound {instructions}), {over['allocations']:.1f} allocations (bound {allocations or 'none'})")
        if over["instructions"] > instructions:
            wrong.append(f"{sentence}: {over['instructions']} instructions, at most {instructions}")
        if allocations is not None and over["allocations"] > allocations:
            wrong.append(f"{sentence}: {over['allocations']} allocations, at most {allocations}")
    if not options.baseline:
        wrong += tokens(costs)
    if options.update:
        BASELINE.write_text(json.dumps(costs, indent=1) + "\n")
        print(f"wrote {BASELINE.relative_to(ROOT)}")
    for text in wrong:
        print(f"error: {text}", file=sys.stderr)
    if wrong:
        print("look at it with benches/core.py --profile SCENARIO; write a new baseline with --update when it must be so", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
