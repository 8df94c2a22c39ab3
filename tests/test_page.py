"""The page shows what it is given as text, loads nothing, and never dresses a missing result in green."""

from __future__ import annotations

import base64
import copy
import hashlib
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder

import pytest
from markupsafe import Markup

pytest.importorskip("jinja2")
pytest.importorskip("math_core")

from reports.diff import Change
from reports.equations import formula_problems, tex
from reports.language import LANGUAGES, pattern
from reports.page import (
    ASSETS,
    DEVICES,
    FINDINGS,
    GLANCE,
    LONGEST,
    SHORT,
    audit_page,
    brief,
    cells,
    changes_page,
    columns_of,
    condensed,
    environment,
    figure,
    glanced,
    in_number_order,
    percent,
    readable,
    linked,
    visible,
)
from reports.publish import MADE
from reports.verdicts import OUTCOMES, merge, verdicts
from reports.verdicts import document as assembled
from tests.small_audit import ROOT
from tests.test_verdicts import CRASH, END, LATER, POST, audited, item, measured, part, records, result, run, text, told

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "quotes": "\"'><img src=x onerror=alert(1)>",
    "style": "</style><b>bold</b>",
    "comment": "<!-- --><![CDATA[",
    "template": "{{ 7 * 7 }}{% include 'page.html' %}",
    "ampersand": "&lt;i&gt; &amp;amp;",
    "format": "100 % of %(n)s and {0}",
}
UNSEEN = {"nul": "a\0b", "rtl": "a\u202eb", "zero width": "a\u200bb", "surrogate": "a\ud800b", "escape": "a\x1bb"}
SKIPPED = {"answer": "skipped", "message": "no flint"}
REFUTING = {"answer": "refuted", "message": "16 is not 9"}
SURVIVED = {"answer": "holds"}
BOTH = pytest.mark.parametrize("language", LANGUAGES)

# What HTML lets an author leave out: the end of an element at the start of one of these.
VOID = {"br", "input", "meta"}
ENDED_BY = {"li": ("li",), "dt": ("dt", "dd"), "dd": ("dt", "dd"), "tr": ("tr", "td", "th"), "td": ("td", "th"), "th": ("td", "th")}
ENDS_A_PARAGRAPH = {"article", "details", "div", "dl", "figure", "h5", "ol", "p", "pre", "section", "table", "ul"}
APART = {*ENDS_A_PARAGRAPH, *ENDED_BY, "br", "code", "figcaption", "span", "summary", "text"}  # begins a line, a cell or a badge


class Tree(HTMLParser):
    """The elements that a browser would make of a page. Fails where an element ends that is not open."""

    def __init__(self, page: str):
        super().__init__()
        self.builder, self.open = TreeBuilder(), []
        self.start("document", {})
        self.feed(page)
        self.close()
        assert self.open == ["document"], f"not closed: {self.open}"
        self.end()
        self.root = self.builder.close()

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.open.append(tag)
        self.builder.start(tag, attributes)

    def end(self) -> None:
        self.builder.end(self.open.pop())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        while self.open[-1] in ENDED_BY.get(tag, ()) or (tag in ENDS_A_PARAGRAPH and self.open[-1] == "p"):
            self.end()
        assert tag not in ENDS_A_PARAGRAPH or "p" not in self.open, f"{tag} within a paragraph"
        assert len({name for name, _ in attrs}) == len(attrs), f"{tag} has an attribute twice: {attrs}"
        self.start(tag, {name: value or "" for name, value in attrs})
        if tag in VOID:
            self.end()

    def handle_endtag(self, tag: str) -> None:
        while self.open[-1] in (*ENDED_BY, "p") and self.open[-1] != tag:
            self.end()
        assert self.open[-1] == tag, f"</{tag}> within {self.open}"
        self.end()

    def handle_data(self, data: str) -> None:
        self.builder.data(data)


def tree(page: str) -> Element:
    return Tree(page).root


def text_of(element: Element | None) -> str:
    """What one reads there: in one line, with a space wherever an element begins or ends a line or a cell."""
    assert element is not None
    return " ".join(re.sub(r" (?=[,.;:]( |$))", "", "".join(spaced(element))).split())


def spaced(element: Element) -> Iterator[str]:
    apart = " " if element.tag in APART else ""
    yield apart + (element.text or "")
    for child in element:
        yield from spaced(child)
        yield child.tail or ""
    yield apart


def of_class(element: Element, *names: str) -> list[Element]:
    return [one for one in element.iter() if set(names) <= set(one.get("class", "").split())]


def page(document: dict[str, Any], language: str = "en", **more: Any) -> Element:
    return tree(audit_page(document, language, **more))


def article(root: Element, id: str = "squares") -> Element:
    (found,) = root.findall(f".//article[@id='{id}']")
    return found


def headed(element: Element) -> dict[str, list[str]]:
    """What stands under each small heading of a claim, and beside each term of its first list."""
    found: dict[str, list[str]] = {}
    under = ""
    for child in element:
        if child.tag == "h5":
            under = text_of(child)
            found[under] = []
        elif under:
            found[under].append(text_of(child))
    listed = list(element.findall("dl")[0])
    return found | {text_of(term): [text_of(said)] for term, said in zip(listed[::2], listed[1::2], strict=True)}


def filled(said: str) -> dict[str, Any]:
    """A document in which `said` stands wherever a test or an author can put a text."""
    trials = ("reference", "control:wrong", "control:kept", "counterexample:1", "impl:mine")
    both = text(said, said)
    claim = told(
        trials=trials,
        finding="holds in scope",
        **dict.fromkeys(("says", "scope", "found", "limits", "if_fails", "section", "corrected"), both),
        **dict.fromkeys(("corrected_by", "proxy", "file", "test"), said),
        merges={"other": both},
        names={pattern(said): said},
        counterexamples=[{"why": both, "case": said}],
    )
    known = measured(
        examples={"passed": 0, "failed": 1, "discarded": 0, "failing": said},
        measures={said: [0.0, "inf"]},
        statistics={said: {said: 0.1}},
        certificates={said: said},
        devices={"cpu": said},
        figures=[
            {"title": said, "x": said, "y": said, "log": "xy", "series": {said: [[1, 0, "inf"], [2, 1, 1]]}},
            {"title": said + " in bars", "x": said, "y": said, "log": "", "series": {said: [[said, 0, 1]]}},
        ],
    )
    known["rows"][0] |= {"at": said, "case": said, "device": said, "arithmetic": said}
    known["rows"].append({"device": "cuda", "arithmetic": "float32", "comparisons": 0, "not_run": said})
    items = [item(claim, trial) for trial in trials]
    answers = {"wrong": "holds"}  # a control that got away says so at length, one that was caught in a line
    answered = [result(one, answers.get(one["name"], "refuted"), said, known) for one in items]
    post = POST | {"title": both, "stands": both, "url": "https://kexue.fm/" + said, "date": said}
    told_run = {name: said for name in ("commit", "started", "profile", "seeds", "platform", "python")}
    made = [
        run() | told_run | {"arguments": [said], "versions": {said: said}, "dirty": True},
        {"record": "expected", "posts": {"7": post}, "claims": {claim["id"]: claim}, "items": items},
    ]
    document = verdicts([*made, *answered, {"record": "errors", "errors": [{"nodeid": said, "message": said}]}, END])
    document["runs"][0]["status"] = said  # as it may stand in a file that was not made here
    return document


def changed(said: str) -> list[Change]:
    return [Change(said, True, "control %(name)s: %(before)s before, %(now)s now", {"name": said, "before": said, "now": said})]


def report(said: str, language: str) -> str:
    return audit_page(filled(said), language, changed(said))


def comparison(said: str, language: str) -> str:
    return changes_page(changed(said), filled(said), filled(said), language)


# Every page, and how often it shows a text that stands wherever one can.
EVERY = pytest.mark.parametrize(("made", "shows"), [(report, 60), (comparison, 12)], ids=["report", "changes"])


def body(root: Element) -> str:
    return "".join(root.find("html/body").itertext())


# What it is given is text


@BOTH
@EVERY
@pytest.mark.parametrize("said", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(said: str, made: Callable[[str, str], str], shows: int, language: str) -> None:
    plain, read = (tree(made(one, language)) for one in ("harmless", said))
    assert Counter(element.tag for element in read.iter()) == Counter(element.tag for element in plain.iter())
    assert [sorted(element.keys()) for element in read.iter()] == [sorted(element.keys()) for element in plain.iter()]
    assert body(read).count(said) == body(plain).count("harmless") >= shows


def test_no_character_that_hides_or_reorders_text_is_forgotten() -> None:
    hiding = {chr(n) for n in range(0x110000) if unicodedata.category(chr(n)) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {"\t", "\n"}
    assert len(hiding) > 2000
    assert sorted(hex(ord(character)) for character in hiding if visible(character) == character) == []
    assert visible("\t\nA\xa0é切𝛼😀") == "\t\nA\xa0é切𝛼😀"


@BOTH
@EVERY
@pytest.mark.parametrize("said", UNSEEN.values(), ids=UNSEEN)
def test_what_cannot_be_seen_is_spelled_out(said: str, made: Callable[[str, str], str], shows: int, language: str) -> None:
    shown, plain = (made(one, language) for one in (said, "a+b"))
    assert said[1] not in shown
    assert body(tree(shown)).count(f"a␛U+{ord(said[1]):04X}b") == body(tree(plain)).count("a+b") >= shows
    shown.encode("utf-8")


@BOTH
def test_a_megabyte_of_counterexample_is_folded_and_cut_with_a_note(language: str) -> None:
    said = "<" + "x" * 1_000_000
    shown = audit_page(verdicts(records(reference={"message": said, "answer": "refuted"})), language)
    assert len(shown) < 250_000  # style, font and script are more than half of it
    assert LONGEST < 100_000
    folded = of_class(article(tree(shown)), "text")
    (summary,) = [text_of(fold.find("summary")) for fold in folded]
    assert summary.startswith("the reference refuted: <xxx") and summary.endswith("x … (1,000,024 characters in all, see verdicts.json)")
    assert len(summary) < SHORT
    assert [text_of(fold.find("pre"))[LONGEST:] for fold in folded] == [" … (1,000,024 characters in all, see verdicts.json)"]
    everywhere = audit_page(filled(said), language)
    assert (
        len(tree(everywhere).findall(".//article")) == 1 and len(everywhere) < 100 * LONGEST
    )  # of which 72 places show it, and all else is as much as a dozen


def test_visible_leaves_ordinary_text_alone() -> None:
    ordinary = {"zh": ["切分 é \t\n", 1, 2.5, None, True]}
    assert visible(ordinary) == ordinary


def test_a_page_does_not_change_its_documents() -> None:
    document = filled("a\0b")
    before = copy.deepcopy(document)
    for shown in (audit_page(document), changes_page(changed("a\0b"), document, document)):
        assert "a␛U+0000b" in shown
    assert document == before


# It loads nothing, and lets nothing in


@BOTH
@EVERY
def test_nothing_is_loaded(made: Callable[[str, str], str], shows: int, language: str) -> None:
    shown = made("harmless", language)
    root = tree(shown)
    assert body(root).count("harmless") >= shows
    assert {element.tag for element in root.iter()} & {"img", "link", "iframe", "object", "embed", "base", "audio", "video"} == set()
    for element in root.iter():
        assert element.attrib.keys() & {"src", "srcset", "data", "action", "formaction", "poster", "background", "xlink:href"} == set()
        assert element.tag == "a" or element.get("href", "#").startswith("#")
    assert set(re.findall(r"url\([\"']?([^,]{0,22})", shown)) == {"data:font/woff2;base64"}
    assert "@import" not in shown and "http-equiv" not in shown.replace('http-equiv="Content-Security-Policy"', "")


@BOTH
@EVERY
def test_the_policy_allows_this_very_style_and_script_and_there_is_no_other(
    made: Callable[[str, str], str], shows: int, language: str
) -> None:
    root = tree(made("harmless", language))
    assert body(root).count("harmless") >= shows
    (meta,) = root.findall("html/head/meta[@http-equiv]")
    allowed = dict(directive.split(" ", 1) for directive in meta.get("content", "").split("; "))
    digest = lambda element: f"'sha256-{base64.b64encode(hashlib.sha256((element.text or '').encode()).digest()).decode()}'"
    assert [digest(style) for style in root.iter("style")] == [allowed.pop("style-src")]
    assert [digest(script) for script in root.iter("script")] == [allowed.pop("script-src")][: made is report]  # to filter claims
    assert allowed == {"default-src": "'none'", "font-src": "data:", "base-uri": "'none'", "form-action": "'none'"}
    assert [name for element in root.iter() for name in element.attrib if name == "style" or name.startswith("on")] == []


@BOTH
@EVERY
def test_a_browser_is_told_encoding_width_and_colours_and_to_tell_no_post_where_its_reader_came_from(
    made: Callable[[str, str], str], shows: int, language: str
) -> None:
    told_first, *others = tree(made("harmless", language)).findall("html/head/meta")
    assert told_first.attrib == {"charset": "utf-8"}
    assert {meta.get("name"): meta.get("content") for meta in others if "http-equiv" not in meta.attrib} == {
        "viewport": "width=device-width, initial-scale=1",
        "referrer": "no-referrer",
        "color-scheme": "light dark",
    }


def test_the_script_finds_the_form_that_it_works_on() -> None:
    root = page(verdicts(records()))
    (script,) = root.iter("script")
    for selector in re.findall(r'form\.querySelector\("(\w+)"\)', script.text or ""):
        assert len(root.findall(f".//form[@class='filter']//{selector}")) == 1
    assert len(root.findall(".//form")) == 1 and "hidden" in root.find(".//form").attrib  # shown by the script: without it it does nothing


@pytest.mark.parametrize(
    ("url", "links"),
    [
        ("https://example.org/7", 2),
        ("javascript:alert(1)", 0),
        ("data:text/html,7", 0),
        ("http://example.org/7", 0),
        ("//example.org/7", 0),
    ],
)
def test_only_what_is_on_the_web_by_https_becomes_a_link(url: str, links: int) -> None:
    document = verdicts(records())
    document["posts"][0]["url"] = document["runs"][0]["repository"] = url
    leaving = [a for a in page(document).iter("a") if not a.get("href", "").startswith(("#", "?q=")) and a.get("href") not in MADE]
    assert [(a.get("href"), a.get("rel")) for a in leaving] == [(url, "noreferrer")] * links


def test_a_device_of_any_name_cannot_leave_its_rule_of_the_style_sheet() -> None:
    known = measured()
    known["rows"][0]["device"] = any_name = '"}</style>*{x:url(//e)}\\'
    root = page(verdicts(records(reference={"evidence": known})))
    assert [text_of(head) for head in of_class(root, "columns")[0]] == ["cpu float32", f"{any_name} float64"]
    assert [text_of(field) for field in of_class(root, "cells")[0]] == ["✓ 25%", "✓ 50%"]
    (style,) = root.iter("style")
    ours = (style.text or "").replace((ASSETS / "page.css").read_text(encoding="utf-8"), "")
    assert re.findall(r'content: "(.*)"', ours) == ["cpu float32 ", "????style???x?url???e??? float64 "]
    assert ours.count("{") == ours.count("}") == 7  # two columns and their fields, one subject, the font


# Every claim is there


def several() -> dict[str, Any]:
    """Claims of every finding and of every outcome of a run, one of them ours; a second post has nothing that can be checked."""
    speed = part("speed", finding="not checkable", select=("reference",), reference=SKIPPED)
    speed[1]["claims"]["speed"]["post"] = 8
    speed[1]["posts"] = {"8": POST | {"archive": 8, "title": text("Another post", "另一篇"), "url": "https://kexue.fm/archives/8"}}
    instead = part("instead")
    instead[1]["claims"]["instead"]["ours"] = True
    return audited(
        part("good"),
        part("other-good"),
        instead,
        part("scoped", finding="holds in scope", select=("reference", "control:wrong", "counterexample:1")),
        part("close", finding="approximate", reference=REFUTING),
        part("false", finding="refuted", select=("counterexample:1", "control:repaired"), repaired=None),
        part("toothless", wrong=SURVIVED),
        part("absent", reference=SKIPPED),
        part("quality", finding="not checkable", select=("reference",), reference=SKIPPED),
        speed,
    )


def test_every_claim_is_there_once_and_can_be_linked_to() -> None:
    document = several()
    for language in LANGUAGES:
        root = page(document, language)
        ids = [element.get("id") for element in root.iter() if "id" in element.attrib]
        assert len(ids) == len(set(ids))
        assert [element.get("id") for element in root.iter("article")] == [claim["id"] for claim in document["claims"]]
        targets = {a.get("href", "")[1:] for a in root.iter("a") if a.get("href", "").startswith("#")}
        assert targets <= set(ids) and {claim["id"] for claim in document["claims"]} <= targets
        pointed = {name for e in root.iter() for key in ("aria-labelledby", "aria-describedby", "for") for name in e.get(key, "").split()}
        assert pointed <= set(ids)


def test_other_links_lead_to_the_posts_the_filter_and_files_beside_the_page() -> None:
    found = {a.get("href", "") for a in page(several()).iter("a") if not a.get("href", "").startswith("#")}
    filters = {link for link in found if link.startswith("?q=")}
    of_posts = {link for link in filters if link.startswith("?q=post:")}
    assert of_posts == {f"?q=post:7+finding:{name.replace(' ', '-')}+-statement:ours" for name in FINDINGS} | {
        "?q=post:8+finding:not-checkable+-statement:ours",
        "?q=post:7+statement:ours",
    }
    assert filters - of_posts == {f"?q=finding:{name.replace(' ', '-')}+-statement:ours" for name in FINDINGS} | {
        f"?q=outcome:{name}" for name in ("broken", "changed", "incomplete", "reproduced", "not-run")
    }
    beside = found - filters - {"https://kexue.fm/archives/7", "https://kexue.fm/archives/8", "https://example.org/kexue-audit"}
    assert beside == {
        "index.zh.html",
        "verdicts.json",
        "verdicts.schema.json",
        "junit.xml",
        "ctrf.json",
        "badge.svg",
        "ro-crate-metadata.json",
    }
    assert beside <= set(MADE)


def test_a_link_to_the_filter_shows_as_many_claims_as_it_counts() -> None:
    root = page(several())
    facets = [element.get("data-is", "").split() for element in of_class(root, "claim")]
    links = [a for a in root.find(".//div[@class='counts']").iter("a")]
    assert len(links) == 10
    for link in links:
        asked = {*link.get("href", "").removeprefix("?q=").split("+")}
        excluded = {word.removeprefix("-") for word in asked if word.startswith("-")}
        wanted = {word for word in asked if not word.startswith("-")}
        assert sum(wanted <= {*words} and not excluded & {*words} for words in facets) == int(text_of(link.find("b"))), asked


def test_what_the_filter_can_ask_stands_on_the_claim_and_on_its_post() -> None:
    rows = [
        *measured({"float32": 0.1, "50 digits": 0.0, "float64 reassociated": 0.2})["rows"],
        {"device": "cuda", "arithmetic": "bfloat16", "comparisons": 0, "not_run": "no CUDA device"},
    ]
    root = page(audited(part("good", reference={"evidence": measured(rows=rows)})))
    (claim,) = of_class(root, "claim")
    assert claim.get("data-is") == (
        "finding:holds outcome:reproduced device:cpu arithmetic:float32 arithmetic:high-precision arithmetic:reordered-sums"  # where it ran
    )
    (post,) = of_class(root, "post")
    assert post.get("data-is") == "topic:sampling post:7" and claim in list(post)


def test_the_filter_says_all_that_it_can_be_asked_with_an_example_of_what_there_is() -> None:
    root = page(several())
    field = root.find(".//form[@class='filter']/input")
    told_of = text_of(root.find(f".//p[@id='{field.get('aria-describedby')}']/code")).split()
    assert sorted(told_of) == sorted({f"{word.split(':')[0]}:" for e in root.iter() for word in e.get("data-is", "").split()})
    topics = [folder.name for folder in (ROOT / "claims").iterdir() if [*folder.glob("test_*.py")]]
    there_is = {"finding": [*FINDINGS], "outcome": [*OUTCOMES], "device": [*DEVICES], "topic": topics}
    asked = field.get("placeholder").split()
    facets = dict(word.split(":") for word in asked if ":" in word)
    assert 1 < len(facets) < len(asked)  # words too
    assert {name: value for name, value in facets.items() if value not in there_is[name]} == {}


def test_claims_stand_under_their_post_and_posts_under_their_topic() -> None:
    elsewhere = records(told("decoding", post=3))
    elsewhere[1]["posts"] = {"3": POST | {"archive": 3, "topic": "attention", "title": text("Another", "另一篇")}}
    root = page(merge([verdicts(records()), verdicts(elsewhere)]))
    topics = [element for element in root.iter("section") if element.get("class") == "topic"]
    assert [
        (text_of(topic.find("h2")), [(text_of(post.find("h3")), [one.get("id") for one in post.iter("article")]) for post in topic.iter("section") if post.get("class") == "post"])
        for topic in topics
    ] == [("Attention", [("Another", ["decoding"])]), ("Sampling", [("A post", ["squares"])])]  # fmt: skip


# Counts


LEAD = {
    "en": "The mathematics of Su Jianlin’s blog, turned into properties that a program tries to break. "
    "Of 9 claims, 4 hold as stated, 1 holds in a narrower scope, 1 holds approximately, 1 is refuted and 2 cannot be checked. "
    "1 more statement is ours, in place of one of them or beside it. "
    "4 of the 8 findings that can be checked were reproduced, 1 broken, 1 changed, 1 incomplete, 1 not run.",
    "zh": "把苏剑林博客中的数学写成性质，让程序设法推翻。"
    "共 9 条论断：4 条按原文成立，1 条在更窄的范围内成立，1 条近似成立，1 条不成立，2 条无法检验。"
    "另有 1 条是我们自己的论断，用来取代或补充原文。"
    "可检验的 8 条结论中，本次复现了 4 条，1 检验失效，1 结果改变，1 未完成，1 未运行。",
}


@BOTH
def test_title_and_first_sentence_count_findings_and_outcomes_each_of_what_it_is_out_of(language: str) -> None:
    root = page(several(), language)
    (lead,) = of_class(root, "lead")
    assert text_of(lead) == LEAD[language]
    assert (
        text_of(root.find("html/head/title")) == {"en": "9 claims of kexue.fm, audited", "zh": "kexue.fm 的 9 条论断：逐条检验"}[language]
    )


def test_two_findings_are_joined_by_and_and_one_stands_alone() -> None:
    two = audited(part("a"), part("b", finding="approximate"))
    assert "Of 2 claims, 1 holds as stated and 1 holds approximately. 2 of the 2 findings" in text_of(of_class(page(two), "lead")[0])
    assert text_of(of_class(page(audited(part("a"), part("b"))), "lead")[0]).endswith(
        "Of 2 claims, 2 hold as stated. 2 of the 2 findings that can be checked were reproduced."
    )


def test_counts_stand_beside_their_totals() -> None:
    findings, outcomes = page(several()).findall(".//div[@class='counts']/div")
    assert [text_of(one) for one in findings.iter("li")] == [
        "4 of 9 holds",
        "1 of 9 holds in scope",
        "1 of 9 approximate",
        "1 of 9 refuted",
        "2 of 9 not checkable",
    ]
    assert [text_of(one) for one in outcomes.iter("li")] == [
        "1 of 8 broken",
        "1 of 8 changed",
        "1 of 8 incomplete",
        "4 of 8 reproduced",
        "1 of 8 not run",
    ]


def test_the_table_of_posts_counts_findings_and_names_what_was_not_reproduced() -> None:
    (table,) = of_class(page(several()), "posts")
    rows = [[text_of(cell) for cell in row] for row in table.iter("tr")]
    assert rows == [
        ["Post", *FINDINGS, "our own", "This run"],
        ["Sampling"],
        ["A post", "4", "1", "1", "1", "1", "1", "1 broken 1 changed 1 incomplete 1 not run"],
        ["Another post", "·", "·", "·", "·", "1", "", ""],
    ]
    assert of_class(table, "reproduced") == []
    (table,) = of_class(page(audited(part("a"), part("quality", finding="not checkable", select=()))), "posts")
    assert text_of(table.findall("tbody/tr")[1]) == "A post 1 · · · 1 reproduced"


def test_empty_document_is_a_page() -> None:
    empty = assembled(runs=[verdicts(records())["runs"][0]], posts={}, claims=[], errors=[])
    for language in LANGUAGES:
        root = page(empty, language)
        assert text_of(root.find(".//title")) == {"en": "0 claims of kexue.fm, audited", "zh": "kexue.fm 的 0 条论断：逐条检验"}[language]
        assert list(root.iter("article")) == [] and of_class(root.find(".//header"), "reproduced") == []


# Outcomes


def without_method(root: Element) -> Element:
    """The page without the legend, which shows every outcome."""
    (method,) = root.findall(".//section[@aria-labelledby='method']")
    root.find(".//main").remove(method)
    return root


@pytest.mark.parametrize(
    ("evidence", "outcome", "symbol"),
    [
        (records()[:-1], "incomplete", "…"),
        (records(wrong=None), "incomplete", "…"),
        (records(reference=None), "incomplete", ""),  # it left no row
        (records(reference=SKIPPED), "not run", "–"),
        (records(select=("reference",)), "not run", "–"),
        (records(select=("control:wrong",)), "not run", ""),
        (records(wrong=SURVIVED), "broken", "!"),
        (records(wrong=CRASH), "broken", "!"),
        (records(reference=CRASH), "broken", "!"),
        (records(reference=REFUTING), "changed", "≠"),
    ],
)
def test_nothing_is_green_unless_it_was_reproduced(evidence: list[dict[str, Any]], outcome: str, symbol: str) -> None:
    for language in LANGUAGES:
        root = without_method(page(verdicts(evidence), language))
        assert of_class(root, "reproduced") == []
        badges = of_class(of_class(root, "badges")[0], "outcome")
        assert [badge.get("class") for badge in badges] == [f"outcome {outcome.replace(' ', '-')}"]
        fields = of_class(root, "cells")[0].findall("b")
        assert {(field.get("class", "").split(" ", 1)[1], text_of(field)[:1]) for field in fields} == (
            {(outcome.replace(" ", "-"), symbol)} if symbol else set()
        )
        assert {said.get("class") for row in of_class(root, "evidence") for said in row.iter("td") if said.get("class")} <= {
            outcome.replace(" ", "-"),
            "over",
            "why",
        }


def test_a_field_of_what_does_not_count_shows_no_share() -> None:
    (fields,) = of_class(page(verdicts(records(select=("reference",)))), "cells")
    assert [text_of(field) for field in fields] == ["–", "–"]


def test_what_was_reproduced_is_green_everywhere() -> None:
    root = without_method(page(verdicts(records())))
    assert len(of_class(root, "reproduced")) == 7  # counts, post, claim, two fields, two rows
    assert [name for name in OUTCOMES if name != "reproduced" and of_class(root, name.replace(" ", "-"))] == []


def test_every_outcome_and_finding_has_a_symbol_and_a_look_of_its_own() -> None:
    css = (ASSETS / "page.css").read_text(encoding="utf-8")
    for kind, names in (("finding", FINDINGS), ("outcome", OUTCOMES)):
        symbols = [re.findall(rf'\.{kind}\.{name.replace(" ", "-")}::before {{ content: "(.) "', css) for name in names]
        assert [len(found) for found in symbols] == [1] * len(names)
        assert len({found[0] for found in symbols}) == len(names)
    rules = {name: re.findall(rf"^\.{name.replace(' ', '-')} {{ (.*) }}$", css, flags=re.MULTILINE) for name in OUTCOMES}
    assert [len(found) for found in rules.values()] == [1] * len(OUTCOMES)
    assert [name for name, (rule,) in rules.items() if "var(--reproduced" in rule] == ["reproduced"]
    assert len({rule for (rule,) in rules.values()}) == len(OUTCOMES)
    fields = environment("en").get_template("parts.html").module.OUTCOME_SYMBOLS
    assert list(fields) == sorted(OUTCOMES, key=list(fields).index) and len(set(fields.values())) == len(OUTCOMES)


def test_outcomes_and_findings_are_told_in_words_beside_the_statement() -> None:
    for language, words in {"en": ["holds", "reproduced"], "zh": ["成立", "已复现"]}.items():
        root = page(verdicts(records()), language)
        (badges,) = of_class(root, "badges")
        assert [text_of(badge) for badge in badges] == words
        assert "aria-hidden" not in badges.attrib
        silent = [*of_class(root, "columns"), *of_class(root, "cells")]  # signs for the eye, whose words stand in the table of the claim
        assert [one.get("aria-hidden") for one in silent] == ["true", "true"]


LEGEND = {
    "holds": "true as stated",
    "holds in scope": "true under an assumption that the post does not state",
    "approximate": "not an equality",
    "refuted": "false",
    "not checkable": "no program can decide it",
    "reproduced": "the finding was seen again",
    "changed": "the implementation under audit did not do what the finding says",
    "broken": "nothing follows",
    "incomplete": "the run ended before the check did",
    "not run": "there was no such device or library",
    "stale": "measured in an earlier run",
}


def test_the_legend_explains_every_finding_and_outcome_by_what_it_means() -> None:
    lists = of_class(page(verdicts(records())), "legend")
    terms = [(dt.find("span"), text_of(dd)) for one in lists for dt, dd in zip(one.findall("dt"), one.findall("dd"), strict=True)]
    told_there = [(text_of(badge), means) for badge, means in terms if badge is not None]
    assert [(name, means[: len(LEGEND[name])]) for name, means in told_there] == [*LEGEND.items()]
    assert {*LEGEND} == {*FINDINGS, *OUTCOMES}


@pytest.mark.parametrize(("sees", "look"), [(0.99, "reproduced"), (1, "blind"), (2.5, "blind"), ("inf", "blind"), ("nan", "blind")])
def test_a_field_where_no_error_could_have_been_seen_is_not_green(sees: float | str, look: str) -> None:
    known = measured({"bfloat16": 0.1, "bfloat16 reassociated": 0.1, "float32 reassociated": 0.2, "float32": 0.3})
    for row in known["rows"][:2]:
        row["sees"] = sees
    root = without_method(page(verdicts(records(reference={"evidence": known}))))
    assert [field.get("class") for field in of_class(root, "cells")[0]] == [
        "c0 reproduced",
        f"c1 {look}",
        "c2 reproduced",  # reordered sums: in float32 an error would have been seen
    ]
    assert text_of(of_class(root, "cells")[0][1])[0] == {"reproduced": "✓", "blind": "?"}[look]
    assert [text_of(cell) for cell in of_class(root, "over")] == [str(sees)] * 2 * (look == "blind")
    (table,) = of_class(root, "evidence")
    assert {text_of(row.find("th")): row.find("td").get("class") for row in table.findall("tbody/tr")} == {
        "cpu float32": "reproduced",
        "cpu bfloat16": look,
        "cpu bfloat16 reordered sums": look,
        "cpu float32 reordered sums": "reproduced",
    }
    refuted = without_method(page(verdicts(records(reference=REFUTING | {"evidence": known}))))
    assert [field.get("class") for field in of_class(refuted, "cells")[0]] == [
        "c0 changed",
        "c1 changed",
        "c2 changed",
    ]  # which shows all the more


def test_only_the_fresh_row_of_a_merged_claim_is_green() -> None:
    both = {"float32 reassociated": 0.4, "float64 reassociated": 0.5}
    old = records(told(digest="f" * 16), reference={"evidence": measured({"float32": 0.9, "float64": 0.9} | both)})
    new = records(started=LATER, reference={"evidence": measured({"float32": 0.2, "float32 reassociated": 0.6})})
    root = without_method(page(merge([verdicts(old), verdicts(new)])))
    (fields,) = of_class(root, "cells")
    assert [(field.get("class"), text_of(field)) for field in fields] == [
        ("c0 stale", "↺ 90%"),
        ("c1 reproduced", "✓ 20%"),
        ("c2 stale", "↺ 60%"),  # a row of it was not measured again
    ]
    (table,) = of_class(root, "evidence")
    assert [[text_of(cell) for cell in row][:4] for row in table.findall("tbody/tr")] == [
        ["cpu float64", "stale", "10", "90%"],
        ["cpu float32", "reproduced", "10", "20%"],
        ["cpu float32 reordered sums", "reproduced", "10", "60%"],
        ["cpu float64 reordered sums", "stale", "10", "50%"],
    ]


def test_an_outcome_that_is_not_green_says_why() -> None:
    assert headed(article(page(verdicts(records(wrong=SURVIVED)))))["Broken"] == [
        "control wrong survived: the check has no teeth against it"
    ]
    changed_ = headed(article(page(verdicts(records(reference=REFUTING)))))
    assert (changed_["Changed"], changed_["Likeliest cause"]) == (["the reference refuted: 16 is not 9"], ["the sign"])
    assert "Likeliest cause" not in headed(article(page(verdicts(records(wrong=SURVIVED)))))
    assert headed(article(page(verdicts(records(reference=SKIPPED)))))["Not run"] == ["no flint"]


def test_incomplete_run_and_collection_errors_raise_an_alarm() -> None:
    alarms = lambda document: [text_of(one) for one in page(document).iter() if one.get("role") == "alert"]
    assert alarms(verdicts(records())) == []
    errors = {"record": "errors", "errors": [{"nodeid": "claims/test_x.py", "message": "it has no `limits`"}]}
    assert alarms(verdicts([*records()[:-1], errors])) == [
        (
            "Incomplete. What is missing below did not pass; it was not finished. "
            "incomplete: the evidence breaks off before the end of the run (0 of 2 items without a result)"
        ),
        "1 file or test could not be collected. Their claims are missing from every count below. claims/test_x.py: it has no `limits`",
    ]
    errors["errors"].append({"nodeid": "claims/test_y.py", "message": "no"})
    assert "2 files or tests could not be collected." in alarms(verdicts([*records()[:-1], errors, END]))[1]
    old, new = records(), records(started=LATER)
    for merged, newest_first in (
        ((old, new[:-1]), ["incomplete · com", "Ran to its end ·"]),
        ((old[:-1], new), ["Ran to its end ·", "incomplete · com"]),
    ):
        document = merge([verdicts(one) for one in merged])
        assert [text_of(one)[:16] for one in of_class(page(document), "run")] == newest_first
        assert [said[:11] for said in alarms(document)] == ["Incomplete."]


def test_devices_are_named_and_those_on_which_nothing_was_run_too() -> None:
    absent = {"device": "cuda", "arithmetic": "float32", "comparisons": 0, "not_run": "no CUDA device"}
    both = {"evidence": measured(rows=[*measured()["rows"], absent])}
    devices = lambda document: [text_of(one) for one in of_class(page(document).find(".//header"), "note") if "Devices" in text_of(one)]
    document = audited(part("a", reference=both), part("b", reference=both), part("c"))
    assert devices(document) == ["Devices: cpu (a processor); cuda: nothing was run; 2 claims can run there"]
    elsewhere = measured(rows=[{"device": "cuda", "arithmetic": "float64", "comparisons": 3}], devices={"cuda": "a card"})
    assert devices(audited(part("a", reference=both), part("b", reference={"evidence": elsewhere}))) == [
        "Devices: cpu (a processor); cuda (a card)"
    ]
    assert devices(audited(part("a", reference={"evidence": measured(rows=[absent], devices={})}))) == [
        "Devices: cuda: nothing was run; 1 claim can run there"
    ]


def test_the_run_says_how_it_could_be_repeated() -> None:
    made = records()
    made[0] |= {"dirty": True, "arguments": ["claims", "-n", "2"], "versions": {"hypothesis": "6", "torch": ""}}
    assert text_of(of_class(page(verdicts(made)), "run")[0]) == (
        "Ran to its end · commit 0123456789ab with uncommitted changes · example.org/kexue-audit · 2026-01-01T00:00:00Z · profile audit · seeds derandomised · "
        "pytest claims -n 2 · Linux x86_64, 2 cores · Python 3.11, hypothesis 6"
    )
    made[0] |= {"commit": "", "dirty": False, "repository": ""}
    assert "Ran to its end · commit unknown · 2026" in text_of(of_class(page(verdicts(made)), "run")[0])
    assert "git checkout" not in text_of(page(verdicts(made)))


def test_whoever_runs_it_anew_gets_the_newest_commit_and_options_that_there_are(pytestconfig: pytest.Config) -> None:
    old, new = records(), [run(LATER) | {"commit": "ba9876543210"}, *records()[1:]]
    (method,) = page(merge([verdicts(old), verdicts(new)])).findall(".//section[@class='method']")
    (block,) = of_class(method, "copy")
    assert "".join(block.itertext()).splitlines() == [
        "git clone https://example.org/kexue-audit kexue-audit",
        "cd kexue-audit",
        "git checkout ba9876543210",
        "make audit",
        ". .venv/bin/activate",
        "pytest --claim ID",
        "pytest --impl attention.mla=mypkg.mymodule",
    ]
    new[0]["repository"] = "https://example.org/a$(touch pwned)"  # which nobody should paste
    (harmless,) = of_class(page(verdicts(new)).find(".//section[@class='method']"), "copy")
    assert "".join(harmless.itertext()).splitlines()[0] == "git checkout ba9876543210"
    options = {*re.findall(r"(?<!\S)--[a-z-]+", text_of(method))}
    assert options == {"--claim", "--impl", "--profile"}
    for option in options:
        pytestconfig.getoption(option)  # raises ValueError where no plugin has declared it


# A claim


def test_controls_that_failed_are_told_first_class_and_the_others_by_what_they_were_caught_with() -> None:
    claim = told(trials=("reference", "control:wrong", "control:other", "control:late", "control:good", "control:far", "control:alone"))
    made = records(
        claim,
        wrong=SURVIVED | {"evidence": measured()},
        other=CRASH,
        late=None,
        good=REFUTING,
        far=REFUTING | {"evidence": measured({"float32": 12.34})},
        alone={"answer": "skipped", "message": "no flint"},
    )
    found = article(page(verdicts(made)))
    assert headed(found)["Controls: 2 of 6 rejected, as they must be; × the error budget of the comparison"] == [
        (
            "broken wrong must be rejected, was: survived "
            "broken other must be rejected, was: crashed: ZeroDivisionError: division by zero "
            "incomplete late must be rejected, was: not finished "
            "good 16 is not 9 "
            "far 12× "
            "not run alone must be rejected, was: not run: no flint"
        )
    ]
    (controls,) = of_class(found, "controls")
    assert [[one.get("class", "").split()[1] for one in of_class(control, "outcome")] for control in controls] == [
        ["broken"], ["broken"], ["incomplete"], [], [], ["not-run"]
    ]  # fmt: skip


def test_controls_of_a_refuted_claim_must_be_accepted() -> None:
    claim = told(finding="refuted", trials=("counterexample:1", "control:repaired", "control:other"))
    found = headed(article(page(verdicts(records(claim, other=REFUTING)))))
    assert found["Controls: 1 of 2 accepted, as they must be"] == ["repaired broken other must be accepted, was: refuted: 16 is not 9"]


def test_a_claim_that_a_text_names_is_a_link_if_it_is_there() -> None:
    named = text("as in fit-0.84, b-c-d. Not b-c or e-f", "见 fit-0.84、b-c-d。不是 b-c 或 e-f")
    document = audited(records(told("a", found=named)), part("fit-0.84"), part("b-c-d"))
    for language in LANGUAGES:
        (named_there, *_) = page(document, language).iter("article")
        found = named_there.find(".//dd")
        assert [(a.get("href"), text_of(a)) for a in found.iter("a")] == [("#fit-0.84", "fit-0.84"), ("#b-c-d", "b-c-d")]
        assert "".join(found.itertext()).strip() == named[language]
        assert len(list(found.iter("code"))) == 2


@pytest.mark.parametrize("around", ["x-a.b", ".a.b", "#a.b", "xa.b", "a.b-c", "a.bc", '<math x="a.b">', '<a href="#a.b">'])
def test_no_part_of_a_word_or_of_a_tag_is_a_link(around: str) -> None:
    assert linked(Markup(around), {"a.b"}) == around
    assert linked(Markup(f"{around} a.b"), {"a.b"}) == f'{around} <a href="#a.b"><code>a.b</code></a>'


def test_what_cannot_be_checked_has_a_reason_and_a_neighbour_and_no_outcome() -> None:
    claim = told(
        "quality",
        trials=("reference",),
        finding="not checkable",
        kind="empirical",
        found=text("it takes training", "需要训练"),
        proxy="squares",
    )
    root = page(merge([verdicts(records()), verdicts(records(claim, reference=SKIPPED))]))
    (line,) = [one for one in of_class(root, "claim") if one.find("article").get("id") == "quality"]
    assert headed(article(root, "quality"))["Why not"] == ["it takes training"]
    assert [a.get("href") for a in article(root, "quality").iter("a")] == ["#quality", "#squares"]
    assert of_class(line, "outcome") == [] and "not run" not in text_of(line) and line.get("data-is") == "finding:not-checkable"
    assert "1 of the 1 findings that can be checked were reproduced." in text_of(of_class(root, "lead")[0])


def test_a_refuted_claim_shows_where_it_fails_and_the_corrected_sentence_with_its_check() -> None:
    claim = told(
        finding="refuted",
        trials=("counterexample:1", "counterexample:2", "control:repaired"),
        corrected=text("$n^2 \\ge n$", "更正 $n^2 \\ge n$"),
        corrected_by="right",
    )
    document = merge([verdicts(records(told("right"))), verdicts(records(claim, **{"1": REFUTING}))])
    found = headed(article(page(document)))
    assert found["Where the statement fails"] == [
        (
            'fails at 1 case n=1 seen 16 is not 9 pytest "claims/sampling/test_7.py::test_squares[counterexample:1]" '
            'fails at 2 case n=2 seen no message from this run pytest "claims/sampling/test_7.py::test_squares[counterexample:2]"'
        )
    ]
    assert found["Corrected"] == ["n2≥n Checked by right"]
    assert [a.get("href") for a in article(page(document)).iter("a")] == ["#squares", "#right"]
    assert "更正 n2≥n" in text_of(article(page(document, "zh"))) and "在 1 处不成立" in text_of(article(page(document, "zh")))
    assert of_class(page(document), "claim")[1].get("data-is", "").startswith("finding:refuted outcome:reproduced ")


def test_a_claim_that_is_not_in_the_report_is_named_without_a_link() -> None:
    claim = told(finding="refuted", trials=("counterexample:1", "control:repaired"), corrected=text("so"), corrected_by="elsewhere")
    found = article(page(verdicts(records(claim))))
    assert headed(found)["Corrected"] == ["so Checked by elsewhere (not in this report)"]
    assert [a.get("href") for a in found.iter("a")] == ["#squares"]


def test_a_claim_says_all_that_its_author_wrote_and_the_run_found() -> None:
    refuted = REFUTING | {"evidence": measured(examples={"passed": 12345, "failed": 1, "discarded": 2, "failing": "n=4"})}
    claim = told(merges={"other": text("the same with $m$", "同上")})
    found = headed(article(page(verdicts(records(claim, reference=refuted)))))
    assert found["Finding"] == ["holds exactly"] and found["Scope as stated"] == ["integers"]
    assert found["Also checked here"] == ["the same with m"]
    assert found["Smallest failing case that the search found"] == ["n=4"]
    assert found["Limits of the evidence"] == ["up to 9"] and found["Run it again"] == ["pytest --claim squares"]
    assert found["Evidence"][-1] == "Examples: 12,345 passed, 1 failed, 2 discarded."
    known = {"evidence": measured(strengths=["within budget", "exact on cases"])}
    assert text_of(article(page(verdicts(records(claim, reference=known))))).startswith(
        "squares · section “1” · identity · evidence: exact on cases, within budget "
    )


def test_a_refuted_claim_that_nobody_searched_says_so() -> None:
    claim = told(finding="refuted", trials=("counterexample:1", "control:repaired"))
    none = {"passed": 0, "failed": 0, "discarded": 0, "failing": ""}
    assert (
        text_of(article(page(verdicts(records(claim, **{"1": {"evidence": measured(examples=none)}}))))).count("also searches for smaller")
        == 1
    )
    assert "also searches for smaller" not in text_of(article(page(verdicts(records(claim)))))


def test_a_statement_that_is_ours_says_so() -> None:
    root = page(several())
    (badges,) = [of_class(line, "badges")[0] for line in of_class(root, "claim") if line.find("article").get("id") == "instead"]
    assert [text_of(badge) for badge in badges] == ["holds", "reproduced", "our statement"]
    assert len(of_class(root, "ours")) == 1


def test_a_text_without_chinese_is_shown_in_english() -> None:
    shown = article(page(verdicts(records(told(found=text("only English"), limits=text("up to 9", "不超过 9")))), "zh"))
    assert headed(shown)["结论"] == ["only English"] and headed(shown)["证据的局限"] == ["不超过 9"]


def test_the_sources_of_formulas_are_on_the_page_once_each_where_they_help() -> None:
    texts = {
        "says": text(r"$\alpha$ and $n$ and $\alpha$", r"$\zeta$"),
        "found": text(r"$\beta < 1$", r"$\beta$"),
        "scope": text("no formula"),
        "limits": text(r"$d_k$ $\gamma$", r"$\gamma$"),
        "corrected": text(r"$\delta$ and $\alpha$", r"$\delta$"),
    }
    pinned = [{"why": text(rf"since $\{why}$"), "case": r"$\eta$"} for why in ("lambda", "mu")]
    document = verdicts(records(told(counterexamples=pinned, **texts)))
    shown = {language: headed(article(page(document, language)))["LaTeX"] for language in LANGUAGES}
    assert shown == {
        "en": [r"$\alpha$ $\beta < 1$ $\delta$ $\gamma$ $\lambda$ $\mu$"],  # n and d_k need no help
        "zh": [r"$\zeta$ $\beta$ $\delta$ $\gamma$ $\lambda$ $\mu$"],
    }
    assert "LaTeX" not in headed(article(page(verdicts(records(told(says=text("no formula"), found=text("$n$")))))))


def test_evidence_has_a_row_for_each_arithmetic_in_the_order_of_the_fields() -> None:
    rows = [
        *measured({"float32": 1.5, "50 digits": 0.0, "float64": 0.25})["rows"],
        *({"device": "cuda", "arithmetic": name, "comparisons": 0, "not_run": "no CUDA device"} for name in ("float32", "float64")),
    ]
    rows[0] |= {"case": "n=1", "sees": 1e-7, "agreement": 0.5, "comparisons": 12345}
    rows[2] |= {"case": "n=1"}
    (table,) = of_class(page(verdicts(records(reference={"evidence": measured(rows=rows)}))), "evidence")
    assert [[text_of(cell) for cell in row] for row in table.iter("tr")] == [
        ["Device, arithmetic", "Outcome", "Comparisons", "Share of budget", "Residual", "Sees from", "From CPU", "Worst at"],
        ["cpu 50 digits", "reproduced", "10", "0%", "0", "", "", "at 0.0"],
        ["cpu float64", "reproduced", "10", "25%", "0.25", "", "", "at 0.25 n=1"],
        ["cpu float32", "reproduced", "12,345", "150%", "1.5", "1e-07", "50%", "at 1.5 same case"],
        ["cuda float32, float64", "not run no CUDA device"],
    ]
    assert [text_of(cell) for cell in of_class(table, "over")] == ["150%"]


def test_only_more_than_the_whole_budget_is_marked() -> None:
    known = measured({"float64": 0.9, "float32": 1.0, "bfloat16": 1.01})
    (table,) = of_class(page(verdicts(records(reference={"evidence": known}))), "evidence")
    assert [text_of(row.findall("td")[2]) for row in table.findall("tbody/tr")] == ["90%", "100%", "101%"]
    assert [text_of(cell) for cell in of_class(table, "over")] == ["101%"]


@pytest.mark.parametrize("worst", ["inf", "nan"])
def test_a_share_beyond_all_bounds_is_never_hidden(worst: str) -> None:
    for shares in (
        {"float64 reassociated": worst, "float32 reassociated": 0.2},
        {"float64 reassociated": 0.2, "float32 reassociated": worst},
    ):
        found = page(verdicts(records(reference={"evidence": measured(shares)}, wrong=REFUTING | {"evidence": measured(shares)})))
        assert [text_of(field) for field in of_class(found, "cells")[0]] == ["✓ ∞"]
        assert [text_of(cell) for cell in of_class(found, "over")] == ["∞"]
        assert text_of(of_class(found, "controls")[0]) == "wrong ∞×"


def test_columns_that_no_row_fills_are_left_out() -> None:
    bare = [{"device": "cpu", "arithmetic": "exact", "comparisons": 3}]
    (table,) = of_class(page(verdicts(records(reference={"evidence": measured(rows=bare)}))), "evidence")
    assert [text_of(cell) for cell in table.iter("th")] == ["Device, arithmetic", "Outcome", "Comparisons", "cpu exact"]
    nothing = headed(article(page(verdicts(records(reference={"evidence": measured(rows=[])})))))
    assert nothing["Evidence"][0] == "No comparison was recorded in this run."


def test_measures_statistics_and_certificates_have_their_names_in_the_readers_language() -> None:
    names = {"gap for n = #": "n = # 时的差", "mean": "均值", "rank": "秩"}
    known = measured(
        measures={"gap for n = 64": [1.0, 2.5], "mean": [0.5, 0.5]},
        statistics={"mean": {"alpha": 1e-12, "comparisons": 32, "critical": 2.5, "power_at": 0.1}},
        certificates={"rank": "full, because $2 < 3$"},
    )
    document = verdicts(records(told(names=names), reference={"evidence": known}))
    listed = {language: text_of(of_class(page(document, language), "measures")[0]) for language in LANGUAGES}
    assert listed == {
        "en": "gap for n = 64 1 to 2.5 mean 0.5 mean alpha 1e-12, comparisons 32, critical value 2.5, detects from 0.1 rank full, because 2<3",
        "zh": "n = 64 时的差 1 到 2.5 均值 0.5 均值 误拒概率 alpha 1e-12，比较次数 32，临界值 2.5，可察觉自 0.1 秩 full, because 2<3",
    }


def test_a_figure_is_drawn_and_its_numbers_stand_in_a_table() -> None:
    drawn = {"title": "a curve of $n$", "x": "steps", "y": "error", "log": "y", "series": {"old": [[1, 0.1, 0.2], [2, 0.5, "inf"]]}}
    names = {"a curve of $n$": "$n$ 的曲线", "steps": "步数", "error": "误差", "old": "旧"}
    another = drawn | {"title": "another"}
    document = verdicts(records(told(names=names), reference={"evidence": measured(figures=[drawn, another])}))
    for language, said in {
        "en": ("a curve of n error 1 0.1 0.12 0.14 0.16 0.18 0.2 steps old", "Series steps error old 1 0.1 to 0.2 2 0.5 to inf"),
        "zh": ("n 的曲线 误差 1 0.1 0.12 0.14 0.16 0.18 0.2 步数 旧", "系列 步数 误差 旧 1 0.1 到 0.2 2 0.5 到 inf"),
    }.items():
        shown, second, _ladder = of_class(article(page(document, language)), "chart")
        numbers = shown.find("details")
        shown.remove(numbers)
        assert " ".join(sorted(text_of(shown).split())) == " ".join(sorted(said[0].split()))
        assert text_of(numbers.find("div")) == said[1]
        assert len(shown.findall(".//svg//use")) == 2  # one point has a place on the axes, one stands in the key
        for n, one in enumerate((shown, second), start=1):
            (picture,) = [svg for svg in one.iter("svg") if svg.get("role") == "img"]
            assert picture.get("aria-labelledby") == one.find("figcaption").get("id") == f"figure-squares-{n}"


def test_the_precision_ladder_says_its_numbers_in_words_too() -> None:
    document = verdicts(records(reference={"evidence": measured({"float64": 1e-16, "float32": 1e-8})}))
    (ladder,) = of_class(article(page(document)), "ladder")
    assert ladder.find("svg").attrib.keys() == {"viewbox"}  # not an image to a screen reader, but the words that stand in it
    assert [text_of(one) for one in ladder.iter("text")] == ["cpu float32", "1.0e-08", "cpu float64", "1.0e-16"]
    assert len(list(ladder.iter("use"))) == 2
    assert of_class(article(page(verdicts(records(reference={"evidence": measured({"float64": 1e-16})})))), "ladder") == []


# Users' implementations


IMPLS = ("reference", "control:wrong", "impl:mine", "impl:other")


def test_the_switch_shows_the_fields_of_one_subject_at_a_time() -> None:
    mine = REFUTING | {"evidence": measured({"float32": 40.0})}
    root = page(audited(part("a", select=IMPLS[:3], mine=mine), part("b", select=IMPLS[:2] + IMPLS[3:]), part("c")))
    radios = root.findall(".//fieldset//input")
    assert [text_of(label) for label in root.findall(".//fieldset/label")] == ["our implementation", "mine", "other"]
    assert [(one.get("id"), one.get("name"), "checked" in one.attrib) for one in radios] == [
        ("subject-0", "subject", True), ("subject-1", "subject", False), ("subject-2", "subject", False)
    ]  # fmt: skip
    shown = [
        [(line.get("class"), [text_of(field) for field in line]) for line in of_class(claim, "cells")] for claim in of_class(root, "claim")
    ]
    reference = ("cells of-0", ["✓ 50%", "✓ 25%"])
    assert shown == [
        [reference, ("cells of-1", ["≠ ≥10×"]), ("cells of-2", [])],
        [reference, ("cells of-1", []), ("cells of-2", ["✓ 50%", "✓ 25%"])],
        [reference, ("cells of-1", []), ("cells of-2", [])],
    ]
    (style,) = root.iter("style")
    hidden = dict(re.findall(r"body:has\(#(subject-\d):checked\) \.cells:not\(\.(of-\d)\) { display: none; }", style.text or ""))
    assert hidden == {"subject-0": "of-0", "subject-1": "of-1", "subject-2": "of-2"}  # each hides all but its own


def test_without_implementations_there_is_no_switch() -> None:
    root = page(verdicts(records()))
    assert list(root.iter("fieldset")) == [] and len(of_class(root, "cells")) == 1


def test_an_implementation_has_its_own_verdict_beside_the_claims() -> None:
    mine = REFUTING | {"evidence": measured({"float32": 40.0}, examples={"passed": 0, "failed": 1, "discarded": 0, "failing": "n=4"})}
    absent = {"answer": "skipped", "message": "does not provide square", "evidence": {}}
    good = {"evidence": measured({"float32": 0.5})}
    document = audited(part("a", select=(*IMPLS, "impl:third"), mine=mine, other=absent, third=good))
    found = headed(article(page(document), "a"))
    assert found["Your implementation mine: refuted"] == [
        "16 is not 9",
        "Likeliest cause: the sign",
        "smallest failing case n=4",
        "Device, arithmetic Outcome Comparisons Share of budget Residual Sees from Worst at cpu float32 changed 10 4,000% 40 at 40.0",
        'pytest "claims/sampling/test_7.py::test_a[impl:mine]"',
    ]
    assert found["Your implementation other: not run"] == [
        "does not provide square",
        'pytest "claims/sampling/test_7.py::test_a[impl:other]"',
    ]
    assert found["Your implementation third: holds"] == [
        "Device, arithmetic Outcome Comparisons Share of budget Residual Sees from Worst at cpu float32 reproduced 10 50% 0.5 at 0.5",
        'pytest "claims/sampling/test_7.py::test_a[impl:third]"',
    ]
    assert [text_of(badge) for badge in of_class(page(document), "badges")[0]] == ["holds", "reproduced"]  # of the claim
    assert "你的实现 mine：不成立" in headed(article(page(document, "zh"), "a"))
    refuted = audited(part("a", finding="refuted", select=("counterexample:1", "control:repaired", "impl:mine"), mine=REFUTING))
    assert "Your implementation mine: refuted" in headed(article(page(refuted), "a"))
    assert "Likeliest cause" not in text_of(article(page(refuted), "a"))  # the statement is false: that it is refuted is no mistake


# Changes since an earlier run


CHANGES = [
    Change("squares", False, "finding: %(before)s before, %(now)s now", {"before": "approximate", "now": "holds"}),
    Change("gone", True, "the claim is gone", {}),
    Change("squares", True, "control %(name)s: %(before)s before, %(now)s now", {"name": "limit", "before": "rejected", "now": "survived"}),
]


def test_changes_are_told_worse_first_and_lead_to_their_claims() -> None:
    (section,) = page(verdicts(records()), changes=CHANGES).findall(".//section[@aria-labelledby='changes']")
    assert text_of(section) == (
        "Changes since the run before 3 differences, 2 of them for the worse. "
        "worse gone (not in this report) the claim is gone "
        "worse squares control limit: rejected before, survived now "
        "squares finding: approximate before, holds now"
    )
    assert [a.get("href") for a in section.iter("a")] == ["#squares", "#squares"]
    (section,) = page(verdicts(records()), "zh", changes=iter(CHANGES)).findall(".//section[@aria-labelledby='changes']")
    assert text_of(section) == (
        "与上一次运行相比 3 处不同，其中 2 处变差。 "
        "变差 gone (不在本报告中) 该论断已消失 "
        "变差 squares 对照 limit：之前被拒绝，现在未被拒绝 "
        "squares 结论：之前为近似成立，现在为成立"
    )


def test_no_difference_is_said_and_no_earlier_run_is_not() -> None:
    (section,) = page(verdicts(records()), changes=[]).findall(".//section[@aria-labelledby='changes']")
    assert text_of(section) == "Changes since the run before 0 differences."
    assert page(verdicts(records())).findall(".//section[@aria-labelledby='changes']") == []


def test_the_page_of_changes_names_both_runs() -> None:
    old, new = verdicts(records()[:-1]), verdicts([run(LATER) | {"commit": ""}, *records()[1:]])
    root = tree(changes_page(CHANGES, old, new))
    assert [text_of(one) for one in of_class(root, "note")] == [
        (
            "before: 0123456789ab 2026-01-01T00:00:00Z, profile audit, "
            "incomplete: the evidence breaks off before the end of the run (0 of 2 items without a result)"
        ),
        "now: 2026-02-01T00:00:00Z, profile audit",
    ]
    assert [a.get("href") for a in root.iter("a")] == ["#main", "changes.zh.html"]
    assert text_of(root.find(".//main")).startswith("3 differences, 2 of them for the worse.")


# Two languages


@BOTH
def test_a_page_says_its_language_and_leads_to_the_other(language: str) -> None:
    root = page(verdicts(records()), language)
    assert root.find("html").get("lang") == language
    (links,) = of_class(root, "languages")
    english, chinese = ("en", "English"), ("zh", "中文")
    assert [(one.get("lang"), one.text, one.tag, one.get("href"), one.get("aria-current")) for one in links] == {
        "en": [(*english, "span", None, "true"), (*chinese, "a", "index.zh.html", None)],
        "zh": [(*english, "a", "index.html", None), (*chinese, "span", None, "true")],
    }[language]


def test_a_claim_is_in_the_language_of_its_page() -> None:
    for language, said in {"en": "n2=n⋅n", "zh": "平方：n2=n⋅n"}.items():
        root = page(verdicts(records()), language)
        assert [text_of(one) for one in root.iter("h4")] == [said]
        assert [text_of(one.find("h3")) for one in of_class(root, "post")] == [{"en": "A post", "zh": "一篇文章"}[language]]
        assert text_of(of_class(root, "stands")[0]) == {"en": "Most of it stands.", "zh": "大部分成立。"}[language]
        (post,) = of_class(root, "post")
        title = {"en": "一篇文章 · ", "zh": ""}[language]  # by which it is found there
        assert text_of(of_class(post, "note")[0]) == f"{title}kexue.fm/archives/7, 2024-01-01"


# Equations


def test_formulas_become_mathml_between_escaped_text() -> None:
    shown = tex(r"if $a < b$ & <i>")
    assert re.fullmatch(r"if <math[^>]*>.*</math> &amp; &lt;i&gt;", shown)
    assert "<mo>&lt;</mo>" in shown


@pytest.mark.parametrize("bad", [r"\foo{x}", r"\left(x", "<script>", r"\text{</math><script>alert(1)</script>}", '"onload="'])
def test_formula_cannot_bring_elements_of_its_own(bad: str) -> None:
    read = tree(tex(f"before ${bad}$ after"))
    assert "script" not in {element.tag for element in read.iter()}
    assert [name for element in read.iter() for name in element.attrib if name == "style" or name.startswith("on")] == []
    assert "".join(read.itertext()).startswith("before ") and "".join(read.itertext()).endswith(" after")


def test_formula_that_does_not_convert_is_shown_as_source() -> None:
    assert tex(r"see $\foo{x}$.") == r'see <span class=w><code class="untypeset">$\foo{x}$</code>.</span>'
    document = verdicts(records(told(says=text(r"see $\foo{x}$"))))
    assert text_of(page(document).find(".//h4")) == r"see $\foo{x}$"


@pytest.mark.parametrize("said", ["costs 5 $", "$x$ costs 5 $", "$", ""])
def test_a_dollar_without_a_partner_is_a_dollar(said: str) -> None:
    assert "".join(tree(tex(said)).itertext()).count("$") == said.count("$") % 2


def test_punctuation_stays_with_its_formula() -> None:
    n = tex("$n$")
    assert tex("for $n$, $n$ and ($n$).") == f"for <span class=w>{n},</span> {n} and (<span class=w>{n}).</span>"
    assert tex("$n$。与 $n$<") == f"<span class=w>{n}。</span>与 {n}&lt;"
    assert tex("$n$, <b> $n$ and more.") == f"<span class=w>{n},</span> &lt;b&gt; {n} and more."
    for closing in "%’”》":
        assert tex(f"$n${closing}") == f"<span class=w>{n}{closing}</span>"
    assert tex(", $n$") == f", {n}"


def test_problems_of_formulas_are_sentences() -> None:
    assert formula_problems(r"$\boldsymbol w$ and $\operatorname*{argmin}_x f(x)$") == []
    assert formula_problems("no mathematics") == []
    wrong = (
        (r"$\foo$", "is not converted"),
        ("a $b", "no partner"),
        ("$$", "printed as nothing"),
        (r"$\color{red}x$", "a style of its own"),
    )
    for said, problem in wrong:
        (found,) = formula_problems(said)
        assert problem in found


# Numbers and cases


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0, "0%"),
        (0.74, "74%"),
        (0.0123, "1.2%"),
        (0.001, "0.1%"),
        (0.0009, "<0.1%"),
        (1e-6, "<0.1%"),
        (0.994, "99%"),
        (0.996, "100%"),
        (1.0, "100%"),
        (18.2, "1,820%"),
        (3e12, "3.0e+14%"),
        ("inf", "∞"),
        ("nan", "∞"),
    ],
)
def test_percent(share: float | str, shown: str) -> None:
    assert percent(share) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.0123, "1.2%"), (0.0009, "<0.1%"), (9.99, "999%"), (10, "≥10×"), (3e12, "≥10×"), ("inf", "∞"), ("nan", "∞")],
)
def test_a_field_has_room_for_its_share(share: float | str, shown: str) -> None:
    assert brief(share) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(2048.0, "2,048"), (-3.0, "-3"), (0.012345, "0.0123"), (1e16, "1e+16"), ("inf", "inf"), (3, "3"), (True, "True"), ("text", "text")],
)
def test_figure(value: Any, shown: str) -> None:
    assert figure(value) == shown


@pytest.mark.parametrize(
    ("case", "shown"),
    [
        ("x=[1.0, 2.5, -3e-05]", "x=‹3›"),
        ("x=[[1.0, 2.0], [3.0, nan]], n=4", "x=‹2×2›, n=4"),
        ("x=[[[1.0, inf]], [[3.0, 4.0]]]", "x=‹2×1×2›"),
        ("x=[[1.0, 2.0], [3.0]]", "x=[‹2›, ‹1›]"),  # of different sizes: no tensor
        ("at [0, 4, 0]", "at [0, 4, 0]"),  # a place in a tensor, which a reader needs
        ("word='[a, b]'", "word='[a, b]'"),
    ],
)
def test_long_lists_are_told_by_their_sizes(case: str, shown: str) -> None:
    assert condensed(case) == shown


def test_a_glance_keeps_short_texts_whole_and_both_ends_of_long_ones() -> None:
    short = "x=[1.0, 2.0]".ljust(GLANCE, ".")
    assert glanced(short, GLANCE) == short
    assert glanced(f"x={[1.5] * 50}, n=4", GLANCE) == "x=‹50›, n=4"
    assert glanced("a" * GLANCE + "b" * GLANCE, 30) == "a" * 10 + " … " + "b" * 20


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a case of 123456: got 0.123456, truth 0.654321", "a case of … , truth 0.654321"),
        ("ab(n=320000, k=1): got 0.123456, truth 1.654321e-47", "ab(n= … , truth 1.654321e-47"),
        ("one of many: got [1.25,-2.5e-47,-1.654321e-47]", "one of … ,-2.5e-47,-1.654321e-47]"),
    ],
)
def test_a_number_is_shown_whole_or_not_at_all(said: str, shown: str) -> None:
    assert glanced(said, 30) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("case=[Fraction(3, 4), Fraction(-2, 1)]", "[3/4, -2]"),
        ("n=Fraction(1, 2), case=3", "n=1/2, case=3"),
        ("Fraction(3, 12)", "3/12"),
        ("a case=3", "a case=3"),
    ],
)
def test_what_python_wrote_is_shown_as_a_reader_would_write_it(said: str, shown: str) -> None:
    assert readable(said) == shown
    pin = {"trials": ("counterexample:1", "control:repaired"), "counterexamples": [{"why": text("so"), "case": said}]}
    (pinned,) = of_class(page(verdicts(records(told(finding="refuted", **pin)))), "plain")
    assert f"case {shown} seen" in text_of(pinned)


def test_names_with_numbers_stand_in_the_order_of_their_numbers() -> None:
    names = ["n = 512", "n = 40", "n = 4096", "m, 2 of 10", "m, 2 of 9"]
    assert [name for name, _ in in_number_order(dict.fromkeys(names))] == ["m, 2 of 9", "m, 2 of 10", "n = 40", "n = 512", "n = 4096"]
    assert [name for name, _ in in_number_order(dict.fromkeys(["at 4,096", "at 0.5", "at 512", "at 0.25"]))] == [
        "at 0.25",
        "at 0.5",
        "at 512",
        "at 4,096",
    ]
    assert [name for name, _ in in_number_order(dict.fromkeys(["a 1", "2 b"]))] == ["2 b", "a 1"]
    (listed,) = of_class(page(verdicts(records(reference={"evidence": measured(measures={name: [1, 1] for name in names})}))), "measures")
    assert [text_of(dt) for dt in listed.findall("dt")][:5] == ["m, 2 of 9", "m, 2 of 10", "n = 40", "n = 512", "n = 4096"]


def test_a_cell_stands_for_the_worst_of_its_rows() -> None:
    rows = [
        {"device": "cpu", "arithmetic": f"{dtype} reassociated", "share": share, "outcome": outcome, "reason": ""}
        for dtype, share, outcome in (("float64", 0.1, "reproduced"), ("float32", "inf", "broken"), ("bfloat16", 0.3, "reproduced"))
    ]
    rows.append({"device": "cpu", "arithmetic": "50 digits", "outcome": "reproduced", "reason": ""})
    columns = columns_of([{"rows": rows, "impls": []}])
    assert columns == [("cpu", "digits"), ("cpu", "reassociated")]
    assert [(place, cell["outcome"], cell["share"]) for place, cell in cells(rows, columns)] == [
        (0, "reproduced", None),
        (1, "broken", "inf"),
    ]
    assert cells(rows[:1], columns) == [(1, {"outcome": "reproduced", "reason": "", "share": 0.1, "blind": False})]
    assert cells([], columns) == []


def test_columns_are_those_of_all_subjects_devices_and_arithmetics_in_their_order() -> None:
    row = lambda device, arithmetic: {"device": device, "arithmetic": arithmetic}
    names = ("tf32", "float32 reassociated", "exact", "balls, 50 digits", "mpmath, two precisions", "float32", "decimal", "")
    claim = {
        "rows": [row("tpu", "float64"), row("cuda", "float32"), *(row("cpu", name) for name in names)],
        "impls": [{"rows": [row("mps", "float32")]}],
    }
    assert columns_of([claim]) == [
        ("cpu", "exact"),
        ("cpu", "digits"),
        ("cpu", "float32"),
        ("cpu", "tf32"),
        ("cpu", "reassociated"),
        ("cpu", "other"),
        ("cuda", "float32"),
        ("mps", "float32"),
        ("tpu", "float64"),
    ]


def test_fields_stand_under_the_heading_of_their_column() -> None:
    known = measured({"float32": 0.5, "50 digits": 0.0})
    for language, digits in {"en": "high precision", "zh": "高精度"}.items():
        root = page(verdicts(records(reference={"evidence": known})), language)
        (heads,), (fields,) = of_class(root, "columns"), of_class(root, "cells")
        assert [(head.get("class"), "".join(head.itertext())) for head in heads] == [("c0", f"cpu{digits}"), ("c1", "cpufloat32")]
        assert [(field.get("class"), text_of(field)) for field in fields] == [("c0 reproduced", "✓ 0%"), ("c1 reproduced", "✓ 50%")]
        (style,) = root.iter("style")
        assert ".columns, .cells { grid-template-columns: repeat(2, 3.75rem); }" in style.text
        for place, name in enumerate((f"cpu {digits}", "cpu float32")):
            assert f'.c{place} {{ grid-column: {place + 1}; }} .cells > .c{place}::before {{ content: "{name} "; }}' in style.text


# Size and speed


MANY = 500


def rich(number: int) -> list[dict[str, Any]]:
    """One of many claims: texts, controls, measures and figures as those of claims/ have on average, with formulas that no other has.

    Every fourth is about floating point, where it is every fifth there: seven rows on a CPU, a line for CUDA and a precision ladder.
    """
    formula = rf"$\sum_{{i=1}}^{{{number}}} p_i \log q_i$"
    length = {"says": 162, "scope": 48, "found": 262, "limits": 96, "if_fails": 70}
    says = {
        name: text(f"{formula} and $x_{number}$ ".ljust(n, "x"), f"{formula} 与 $x_{number}$".ljust(n // 2, "字"))
        for name, n in length.items()
    }
    names = {f"quantity {letter} for n = #": f"n = # 时的量 {letter}" for letter in "abc"}
    trials = ("reference", *["counterexample:1"] * (number % 5 < 2), *(f"control:mistake-{letter}" for letter in "abcdef"))
    known = measured(measures={f"quantity {letter} for n = {number}": [0.12345, 2.34567] for letter in "abc"})
    if number % 4 == 0:
        shares = {f"{dtype}{order}": 0.1234 for dtype in ("float64", "float32", "bfloat16") for order in ("", " reassociated")}
        known["rows"] = measured(shares | {"50 digits": 1e-9})["rows"]
        for row in known["rows"]:
            row |= {"sees": 1.234e-7, "agreement": 0.12345, "case": f"x={[0.123] * 100}, n={number}", "at": f"row {number} of p"}
        absent = {"device": "cuda", "comparisons": 0, "not_run": "no CUDA device"}
        known["rows"] += [absent | {"arithmetic": dtype} for dtype in ("bfloat16", "float32", "float64")]
    else:
        known["rows"] = [{"device": "cpu", "arithmetic": "exact", "comparisons": 12345}]
    if number % 13 == 0:
        series = {name: [[x, 0.1 * x, 0.2 * x] for x in range(1, 11)] for name in ("old", "new")}
        known["figures"] = [{"title": f"error of {formula}", "x": "steps", "y": "error", "log": "xy", "series": series}]
    caught = {f"mistake_{letter}": REFUTING | {"message": f"p[{number}] is off by 0.1234 ".ljust(300, "x")} for letter in "abcdef"}
    claim = told(f"claim-{number}", finding="holds in scope", trials=trials, test=f"test_{number}", names=names, **says)
    return records(claim, reference={"evidence": known}, **caught)


def test_a_page_of_many_claims_stays_small_and_is_made_quickly() -> None:
    document = audited(*map(rich, range(MANY)))
    for language in LANGUAGES:
        started = time.process_time()
        shown = audit_page(document, language)
        assert time.process_time() - started < 2
        assert shown.count("<article") == MANY
        assert len(shown.encode()) < 3_000_000
