"""`python -m reports diff`: every difference is named once, and only what got worse makes the exit status 1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from reports.diff import changes
from reports.verdicts import merge, verdicts
from tests.test_verdicts import measured, records, told

CONTROLS = ("reference", "control:wrong", "control:other")


def lines(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[tuple[str, bool]]:
    return [(change.what, change.worse) for change in changes(verdicts(old), verdicts(new))]


def share(value: float | str) -> dict[str, Any]:
    return {"evidence": measured({"float32": value})}


def test_a_run_does_not_differ_from_itself() -> None:
    assert lines(records(), records()) == []


@pytest.mark.parametrize(
    "changed, what, worse",
    [
        (dict(reference={"answer": "refuted", "message": "m"}), "outcome: reproduced before, changed now (the reference refuted: m)", True),
        (dict(reference={"answer": "broken", "message": "boom"}), "outcome: reproduced before, broken now (the reference: boom)", True),
        (
            dict(reference={"answer": "skipped", "message": "no flint", "evidence": {}}),
            "outcome: reproduced before, not run now (no flint)",
            True,
        ),
    ],
)
def test_an_outcome_that_got_worse_is_told_with_its_reason(changed: dict[str, Any], what: str, worse: bool) -> None:
    assert (what, worse) in lines(records(), records(**changed))
    assert all(not later for said, later in lines(records(**changed), records()) if said.startswith("outcome"))


def test_controls_that_are_lost_or_survive_are_worse() -> None:
    old = records(told(trials=CONTROLS))
    assert lines(old, records(told(trials=CONTROLS[:2]))) == [("control other is gone", True)]
    assert ("control wrong: rejected before, survived now", True) in lines(old, records(told(trials=CONTROLS), wrong={"answer": "holds"}))
    assert not any("control" in what for what, _ in lines(old, records(told(trials=CONTROLS), select=("reference",))))


@pytest.mark.parametrize(
    "before, after, told", [(0.2, 0.31, True), (0.2, 0.29, False), (0.2, 0.1, False), (0.2, "inf", True), ("inf", "inf", False)]
)
def test_a_share_of_the_budget_that_grew_by_half_is_worse(before: float, after: float | str, told: bool) -> None:
    found = [worse for what, worse in lines(records(reference=share(before)), records(reference=share(after))) if "budget" in what]
    assert found == [True] * told


def test_evidence_that_is_missing_or_stale_is_worse() -> None:
    both, one = ({"evidence": measured(dict.fromkeys(rows, 0.1))} for rows in (("float32", "float64"), ("float32",)))
    assert lines(records(reference=both), records(reference=one)) == [("cpu float64: no evidence any more (gone)", True)]
    assert lines(records(reference=one), records(reference=both)) == []


def test_claims_come_and_go_and_change_their_finding() -> None:
    assert lines(records(), records(told("cubes"))) == [("new, holds, reproduced", False), ("the claim is gone", True)]
    assert ("new, holds, incomplete", True) in lines(records(), records(told("cubes"))[:-1])
    assert ("finding: holds before, approximate now", False) in lines(records(), records(told(finding="approximate")))


def test_the_command_says_all_of_it_and_its_status_says_whether_anything_got_worse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.jsonl"
    good.write_text(json.dumps(verdicts(records())), encoding="utf-8")
    bad.write_text("".join(json.dumps(record) + "\n" for record in records(wrong={"answer": "holds"})), encoding="utf-8")
    assert main(["diff", str(good), str(good)]) == 0
    assert capsys.readouterr().out == "0 differences, 0 of them for the worse\n"
    assert main(["diff", str(good), str(bad)]) == 1
    said = capsys.readouterr().out
    assert "worse  squares: control wrong: rejected before, survived now\n" in said and said.endswith(
        "2 differences, 2 of them for the worse\n"
    )
    assert main(["diff", str(bad), str(good)]) == 0


@pytest.mark.parametrize("content", ["", "[]", '{"format": 1}', '{"format": 1, "claims": [7]}'])
def test_what_is_no_verdict_document_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    (tmp_path / "verdicts.json").write_text(content, encoding="utf-8")
    assert main(["diff", str(tmp_path), str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_merged_documents_can_be_compared_too() -> None:
    merged = merge([verdicts(records()), verdicts(records(told("cubes")))])
    assert [change.claim for change in changes(verdicts(records()), merged)] == ["cubes"]
