"""What changed between two runs: every difference is named once, on the terminal and on pages, and only what got worse fails."""

from __future__ import annotations

import json
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from reports.diff import changes
from reports.verdicts import merge, verdicts
from tests.small_audit import Project, claim
from tests.test_page import HOSTILE, text_of, tree
from tests.test_verdicts import CRASH, LATER, LOST, measured, records, text, told

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


OUTCOMES = {  # from good to bad
    "reproduced": {},
    "not run": {"reference": {"answer": "skipped", "message": "no flint"}},
    "incomplete": {"wrong": None},
    "changed": {"reference": {"answer": "refuted", "message": "m"}},
    "broken": {"wrong": SURVIVED},
}


@pytest.mark.parametrize(("good", "bad"), list(combinations(OUTCOMES, 2)))
def test_of_any_two_outcomes_the_same_one_is_always_the_worse(good: str, bad: str) -> None:
    for before, now, worse in ((good, bad, True), (bad, good, False)):
        found = lines(records(**OUTCOMES[before]), records(**OUTCOMES[now]))
        assert [(what.partition(" (")[0], verdict) for what, verdict in found if what.startswith("outcome")] == [
            (f"outcome: {before} before, {now} now", worse)
        ]


def test_an_outcome_that_got_better_has_no_reason() -> None:
    assert lines(records(wrong=SURVIVED), records()) == [
        ("outcome: broken before, reproduced now", False),
        ("control wrong: survived before, rejected now", False),
    ]


def test_a_reason_of_many_lines_is_told_by_its_first() -> None:
    ((what, _),) = lines(records(), records(reference={"answer": "refuted", "message": "16 is not 9\nat n = 4", "evidence": measured()}))
    assert what == "outcome: reproduced before, changed now (the reference refuted: 16 is not 9)"


def test_a_control_that_is_gone_is_worse_and_one_that_was_not_selected_is_no_change() -> None:
    old = records(told(trials=CONTROLS))
    assert lines(old, records(told(trials=CONTROLS[:2]))) == [("control other is gone", True)]
    assert not any("control" in what for what, _ in lines(old, records(told(trials=CONTROLS), select=("reference",))))


ANSWERS_OF_A_CONTROL = {
    "rejected": {},
    "survived": SURVIVED,
    "crashed": CRASH,
    "lost": LOST | {"answer": ""},
    "not finished": None,
    "not run": {"answer": "skipped", "message": "no flint"},
}


@pytest.mark.parametrize(("before", "now"), list(permutations(ANSWERS_OF_A_CONTROL, 2)))
def test_a_control_is_worse_where_it_did_what_it_must_and_no_longer_does(before: str, now: str) -> None:
    found = lines(*(records(wrong=ANSWERS_OF_A_CONTROL[was]) for was in (before, now)))
    assert [line for line in found if line[0].startswith("control")] == [
        (f"control wrong: {before} before, {now} now", before == "rejected")
    ]


WITH_MINE = ("reference", "control:wrong", "impl:mine")
ANSWERS_OF_AN_IMPLEMENTATION = {  # from good to bad
    "holds": {},
    "not run": {"answer": "skipped", "message": "does not provide square"},
    "incomplete": None,
    "refuted": {"answer": "refuted", "message": "off"},
    "broken": CRASH,
}


@pytest.mark.parametrize(("good", "bad"), list(combinations(ANSWERS_OF_AN_IMPLEMENTATION, 2)))
def test_of_any_two_answers_of_an_implementation_the_same_one_is_always_the_worse(good: str, bad: str) -> None:
    better, worse = (records(select=WITH_MINE, mine=ANSWERS_OF_AN_IMPLEMENTATION[was]) for was in (good, bad))
    assert lines(better, worse) == [(f"implementation mine: {good} before, {bad} now", True)]
    assert lines(worse, better) == [(f"implementation mine: {bad} before, {good} now", False)]


def test_of_a_refuted_claim_an_implementation_may_be_refuted_or_not() -> None:
    claim = told(finding="refuted", trials=("counterexample:1", "control:repaired"))
    was = lambda answer: records(
        claim, select=("counterexample:1", "control:repaired", "impl:mine"), mine=ANSWERS_OF_AN_IMPLEMENTATION[answer]
    )
    assert lines(was("holds"), was("refuted")) == [("implementation mine: holds before, refuted now", False)]
    assert lines(was("refuted"), was("holds")) == [("implementation mine: refuted before, holds now", False)]
    assert lines(was("refuted"), was("broken")) == [("implementation mine: refuted before, broken now", True)]


def test_how_good_an_answer_is_is_said_by_the_finding_of_now() -> None:
    held = records(select=("reference", "control:wrong", "impl:mine"), mine=ANSWERS_OF_AN_IMPLEMENTATION["refuted"])
    claim = told(finding="refuted", trials=("counterexample:1", "control:repaired"))
    now = records(claim, select=("counterexample:1", "control:repaired", "impl:mine"), mine=ANSWERS_OF_AN_IMPLEMENTATION["incomplete"])
    assert ("implementation mine: refuted before, incomplete now", True) in lines(held, now)


def test_an_implementation_that_was_not_given_is_no_change() -> None:
    held = records(select=WITH_MINE)
    assert lines(held, records()) == lines(records(), held) == []


def test_a_kind_of_evidence_that_is_lost_is_worse_and_a_statement_that_was_rewritten_is_told() -> None:
    proved = {"evidence": measured(strengths=["proved", "within budget"])}
    assert lines(records(reference=proved), records()) == [("evidence: no longer proved", True)]
    assert lines(records(), records(reference=proved)) == []
    assert [what.split()[0] for what, _ in lines(records(), records(reference=None))] == ["outcome:", "cpu", "cpu"]  # which say it all
    assert lines(records(), records(told(says=text("$n^2 > 0$")))) == [("the statement was rewritten", False)]


@pytest.mark.parametrize(
    "before, after, told", [(0.2, 0.31, True), (0.2, 0.29, False), (0.2, 0.1, False), (0.2, "inf", True), ("inf", "inf", False)]
)
def test_a_share_of_the_budget_that_grew_by_half_is_worse(before: float, after: float | str, told: bool) -> None:
    found = lines(records(reference=share(before)), records(reference=share(after)))
    assert found == [(f"cpu float32: {after} of its budget used, {before} before", True)] * told


def test_a_share_is_compared_with_that_of_the_same_row() -> None:
    places = [(device, arithmetic) for device in ("cpu", "cuda") for arithmetic in ("float32", "float64")]
    row = lambda device, arithmetic, share: {"device": device, "arithmetic": arithmetic, "comparisons": 9, "share": share}
    known = lambda *shares: records(reference={"evidence": measured(rows=[row(*at, n) for at, n in zip(places, shares, strict=True)])})
    assert lines(known(0.01, 0.1, 0.4, 0.9), known(0.01, 0.1, 0.4, 0.9)) == []
    assert lines(known(0.01, 0.1, 0.4, 0.9), known(0.01, 0.1, 0.8, 0.9)) == [("cuda float32: 0.8 of its budget used, 0.4 before", True)]


def silent(how: str) -> dict[str, Any]:
    """Verdicts of a claim that no row is evidence about: its only one is gone, not run, or stale."""
    absent = {"device": "cpu", "arithmetic": "float32", "comparisons": 0, "not_run": "-"}
    new = verdicts(records(started=LATER, reference={"evidence": measured(rows=[absent] if how == "not run" else [])}))
    return merge([verdicts(records(told(digest="f" * 16), reference=share(0.1))), new]) if how == "stale" else new


SILENT = ("gone", "not run", "stale")


@pytest.mark.parametrize("how", SILENT)
def test_a_row_is_worse_without_evidence_and_no_worse_with_it_again(how: str) -> None:
    told = [(change.what, change.worse) for change in changes(verdicts(records(reference=share(0.1))), silent(how))]
    assert told == [(f"cpu float32: no evidence any more ({how})", True)]
    assert list(changes(silent(how), verdicts(records(reference=share(0.9))))) == []
    assert [change for later in SILENT for change in changes(silent(how), silent(later))] == []


def test_claims_come_and_go_and_change_their_finding() -> None:
    assert lines(records(), records(told("cubes"))) == [("new, holds, reproduced", False), ("the claim is gone", True)]
    for outcome, answers in OUTCOMES.items():
        worse = outcome in ("incomplete", "changed", "broken")
        assert (f"new, holds, {outcome}", worse) in lines(records(), records(told("cubes"), **answers))
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
