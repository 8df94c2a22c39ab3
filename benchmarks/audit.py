"""What the audit costs, and where the time goes: `python -m benchmarks.audit [--profile NAME] [pytest arguments]`.

First run: the audit as a user starts it, on all cores, timed from outside. Second run: the same items in this process,
while a thread looks every few milliseconds at what is executing. A benchmark, not a test: nothing here can fail a run.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from reports import evidence

ROOT = Path(__file__).parent.parent
SAMPLE_SECONDS = 0.004
MOST_EXPENSIVE = 10


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.audit", description="What the audit costs, and where the time goes.")
    parser.add_argument("--profile", default="audit", help="profile of the timed run (default audit); the sampled run is quick")
    options, selection = parser.parse_known_args()
    selection = selection or ["claims"]
    with tempfile.TemporaryDirectory() as scratch:
        whole_run(options.profile, selection, Path(scratch))
        results = read_results(Path(scratch) / "evidence.jsonl")
        per_claim(results)
        controls(results)
        time_shares(selection, Path(scratch) / "sampled")


def whole_run(profile: str, selection: list[str], folder: Path) -> None:
    started = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "pytest", *selection, "-n", "auto", "-q", "--profile", profile, "--report", str(folder)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"audit, profile {profile}, {os.cpu_count()} cores: {time.perf_counter() - started:.1f} s wall, {cpu:.1f} s CPU, exit status {done.returncode}"
    )


def read_results(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Results by claim, each with its role."""
    records = evidence.read(path)
    expected = next(record for record in records if record["record"] == "expected")
    items = {item["nodeid"]: item for item in expected["items"]}
    by_claim = defaultdict(list)
    for record in records:
        if record["record"] == "result":
            item = items[record["nodeid"]]
            by_claim[item["claim"]].append({**item, **record})
    return by_claim


def seconds(result: dict[str, Any]) -> float:
    return result["evidence"].get("seconds", 0.0)


def per_claim(results: dict[str, list[dict[str, Any]]]) -> None:
    cost = {claim: sum(map(seconds, found)) for claim, found in results.items()}
    dearest = sorted(cost, key=cost.get, reverse=True)[:MOST_EXPENSIVE]
    print(
        f"\n{len(cost)} claims take {sum(cost.values()):.1f} s, {statistics.median(cost.values()):.2f} s each (median); the most expensive:"
    )
    print(f"{'claim':<55}{'all s':>8}{'held s':>8}{'examples/s':>12}{'checks/s':>12}")
    for claim in dearest:
        held = [r for r in results[claim] if r["holds"]]
        spent = sum(map(seconds, held)) or float("nan")
        examples = sum(r["evidence"].get("examples", {}).get("passed", 0) for r in held)
        checks = sum(r["evidence"].get("comparisons", 0) for r in held)
        print(f"{claim:<55}{cost[claim]:>8.2f}{spent:>8.2f}{examples / spent:>12.0f}{checks / spent:>12.0f}")
    print(f"these {len(dearest)} take {sum(cost[c] for c in dearest):.1f} s")


def controls(results: dict[str, list[dict[str, Any]]]) -> None:
    taken = {
        f"{claim} {r['name']}": seconds(r) for claim, found in results.items() for r in found if r["role"] == "control" and not r["holds"]
    }
    if not taken:
        return
    print(f"\n{len(taken)} controls rejected in {statistics.median(taken.values()):.3f} s each (median); the slowest:")
    for name in sorted(taken, key=taken.get, reverse=True)[:MOST_EXPENSIVE]:
        print(f"  {taken[name]:6.2f} s  {name}")


def time_shares(selection: list[str], folder: Path) -> None:
    seen: Counter[str] = Counter()
    stop = threading.Event()
    main_thread = threading.get_ident()

    def look() -> None:
        while not stop.wait(SAMPLE_SECONDS):
            seen[whose(sys._current_frames().get(main_thread))] += 1

    sampler = threading.Thread(target=look, daemon=True)
    os.chdir(ROOT)
    sampler.start()
    with open(os.devnull, "w") as silent:
        stdout, sys.stdout = sys.stdout, silent
        try:
            pytest.main([*selection, "-q", "--profile", "quick", "--report", str(folder), "-p", "no:xdist"])
        finally:
            sys.stdout = stdout
            stop.set()
            sampler.join()
    total = sum(seen.values()) or 1
    print("\nwhere the time goes (one process, quick profile):")
    for who, n in seen.most_common():
        print(f"  {n / total:6.1%}  {who}")


def whose(frame: Any) -> str:
    """Who is at work: the innermost frame that belongs to a subject, an oracle, a strategy, Hypothesis or pytest."""
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(ROOT):
            part = path.relative_to(ROOT).parts[0]
            if part == "impls" or (part == "claims" and path.name.startswith("test_")):
                return "subject"  # wrong variants live in the claim files
            if part in ("oracles", "strategies"):
                return {"oracles": "oracle", "strategies": "Hypothesis"}[part]
        elif "hypothesis" in path.parts:
            return "Hypothesis"
        elif {"pytest", "_pytest", "pluggy"} & set(path.parts):
            return "pytest"
        frame = frame.f_back
    return "start and imports"


if __name__ == "__main__":
    main()
