"""Do the outcomes depend on the cases drawn? `python -m benchmarks.seeds [--quick 20] [--audit 3] [pytest arguments]`.

The audit draws the same cases in every run of the same tree. Here it draws others: each run gets a fresh seed, and every
claim whose outcome is not the one of its finding is printed with the command that draws these cases again. Exit status 1
if there is any.
"""

from __future__ import annotations

import argparse
import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from claims.plugin import SEED

ROOT = Path(__file__).parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seeds", description="Do the outcomes depend on the cases drawn?")
    parser.add_argument("--quick", type=int, default=20, metavar="N", help="runs of the quick profile (default 20)")
    parser.add_argument("--audit", type=int, default=3, metavar="N", help="runs of the default profile (default 3)")
    options, selection = parser.parse_known_args()
    planned = ["quick"] * options.quick + ["audit"] * options.audit
    trials = other = 0
    for number, profile in enumerate(planned, start=1):
        seed = secrets.randbits(32)
        started = time.perf_counter()
        document = audited(profile, seed, selection or ["claims"])
        found = list(unexpected(document))
        checkable = [claim for claim in document["claims"] if claim["finding"] != "not checkable"]
        trials += sum(len(claim["trials"]) for claim in checkable)
        other += len(found)
        seconds = time.perf_counter() - started
        print(
            f"{number:>3}/{len(planned)}  {profile:<6} seed {seed:>10}  {seconds:5.0f} s  {len(checkable)} claims, {len(found)} with another outcome",
            flush=True,
        )
        for why in found:
            print(f"     {why}\n     pytest claims --profile {profile} {SEED}={seed}", flush=True)
    print(f"{len(planned)} runs, {trials} trials of properties and controls, {other} outcomes other than predicted")
    return 1 if other else 0


def audited(profile: str, seed: int, selection: list[str]) -> dict[str, Any]:
    """The verdicts of one run of the audit with the cases of `seed`."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "pytest",
            *selection,
            "-n",
            "auto",
            "-q",
            "--profile",
            profile,
            f"{SEED}={seed}",
            "--report",
            folder,
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        try:
            return json.loads((Path(folder) / "verdicts.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            sys.exit(f"the audit wrote no verdicts:\n{done.stdout}{done.stderr}")


def unexpected(document: dict[str, Any]) -> Iterator[str]:
    for run in document["runs"]:
        if run["status"] != "complete":
            yield run["status"]
    for claim in document["claims"]:
        if claim["outcome"] != "reproduced" and claim["finding"] != "not checkable":
            yield f"{claim['id']}: {claim['outcome']}, {claim['reason']}"


if __name__ == "__main__":
    sys.exit(main())
