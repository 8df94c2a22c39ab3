"""The documentation is executable: its example of a claim file runs as printed and arrives in the report, and its other lines are code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims import Finding, Kind, Post, claim, counterexample, not_checkable
from claims.vocabulary import DECLARATION, Claim
from oracles.evidence import recording
from oracles.figure import Figure

ROOT = Path(__file__).parent.parent
ADD_A_CLAIM = (ROOT / "docs/add-a-claim.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The claim file as printed, audited: what was said, its claim in the verdicts, and both pages."""
    folder = tmp_path_factory.mktemp("example")
    block = re.search(r"```python\n(.*?)```", ADD_A_CLAIM, re.DOTALL).group(1)
    (folder / "test_example.py").write_text(block, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml"), str(folder / "test_example.py")]
    command += [
        "-p",
        "claims.plugin",
        "-p",
        "reports.plugin",
        "-p",
        "no:cacheprovider",
        "--profile",
        "quick",
        "--report",
        str(folder / "report"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (told,) = json.loads((folder / "report/verdicts.json").read_text(encoding="utf-8"))["claims"]
    pages = {name: (folder / "report" / name).read_text(encoding="utf-8") for name in ("index.html", "index.zh.html")}
    return SimpleNamespace(output=done.stdout, claim=told, pages=pages)


def test_the_example_claim_runs_and_is_in_the_report(example: SimpleNamespace) -> None:
    assert (example.claim["id"], example.claim["outcome"]) == ("example-completing-the-square", "reproduced")
    assert [control["was"] for control in example.claim["controls"]] == ["rejected", "rejected"]
    for page in example.pages.values():
        assert f'<article id="{example.claim["id"]}">' in page


def test_the_example_is_all_in_both_languages(example: SimpleNamespace) -> None:
    assert "Chinese" not in example.output
    assert "Rational vectors of up to four entries." in example.pages["index.html"]
    assert "至多四个分量的有理向量。" in example.pages["index.zh.html"]
    assert "Rational vectors" not in example.pages["index.zh.html"]


def snippet(beginning: str) -> str:
    """The indented block of the document that begins like this, up to the next line of prose."""
    found = re.search(rf"^    {re.escape(beginning)}.*\n(?:(?:    .*)?\n)*", ADD_A_CLAIM, re.MULTILINE)
    return textwrap.dedent(found[0])


POST = Post(
    1,
    date="2024-01-01",
    topic="sampling",
    title="A post",
    sections={"Results": "结果"},
    stands="All.",
    zh={"title": "文", "stands": "全部。"},
)


def test_what_is_shown_of_an_uncheckable_statement_is_a_whole_declaration() -> None:
    known: dict[str, Any] = {"POST": POST, "not_checkable": not_checkable}
    exec(snippet("test_quality_of_trained_models = "), known)
    declared: Claim = getattr(known["test_quality_of_trained_models"], DECLARATION)
    assert declared.problems() == [] and declared.untranslated() == []


def test_what_is_shown_of_curves_draws_one() -> None:
    with recording() as record:
        exec(snippet("VARIANCE = "), {"Figure": Figure, "n": 4, "variance": 0.5})
    assert [(figure.title, figure.log, series) for figure, series in record.figures.items()] == [
        ("Variance after n steps", "x", {"eta = 1": {4: (0.5, 0.5)}})
    ]


def test_what_is_shown_of_a_counterexample_and_of_names_can_be_declared() -> None:
    pinned = eval(re.search(r"`@(counterexample\(\".*\))`", ADD_A_CLAIM)[1], {"counterexample": counterexample})
    chinese = eval(snippet("zh=dict(..., names").strip().removeprefix("zh=").replace("...", "says='文', found='文'"), {"dict": dict})

    @claim(POST, "an-example", section="Results", kind=Kind.IDENTITY, finding=Finding.HOLDS, says="x", found="x", zh=chinese)
    @pinned
    @given(codes=st.just([1, 1]))
    def test(subject: Any, codes: list[int]) -> None:
        pass

    declared: Claim = getattr(test, DECLARATION)
    assert declared.untranslated() == []
    assert declared.told()["names"] == {"gap for n = #": "n = # 时的差"}
    assert [one["case"] for one in declared.told()["counterexamples"]] == ["codes=[1, 1]"]


def test_links_between_documents_lead_somewhere() -> None:
    for document in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"
