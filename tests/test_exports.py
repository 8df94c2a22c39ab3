"""The files beside the page: what each says of every outcome, that nothing but "reproduced" passes in any, and that all are valid."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.badge import AMBER, GREEN, RED, badge
from reports.crate import METADATA, SPECIFICATION, crate
from reports.ctrf import ctrf
from reports.exports import LONGEST
from reports.junit import junit
from reports.verdicts import merge, verdicts
from tests.test_verdicts import CRASH, LATER, Records, audited, measured, part, run

jsonschema = pytest.importorskip("jsonschema")
xmlschema = pytest.importorskip("xmlschema")

ROOT = Path(__file__).parent.parent
SCHEMAS = ROOT / "tests" / "schemas"
JUNIT = xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd")
CTRF = jsonschema.Draft7Validator(json.loads((SCHEMAS / "ctrf.schema.json").read_text(encoding="utf-8")))
VERDICTS = jsonschema.Draft202012Validator(json.loads((ROOT / "reports" / "verdicts.schema.json").read_text(encoding="utf-8")))
FILES = {  # media type, language, and what it conforms to
    "index.html": ("text/html", "en", None),
    "index.zh.html": ("text/html", "zh", None),
    "verdicts.json": ("application/json", None, "verdicts.schema.json"),
    "verdicts.schema.json": ("application/json", None, "https://json-schema.org/draft/2020-12/schema"),
    "evidence.jsonl": ("application/jsonl", None, None),
    "junit.xml": ("application/xml", None, None),
    "ctrf.json": ("application/json", None, "https://ctrf.io"),
    "badge.svg": ("image/svg+xml", None, None),
}

IMPL = ("reference", "control:wrong", "impl:mine")
REFUTED = ("counterexample:1", "control:repaired", "impl:mine")
REFUTING = {"answer": "refuted", "message": "16 is not 9"}
SKIPPED = {"answer": "skipped", "message": "no flint"}
ERRORS = [{"nodeid": "claims/test_x.py", "message": "it has no `limits`"}]

# What is said of the runs of `two_runs`.
WHERE = "profile audit, cases derandomised, Python 3.11, Linux x86_64, 2 cores, hypothesis 6"
BROKE_OFF = "incomplete: the evidence breaks off before the end of the run (0 of 2 items without a result)"
RUNS = [
    f"started 2026-02-01T00:00:00Z, commit ba9876543210-dirty, {WHERE}: {BROKE_OFF}",
    f"started 2026-01-01T00:00:00Z, commit 0123456789ab, {WHERE}: complete",
]

Document = dict[str, Any]


def two_runs() -> Document:
    """A complete run and a later one of the same claim, of a tree with uncommitted changes, that broke off."""
    dirty = run(LATER) | {"commit": "ba9876543210", "dirty": True}
    return merge([verdicts([run(), *part("a")[1:]]), verdicts([dirty, *part("a")[1:-1]])])


def failing(case: str, shares: dict[str, float | str] | None = None) -> dict[str, Any]:
    """The evidence of a trial that was refuted in this case."""
    return measured(shares, examples={"passed": 0, "failed": 1, "discarded": 0, "failing": case})


def cases_of_junit(document: Document) -> dict[str, tuple[str, str]]:
    """Name of each case: the element inside it and its type. The file is held against its schema and its counts against its cases."""
    VERDICTS.validate(document)
    text = junit(document)
    JUNIT.validate(text)
    tree = ElementTree.fromstring(text)
    found = {}
    for parent in (tree, *tree):
        inside = parent.findall(".//testcase")
        counted = Counter(child.tag for case in inside for child in case)
        assert int(parent.get("tests", "")) == len(inside)
        assert int(parent.get("failures", "")) == counted["failure"]
        assert int(parent.get("errors", "")) == counted["error"]
        assert parent is tree or int(parent.get("skipped", "")) == counted["skipped"]
    for case in tree.iter("testcase"):
        why = [child for child in case if child.tag != "system-out"]
        assert len(why) <= 1 and case.get("name") not in found
        found[case.get("name", "")] = (why[0].tag, why[0].get("type", "")) if why else ("passed", "reproduced")
    return found


def cases_of_ctrf(document: Document) -> dict[str, tuple[str, str]]:
    """Name of each test: its status and the word of ours for it. The file is held against its schema and its counts against its tests."""
    VERDICTS.validate(document)
    report = json.loads(ctrf(document), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    CTRF.validate(report)
    tests, summary = report["results"]["tests"], report["results"]["summary"]
    counted = Counter(test["status"] for test in tests)
    assert summary["tests"] == len(tests)
    assert {status: summary[status] for status in ("passed", "failed", "skipped", "pending", "other")} == {
        status: counted[status] for status in ("passed", "failed", "skipped", "pending", "other")
    }
    assert summary["suites"] == len({tuple(test["suite"]) for test in tests})
    return {test["name"]: (test["status"], test["rawStatus"]) for test in tests}


def graph(document: Document, files: Iterable[str] = FILES) -> dict[str, dict[str, Any]]:
    """The entities of the crate by id. Every reference inside has to lead to one of them, or to the specification."""
    made = json.loads(crate(document, [*files]))
    assert made["@context"] == f"{SPECIFICATION}/context"
    entities = {entity["@id"]: entity for entity in made["@graph"]}
    assert len(entities) == len(made["@graph"])
    values = [value for entity in entities.values() for key, value in entity.items() if key != "@id"]
    references = [one["@id"] for value in values for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]
    assert set(references) <= {*entities, SPECIFICATION}
    assert all("@type" in entity for entity in entities.values())
    assert {id for id in entities if id not in (METADATA, "./")} <= set(references)
    return entities


def badge_of(document: Document) -> tuple[str, str]:
    """The words of the badge and the colour behind them."""
    tree = ElementTree.fromstring(badge(document))
    title, *texts = (element.text for element in tree.iter() if element.tag.endswith(("title", "text")))
    assert tree.get("role") == "img" and title == tree.get("aria-label") == ": ".join(texts)
    return texts[1], tree.findall("{*}rect")[1].get("fill", "")


# Outcomes


@pytest.mark.parametrize(
    "made, element, status, said, colour",
    [
        (part("a"), ("passed", "reproduced"), "passed", "1 of 1 reproduced", GREEN),
        (part("a", finding="refuted", select=REFUTED[:2]), ("passed", "reproduced"), "passed", "1 of 1 reproduced", GREEN),
        (part("a", reference=REFUTING), ("failure", "changed"), "failed", "0 of 1 reproduced, 1 changed", RED),
        (part("a", wrong={"answer": "holds"}), ("error", "broken"), "failed", "0 of 1 reproduced, 1 broken", RED),
        (part("a", reference=CRASH), ("error", "broken"), "failed", "0 of 1 reproduced, 1 broken", RED),
        (part("a", wrong=None), ("error", "incomplete"), "other", "0 of 1 reproduced, 1 incomplete, run incomplete", AMBER),
        (part("a", reference=SKIPPED), ("skipped", "not run"), "skipped", "0 of 1 reproduced, 1 not run", AMBER),
        (part("a", finding="not checkable", select=()), ("skipped", "not run"), "skipped", "0 of 0 reproduced", AMBER),
        (part("a", finding="not checkable", reference=None), ("error", "incomplete"), "other", "0 of 0 reproduced, run incomplete", AMBER),
    ],
)
def test_every_file_says_the_outcome(made: Records, element: tuple[str, str], status: str, said: str, colour: str) -> None:
    document = audited(made)
    assert cases_of_junit(document)["a"] == element
    assert cases_of_ctrf(document)["a"] == (status, element[1])
    assert badge_of(document) == (said, colour)


@pytest.mark.parametrize(
    "select, mine, element, status",
    [
        (IMPL, {}, ("passed", "reproduced"), "passed"),
        (IMPL, REFUTING, ("failure", "changed"), "failed"),
        (IMPL, CRASH, ("error", "broken"), "failed"),
        (IMPL, None, ("error", "incomplete"), "other"),
        (IMPL, SKIPPED, ("skipped", "not run"), "skipped"),
        # Of a refuted claim nothing is predicted for a user's code: neither answer is a pass, and neither fails a build.
        (REFUTED, {"answer": "holds"}, ("skipped", "not judged"), "other"),
        (REFUTED, REFUTING, ("skipped", "not judged"), "other"),
        (REFUTED, CRASH, ("error", "broken"), "failed"),
    ],
)
def test_a_users_implementation_is_a_case_of_its_own(select: tuple[str, ...], mine: Any, element: tuple[str, str], status: str) -> None:
    document = audited(part("a", select=select, finding="refuted" if select == REFUTED else "holds", mine=mine))
    assert cases_of_junit(document) | {"a[mine]": element, "a": ("passed", "reproduced")} == cases_of_junit(document)
    assert cases_of_ctrf(document)["a[mine]"] == (status, element[1])


@pytest.mark.parametrize("finding", ["holds in scope", "approximate"])
def test_a_users_implementation_is_judged_wherever_the_property_holds(finding: str) -> None:
    document = audited(part("a", select=IMPL, finding=finding), part("b", select=IMPL, finding=finding, mine=REFUTING))
    assert {name: said for name, (said, _) in cases_of_ctrf(document).items() if "[" in name} == {"a[mine]": "passed", "b[mine]": "failed"}


def test_a_run_that_broke_off_is_an_error_beside_the_claims_it_finished() -> None:
    document = two_runs()
    document["claims"][0] |= {"outcome": "reproduced", "reason": ""}  # the worst that a reader could be shown
    document["counts"]["outcomes"] = {"reproduced": 1}
    assert cases_of_junit(document) == {"run of 2026-02-01T00:00:00Z": ("error", "run incomplete"), "a": ("passed", "reproduced")}
    assert cases_of_ctrf(document)["run of 2026-02-01T00:00:00Z"] == ("failed", "run incomplete")
    assert badge_of(document) == ("1 of 1 reproduced, run incomplete", AMBER)
    assert json.loads(ctrf(document))["results"]["environment"]["healthy"] is False


def test_what_could_not_be_collected_is_an_error_of_its_own_suite() -> None:
    document = audited(part("a"), errors=ERRORS)
    name = "claims/test_x.py"
    assert cases_of_junit(document)[name] == ("error", "not collected")
    assert cases_of_ctrf(document)[name] == ("failed", "not collected")
    assert badge_of(document) == ("1 of 1 reproduced, 1 not collected, run incomplete", AMBER)
    suite = ElementTree.fromstring(junit(document)).find(f".//testcase[@name='{name}']/..")
    assert suite is not None and suite.get("name") == "audit"
    assert "it has no `limits`" in junit(document) and "it has no `limits`" in ctrf(document)


def test_an_empty_run_is_not_green() -> None:
    document = verdicts([run()])
    assert {said for said, _ in cases_of_junit(document).values()} == {"error"}
    assert {said for said, _ in cases_of_ctrf(document).values()} == {"failed"}
    assert badge_of(document) == ("0 of 0 reproduced, run incomplete", AMBER)
    assert graph(document)["#run-1"]["actionStatus"]["@id"].endswith("FailedActionStatus")


def test_an_outcome_that_nobody_knows_passes_nowhere() -> None:
    document = audited(part("a"))
    document["claims"][0]["outcome"] = "fine"
    for write in (junit, ctrf):
        with pytest.raises(KeyError):
            write(document)
    assert badge_of(document) == ("0 of 1 reproduced", AMBER)


def test_a_failure_carries_its_reason_its_likeliest_cause_and_how_to_repeat_it() -> None:
    document = audited(part("a", reference={**REFUTING, "message": "16 is not 9\nsecond line", "evidence": failing("n=4")}))
    (case,) = ElementTree.fromstring(junit(document)).iter("testcase")
    (failure,) = case.findall("failure")
    assert case.get("classname") == "sampling.7"
    assert (
        failure.get("message") == "the reference refuted: 16 is not 9" and failure.text == "the reference refuted: 16 is not 9\nsecond line"
    )
    (test,) = json.loads(ctrf(document))["results"]["tests"]
    assert test["suite"] == ["sampling", "7"] and test["filePath"] == "claims/sampling/test_7.py"
    expected = {
        "finding": "holds",
        "says": "$n^2 = n \\cdot n$",
        "found": "holds exactly",
        "evidence": "within budget",
        "largest share of the error budget": "0.5",
        "controls that did what they must": "1 of 1",
        "failing case": "n=4",
        "likeliest cause": "the sign",
        "post": "https://kexue.fm/archives/7",
        "repeat": "pytest --claim a",
    }
    assert expected.items() <= test["labels"].items()
    output = (case.findtext("system-out") or "").splitlines()
    assert output == [f"{name}: {value}" for name, value in test["labels"].items()]


def test_the_case_of_a_users_implementation_tells_of_that_and_not_of_the_reference() -> None:
    reference = {**REFUTING, "evidence": failing("n=4", {"float64": 30.0})}
    mine = {"answer": "refuted", "message": "25 is not 24", "evidence": failing("n=5", {"float64": 40.0, "float32": 2.0})}
    _, case = json.loads(ctrf(audited(part("a", select=IMPL, reference=reference, mine=mine))))["results"]["tests"]
    assert (case["name"], case["message"], case["filePath"]) == ("a[mine]", "25 is not 24", "claims/sampling/test_7.py")
    assert case["labels"] == {
        "finding": "holds",
        "was": "refuted",
        "largest share of the error budget": "40",
        "failing case": "n=5",
        "likeliest cause": "the sign",
        "repeat": 'pytest "claims/sampling/test_7.py::test_a[impl:mine]"',
    }


def test_a_likeliest_cause_is_named_only_of_what_answered_otherwise_than_predicted() -> None:
    document = audited(
        part("a", select=IMPL),
        part("b", select=IMPL, reference=REFUTING),
        part("c", select=IMPL, mine=REFUTING),
        part("d", select=IMPL, reference=CRASH, mine=CRASH),
        part("e", select=REFUTED, finding="refuted", mine=REFUTING),
    )
    tests = json.loads(ctrf(document))["results"]["tests"]
    assert [test["name"] for test in tests if "likeliest cause" in test["labels"]] == ["b", "c[mine]"]


def test_a_control_that_survived_is_not_counted_among_those_that_did_what_they_must() -> None:
    (test,) = json.loads(ctrf(audited(part("a", wrong={"answer": "holds"}))))["results"]["tests"]
    assert test["labels"]["controls that did what they must"] == "0 of 1"
    assert test["message"].startswith("control wrong survived")


def test_every_file_tells_of_each_run_and_has_version_and_date_of_the_newest() -> None:
    document = two_runs()
    results, suites, entities = json.loads(ctrf(document))["results"], ElementTree.fromstring(junit(document)), graph(document)
    assert results["environment"]["extra"]["runs"] == RUNS
    assert [(one.get("name"), one.get("value")) for one in suites.iter("property")] == [("run 1", RUNS[0]), ("run 2", RUNS[1])]
    assert [entities[id]["description"] for id in ("#run-1", "#run-2")] == RUNS
    assert results["tool"] == {"name": "kexue-audit", "version": "ba9876543210-dirty"}
    assert results["environment"]["commit"] == "ba9876543210-dirty"
    assert {suite.get("timestamp") for suite in suites} == {LATER}
    assert entities["./"]["datePublished"] == LATER
    assert (results["summary"]["start"], results["summary"]["stop"]) == (1767225600000, 1769904000000)  # 1 January and 1 February 2026


# All documents


OUTCOMES = ("broken", "changed", "incomplete", "reproduced", "not run")
ANSWERS = ("broken", "refuted", "incomplete", "holds", "not run")
FINDINGS = ("holds", "holds in scope", "approximate", "refuted", "not checkable")
ANY_TEXT = st.text(st.characters(exclude_categories=()))  # halves of surrogate pairs and control characters too


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Verdict documents with any outcomes and any texts."""
    document = audited(part("a", select=IMPL))
    pattern = document["claims"].pop()
    for number in range(draw(st.integers(0, 4))):
        claim = copy.deepcopy(pattern) | {"id": f"c{number}"}
        claim |= {"finding": draw(st.sampled_from(FINDINGS)), "outcome": draw(st.sampled_from(OUTCOMES)), "reason": draw(ANY_TEXT)}
        claim["impls"][0] |= {"was": draw(st.sampled_from(ANSWERS)), "message": draw(ANY_TEXT)}
        document["claims"].append(claim)
    document["counts"] = {
        "claims": len(document["claims"]),
        "findings": Counter(claim["finding"] for claim in document["claims"]),
        "outcomes": Counter(claim["outcome"] for claim in document["claims"]),
    }
    document["runs"][0]["status"] = draw(st.just("complete") | ANY_TEXT.map("incomplete: ".__add__))
    document["errors"] = [{"nodeid": f"--impl {n}", "message": draw(ANY_TEXT)} for n in range(draw(st.integers(0, 2)))]
    return document


@settings(deadline=None, max_examples=200)
@given(document=documents())
def test_nothing_passes_that_was_not_reproduced_and_nothing_is_left_out(document: Document) -> None:
    before = copy.deepcopy(document)
    complete = document["runs"][0]["status"] == "complete"
    reproduced = {claim["id"] for claim in document["claims"] if claim["outcome"] == "reproduced"}
    judged = {
        f"{claim['id']}[mine]" for claim in document["claims"] if claim["finding"] != "refuted" and claim["impls"][0]["was"] == "holds"
    }
    for said in (cases_of_junit(document), cases_of_ctrf(document)):
        assert len(said) == 2 * document["counts"]["claims"] + len(document["errors"]) + (not complete)
        assert {name for name, (outcome, _) in said.items() if outcome == "passed"} == reproduced | judged
        outcomes = Counter(said[claim["id"]][1] for claim in document["claims"])
        assert outcomes == document["counts"]["outcomes"]
        assert (complete and not document["errors"]) or {"error", "failed"} & {outcome for outcome, _ in said.values()}
    good = all(claim["outcome"] == "reproduced" or claim["finding"] == "not checkable" for claim in document["claims"])
    green = badge_of(document)[1] == GREEN
    assert not green or (good and complete and not document["errors"])
    assert green or not (reproduced == {claim["id"] for claim in document["claims"]} != set() and complete and not document["errors"])
    assert graph(document)["#run-1"]["actionStatus"]["@id"].endswith("CompletedActionStatus") == complete
    assert document == before


# Texts

BIDI = "\u202e"
HOSTILE = f"<script>alert('1')</script> ]]> \"'&amp; \0 \x1b \r \ud800 {BIDI} \ufffe \u2028 end"


def hostile(value: Any, key: str = "") -> Any:
    """The document with HOSTILE in every place where the schema allows any text."""
    if isinstance(value, dict):
        return {inner: hostile(one, inner) for inner, one in value.items()}
    if isinstance(value, list):
        return [hostile(one, key) for one in value]
    prefixes = {"url": "https://", "repository": "https://", "status": "incomplete: "}
    fixed = {"id", "kind", "finding", "outcome", "digest", "started", "date", "program", "seeds", "was", "must_be", "strengths", "section"}
    return prefixes.get(key, "") + HOSTILE if isinstance(value, str) and key not in fixed else value


def test_no_text_of_a_document_breaks_a_file() -> None:
    document = hostile(audited(part("a", select=IMPL, reference=REFUTING, mine=REFUTING), errors=ERRORS))
    assert set(cases_of_ctrf(document)) == set(cases_of_junit(document))
    graph(document)
    for text in (junit(document), ctrf(document), crate(document, [*FILES]), badge(document)):
        assert not re.search("[\0\x1b\r\u2028\ufffe\ud800-\udfff]", text) and BIDI not in text
        text.encode()
    message = ElementTree.fromstring(junit(document)).findtext(".//failure")
    assert message == json.loads(ctrf(document))["results"]["tests"][2]["message"]
    assert message == HOSTILE.encode("unicode_escape").decode()  # which spells out what cannot be seen and nothing else here


def test_a_text_that_is_too_long_is_cut_and_says_so() -> None:
    document = audited(part("a", reference={**REFUTING, "message": "x" * 2**20}))
    for text in (junit(document), ctrf(document)):
        assert len(text) < 3 * LONGEST
        assert re.search(r"xxx … \(10\d{5} more characters\)", text)
    headline = ElementTree.fromstring(junit(document)).find(".//failure")
    assert headline is not None and len(headline.get("message", "")) <= 200


def test_equal_documents_make_equal_files() -> None:
    document = audited(part("a"), part("b", reference=REFUTING))
    again = json.loads(json.dumps(document, sort_keys=True))
    assert [write(document) for write in (junit, ctrf, badge)] == [write(again) for write in (junit, ctrf, badge)]
    assert crate(document, [*FILES]) == crate(again, [*FILES])


# The crate


def test_the_crate_describes_the_folder() -> None:
    entities = graph(audited(part("a"), part("b", finding="approximate", reference=REFUTING)))
    assert entities[METADATA]["about"] == {"@id": "./"} and entities[METADATA]["conformsTo"] == {"@id": SPECIFICATION}
    root = entities["./"]
    assert root["datePublished"] == "2026-01-01T00:00:00Z" and root["license"] == {"@id": "https://spdx.org/licenses/MIT"}
    assert "2 claims of kexue.fm, from 1 of its posts" in root["description"]
    assert root["description"].endswith(
        "What is true of them: 1 approximate, 1 holds. What happened in these runs: 1 changed, 1 reproduced."
    )
    assert [one["@id"] for one in root["hasPart"]] == [*FILES]
    told = [(name, entities[name], entities[name].get("conformsTo", {})) for name in FILES]
    assert {name: (file["encodingFormat"], file.get("inLanguage"), standard.get("@id")) for name, file, standard in told} == FILES
    assert all(file["name"] and file["description"] for _, file, _ in told)
    assert "in English" in entities["index.html"]["description"] and "in Chinese" in entities["index.zh.html"]["description"]
    post = entities[root["about"]["@id"]]
    assert (post["name"], post["alternateName"], post["inLanguage"]) == ("一篇文章", "A post", "zh")
    assert post["@id"] == post["url"] == "https://kexue.fm/archives/7" and post["datePublished"] == "2024-01-01"
    assert entities[post["author"]["@id"]]["name"] == "Su Jianlin"


def test_the_crate_lists_what_there_is_and_not_itself() -> None:
    entities = graph(audited(part("a")), ["verdicts.json", METADATA, "a page.html"])
    assert [one["@id"] for one in entities["./"]["hasPart"]] == ["verdicts.json", "a%20page.html"]
    assert entities[METADATA]["@type"] == "CreativeWork"
    assert "conformsTo" not in entities["verdicts.json"]


def test_the_crate_has_an_action_per_run_and_says_which_ones_failed() -> None:
    entities = graph(two_runs())
    broken_off, complete = entities["#run-1"], entities["#run-2"]
    assert broken_off["actionStatus"]["@id"].endswith("FailedActionStatus") and broken_off["error"].startswith("incomplete: ")
    assert complete["actionStatus"]["@id"].endswith("CompletedActionStatus") and "error" not in complete
    assert [entities[action["instrument"]["@id"]]["version"] for action in (broken_off, complete)] == ["ba9876543210-dirty", "0123456789ab"]
    assert [action["startTime"] for action in (broken_off, complete)] == [LATER, "2026-01-01T00:00:00Z"]


# The badge


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("made", [part("a"), part("a", wrong=None), part("a", reference=REFUTING)])
def test_the_badge_can_be_read(made: Records) -> None:
    tree = ElementTree.fromstring(badge(audited(made)))
    inks = [group.get("fill", "") for group in tree.findall("{*}g")]
    papers = [rect.get("fill", "") for rect in tree.findall("{*}rect")]
    for paper in papers:
        dark, light = sorted(map(luminance, (*inks, paper)))
        assert (light + 0.05) / (dark + 0.05) >= 4.5
    label, said = tree.findall("{*}g/{*}text")
    left, right = tree.findall("{*}rect")
    ends = [float(text.get("x", "")) + float(text.get("textLength", "")) for text in (label, said)]
    assert ends[0] < float(left.get("width", "")) == float(right.get("x", "")) < float(said.get("x", ""))
    assert ends[1] < float(tree.get("width", "")) == float(right.get("x", "")) + float(right.get("width", ""))
    assert 5.5 < float(said.get("textLength", "")) / len(said.text or "") < 7
    assert "http" not in badge(audited(made)).replace("http://www.w3.org/2000/svg", "")


# The schemas and the citation


def test_the_schemas_can_say_no() -> None:
    document = audited(part("a", reference=REFUTING))
    assert not JUNIT.is_valid(junit(document).replace("<failure", "<changed").replace("</failure", "</changed"))
    report = json.loads(ctrf(document))
    report["results"]["tests"][0]["status"] = "changed"
    assert not CTRF.is_valid(report)


def test_the_citation_agrees_with_the_project() -> None:
    lines = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    cited = dict(line.split(": ", 1) for line in lines if re.match(r"[a-z-]+: ", line))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (cited["cff-version"], cited["type"], cited["title"]) == ("1.2.0", "software", project["name"])
    assert (cited["version"], cited["license"], cited["abstract"]) == (project["version"], project["license"], project["description"])
    holder = re.search(r"Copyright \(c\) \d+ (.+)", (ROOT / "LICENSE").read_text(encoding="utf-8"))
    assert holder and f"  - name: {holder[1]}" in lines
