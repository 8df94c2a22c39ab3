"""From evidence records to verdicts: what may be called reproduced, and what a merge may and may not hide."""

from __future__ import annotations

import copy
import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from reports import evidence
from reports.publish import publish
from reports.verdicts import merge, verdicts

jsonschema = pytest.importorskip("jsonschema")

SCHEMA = json.loads((Path(__file__).parent.parent / "reports" / "verdicts.schema.json").read_text(encoding="utf-8"))
SHARES = {"float64": 0.5, "float32": 0.25}

Records = list[dict[str, Any]]


def text(en: str, zh: str = "") -> dict[str, str]:
    return {"en": en, "zh": zh}


POST = {
    "archive": 7,
    "date": "2024-01-01",
    "topic": "sampling",
    "url": "https://kexue.fm/archives/7",
    "title": text("A post", "一篇文章"),
    "stands": text("Most of it stands.", "大部分成立。"),
    "sections": [text("1", "一"), text("2", "二")],
}


def told(
    id: str = "squares", *, finding: str = "holds", trials: tuple[str, ...] = ("reference", "control:wrong"), **changed: Any
) -> dict[str, Any]:
    """A claim as the expected record tells it."""
    pinned = [
        {"why": text(f"fails at {t[-1]}", f"在 {t[-1]} 处不成立"), "case": f"n={t[-1]}"} for t in trials if t.startswith("counterexample:")
    ]
    return {
        "id": id,
        "post": 7,
        "kind": "identity",
        "finding": finding,
        "headline": True,
        "ours": False,
        "counterexamples": pinned,
        "section": text("1", "一"),
        "says": text("$n^2 = n \\cdot n$", "平方：$n^2 = n \\cdot n$"),
        "scope": text("integers", "整数"),
        "found": text("holds exactly", "严格成立"),
        "limits": text("up to 9", "不超过 9"),
        "if_fails": text("the sign", "符号"),
        "corrected": text(""),
        "names": {},
        "corrected_by": "",
        "merges": {},
        "part_of": "",
        "proxy": "",
        "digest": "0123456789abcdef",
        "file": "claims/sampling/test_7.py",
        "test": "test_squares",
        "place": 3,
        "floating": False,
        "trials": [t for t in trials if not t.startswith("impl:")],
    } | changed


def item(claim: dict[str, Any], trial: str) -> dict[str, Any]:
    role, _, name = trial.partition(":")
    refuted = claim["finding"] == "refuted"
    holds = {"reference": not refuted, "control": refuted, "counterexample": False, "impl": None if refuted else True}[role]
    nodeid = f"{claim['file']}::{claim['test']}[{trial}]"
    return {"nodeid": nodeid, "claim": claim["id"], "role": role, "name": name or role, "holds": holds}


def measured(shares: dict[str, float | str] | None = None, **more: Any) -> dict[str, Any]:
    rows = [
        {"device": "cpu", "arithmetic": a, "comparisons": 10, "share": s, "residual": s, "at": f"at {s}"}
        for a, s in (shares or SHARES).items()
    ]
    return {
        "examples": {"passed": 5, "failed": 0, "discarded": 1, "failing": ""},
        "comparisons": 20,
        "rows": rows,
        "measures": {},
        "statistics": {},
        "certificates": {},
        "strengths": ["within budget"],
        "devices": {"cpu": "a processor"},
        "figures": [],
        "seconds": 0.1,
    } | more


def result(item: dict[str, Any], answer: str = "", message: str = "", known: dict[str, Any] | None = None) -> dict[str, Any]:
    """What an item answered; by default what it has to."""
    answer = answer or ("refuted" if item["holds"] is False else "holds")
    return {
        "record": "result",
        "nodeid": item["nodeid"],
        "answer": answer,
        "message": message,
        "evidence": measured() if known is None else known,
    }


def run(started: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    return {
        "record": "run",
        "format": evidence.FORMAT,
        "program": "kexue-audit",
        "repository": "https://example.org/kexue-audit",
        "started": started,
        "commit": "0123456789ab",
        "dirty": False,
        "profile": "audit",
        "seeds": "derandomised",
        "arguments": [],
        "python": "3.11",
        "platform": "Linux x86_64, 2 cores",
        "versions": {"hypothesis": "6"},
    }


END = {"record": "end", "exitstatus": 0, "interrupted": "", "complete": True}


def records(
    claim: dict[str, Any] | None = None, *, select: tuple[str, ...] | None = None, started: str = "2026-01-01T00:00:00Z", **answers: Any
) -> Records:
    """A whole evidence file about one claim. answers: by role or name, the arguments of `result` that differ; None for no result."""
    claim = claim or told()
    items = [item(claim, trial) for trial in (select if select is not None else claim["trials"])]
    made: Records = [
        run(started),
        {"record": "expected", "posts": {"7": copy.deepcopy(POST)}, "claims": {claim["id"]: claim}, "items": items},
    ]
    for one in items:
        differing = answers.get(one["name"].replace("-", "_"), {})
        if differing is not None:
            made.append(result(one) | differing)
    return [*made, END]


def part(id: str, *, select: tuple[str, ...] = ("reference", "control:wrong"), finding: str = "holds", **answers: Any) -> Records:
    """The records of one claim, with a test of its own."""
    return records(told(id, finding=finding, trials=select, test=f"test_{id}"), select=select, **answers)


def audited(*parts: Records, errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """The verdicts of one run of several claims."""
    expected = {
        "record": "expected",
        "posts": {number: post for made in parts for number, post in made[1]["posts"].items()},
        "claims": {id: claim for made in parts for id, claim in made[1]["claims"].items()},
        "items": [item for made in parts for item in made[1]["items"]],
    }
    results = [record for made in parts for record in made[2:-1]]
    found = [{"record": "errors", "errors": errors}] if errors else []
    return verdicts([run(), expected, *results, *found, END])


def only(document: dict[str, Any]) -> dict[str, Any]:
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    (claim,) = document["claims"]
    return claim


def test_what_did_as_predicted_is_reproduced():
    claim = only(verdicts(records()))
    assert (claim["outcome"], claim["reason"]) == ("reproduced", "")
    assert claim["examples"] == {"passed": 5, "failed": 0, "discarded": 1}
    assert claim["strengths"] == ["within budget"]
    assert {row["arithmetic"]: row["share"] for row in claim["rows"]} == SHARES
    assert [(c["name"], c["must_be"], c["was"]) for c in claim["controls"]] == [("wrong", "rejected", "rejected")]


REFUTED = told(finding="refuted", trials=("counterexample:1", "counterexample:2", "control:repaired"))
CRASH = {"answer": "broken", "message": "ZeroDivisionError: division by zero"}
LOST = {"record": "lost", "message": "its process died while it ran"}


@pytest.mark.parametrize(
    ("claim", "answers", "outcome", "reason"),
    [
        (told(), {"wrong": {"answer": "holds"}}, "broken", "control wrong survived"),
        (told(), {"wrong": CRASH}, "broken", "control wrong: ZeroDivisionError"),
        (told(), {"wrong": LOST}, "broken", "control wrong: its process died"),
        (told(), {"wrong": None}, "incomplete", "control wrong did not finish"),
        (told(), {"reference": {"answer": "refuted", "message": "16 is not 9"}}, "changed", "the reference refuted: 16 is not 9"),
        (told(), {"reference": CRASH}, "broken", "the reference: ZeroDivisionError"),
        (told(), {"reference": LOST}, "broken", "the reference: its process died"),
        (told(), {"reference": None}, "incomplete", "the reference did not finish"),
        (told(), {"reference": {"answer": "skipped", "message": "no flint"}}, "not run", "no flint"),
        (REFUTED, {}, "reproduced", ""),
        (REFUTED, {"1": {"answer": "holds"}}, "changed", "counterexample 1 no longer refutes the statement"),
        (REFUTED, {"repaired": {"answer": "refuted"}}, "broken", "the check refutes too much"),
        # The worst of several reasons decides.
        (told(), {"reference": {"answer": "refuted", "message": "m"}, "wrong": {"answer": "holds"}}, "broken", "survived"),
        (told(), {"reference": {"answer": "skipped", "message": "no flint"}, "wrong": None}, "incomplete", "did not finish"),
    ],
)
def test_outcome_and_reason(claim, answers, outcome, reason):
    verdict = only(verdicts(records(claim, **answers)))
    assert verdict["outcome"] == outcome
    assert reason in verdict["reason"]
    assert {row["outcome"] for row in verdict["rows"]} <= {outcome}


@pytest.mark.parametrize(
    ("answer", "was"), [({"answer": "holds"}, "survived"), (CRASH, "crashed"), (LOST | {"answer": ""}, "lost"), (None, "not finished")]
)
def test_control_that_did_not_do_what_it_must_is_named(answer, was):
    (control,) = only(verdicts(records(wrong=answer)))["controls"]
    assert (control["must_be"], control["was"]) == ("rejected", was)


def test_evidence_without_its_end_reproduces_nothing():
    document = verdicts(records()[:-1])
    assert only(document)["outcome"] == "incomplete"
    assert document["runs"][0]["status"].startswith("incomplete: the evidence breaks off")


def test_evidence_that_ends_with_the_run_record_has_no_claims():
    document = verdicts(records()[:1])
    jsonschema.validate(document, SCHEMA)
    assert document["claims"] == [] and document["runs"][0]["status"] != "complete"


def test_interrupted_run_says_how_much_is_missing():
    made = records(wrong=None)
    made[-1] = END | {"interrupted": "KeyboardInterrupt", "complete": False}
    assert verdicts(made)["runs"][0]["status"] == "incomplete: interrupted with 1 of 2 items not run"


@pytest.mark.parametrize("select", [("reference",), ("control:wrong",)])
def test_claim_with_trials_left_out_is_not_run(select):
    claim = only(verdicts(records(select=select)))
    assert claim["outcome"] == "not run"
    assert claim["reason"] == "1 of its 2 trials were not selected"


def test_claim_without_any_trial_is_not_run():
    assert only(verdicts(records(told(finding="not checkable", trials=()))))["outcome"] == "not run"


def test_counterexamples_keep_their_own_answers_in_any_order_and_selection():
    claim = only(verdicts(records(REFUTED, select=("control:repaired", "counterexample:2"), **{"2": {"message": "seen at 2"}})))
    assert [(c["why"]["en"], c["message"]) for c in claim["counterexamples"]] == [("fails at 1", ""), ("fails at 2", "seen at 2")]
    assert claim["counterexamples"][0]["reproduce"] == 'pytest "claims/sampling/test_7.py::test_squares[counterexample:1]"'


def test_measures_of_all_counterexamples_are_kept():
    seen = {"1": {"evidence": measured(measures={"gap": [1.0, "inf"]})}, "2": {"evidence": measured(measures={"gap": [0.5, 2.0]})}}
    assert only(verdicts(records(REFUTED, **seen)))["measures"] == {"gap": [0.5, "inf"]}


@pytest.mark.parametrize(
    ("finding", "answer", "was", "row_outcome"),
    [
        ("holds", {"answer": "holds"}, "holds", "reproduced"),
        ("holds", {"answer": "refuted", "message": "off by one"}, "refuted", "changed"),
        ("holds", CRASH, "broken", "broken"),
        ("holds", LOST, "broken", "broken"),
        ("holds", {"answer": "skipped", "message": "does not provide square"}, "not run", "not run"),
        ("refuted", {"answer": "refuted"}, "refuted", "reproduced"),
        ("refuted", {"answer": "holds"}, "holds", "changed"),
    ],
)
def test_a_users_implementation_is_judged_for_itself(finding, answer, was, row_outcome):
    claim = told(finding=finding) if finding == "holds" else REFUTED
    verdict = only(verdicts(records(claim, select=(*claim["trials"], "impl:mine"), mine=answer)))
    assert verdict["outcome"] == "reproduced"
    (impl,) = verdict["impls"]
    assert impl["was"] == was
    assert {row["outcome"] for row in impl["rows"]} == {row_outcome}


def test_a_users_implementation_that_did_not_finish_is_incomplete():
    verdict = only(verdicts(records(select=("reference", "control:wrong", "impl:mine"), mine=None)))
    assert (verdict["outcome"], verdict["impls"][0]["was"]) == ("reproduced", "incomplete")


def test_device_that_is_absent_is_not_run_whatever_the_claim_did():
    rows = [*measured()["rows"], {"device": "cuda", "arithmetic": "float32", "comparisons": 0, "not_run": "no CUDA device"}]
    claim = only(verdicts(records(reference={"evidence": measured(rows=rows)})))
    assert claim["outcome"] == "reproduced"
    (absent,) = [row for row in claim["rows"] if row["device"] == "cuda"]
    assert (absent["outcome"], absent["reason"]) == ("not run", "no CUDA device")


def test_collection_errors_reach_the_document():
    errors = [{"nodeid": "claims/test_x.py", "message": "it has no `limits`"}]
    assert verdicts([*records()[:-1], {"record": "errors", "errors": errors}, END])["errors"] == errors


def test_counts_are_those_of_the_claims():
    counts = verdicts(records(wrong={"answer": "holds"}))["counts"]
    assert counts == {"claims": 1, "findings": {"holds": 1}, "outcomes": {"broken": 1}}


def test_verdicts_do_not_depend_on_clocks():
    slow = records(started="2027-05-05T05:05:05Z", reference={"evidence": measured(seconds=99.0)})
    first, second = verdicts(records()), verdicts(slow)
    assert first["claims"] == second["claims"]
    assert not re.search(r"\d\d:\d\d:\d\d|seconds", json.dumps(first["claims"]))


# Order


def ordered(*declared: dict[str, Any], posts: tuple[dict[str, Any], ...] = (POST,)) -> list[str]:
    """Ids of the claims in the order of the document."""
    made = [records(claim, select=()) for claim in declared]
    for one in made:
        one[1]["posts"] = {str(post["archive"]): post for post in posts}
    return [claim["id"] for claim in audited(*made)["claims"]]


def test_claims_stand_in_the_order_of_their_posts_sections():
    sections = {"sections": [text("Zeta", "一"), text("Alpha", "二")]}
    first, second = (told(id, section=section) for id, section in (("z", sections["sections"][0]), ("a", sections["sections"][1])))
    assert ordered(second, first, posts=(POST | sections,)) == ["z", "a"]


def test_within_a_section_claims_stand_in_the_order_of_their_files_and_within_a_file_as_written():
    claims = [
        told("d", file="claims/sampling/test_7_b.py", place=1),
        told("b", file="claims/sampling/test_7_a.py", place=10),
        told("c", file="claims/sampling/test_7_a.py", place=9),
        told("a", file="claims/sampling/test_7_b.py", place=1),
    ]
    assert ordered(*claims) == ordered(*claims[::-1]) == ["c", "b", "a", "d"]


def test_posts_stand_by_topic_and_number():
    posts = tuple(POST | {"archive": archive, "topic": topic} for archive, topic in ((10, "sampling"), (9, "sampling"), (11, "attention")))
    claims = [told(f"of-{post['archive']}", post=post["archive"], place=place) for place, post in enumerate(posts)]
    assert ordered(*claims, posts=posts) == ["of-11", "of-9", "of-10"]


# Merging


def merged(*parts: Records) -> dict[str, Any]:
    return only(merge([verdicts(part) for part in parts]))


LATER, LATEST = "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"


def shares(by_arithmetic: dict[str, float | str], **more: Any) -> dict[str, Any]:
    return {"evidence": measured(by_arithmetic, **more)}


@pytest.mark.parametrize("order", [(LATER, LATEST), (LATEST, LATER)])
def test_merge_adds_counts_and_keeps_the_worst_share_with_its_place_and_the_worst_of_every_other_number(order):
    here = {"share": 0.3, "at": "here", "residual": 0.1, "agreement": 0.2, "sees": 0.02}
    there = {"share": 0.2, "at": "there", "residual": 0.4, "agreement": 0.5, "sees": 0.01}
    row = {"device": "cpu", "arithmetic": "float32", "comparisons": 10}
    claim = merged(*(records(started=when, reference={"evidence": measured(rows=[row | one])}) for when, one in zip(order, (here, there))))
    worst = {"share": 0.3, "at": "here", "residual": 0.4, "agreement": 0.5, "sees": 0.01}  # smaller errors than the least it sees may hide
    assert claim["rows"] == [row | worst | {"subject": "reference", "comparisons": 20, "outcome": "reproduced", "reason": ""}]
    assert claim["examples"] == {"passed": 10, "failed": 0, "discarded": 2}


@pytest.mark.parametrize("order", [(LATER, LATEST), (LATEST, LATER)])
def test_merge_lists_what_all_machines_measured_and_how_and_on_which_devices(order):
    here = measured(strengths=["within budget"], devices={"cpu": "a processor"}, measures={"gap": [1, 2]})
    there = measured(strengths=["proved"], devices={"cuda": "a card"}, measures={"gap": [3, "inf"], "rank": [4, 4]})
    claim = merged(*(records(started=when, reference={"evidence": one}) for when, one in zip(order, (here, there))))
    assert claim["strengths"] == ["proved", "within budget"]
    assert claim["devices"] == {"cpu": "a processor", "cuda": "a card"}
    assert claim["measures"] == {"gap": [1, "inf"], "rank": [4, 4]}


@pytest.mark.parametrize("worst", ["inf", "nan"])
def test_merge_lets_no_finite_share_hide_an_infinite_one(worst):
    for first, second in ((worst, 0.2), (0.2, worst)):
        (row,) = merged(records(reference=shares({"float32": first})), records(started=LATER, reference=shares({"float32": second})))[
            "rows"
        ]
        assert row["share"] == worst


@pytest.mark.parametrize("order", [(LATER, LATEST), (LATEST, LATER)])
def test_merge_takes_the_worst_outcome_with_its_controls(order):
    claim = merged(records(started=order[0]), records(started=order[1], wrong={"answer": "holds"}))
    assert claim["outcome"] == "broken" and claim["controls"][0]["was"] == "survived"
    assert {row["outcome"] for row in claim["rows"]} == {"broken"}


@pytest.mark.parametrize("order", [(LATER, LATEST), (LATEST, LATER)])
def test_merge_keeps_the_failing_case_of_the_run_that_found_it(order):
    refuting = measured(examples={"passed": 0, "failed": 1, "discarded": 0, "failing": "n=4"})
    claim = merged(
        records(started=order[0]), records(started=order[1], reference={"answer": "refuted", "message": "m", "evidence": refuting})
    )
    assert (claim["outcome"], claim["found_case"]) == ("changed", "n=4")


def test_not_run_gives_way_to_a_run_elsewhere():
    absent = {"device": "cuda", "arithmetic": "float32", "comparisons": 0, "not_run": "no CUDA device"}
    present = {"device": "cuda", "arithmetic": "float32", "comparisons": 7, "share": 0.1, "residual": 0.1}
    claim = merged(
        records(reference={"evidence": measured(rows=[present])}), records(started=LATER, reference={"evidence": measured(rows=[absent])})
    )
    (row,) = claim["rows"]
    assert (row["outcome"], row["comparisons"], row["reason"]) == ("reproduced", 7, "")


def test_claim_skipped_on_one_machine_takes_all_its_evidence_from_the_other():
    skipped = {"answer": "skipped", "message": "no flint", "evidence": {}}
    full = shares({"50 digits": 0.0}, measures={"gap": [1, 2]}, certificates={"c": "proved"}, statistics={"s": {"alpha": 0.1}})
    claim = merged(records(reference=full), records(started=LATER, reference=skipped))
    assert claim["outcome"] == "reproduced"
    assert [row["arithmetic"] for row in claim["rows"]] == ["50 digits"]
    assert (claim["measures"], claim["certificates"], claim["statistics"]) == ({"gap": [1, 2]}, {"c": "proved"}, {"s": {"alpha": 0.1}})


def test_evidence_for_an_edited_claim_is_stale_and_nothing_else_of_it_is_told():
    absent = {"comparisons": 0, "not_run": "no such device"}
    on = lambda device, arithmetic="float32", **more: {"device": device, "arithmetic": arithmetic, "comparisons": 9} | more
    edited = measured(
        rows=[on("cpu", share=0.9), on("cpu", "float64", share=0.9), on("cuda"), on("mps", **absent)],
        strengths=["proved"],
        devices={"cpu": "an old processor", "cuda": "a card"},
        measures={"gap": [0, 9], "gone": [0, 0]},
        statistics={"mean": {"alpha": 0.1}},
        certificates={"rank": "it is full"},
        figures=[{"title": "t", "x": "x", "y": "y", "log": "", "series": {"a": [[1, 1, 1]]}}],
    )
    old = records(told(digest="f" * 16, says=text("something else")), reference={"evidence": edited}, wrong={"answer": "holds"})
    present = measured(rows=[on("cpu", share=0.2), on("cuda", **absent), on("xpu", **absent)], measures={"gap": [1, 2]})
    new = records(started=LATER, reference={"evidence": present})
    claim = merged(old, new)
    assert [(row["device"], row["arithmetic"], row["outcome"], row.get("share")) for row in claim["rows"]] == [
        ("cpu", "float32", "reproduced", 0.2),
        ("cpu", "float64", "stale", 0.9),
        ("cuda", "float32", "stale", None),
        ("xpu", "float32", "not run", None),
    ]
    assert claim | {"rows": []} == only(verdicts(new)) | {"rows": []}


WORST_FIRST = ("broken", "changed", "incomplete", "stale", "reproduced", "not run")


@pytest.mark.parametrize(("worse", "better"), list(itertools.combinations(WORST_FIRST, 2)))
def test_a_field_of_the_overview_shows_the_worse_of_its_rows_and_is_not_green_where_one_is_stale(worse, better):
    page = pytest.importorskip("reports.page", reason="the page needs jinja2 and math_core")
    rows = [{"device": "cpu", "arithmetic": f"{n} digits", "outcome": one, "reason": one} for n, one in enumerate((worse, better))]
    for pair in (rows, rows[::-1]):
        ((_, field),) = page.cells(pair, page.columns_of([{"rows": pair, "impls": []}]))
        assert (field["outcome"], field["reason"]) == (worse, worse)


def test_incomplete_run_is_not_completed_by_another():
    assert merged(records(), records(started=LATER)[:-1])["outcome"] == "incomplete"


def test_merge_joins_the_rows_of_a_users_implementation():
    trials = ("reference", "control:wrong", "impl:mine")
    refuting = {"answer": "refuted", "message": "off by one", **shares({"float64": 40.0})}
    (impl,) = merged(records(select=trials, mine=refuting), records(select=trials, started=LATER, mine=shares({"float32": 0.1})))["impls"]
    assert (impl["was"], impl["message"]) == ("refuted", "off by one")
    assert [(row["arithmetic"], row["outcome"]) for row in impl["rows"]] == [("float32", "reproduced"), ("float64", "changed")]


def test_merge_keeps_claims_that_only_one_run_has_and_puts_the_newest_run_first():
    document = merge([verdicts(records()), verdicts(records(told("cubes"), started=LATER))])
    assert [claim["id"] for claim in document["claims"]] == ["cubes", "squares"]
    assert [r["started"] for r in document["runs"]] == [LATER, "2026-01-01T00:00:00Z"]
    jsonschema.validate(document, SCHEMA)


def test_claims_of_a_section_that_is_gone_stand_at_the_end_of_their_post():
    old = records(told("gone", section=text("2", "二")))
    new = records(told("kept"), started=LATER)
    new[1]["posts"] = {"7": POST | {"title": text("A new title", "新题"), "sections": [text("0", "零"), text("1", "一")]}}
    other = records(told("decoding", post=8), started=LATEST)
    other[1]["posts"] = {"8": POST | {"archive": 8}}
    document = merge([verdicts(made) for made in (old, new, other)])
    assert [claim["id"] for claim in document["claims"]] == ["kept", "gone", "decoding"]
    assert [(post["archive"], post["title"]["en"]) for post in document["posts"]] == [
        (7, "A new title"),
        (8, "A post"),
    ]  # of the newest run
    jsonschema.validate(document, SCHEMA)


def test_merge_does_not_depend_on_the_order_of_its_arguments():
    parts = [
        verdicts(records(reference=shares({"float32": s}), started=when))
        for s, when in ((0.3, LATER), (0.2, LATEST), ("inf", "2025-01-01T00:00:00Z"))
    ]
    assert merge(parts) == merge(parts[::-1])


def test_merge_leaves_its_arguments_as_they_were():
    parts = [verdicts(records()), verdicts(records(started=LATER))]
    before = copy.deepcopy(parts)
    merge(parts)
    assert parts == before


# What is written


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("claims", 0, "outcome"), "passed"),
        (("claims", 0, "finding"), "true"),
        (("claims", 0, "rows", 0, "outcome"), "passed"),
        (("claims", 0, "rows", 0, "share"), "large"),
        (("claims", 0, "id"), "Not A Slug"),
        (("claims", 0, "seconds"), 3),
        (("runs", 0, "status"), "fine"),
        (("format",), 1),
    ],
)
def test_schema_rejects(path, value):
    document = verdicts(records())
    jsonschema.validate(document, SCHEMA)
    inner: Any = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


def test_schema_describes_every_definition():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert [name for name, definition in SCHEMA["$defs"].items() if "description" not in definition] == []


def test_published_file_is_valid_sorted_and_equal_for_equal_evidence(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "evidence.jsonl").write_text(
            "".join(json.dumps(r) + "\n" for r in records(reference=shares({"float32": "inf"})))
        )
        publish([tmp_path / name], tmp_path / name)
    text = (tmp_path / "a" / "verdicts.json").read_text(encoding="utf-8")
    document = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert text == json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert text == (tmp_path / "b" / "verdicts.json").read_text(encoding="utf-8")


def test_real_audit_matches_the_schema(project):
    from tests.small_audit import claim

    project.write(
        test_small=claim("squares")
        + claim("survives", subjects="right, same=right, negated=negated")
        + claim(
            "refuted-squares",
            finding="Finding.REFUTED",
            subjects="off_by_one, one=right, two=right",
            pinned='@counterexample("at $1$", n=1)',
            corrected='"$n^2$"',
            corrected_by='"squares"',
        ),
        test_undeclared=claim("no-limits", limits=""),
    )
    document = project.audit().document
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert {c["id"]: c["outcome"] for c in document["claims"]} == {
        "squares": "reproduced",
        "survives": "broken",
        "refuted-squares": "reproduced",
    }
    assert len(document["errors"]) == 1
