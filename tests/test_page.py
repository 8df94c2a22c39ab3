"""The page shows what it is given as text, loads nothing, and never dresses a missing result in green."""

from __future__ import annotations

import copy
import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("math_core")

from reports.page import LONGEST, cells, columns_of, figure, formula_problems, page, percent, tex, visible
from reports.verdicts import document as assembled
from reports.verdicts import merge, verdicts
from tests.test_verdicts import END, LATER, item, measured, records, result, run, told

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "quotes": "\"'><img src=x onerror=alert(1)>",
    "style": "</style><b>bold</b>",
    "comment": "<!-- --><![CDATA[",
    "template": "{{ 7 * 7 }}{% include 'page.html' %}",
    "ampersand": "&lt;i&gt; &amp;amp;",
}
UNSEEN = {"nul": "a\0b", "rtl": "a\u202eb", "zero width": "a\u200bb", "surrogate": "a\ud800b", "escape": "a\x1bb"}


class Read(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and its text."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.pieces: list[str] = []
        self.feed(text)
        self.close()
        self.text = "".join(self.pieces)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def of_class(self, name: str) -> list[dict[str, str]]:
        return [attributes for _, attributes in self.elements if name in attributes.get("class", "").split()]


def filled(text: str) -> dict[str, Any]:
    """A document in which `text` stands wherever a test or an author can put one."""
    claim = told(
        trials=("reference", "control:wrong", "counterexample:1", "impl:mine"),
        finding="holds in scope",
        **dict.fromkeys(
            ("says", "zh", "scope", "found", "limits", "if_fails", "section", "corrected", "corrected_by", "file", "test"), text
        ),
    )
    claim["post"] |= {"en": text, "zh": text, "url": "https://kexue.fm/" + text}
    claim["counterexamples"] = [{"why": text, "case": text}]
    known = measured(
        examples={"passed": 0, "failed": 1, "discarded": 0, "failing": text},
        measures={text: [0.0, "inf"]},
        statistics={text: {text: 0.1}},
        certificates={text: text},
        devices={"cpu": text},
        figures=[
            {"en": text, "zh": text, "x": text, "y": text, "log": "xy", "series": {text: [[1, 0, "inf"], [2, 1, 1]]}},
            {"en": text + " in bars", "zh": text, "x": text, "y": text, "log": "", "series": {text: [[text, 0, 1]]}},
        ],
    )
    known["rows"][0] |= {"at": text, "case": text, "device": text, "arithmetic": text}
    known["rows"].append({"device": "cuda", "arithmetic": "float32", "comparisons": 0, "not_run": text})
    items = [item(claim, trial) for trial in ("reference", "control:wrong", "counterexample:1", "impl:mine")]
    answered = [result(one, "refuted", text, known) for one in items]
    made = [
        run() | {"arguments": [text], "platform": text, "versions": {text: text}},
        {"record": "expected", "claims": {claim["id"]: claim}, "items": items},
    ]
    return verdicts([*made, *answered, {"record": "errors", "errors": [{"nodeid": text, "message": text}]}, END])


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(text):
    plain, read = Read(page(filled("harmless"))), Read(page(filled(text)))
    assert Counter(tag for tag, _ in read.elements) == Counter(tag for tag, _ in plain.elements)
    assert not any(name.startswith("on") for _, attributes in read.elements for name in attributes)
    assert read.text.count(text) >= plain.text.count("harmless") - 1


@pytest.mark.parametrize("text", UNSEEN.values(), ids=UNSEEN)
def test_what_cannot_be_seen_is_spelled_out(text):
    shown = page(filled(text))
    assert text[1] not in shown
    assert f"a␛U+{ord(text[1]):04X}b" in Read(shown).text
    shown.encode("utf-8")


def test_a_megabyte_of_counterexample_is_folded_and_cut_with_a_note():
    shown = page(filled("<" + "x" * 1_000_000))
    assert "1,000,001 characters in all, see verdicts.json" in shown
    claim = records(reference={"message": "<" + "x" * 1_000_000, "answer": "refuted"})
    assert len(page(verdicts(claim))) < 1_000_000
    assert LONGEST < 100_000


def test_every_claim_is_there_and_can_be_linked_to():
    document = merge([verdicts(records(told(id))) for id in ("squares", "cubes", "roots")])
    read = Read(page(document))
    ids = {attributes["id"] for _, attributes in read.elements if "id" in attributes}
    targets = {attributes["href"][1:] for attributes in read.all("a") if attributes["href"].startswith("#")}
    assert {"squares", "cubes", "roots"} <= ids & targets
    assert targets <= ids


def test_page_loads_nothing_and_forbids_scripts():
    shown = page(filled("harmless"))
    read = Read(shown)
    (policy,) = [meta["content"] for meta in read.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src" not in policy and "img-src" not in policy
    assert not {tag for tag, _ in read.elements} & {"script", "img", "link", "iframe", "object", "embed", "base", "form"}
    assert [attributes for tag, attributes in read.elements if "src" in attributes or (tag != "a" and "href" in attributes)] == []
    assert set(re.findall(r"url\([\"']?(\w+:)", shown)) == {"data:"}
    assert "@import" not in shown


def test_only_https_posts_become_links():
    document = verdicts(records())
    document["claims"][0]["post"]["url"] = "javascript:alert(1)"
    assert not [a for a in Read(page(document)).all("a") if "javascript" in a["href"]]


def without_legend(shown: str) -> Read:
    return Read(re.sub(r'<section aria-labelledby="reading">.*?</section>', "", shown, flags=re.DOTALL))


@pytest.mark.parametrize(
    ("evidence", "outcome"),
    [
        (records()[:-1], "incomplete"),
        (records(wrong=None), "incomplete"),
        (records(reference=None), "incomplete"),
        (records(reference={"answer": "skipped", "message": "no flint"}), "not run"),
        (records(select=("reference",)), "not run"),
        (records(wrong={"answer": "holds"}), "broken"),
        (records(reference={"answer": "refuted", "message": "m"}), "changed"),
    ],
)
def test_nothing_is_green_unless_it_was_reproduced(evidence, outcome):
    read = without_legend(page(verdicts(evidence)))
    assert read.of_class("reproduced") == []
    assert read.of_class(outcome.replace(" ", "-"))


def test_only_the_fresh_row_of_a_merged_claim_is_green():
    old = records(told(digest="f" * 16), reference={"evidence": measured({"float32": 0.9, "float64": 0.9})})
    new = records(started=LATER, reference={"evidence": measured({"float32": 0.2})})
    document = merge([verdicts(old), verdicts(new)])
    assert [cell and cell["outcome"] for cell in cells(document["claims"][0], columns_of(document["claims"]))] == ["stale", "reproduced"]
    assert without_legend(page(document)).of_class("stale")


def test_incomplete_run_and_collection_errors_raise_an_alarm():
    assert [a for a in Read(page(verdicts(records()))).elements if a[1].get("role") == "alert"] == []
    shown = page(
        verdicts([*records()[:-1], {"record": "errors", "errors": [{"nodeid": "claims/test_x.py", "message": "it has no `limits`"}]}])
    )
    assert len([a for a in Read(shown).elements if a[1].get("role") == "alert"]) == 2
    assert "the evidence breaks off" in shown and "claims/test_x.py" in shown and "it has no `limits`" in shown


def test_surviving_and_crashed_controls_are_loud():
    claim = told(trials=("reference", "control:wrong", "control:other", "control:good"))
    document = verdicts(records(claim, wrong={"answer": "holds"}, other={"answer": "broken", "message": "ZeroDivisionError"}))
    text = " ".join(Read(page(document)).text.split())
    assert "1 of 3 did what they must" in text
    assert "wrong must be rejected but survived" in text and "other must be rejected but crashed" in text
    assert "good: rejected, as it must be" in text


def test_outcomes_and_findings_are_told_in_words_not_by_colour_alone():
    read = Read(page(verdicts(records())))
    hidden = [attributes for _, attributes in read.elements if attributes.get("aria-hidden") == "true"]
    assert hidden and "reproduced" in read.text and "● holds" in read.text


def test_what_cannot_be_checked_has_a_reason_and_a_neighbour_and_no_outcome():
    claim = told("quality", trials=("reference",), finding="not checkable", kind="empirical", found="it takes training", proxy="squares")
    shown = page(merge([verdicts(records()), verdicts(records(claim, reference={"answer": "skipped", "message": "cannot be checked"}))]))
    (article,) = re.findall(r'<article class="claim" id="quality".*?</article>', shown, flags=re.DOTALL)
    assert "it takes training" in article and 'href="#squares"' in article and "not run" not in article
    assert "reproduced 1 of the 1 findings that can be checked." in " ".join(Read(shown).text.split())


def test_empty_document_is_a_page():
    assert "0 mathematical claims" in page(assembled(runs=[verdicts(records())["runs"][0]], claims=[], errors=[]))


def test_page_does_not_change_its_document():
    document = filled("a\0b")
    before = copy.deepcopy(document)
    page(document)
    assert document == before


# Equations


def test_formulas_become_mathml_between_escaped_text():
    shown = tex(r"if $a < b$ & <i>")
    assert re.fullmatch(r"if <math[^>]*>.*</math> &amp; &lt;i&gt;", shown)
    assert "<mo>&lt;</mo>" in shown


@pytest.mark.parametrize("bad", [r"\foo{x}", r"\left(x", "<script>", r"\text{</math><script>alert(1)</script>}", '"onload="'])
def test_formula_cannot_bring_elements_of_its_own(bad):
    read = Read(tex(f"before ${bad}$ after"))
    assert "script" not in {tag for tag, _ in read.elements}
    assert not any(name.startswith("on") for _, attributes in read.elements for name in attributes)
    assert read.text.startswith("before ") and read.text.endswith(" after")


def test_formula_that_does_not_convert_is_shown_as_source():
    assert tex(r"see $\foo{x}$.") == r'see <code class="untypeset">$\foo{x}$</code>.'
    document = verdicts(records(told(says=r"see $\foo{x}$")))
    assert r"$\foo{x}$" in page(document)


@pytest.mark.parametrize("text", ["costs 5 $", "$x$ costs 5 $", "$", ""])
def test_a_dollar_without_a_partner_is_a_dollar(text):
    assert Read(tex(text)).text.count("$") == text.count("$") % 2


def test_problems_of_formulas_are_sentences():
    assert formula_problems(r"$\boldsymbol w$ and $\operatorname*{argmin}_x f(x)$") == []
    assert formula_problems("no mathematics") == []
    for text, said in ((r"$\foo$", "is not converted"), ("a $b", "no partner"), ("$$", "printed as nothing")):
        (problem,) = formula_problems(text)
        assert said in problem


# Figures


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0, "0 %"),
        (0.74, "74 %"),
        (0.0123, "1.2 %"),
        (1e-6, "< 0.1 %"),
        (1.0, "100 %"),
        (18.2, "1,820 %"),
        (3e12, "3.0e+14 %"),
        ("inf", "beyond all bounds"),
    ],
)
def test_percent(share, shown):
    assert percent(share) == shown


@pytest.mark.parametrize(("value", "shown"), [(2048.0, "2,048"), (0.012345, "0.0123"), ("inf", "inf"), (3, "3"), ("text", "text")])
def test_figure(value, shown):
    assert figure(value) == shown


def test_a_cell_stands_for_the_worst_of_its_rows():
    rows = [
        {"device": "cpu", "arithmetic": f"{dtype} reassociated", "share": share, "outcome": outcome, "reason": ""}
        for dtype, share, outcome in (("float64", 0.1, "reproduced"), ("float32", "inf", "broken"), ("bfloat16", 0.3, "reproduced"))
    ]
    claim = {"rows": [*rows, {"device": "cpu", "arithmetic": "50 digits", "outcome": "reproduced", "reason": ""}]}
    columns = columns_of([claim])
    assert columns == [("cpu", "digits"), ("cpu", "reassociated")]
    assert [(cell["outcome"], cell["share"]) for cell in cells(claim, columns)] == [("reproduced", None), ("broken", "inf")]
    assert cells({"rows": []}, columns) == [None, None]


def test_visible_leaves_ordinary_text_alone():
    ordinary = {"zh": ["切分 é \t\n", 1, 2.5, None, True]}
    assert visible(ordinary) == ordinary
