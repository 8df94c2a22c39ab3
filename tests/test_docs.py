"""The documentation is executable: its example of a claim file runs as printed and arrives in the report."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_example_claim_runs_and_is_in_the_report(tmp_path: Path) -> None:
    block = re.search(r"```python\n(.*?)```", (ROOT / "docs/add-a-claim.md").read_text(encoding="utf-8"), re.S).group(1)
    (tmp_path / "test_example.py").write_text(block, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--rootdir",
        str(ROOT),
        "-c",
        str(ROOT / "pyproject.toml"),
        str(tmp_path / "test_example.py"),
    ]
    command += ["-p", "claims.plugin", "-p", "reports.plugin", "--profile", "quick", "--report", str(tmp_path / "report")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (claim,) = json.loads((tmp_path / "report/verdicts.json").read_text(encoding="utf-8"))["claims"]
    assert (claim["id"], claim["outcome"]) == ("example-completing-the-square", "reproduced")
    assert [control["was"] for control in claim["controls"]] == ["rejected", "rejected"]
    assert claim["id"] in (tmp_path / "report/index.html").read_text(encoding="utf-8")


def test_links_between_documents_lead_somewhere() -> None:
    for document in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"
