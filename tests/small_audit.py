"""Small audits for the tests of the harness: claim files in a folder of their own, audited in a process of their own.

The claims need no torch, except where a test is about executors, so that one audit takes about a second.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports import evidence
from reports.verdicts import verdicts

ROOT = Path(__file__).parent.parent

HEADER = """
import os, time
from types import SimpleNamespace
from hypothesis import given, strategies as st
from claims import *
from oracles.evidence import *
from impls.sampling import segment

POST = Post(
    1,
    date="2024-01-01",
    topic="sampling",
    title="A post",
    sections={"1": "一"},
    stands="All of it.",
    zh=dict(title="一篇文章", stands="全部成立。"),
)
right = SimpleNamespace(square=lambda n: n * n)
off_by_one = SimpleNamespace(square=lambda n: n * n + 1)
negated = SimpleNamespace(square=lambda n: -n * n)
"""

FIELDS = {
    "section": '"1"',
    "kind": "Kind.IDENTITY",
    "finding": "Finding.HOLDS",
    "says": '"$n^2$"',
    "scope": '"integers"',
    "found": '"holds"',
    "limits": '"up to 9"',
    "if_fails": '"the sign"',
    "zh": 'dict(says="$n^2$", scope="整数", found="成立", limits="不超过 9", if_fails="符号", corrected="更正")',
}

CHECK = "equal(subject.square(n), n * n, f'square of {n}')"


def claim(
    id: str = "squares",
    *,
    check: str = CHECK,
    subjects: str = "right, off_by_one=off_by_one, negated=negated",
    pinned: str = "",
    given: str = "n=st.integers(1, 9)",
    takes: str = "subject, n",
    **fields: str,
) -> str:
    """Source of one claim; fields are source too, and a field set to "" is left out."""
    declared = ", ".join(f"{name}={text}" for name, text in (FIELDS | fields).items() if text)
    decorators = [
        f"@claim(POST, {id!r}, {declared})",
        f"@subjects({subjects})" if subjects else "",
        pinned,
        f"@given({given})" if given else "",
    ]
    body = "\n    ".join(check.splitlines())
    return "\n".join(filter(None, decorators)) + f"\ndef test_{id.replace('-', '_')}({takes}):\n    {body}\n"


@dataclass
class Audit:
    """What an audit left behind: exit status, terminal output, and its report folder."""

    status: int
    output: str
    folder: Path

    @property
    def records(self) -> list[dict[str, Any]]:
        return evidence.read(self.folder / "evidence.jsonl")

    @property
    def document(self) -> dict[str, Any]:
        return verdicts(self.records)

    def claim(self, id: str = "squares") -> dict[str, Any]:
        return next(claim for claim in self.document["claims"] if claim["id"] == id)

    def outcomes(self) -> dict[str, str]:
        return {claim["id"]: claim["outcome"] for claim in self.document["claims"]}

    def lines(self, *words: str) -> list[str]:
        """The lines of the output that contain all the words."""
        return [line for line in self.output.splitlines() if all(word in line for word in words)]


def hears_ctrl_c() -> None:
    """In a new process: one that was started in the background would be deaf to it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Project:
    """A folder with claim files, and the command that audits it."""

    def __init__(self, folder: Path):
        self.folder = folder

    def write(self, **files: str) -> None:
        """test_*.py files get the header of a claim file; any other module is written as it is."""
        for name, source in files.items():
            (self.folder / f"{name}.py").write_text((HEADER if name.startswith("test_") else "") + source, encoding="utf-8")

    def command(self, *options: str, paths: tuple[str, ...] = (".",)) -> list[str]:
        configured = ("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(self.folder), "-p", "claims.plugin", "-p", "reports.plugin")
        return [sys.executable, "-m", "pytest", *configured, "-p", "no:cacheprovider", "--profile", "quick", *options, *paths]

    def environment(self, **changed: str) -> dict[str, str]:
        """Ours, without what would tell the audit that it runs inside another pytest or on a continuous-integration machine."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "HYPOTHESIS")) and k not in ("CI", "GITHUB_ACTIONS")}
        return {**kept, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "", "COLUMNS": "400", **changed}

    def start(self, *options: str, paths: tuple[str, ...] = (".",), **changed: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*options, paths=paths),
            cwd=self.folder,
            env=self.environment(**changed),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # a signal to its group reaches the workers too, as Ctrl-C does, and not us
            preexec_fn=hears_ctrl_c,
        )

    def finish(self, process: subprocess.Popen[str], report: str = "audit-report") -> Audit:
        output, _ = process.communicate(timeout=60)
        return Audit(process.returncode, output, self.folder / report)

    def audit(self, *options: str, paths: tuple[str, ...] = (".",), report: str = "audit-report", **changed: str) -> Audit:
        """Run the audit to its end; `changed` are environment variables."""
        return self.finish(self.start("--report", report, *options, paths=paths, **changed), report)
