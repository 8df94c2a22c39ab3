"""What changed between two runs: every difference is named once, on the terminal and on pages, and only what got worse fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from reports.diff import changes
from reports.verdicts import merge, verdicts
from tests.small_audit import Project, claim
from tests.test_page import HOSTILE, text_of, tree
from tests.test_verdicts import measured, records, text, told

CONTROLS = ("reference", "control:wrong", "control:other")
SURVIVED = {"answer": "holds"}


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


def test_an_outcome_that_got_better_has_no_reason() -> None:
    assert lines(records(wrong=SURVIVED), records()) == [
        ("outcome: broken before, reproduced now", False),
        ("control wrong: survived before, rejected now", False),
    ]


def test_a_reason_of_many_lines_is_told_by_its_first() -> None:
    ((what, _),) = lines(records(), records(reference={"answer": "refuted", "message": "16 is not 9\nat n = 4", "evidence": measured()}))
    assert what == "outcome: reproduced before, changed now (the reference refuted: 16 is not 9)"


def test_controls_that_are_lost_or_survive_are_worse() -> None:
    old = records(told(trials=CONTROLS))
    assert lines(old, records(told(trials=CONTROLS[:2]))) == [("control other is gone", True)]
    assert ("control wrong: rejected before, survived now", True) in lines(old, records(told(trials=CONTROLS), wrong=SURVIVED))
    assert not any("control" in what for what, _ in lines(old, records(told(trials=CONTROLS), select=("reference",))))


def test_an_implementation_that_no_longer_holds_is_worse_and_one_that_was_not_given_is_no_change() -> None:
    trials = ("reference", "control:wrong", "impl:mine")
    held = records(select=trials)
    refuted = records(select=trials, mine={"answer": "refuted", "message": "off"})
    assert lines(held, refuted) == [("implementation mine: holds before, refuted now", True)]
    assert lines(refuted, held) == [("implementation mine: refuted before, holds now", False)]
    assert lines(held, records()) == lines(records(), held) == []


def test_a_kind_of_evidence_that_is_lost_is_worse_and_a_statement_that_was_rewritten_is_told() -> None:
    proved = {"evidence": measured(strengths=["proved", "within budget"])}
    assert lines(records(reference=proved), records()) == [("evidence: no longer proved", True)]
    assert lines(records(), records(reference=proved)) == []
    assert lines(records(), records(told(says=text("$n^2 > 0$")))) == [("the statement was rewritten", False)]


@pytest.mark.parametrize(
    "before, after, told", [(0.2, 0.31, True), (0.2, 0.29, False), (0.2, 0.1, False), (0.2, "inf", True), ("inf", "inf", False)]
)
def test_a_share_of_the_budget_that_grew_by_half_is_worse(before: float, after: float | str, told: bool) -> None:
    found = lines(records(reference=share(before)), records(reference=share(after)))
    assert found == [(f"cpu float32: {after} of its budget used, {before} before", True)] * told


def test_evidence_that_is_missing_or_stale_is_worse() -> None:
    both, one = ({"evidence": measured(dict.fromkeys(rows, 0.1))} for rows in (("float32", "float64"), ("float32",)))
    assert lines(records(reference=both), records(reference=one)) == [("cpu float64: no evidence any more (gone)", True)]
    assert lines(records(reference=one), records(reference=both)) == []
    skipped = {
        "evidence": measured(rows=[{"device": "cpu", "arithmetic": name, "comparisons": 0, "not_run": "-"} for name in ("float32",)])
    }
    assert lines(records(reference=one), records(reference=skipped)) == [("cpu float32: no evidence any more (not run)", True)]
    old = verdicts(records(reference=one))
    edited = merge(
        [old, verdicts(records(told(digest="f" * 16), started="2027-01-01T00:00:00Z", reference={"evidence": measured(rows=[])}))]
    )
    assert [change.what for change in changes(old, edited)] == ["cpu float32: no evidence any more (stale)"]


def test_claims_come_and_go_and_change_their_finding() -> None:
    assert lines(records(), records(told("cubes"))) == [("new, holds, reproduced", False), ("the claim is gone", True)]
    assert ("new, holds, incomplete", True) in lines(records(), records(told("cubes"))[:-1])
    assert ("new, holds, not run", False) in lines(records(), records(told("cubes"), select=()))
    assert ("finding: holds before, approximate now", False) in lines(records(), records(told(finding="approximate")))


def test_the_command_says_all_of_it_and_its_status_says_whether_anything_got_worse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.jsonl"
    good.write_text(json.dumps(verdicts(records())), encoding="utf-8")
    bad.write_text("".join(json.dumps(record) + "\n" for record in records(wrong=SURVIVED)), encoding="utf-8")
    assert main(["diff", str(good), str(good)]) == 0
    assert capsys.readouterr().out == "0 differences, 0 of them for the worse\n"
    assert main(["diff", str(good), str(bad)]) == 1
    said = capsys.readouterr().out
    assert "worse  squares: control wrong: rejected before, survived now\n" in said and said.endswith(
        "2 differences, 2 of them for the worse\n"
    )
    assert main(["diff", str(bad), str(good)]) == 0


NO_RUN = {
    "": "cannot be read",
    "[]": "is no verdict document of format 2",
    '{"format": 1, "claims": []}': "is no verdict document of format 2",
    '{"format": 2, "claims": [7]}': "one of the two runs is not what an audit writes",
}


@pytest.mark.parametrize(("content", "why"), NO_RUN.items())
def test_what_is_no_verdict_document_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, why: str) -> None:
    (tmp_path / "verdicts.json").write_text(content, encoding="utf-8")
    assert main(["diff", str(tmp_path), str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and why in said.err


def test_merged_documents_can_be_compared_too() -> None:
    merged = merge([verdicts(records()), verdicts(records(told("cubes")))])
    assert [change.claim for change in changes(verdicts(records()), merged)] == ["cubes"]


# As pages


def folder(path: Path, made: list[dict[str, Any]] | None = None) -> Path:
    path.mkdir()
    (path / "evidence.jsonl").write_text("".join(json.dumps(record) + "\n" for record in made or records()), encoding="utf-8")
    return path


SURVIVES = {
    "en": "2 differences, 2 of them for the worse. "
    "worse squares outcome: reproduced before, broken now (control wrong survived: the check has no teeth against it) "
    "worse squares control wrong: rejected before, survived now",
    "zh": "2 处不同，其中 2 处变差。 "
    "变差 squares 结果：之前为已复现，现在为检验失效（control wrong survived: the check has no teeth against it） "
    "变差 squares 对照 wrong：之前被拒绝，现在未被拒绝",
}


def test_the_differences_are_written_as_a_page_in_each_language(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = folder(tmp_path / "old"), folder(tmp_path / "new", records(wrong=SURVIVED))
    assert main(["diff", str(old), str(new), "-o", str(tmp_path / "deep" / "out")]) == 1
    assert capsys.readouterr().out.splitlines()[-2:] == ["2 differences, 2 of them for the worse", f"{tmp_path}/deep/out/changes.html"]
    assert sorted(path.name for path in (tmp_path / "deep" / "out").iterdir()) == ["changes.html", "changes.zh.html"]
    for language, name in {"en": "changes.html", "zh": "changes.zh.html"}.items():
        root = tree((tmp_path / "deep" / "out" / name).read_text(encoding="utf-8"))
        assert text_of(root.find(".//main")) == SURVIVES[language]
    assert {path.name for path in old.iterdir()} == {path.name for path in new.iterdir()} == {"evidence.jsonl"}


def test_documents_that_are_no_page_are_one_sentence_and_write_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bare.json").write_text('{"format": 2, "claims": []}', encoding="utf-8")
    assert main(["diff", str(tmp_path / "bare.json"), str(tmp_path / "bare.json"), "-o", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "is not what an audit writes" in said and not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", [*HOSTILE.values(), "%(now)s", "100 %"])
def test_hostile_text_of_a_run_is_told_as_it_is(tmp_path: Path, text: str) -> None:
    old = folder(tmp_path / "old", records(told(trials=("reference", f"control:{text}"))))
    new = folder(tmp_path / "new", records(told(trials=("reference",)), reference={"answer": "broken", "message": text}))
    main(["diff", str(old), str(new), "-o", str(tmp_path)])
    for name, before, gone in (
        ("changes.html", "outcome: reproduced before, broken now (the reference: {})", "control {} is gone"),
        ("changes.zh.html", "结果：之前为已复现，现在为检验失效（the reference: {}）", "对照 {} 已消失"),
    ):
        root = tree((tmp_path / name).read_text(encoding="utf-8"))
        assert ["".join(case.itertext()) for case in root.iter("span") if case.get("class") == "case"] == [
            before.replace("{}", text),
            gone.replace("{}", text),
        ]
        assert {element.tag for element in root.find(".//main").iter()} == {"main", "section", "p", "ul", "li", "span", "code"}


# With --previous


def since(folder: Path, name: str = "index.html") -> str:
    """What the page says of changes since the run before; nothing where it was not given one."""
    found = tree((folder / name).read_text(encoding="utf-8")).find(".//section[@aria-labelledby='changes']")
    return "" if found is None else text_of(found)


@pytest.mark.parametrize("file", ["", "evidence.jsonl", "verdicts.json"])
@pytest.mark.parametrize("command", ["render", "render verdicts alone", "merge"])
def test_a_page_says_what_changed_since_the_run_it_was_given(tmp_path: Path, command: str, file: str) -> None:
    old, new = folder(tmp_path / "old"), folder(tmp_path / "new", records(wrong=SURVIVED))
    assert main(["render", str(old)]) == main(["render", str(new)]) == 0
    assert since(new) == ""
    if command == "render verdicts alone":
        (new / "evidence.jsonl").unlink()
    out = tmp_path / "out" if command == "merge" else new
    given = ["merge", str(new), "-o", str(out)] if command == "merge" else ["render", str(new)]
    assert main([*given, "--previous", str(old / file)]) == 0
    assert since(out) == f"Changes since the run before {SURVIVES['en']}"
    assert since(out, "index.zh.html") == f"与上一次运行相比 {SURVIVES['zh']}"
    assert [a.get("href") for a in tree((out / "index.html").read_text(encoding="utf-8")).iter("a")].count("#squares") == 3
    assert main(given) == 0
    assert since(out) == ""


@pytest.mark.parametrize(("content", "why"), NO_RUN.items())
@pytest.mark.parametrize("command", ["render", "merge"])
def test_an_earlier_run_that_is_none_is_one_sentence_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, content: str, why: str
) -> None:
    new, bad = folder(tmp_path / "new"), tmp_path / "bad.json"
    bad.write_text(content, encoding="utf-8")
    given = ["render", str(new)] if command == "render" else ["merge", str(new), "-o", str(tmp_path / "out")]
    assert main([*given, "--previous", str(bad)]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and why in said.err
    assert [path.name for path in new.iterdir()] == ["evidence.jsonl"] and not (tmp_path / "out").exists()


def test_a_run_of_pytest_says_what_changed_also_if_it_overwrites_the_earlier_run(project: Project) -> None:
    project.write(test_a=claim() + claim("other"))
    project.audit()
    project.write(test_a=claim(subjects="right, off_by_one=off_by_one, same=right"))
    again = project.audit("--previous", "audit-report")
    assert since(again.folder) == (
        "Changes since the run before 3 differences, 3 of them for the worse. "
        "worse other (not in this report) the claim is gone "
        "worse squares outcome: reproduced before, broken now (control same survived: the check has no teeth against it) "
        "worse squares control negated is gone"
    )
    assert since(project.audit().folder) == ""


@pytest.mark.parametrize(("content", "why"), NO_RUN.items())
def test_an_earlier_run_that_is_none_stops_pytest_before_anything_runs(project: Project, content: str, why: str) -> None:
    project.write(test_a=claim())
    (project.folder / "bad.json").write_text(content, encoding="utf-8")
    audit = project.audit("--previous", "bad.json")
    assert audit.status == pytest.ExitCode.USAGE_ERROR
    assert len(audit.lines("ERROR: --previous ", why)) == 1 and "Traceback" not in audit.output
    assert not audit.folder.exists()
