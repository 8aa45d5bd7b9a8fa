"""Tables, the plot and the promises of what `load.py` has measured."""
import datetime
import pathlib
import platform
import re
import subprocess

from loading import BUILT, LOADS, ROOT, median, no_latencies, ratio

PAGE = ROOT / "docs/performance.md"
PLOT = ROOT / "docs/performance.svg"
COLOURS = {"raw": "#8a8f98", "bare": "#5b8def", "looped": "#9db8f2", "usual": "#e0a13c", "mounted": "#2f9e6e", "remembered": "#1c7a52", "native": "#8fd0b4"}
NAMES = {
    "raw": "hyper alone", "bare": "bare framework", "looped": "bare, our loop", "usual": "usual crates",
    "mounted": "ours, mounted", "remembered": "ours, tokens remembered", "native": "ours, native",
}
SMALL = ("GET", "POST 1 KB", "SSE 50")

# (framework, load): most CPU per request of `mounted` in units of `usual`.
AGAINST_USUAL = {
    (framework, load): most
    for framework, bounds in {
        "axum": (1.00, 1.00, 1.00), "poem": (1.00, 1.00, 1.00), "warp": (1.05, 1.05, 1.05), "actix": (1.15, 1.05, 1.05),
    }.items()
    for load, most in zip(SMALL, bounds)
}
NATIVE_OVER_MOUNTED = 1.3
# How much of a rate of streams may be missing: two runs of one server differ so much.
STREAM_TOLERANCE = 0.03


def missed(results: dict) -> list:
    """The promises that do not hold, in words."""
    found = []
    for framework, loads in results.items():
        for load, measured in loads.items():
            kinds = measured["rounds"][0]
            most = AGAINST_USUAL.get((framework, load))
            if most and {"usual", "mounted"} <= kinds.keys():
                value, _, _ = ratio(measured, "mounted", "usual", "cpu_us")
                if value > most:
                    found.append(f"{framework}, {load}: CPU per request is {value:.2f} of the usual stack's, at most {most:.2f}")
            if {"native", "mounted"} <= kinds.keys():
                value, _, _ = ratio(measured, "native", "mounted", "cpu_us")
                if value > NATIVE_OVER_MOUNTED:
                    found.append(f"{framework}, {load}: native costs {value:.2f} of mounted, at most {NATIVE_OVER_MOUNTED}")
            # actix-web has no loop but its own: there the app's streams are compared.
            ours = "looped" if "looped" in kinds or framework != "actix" else "mounted"
            if load == "SSE 50" and {"bare", ours} <= kinds.keys():
                value, _, _ = ratio(measured, ours, "bare", "rps")
                least = 15.0 if framework == "warp" else 1.0
                if value < least * (1 - STREAM_TOLERANCE):
                    found.append(f"{framework}: streams through our loop are {value:.2f} of the framework's own rate, at least {least} within {STREAM_TOLERANCE:.0%}")
    return found


def rows(framework: str, loads: dict) -> list:
    lines = []
    for load, measured in loads.items():
        for kind in measured["rounds"][0]:
            cells = [framework, load, NAMES[kind], f"{median(measured, kind, 'cpu_us'):.1f}", f"{median(measured, kind, 'rps'):,.0f}"]
            for base in ("usual", "looped" if "looped" in measured["rounds"][0] else "bare"):
                if kind in ("mounted", "remembered", "native") and base in measured["rounds"][0]:
                    cells.append("{:.2f} ({:.2f}-{:.2f})".format(*ratio(measured, kind, base, "cpu_us")))
                else:
                    cells.append("")
            latency = measured["latencies"].get(kind) or {}
            cells.append(" / ".join(f"{latency[name]:.2f}" for name in ("p50", "p99") if name in latency))
            cells.append(f"{max(one[kind]['peak_mib'] for one in measured['rounds']):.1f}")
            lines.append(cells)
    return lines


HEAD = ["framework", "load", "server", "CPU us", "requests/s", "CPU: usual = 1", "CPU: bare on its loop = 1", "p50 / p99 ms", "peak MiB"]


def filled(lines: list) -> list:
    """The lines with their head, without columns that have nothing in them: latencies need oha."""
    kept = [column for column in range(len(HEAD)) if any(line[column] for line in lines)]
    return [[line[column] for column in kept] for line in [HEAD, *lines]]


def table(framework: str, loads: dict) -> None:
    lines = filled(rows(framework, loads))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.ljust(width) if number < 3 else cell.rjust(width) for number, (cell, width) in enumerate(zip(line, widths))))
    print(flush=True)


def plot(results: dict) -> str:
    """CPU per request, a group of bars for each load and framework."""
    left, bar, gap, width = 190, 14, 16, 900
    parts, y = [], 64
    for load in LOADS:
        groups = [(name, loads[load]) for name, loads in results.items() if load in loads]
        if not groups:
            continue
        most = max(median(measured, kind, "cpu_us") for _, measured in groups for kind in measured["rounds"][0])
        parts.append(f'<text x="16" y="{y + 12}" class="load">{load}, µs of CPU a request</text>')
        y += 26
        for name, measured in groups:
            parts.append(f'<text x="{left - 10}" y="{y + 11}" text-anchor="end">{name}</text>')
            for kind in measured["rounds"][0]:
                value = median(measured, kind, "cpu_us")
                length = value / most * (width - left - 90)
                parts.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{bar - 2}" fill="{COLOURS[kind]}"><title>{name}, {NAMES[kind]}: {value:.1f} µs</title></rect>')
                parts.append(f'<text x="{left + length + 6:.1f}" y="{y + 10}" class="value">{value:.1f}</text>')
                y += bar
            y += gap // 2
        y += gap
    legend, x = [], 16
    for kind, colour in COLOURS.items():
        legend.append(f'<rect x="{x}" y="20" width="12" height="12" fill="{colour}"/><text x="{x + 18}" y="30">{NAMES[kind]}</text>')
        x += 30 + 7.2 * len(NAMES[kind])
    style = "text{font:12px system-ui,sans-serif;fill:#333}.load{font-weight:600;font-size:13px}.value{fill:#666;font-size:10px}"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" role="img" aria-label="CPU per request">'
            f'<style>{style}</style><rect width="100%" height="100%" fill="#fff"/>{"".join(legend)}{"".join(parts)}</svg>\n')


def versions() -> str:
    lock = (ROOT / "Cargo.lock").read_text()
    found = []
    for name in ("axum", "actix-web", "warp", "poem", "hyper", "tower-http", "tower_governor", "actix-cors", "governor", "jsonwebtoken"):
        match = re.search(rf'name = "{name}"\nversion = "([^"]+)"', lock)
        found.append(f"{name} {match.group(1)}")
    return ", ".join(found)


def machine() -> str:
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", text)
    cores = text.count("processor\t")
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    return f"{model.group(1) if model else platform.machine()}, {cores} cores, Linux {platform.release().split('-')[0]}, rustc {rustc}"


def write(results: dict, count: int, seconds: int, minutes: float) -> None:
    head, *lines = filled([row for framework, loads in results.items() for row in rows(framework, loads)])
    body = "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *lines])
    wrong = missed(results)
    verdict = "\n".join(f"- {text}" for text in wrong) if wrong else "None."
    PLOT.write_text(plot(results))
    page = PAGE.read_text() if PAGE.exists() else "# Performance\n\n<!-- load -->\n<!-- /load -->\n"
    made = f"""<!-- load -->
{datetime.date.today()}, {machine()}.
{versions()}.
{BUILT}
{count} rounds of {seconds} s for each server and load; the whole run took {minutes:.0f} minutes.
{no_latencies()}

![CPU per request](performance.svg)

{body}

Promises that this run missed:

{verdict}
<!-- /load -->"""
    page = re.sub(r"<!-- load -->.*<!-- /load -->", lambda _: made, page, flags=re.S)
    PAGE.write_text(page)
    print(f"wrote {PAGE.relative_to(ROOT)} and {PLOT.relative_to(ROOT)}")
