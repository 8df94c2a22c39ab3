"""Whatever a page says it says in both languages, no Chinese is left that nothing says, and neither page speaks the other's language."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any
from xml.etree.ElementTree import Element

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("math_core")

from reports.chinese import CHINESE
from reports.diff import changes
from reports.language import LANGUAGES, page_name, pattern, translated, untranslated, words
from reports.page import FAMILY_NAMES, STATISTIC_NAMES, audit_page, changes_page, environment
from reports.verdicts import merge, verdicts
from tests.small_audit import ROOT, Project, claim
from tests.test_page import CHANGES, SKIPPED, several, tree
from tests.test_verdicts import LATER, REFUTED, SCHEMA, audited, measured, part, records, run, text, told

HAN = re.compile("[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
GAP = re.compile(r"%\(\w+\)s|%%|</?\w+>")  # what a text has in either language: what is filled in, and elements
TOPICS = ("attention", "diffusion", "sampling", "ssm", "linalg", "finetuning", "quantisation", "density", "geometry", "losses", "multimodal", "software")  # fmt: skip

# Words that the pages take from a run, and where a run takes them from.
FROM_A_RUN = {
    "derandomised": "reports/plugin.py",
    "fresh": "reports/plugin.py",
    "gone": "reports/diff.py",
    "the claim has changed since this was measured": "reports/verdicts.py",
    "no CUDA device": "tests/test_executors.py",
}


def blocks() -> set[str]:
    """What the templates say, in the singular."""
    found = (
        message
        for template in (ROOT / "reports" / "templates").glob("*.html")
        for _, _, message in environment("en").extract_translations(template.read_text(encoding="utf-8"))
    )
    return {message[0] if isinstance(message, tuple) else message for message in found} - {None}  # None: what is known when it is said


def can_be(node: ast.expr, known: dict[str, ast.expr]) -> set[str]:
    """Every text that an expression of constants, sums and conditions can stand for."""
    match node:
        case ast.Constant(value=str(said)):
            return {said}
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return {a + b for a, b in product(can_be(left, known), can_be(right, known))}
        case ast.IfExp(body=body, orelse=orelse):
            return can_be(body, known) | can_be(orelse, known)
        case ast.Name(id=name):
            return can_be(known[name], known)
    raise AssertionError(f"a sentence that cannot be read from the source: {ast.unparse(node)}")


def sentences_of_changes() -> set[str]:
    """The second argument of every call of `change` in reports/diff.py."""
    found = set()
    for function in ast.parse((ROOT / "reports" / "diff.py").read_text(encoding="utf-8")).body:
        known: dict[str, ast.expr] = {}
        for node in sorted((node for node in ast.walk(function) if hasattr(node, "lineno")), key=lambda node: node.lineno):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    known[name] = value
                case ast.Call(func=ast.Name(id="change"), args=[_, said]):
                    found |= can_be(said, known)
    return found


def words_of_verdicts() -> set[str]:
    """Findings, outcomes, strengths, kinds, what controls and implementations can have done."""
    defined = SCHEMA["$defs"]
    places = [
        *(defined[name] for name in ("finding", "outcome", "strength")),
        defined["row"]["properties"]["outcome"],
        defined["control"]["properties"]["was"],
        defined["control"]["properties"]["must_be"],
        defined["impl"]["properties"]["was"],
        defined["claim"]["properties"]["kind"],
    ]
    return {word for place in places for word in place["enum"]}


def words_of_statistics() -> set[str]:
    """What the oracles record of a statistical comparison: the dictionaries with an error probability in them."""
    dictionaries = (
        {key.value for key in node.keys if isinstance(key, ast.Constant)}
        for path in (ROOT / "oracles").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Dict)
    )
    recorded = set().union(*(keys for keys in dictionaries if "alpha" in keys))
    assert STATISTIC_NAMES.keys() <= recorded
    return {STATISTIC_NAMES.get(key, key) for key in recorded}


ARITHMETICS = ("exact", "digits", "balls,", "two", "precisions")  # words of their names that are not the same in every language

SAID = (
    blocks()
    | sentences_of_changes()
    | words_of_verdicts()
    | words_of_statistics()
    | {*FAMILY_NAMES.values(), *TOPICS, *FROM_A_RUN, *ARITHMETICS}
)


def test_everything_that_is_said_has_chinese_and_all_chinese_is_said() -> None:
    assert sorted(SAID - CHINESE.keys()) == []
    assert sorted(CHINESE.keys() - SAID) == []


def test_what_is_said_is_looked_for_everywhere() -> None:
    assert len(blocks()) > 100 and "%(n)s difference" in blocks()
    assert {"outcome: %(before)s before, %(now)s now (%(why)s)", "outcome: %(before)s before, %(now)s now"} < sentences_of_changes()
    assert len(sentences_of_changes()) == 12
    for word, file in FROM_A_RUN.items():
        assert f'"{word}"' in (ROOT / file).read_text(encoding="utf-8")


def test_every_change_that_can_be_made_has_one_of_the_sentences_read_from_the_source() -> None:
    trials = ("reference", "control:wrong", "control:other", "impl:mine")
    old = records(told(trials=trials), select=trials)
    new = [
        records(told(trials=trials, says=text("rewritten")), select=trials, mine={"answer": "refuted"}),
        records(told(trials=trials), reference={"evidence": measured(strengths=["statistical"])}),
        records(told("cubes")),
        records(told(finding="approximate"), wrong={"answer": "holds"}),
        records(reference={"evidence": measured({"float32": 0.9})}),
        records(select=()),
    ]
    pairs = [pair for other in new for pair in ((old, other), (other, old))]
    assert {change.text for before, after in pairs for change in changes(verdicts(before), verdicts(after))} == sentences_of_changes()


def test_topics_of_posts_are_among_those_with_chinese() -> None:
    assert {path.name for path in (ROOT / "claims").iterdir() if (path / "__init__.py").exists() or list(path.glob("test_*.py"))} <= {
        *TOPICS
    }


def test_both_languages_fill_in_the_same_and_have_the_same_elements() -> None:
    assert {english for english, chinese in CHINESE.items() if Counter(GAP.findall(english)) != Counter(GAP.findall(chinese))} == set()
    assert {english for pair in CHINESE.items() for english in pair if "%" in GAP.sub("", english)} == set()
    assert {english for english, chinese in CHINESE.items() if not chinese.strip()} == set()


def test_chinese_knows_no_plural_and_english_is_what_the_templates_say() -> None:
    say, say_many = words("en")
    assert (say("holds"), say_many("%(n)s difference", "%(n)s differences", 1)) == ("holds", "%(n)s difference")
    assert [say_many("%(n)s difference", "%(n)s differences", n) for n in (0, 2)] == ["%(n)s differences"] * 2
    say, say_many = words("zh")
    assert say("holds") == "成立" and say("never said") == "never said"
    assert [say_many("%(n)s difference", "%(n)s differences", n) for n in (0, 1, 2)] == ["%(n)s 处不同"] * 3
    assert [say_many("one cat", "many cats", n) for n in (1, 2)] == ["one cat", "many cats"]


def test_pages_have_a_file_for_each_language() -> None:
    assert [page_name("index", language) for language in LANGUAGES] == ["index.html", "index.zh.html"]


# Names that a check makes while it runs


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("error for n = 64", "error for n = #"),
        ("n = 4, m = 20,000", "n = #, m = #"),
        ("below 1e-6 or 2.5e+10", "below # or #"),
        ("x2 of 0.75", "x# of #"),
        ("ends with 3.", "ends with #."),
        ("no number", "no number"),
    ],
)
def test_the_pattern_of_a_name_has_a_mark_for_every_number(name: str, found: str) -> None:
    assert pattern(name) == found == pattern(found)


@pytest.mark.parametrize(
    ("name", "chinese", "said"),
    [
        ("error for n = 64", "n = # 时的误差", "n = 64 时的误差"),
        ("from 1e-6 to 20,000", "# 到 #", "1e-6 到 20,000"),
        ("4 of 5 at 0.5", "# 之 #，在 #", "4 之 5，在 0.5"),
        ("rank", "秩", "秩"),
        ("error for n = 64", "误差 # 与 #", "误差 64 与 #"),  # the author's mistake can be seen, and no number is made up
    ],
)
def test_numbers_of_a_name_stand_in_its_chinese_in_their_order(name: str, chinese: str, said: str) -> None:
    assert translated(name, {pattern(name): chinese, "other": "别的"}) == said


def test_a_name_without_chinese_stays_as_it_is() -> None:
    assert translated("error for n = 64", {"error": "误差"}) == "error for n = 64"


def test_every_name_that_a_reader_sees_is_asked_for_its_chinese() -> None:
    figure = {"title": "title", "x": "along", "y": "up", "log": "", "series": {"old": [["first word", 1, 1], [7, 1, 1]]}}
    known = measured(
        {"float32": 0.5},
        measures={"gap for n = 4": [0, 1], "gap for n = 8": [0, 1]},
        statistics={"mean": {"alpha": 0.1}},
        certificates={"rank": "full"},
        figures=[figure],
    )
    known["rows"][0]["at"] = "row 3"
    names = ["along", "first word", "gap for n = #", "mean", "old", "rank", "row #", "title", "up"]
    (asked,) = verdicts(records(reference={"evidence": known}))["claims"]
    assert untranslated(asked) == names
    (asked,) = verdicts(records(told(names=dict.fromkeys(names[1:], "名")), reference={"evidence": known}))["claims"]
    assert untranslated(asked) == ["along"]


def test_a_run_lists_the_names_that_have_no_chinese(project: Project) -> None:
    names = "zh=dict(says='平方', scope='整数', found='成立', limits='不超过 9', if_fails='符号', names={'sum for n = #': 'n = # 时的和'})"
    check = "measured(f'sum for n = {n}', n)\nmeasured(f'gap for n = {n}', n)\nequal(subject.square(n), n * n, 'square')"
    project.write(test_a=claim(check=check, zh=names.removeprefix("zh=")))
    audit = project.audit()
    assert audit.status == 0
    assert [line.strip() for line in audit.lines("no Chinese")] == [
        "no Chinese: squares: add 'gap for n = #' to names in its zh=dict(names={...})"
    ]


def test_a_claim_that_is_not_all_in_chinese_is_a_warning_and_runs(project: Project) -> None:
    project.write(test_a=claim(zh="dict(says='平方', scope='整数', found='成立', if_fails='符号')"), test_b=claim("complete"))
    audit = project.audit()
    assert (audit.status, audit.outcomes()) == (0, {"squares": "reproduced", "complete": "reproduced"})
    (warning,) = audit.lines("not all in Chinese")
    assert warning.endswith("claim 'squares' (test_a.test_squares) is not all in Chinese: add zh=dict(limits=...) of the claim")


# The claims of this suite


@pytest.fixture(scope="module")
def suite() -> list[dict[str, Any]]:
    """Of every claim: its id, what is missing in Chinese, and its names. In a process of its own, as its tests are not for this folder."""
    script = "import json\nfrom claims.catalogue import declared\n" + (
        "print(json.dumps([[claim.id, claim.untranslated(), claim.zh.get('names', {})] for claim in declared()]))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_every_claim_of_the_suite_is_all_in_chinese(suite: list[Any]) -> None:
    assert len(suite) > 100
    assert {id: missing for id, missing, _ in suite if missing} == {}


def test_every_name_of_the_suite_can_be_found_and_keeps_its_numbers(suite: list[Any]) -> None:
    assert sum(len(names) for _, _, names in suite) > 100
    for id, _, names in suite:
        assert [name for name in names if name != pattern(name)] == [], f"{id}: write # for every number"
        assert [name for name, chinese in names.items() if name.count("#") != chinese.count("#")] == [], id


# One language on each page

UNREAD = {"style", "script", "code", "math"}
READ_OUT = ("aria-label", "title", "alt")


def spoken(element: Element, language: str = "") -> Iterator[tuple[str, str]]:
    """(language, text) for everything that is read on a page, except for commands, names of files and formulas."""
    if element.tag in UNREAD:
        return
    language = element.get("lang", language)
    yield from ((language, element.get(name, "")) for name in READ_OUT)
    yield language, element.text or ""
    for child in element:
        yield from spoken(child, language)
        yield language, child.tail or ""


NAMES = {
    "gap for n = #": "n = # 时的差",
    "mean": "均值",
    "rank": "秩",
    "curve": "曲线",
    "steps": "步数",
    "error": "误差",
    "at #": "在 # 处",
}


def everything() -> list[dict[str, Any]]:
    """Documents that use all that a page of an audit can say, with Chinese for all that the authors of claims write."""
    known = measured(
        {"float32": 2.0, "float64 reassociated": 0.1, "50 digits": 0.01, "float64": 0.3},
        measures={"gap for n = 4": [0, 1]},
        statistics={"mean": {"statistic": 1.0, "critical": 2.0, "power_at": 3.0, "radius": 1.0, "alpha": 1e-12, "comparisons": 3}},
        certificates={"rank": "it is full"},
        figures=[{"title": "curve", "x": "steps", "y": "error", "log": "", "series": {"mean": [[1, 0.1, 0.2], [2, 0.5, 0.5]]}}],
        strengths=["proved", "certified", "exact on cases", "within budget", "statistical"],
        examples={"passed": 3, "failed": 1, "discarded": 0, "failing": "n=4"},
    )
    for row in known["rows"]:
        row |= {"case": "n=4", "agreement": 0.2, "sees": 1e-7}
    for device, why in (("cuda", "no CUDA device"), ("mps", "not among --device cpu")):
        known["rows"].append({"device": device, "arithmetic": "float32", "comparisons": 0, "not_run": why})
    refuting = {"answer": "refuted", "message": "16 is not 9", "evidence": known}
    rich = told(
        "rich",
        finding="refuted",
        trials=("counterexample:1", "counterexample:2", "control:repaired", "control:other", "control:late"),
        test="test_rich",
        corrected=text("so", "更正"),
        corrected_by="elsewhere",
        merges={"other": text("the same", "同上")},
    )
    far = {"answer": "holds", "evidence": measured({"float32": 12.0})}
    too_long = {"answer": "refuted", "message": "so much " * 2000}
    dirty, unfinished = run() | {"dirty": True}, run() | {"commit": "", "seeds": "fresh", "repository": ""}
    quality = part("quality", finding="not checkable", select=("reference",), reference=SKIPPED)
    quality[1]["claims"]["quality"]["proxy"] = "rich"
    one = audited(
        records(rich, select=(*rich["trials"], "impl:mine"), repaired=far, other=too_long, late=None, mine=refuting, **{"1": refuting}),
        part("judged", select=("reference", "control:wrong", "impl:mine"), wrong=refuting, mine=refuting),
        quality,
    )
    documents = [
        several(),
        one,
        merge([verdicts(records(told(digest="f" * 16))), verdicts(records(started=LATER, reference=far | {"answer": "holds"}))]),
        verdicts(
            [unfinished, *records(REFUTED)[1:-1], {"record": "errors", "errors": [{"nodeid": "claims/test_x.py", "message": "no limits"}]}]
        ),
        verdicts([dirty, *records(reference={"evidence": measured(rows=[], examples={})})[1:]]),
        verdicts(records(told(finding="refuted", trials=("counterexample:1",)), **{"1": {"evidence": measured(examples={})}})),
    ]
    for told_here in (one for document in documents for one in document["claims"]):
        told_here["names"] = NAMES
    return documents


@pytest.fixture(scope="module")
def said() -> dict[str, list[tuple[str, str]]]:
    """Everything that is said on the pages of each language."""
    found: dict[str, list[tuple[str, str]]] = {}
    for language in LANGUAGES:
        documents = everything()
        pages = [audit_page(document, language, CHANGES) for document in documents]
        pages.append(changes_page(CHANGES, documents[0], documents[2], language))
        found[language] = [piece for page in pages for piece in spoken(tree(page))]
    return found


def test_the_english_pages_say_nothing_in_chinese_but_titles_and_the_switch(said: dict[str, list[tuple[str, str]]]) -> None:
    assert {piece for language, piece in said["en"] if HAN.search(piece)} == {"一篇文章", "另一篇", "中文"}
    assert {language for language, piece in said["en"] if HAN.search(piece)} == {"zh"}


# What stands in Chinese sentences as it is: names, abbreviations and commands of the page, arithmetics and devices, and what the run says.
LATIN = {
    *(
        "kexue fm archives audit example org MIT GUST Latin Modern Math JUnit CTRF RO Crate LaTeX CPU CUDA Esc alpha deep ID json verdicts".split()
    ),
    *("Python pip install r requirements txt make pytest profile Schwartz Zippel".split()),
    *("float bfloat cpu cuda mps inf".split()),
    *("Linux x cores hypothesis a processor T Z mine limit n".split()),
}
NOT_WORDS = re.compile(r"\$[^$]*\$|\d[\d.,]*e[+-]?\d+")  # sources of formulas, and numbers


def test_the_chinese_pages_have_no_english_words_left(said: dict[str, list[tuple[str, str]]]) -> None:
    left = {word for language, piece in said["zh"] if language == "zh" for word in re.findall("[A-Za-z]+", NOT_WORDS.sub("", piece))}
    assert sorted(left - LATIN) == []


def test_what_is_marked_as_english_on_a_chinese_page_is_english(said: dict[str, list[tuple[str, str]]]) -> None:
    marked = [piece.strip() for language, piece in said["zh"] if language == "en"]
    assert [piece for piece in marked if HAN.search(piece)] == []
    assert {"16 is not 9", "n=4", "it is full", "not among --device cpu", "wrong", "English"} <= {*marked}


def test_all_that_the_templates_can_say_is_on_these_pages(said: dict[str, list[tuple[str, str]]]) -> None:
    """So that the tests above have read it."""
    read = "".join(piece for _, piece in said["zh"])
    pages = re.sub(r"\s+", "", read)
    unread = {
        english
        for english in blocks()
        if not all(
            re.sub(r"\s+", "", piece) in pages
            for piece in re.split(r"%\(\w+\)s|<code>.*?</code>|</?em>", CHINESE[english].replace("%%", "%"))
        )
    }
    assert unread == set()
