"""Verdict document -> static HTML pages that load nothing: style, font, script and equations are inside of each.

There is one page for each language, and it says nothing in two: a reader gets half the bytes, and a screen reader the right
voice. Everything that comes from a test or from a file is escaped. The one exception is the MathML of `reports.equations`,
which is made from TeX by a converter that escapes by itself.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from reports.chart import chart, ladder
from reports.diff import Change
from reports.equations import sources, tex
from reports.language import LANGUAGES, NUMBER, page_name, translated, words
from reports.unseen import UNSEEN
from reports.verdicts import OUTCOMES, number

HERE = Path(__file__).parent
ASSETS = HERE / "assets"
FONT = ASSETS / "latinmodern-math-subset.woff2"
SHORT = 300  # characters of a test's text that are shown at once; the rest is behind a fold
LONGEST = 10_000  # characters of it that the page carries at all
GLANCE = 52  # the same for the cases of evidence rows, of which there are hundreds: with these two the page stays below 800 kB
LINE = 104  # and for what controls were told, also hundreds

FAMILIES = ("exact", "digits", "float64", "float32", "bfloat16", "tf32", "reassociated", "other")
FAMILY_NAMES = {"digits": "high precision", "reassociated": "reordered sums"}
STATISTIC_NAMES = {"critical": "critical value", "power_at": "detects from", "radius": "known to ±"}
BEYOND_FLOAT64 = ("digits", "ball", "mpmath")  # words of the arithmetics that the family "digits" stands for
DEVICES = ("cpu", "cuda", "xpu", "mps")
FINDINGS = ("holds", "holds in scope", "approximate", "refuted", "not checkable")

Column = tuple[str, str]  # device, family of arithmetic


def audit_page(document: dict[str, Any], language: str = "en", changes: Iterable[Change] | None = None) -> str:
    """The report of a verdict document (`reports/verdicts.schema.json`); `changes` since an earlier run, if there was one."""
    seen = visible(document)
    checkable = [claim for claim in seen["claims"] if claim["finding"] != "not checkable"]
    stated = [claim for claim in seen["claims"] if not claim["ours"]]
    return rendered(
        "audit.html",
        language,
        document=seen,
        changes=None if changes is None else legible(changes),
        topics=by_topic(seen["posts"], seen["claims"]),
        columns=columns_of(seen["claims"]),
        subjects=["reference", *sorted({impl["name"] for claim in seen["claims"] for impl in claim["impls"]})],
        stated=len(stated),
        ours=len(seen["claims"]) - len(stated),
        findings=in_order(Counter(claim["finding"] for claim in stated), FINDINGS),
        outcomes=in_order(Counter(claim["outcome"] for claim in checkable), OUTCOMES),
        known={claim["id"] for claim in seen["claims"]},
        checkable=len(checkable),
        unseen=unseen_devices(seen["claims"]),
        devices={device: name for claim in seen["claims"] for device, name in claim["devices"].items()},
    )


def changes_page(changes: Iterable[Change], old: dict[str, Any], new: dict[str, Any], language: str = "en") -> str:
    """What `python -m reports diff` says, as a page."""
    return rendered("changes.html", language, changes=legible(changes), old=visible(old), new=visible(new))


def rendered(template: str, language: str, **context: Any) -> str:
    css = (ASSETS / "page.css").read_text(encoding="utf-8")
    css += placed(context.get("columns", []), words(language)[0]) + switched(context.get("subjects", []))
    css += f'@font-face{{font-family:"Audit Math";src:url("data:font/woff2;base64,{base64.b64encode(FONT.read_bytes()).decode()}")}}\n'
    script = (ASSETS / "filter.js").read_text(encoding="utf-8")
    return (
        environment(language)
        .get_template(template)
        .render(
            css=Markup(css),
            script=Markup(script),
            policy=policy(css, script),
            language=language,
            stem=template.removesuffix(".html"),
            **context,
        )
    )


def placed(columns: list[Column], say: Callable[[str], str]) -> str:
    """Where the style sheet puts the field of each column, and its name for where there is no room for a heading."""
    rules = [f".columns, .cells {{ grid-template-columns: repeat({len(columns)}, 3.75rem); }}\n"] if columns else []
    for place, (device, family) in enumerate(columns):
        name = re.sub(r"[^\w .-]", "?", f"{device} {say(FAMILY_NAMES.get(family, family))}")  # a device may be called anything
        rules.append(f'.c{place} {{ grid-column: {place + 1}; }} .cells > .c{place}::before {{ content: "{name} "; }}\n')
    return "".join(rules)


def switched(subjects: list[str]) -> str:
    """Only the fields of the subject that is switched on are shown. Rules of the style sheet, so that it takes no script."""
    return "".join(f"body:has(#subject-{n}:checked) .cells:not(.of-{n}) {{ display: none; }}\n" for n in range(len(subjects)))


def policy(css: str, script: str) -> str:
    """Content-Security-Policy: nothing but this very style, this very script and a font that is part of the page."""
    style, program = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (css, script))
    return f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{program}'; font-src data:; base-uri 'none'; form-action 'none'"


@cache
def environment(language: str) -> Environment:
    """Templates speak English; `trans` blocks and `_` give the Chinese of `reports.chinese`."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.loopcontrols"],
    )
    say, say_many = words(language)
    made.install_gettext_callables(say, say_many, newstyle=True)
    made.globals["_"] = say  # Jinja's own takes what it translates for a format and for HTML, and a reason of a test may look like either

    def chosen(text: dict[str, str]) -> str:
        return text[language] or text["en"]

    def latex(claim: dict[str, Any]) -> list[str]:
        texts = [claim[name] for name in ("says", "found", "corrected", "scope", "limits")] + [
            pinned["why"] for pinned in claim["counterexamples"]
        ]
        return [source for source in sources(map(chosen, texts)) if "\\" in source]  # d_k needs no help

    @pass_context
    def typeset(context: Context, text: dict[str, str]) -> Markup:
        return linked(tex(chosen(text)), context.get("known") or ())

    def named(name: str, names: dict[str, str]) -> Markup:
        return tex(translated(name, names) if language == "zh" else name)

    def told(change: Change) -> str:
        return say(change.text) % {name: value if name == "name" else say(value) for name, value in change.values.items()}

    made.filters |= {
        "told": told,
        "tex": tex,
        "chosen": chosen,
        "latex": latex,
        "typeset": typeset,
        "named": named,
        "number": number,
        "arithmetic": lambda name: " ".join(say(FAMILY_NAMES["reassociated"] if word == "reassociated" else word) for word in name.split()),
        "percent": percent,
        "brief": brief,
        "web": web,
        "absent": absent,
        "blind": blind,
        "glanced": glanced,
        "readable": readable,
        "in_number_order": in_number_order,
        "times": lambda value: figure(number(value), 2) if math.isfinite(number(value)) else "∞",
        "figure": figure,
        "kept": kept,
        "ordered": ordered,
        "chart": chart,
        "ladder": ladder,
        "words": lambda text: text.replace(" ", "-"),
    }
    made.globals |= {
        "cells": cells,
        "facets": facets,
        "tally": tally,
        "page_name": page_name,
        "FAMILY_NAMES": FAMILY_NAMES,
        "STATISTIC_NAMES": STATISTIC_NAMES,
        "LANGUAGES": LANGUAGES,
        "FINDINGS": FINDINGS,
        "SHORT": SHORT,
        "GAP": "" if language == "zh" else " ",  # between two sentences
        "LINE": LINE,
        "GLANCE": GLANCE,
    }
    return made


ADDRESS = re.compile(r"https://[\w.:/~+-]+")


def web(address: str) -> str:
    """An address that can be a link, and be pasted into a shell; nothing if it is not one."""
    return address if ADDRESS.fullmatch(address) else ""


TAG_OR_ID = re.compile(r"<[^>]*>|(?<![\w.#-])[a-z0-9]+(?:[-.][a-z0-9]+)+(?![\w-])")


def linked(text: Markup, known: Iterable[str]) -> Markup:
    """The text with links to the claims of this page that it names."""
    link = Markup('<a href="#{0}"><code>{0}</code></a>')
    return Markup(TAG_OR_ID.sub(lambda found: link.format(found[0]) if found[0] in known else found[0], text))


def legible(changes: Iterable[Change]) -> list[Change]:
    return [replace(change, claim=visible(change.claim), values=visible(change.values)) for change in changes]


def visible(value: Any) -> Any:
    """The same JSON value with every character that cannot be seen, or cannot stand in HTML, spelled out, and endless texts cut."""
    if isinstance(value, str):
        seen = UNSEEN.sub(lambda match: f"\N{SYMBOL FOR ESCAPE}U+{ord(match[0]):04X}", value)
        return seen if len(seen) <= LONGEST else f"{seen[:LONGEST]} … ({len(value):,} characters in all, see verdicts.json)"
    if isinstance(value, dict):
        return {visible(key): visible(item) for key, item in value.items()}
    if isinstance(value, list):
        return [visible(item) for item in value]
    return value


# Cases and numbers

FLOAT = r"-?(?:\d+\.\d*(?:e[+-]?\d+)?|\d+e[+-]?\d+|inf|nan)"  # not an integer: [0, 4, 0] is a place in a tensor
TENSOR = re.compile(rf"\[{FLOAT}(?:, {FLOAT})*\]")
STACK = re.compile(r"\[(‹[\d×]+›)(?:, \1)*\]")
CUT_AT_START = re.compile(r"(?<=[^\w.+-])[\w.+-]{0,20}$")  # what may be part of a number, which is shown whole or not at all
CUT_AT_END = re.compile(r"^[\w.+-]{0,20}(?=[^\w.+-])")
FRACTION = re.compile(r"Fraction\((-?\d+), (\d+)\)")


def readable(text: str) -> str:
    """What Python wrote, as a reader would: Fraction(3, 4) is 3/4, and a case needs not say that it is one."""
    return FRACTION.sub(lambda found: found[1] if found[2] == "1" else f"{found[1]}/{found[2]}", text.removeprefix("case="))


def glanced(text: str, room: int) -> str:
    """A text short enough to stand in a list of hundreds: its lists by their sizes, and no middle, for its end says how far off something is."""
    shorter = text if len(text) <= room else condensed(text)
    if len(shorter) <= room:
        return shorter
    start = CUT_AT_START.sub("", shorter[: room // 3]).rstrip()
    end = CUT_AT_END.sub("", shorter[len(start) - room :]).lstrip()
    return f"{start} … {end}"


def condensed(case: str) -> str:
    """A text with the sizes of its lists in place of their numbers: x=[[1.0, ...], ...] becomes x=‹4×8›. In full it is in verdicts.json."""
    shorter = TENSOR.sub(lambda found: f"‹{found[0].count(',') + 1}›", case)
    while (stacked := STACK.sub(lambda found: f"‹{found[0].count('‹')}×{found[1][1:]}", shorter)) != shorter:
        shorter = stacked
    return shorter


def percent(value: float | str) -> str:
    percents = 100 * number(value)
    if not math.isfinite(percents):
        return "∞"
    if percents and percents < 0.1:
        return "<0.1%"
    return f"{percents:.2g}%" if percents < 99.5 else f"{percents:,.0f}%" if percents < 1e6 else f"{percents:.1e}%"


def brief(value: float | str) -> str:
    """The same for a field of the overview, which is narrow: no number of four digits."""
    return "≥10×" if 9.995 <= number(value) < math.inf else percent(value)


def figure(value: Any, digits: int = 3) -> str:
    """A measured number in so many digits, an integer in full, anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.{digits}g}"


def in_number_order(named: dict[str, Any]) -> list[tuple[str, Any]]:
    """Items by name, with the numbers in names by their size: n = 40 before n = 512."""
    size = lambda part: (0, float(part.replace(",", "")), "") if NUMBER.fullmatch(part) else (1, 0.0, part)
    return sorted(named.items(), key=lambda item: [size(part) for part in re.split(f"({NUMBER.pattern})", item[0]) if part])


# The overview


def in_order(counts: dict[str, int], order: tuple[str, ...]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: order.index(pair[0]))


def by_topic(
    posts: list[dict[str, Any]], claims: list[dict[str, Any]]
) -> list[tuple[str, list[tuple[dict[str, Any], list[dict[str, Any]]]]]]:
    """Topics in order, each with its posts, each with its claims in the order of the document."""
    of_post = {post["archive"]: [claim for claim in claims if claim["post"] == post["archive"]] for post in posts}
    return [
        (topic, [(post, of_post[post["archive"]]) for post in of_topic])
        for topic, of_topic in groupby(posts, key=lambda post: post["topic"])
    ]


def tally(claims: list[dict[str, Any]]) -> dict[str, Any]:
    """How many statements of a post have each finding, how many are ours, and the outcomes: "reproduced" only where nothing else is."""
    outcomes = Counter(claim["outcome"] for claim in claims if claim["finding"] != "not checkable")
    missed = {outcome: n for outcome, n in outcomes.items() if outcome != "reproduced"}
    return {
        "findings": Counter(claim["finding"] for claim in claims if not claim["ours"]),
        "ours": sum(claim["ours"] for claim in claims),
        "missed": in_order(missed, OUTCOMES),
        "reproduced": outcomes["reproduced"],
    }


def facets(claim: dict[str, Any]) -> str:
    """What the filter can ask of a claim beside its topic and post, as words `name:value`. A device counts where it has evidence."""
    found = {"finding": [claim["finding"]], "statement": ["ours"] if claim["ours"] else []}
    if claim["finding"] != "not checkable":
        found["outcome"] = [claim["outcome"]]
    ran = [column(row) for row in claim["rows"] if row["outcome"] != "not run"]
    found["device"] = sorted({device for device, _ in ran})
    found["arithmetic"] = sorted({FAMILY_NAMES.get(family, family) for _, family in ran})
    return " ".join(f"{name}:{value.replace(' ', '-')}" for name, values in found.items() for value in values)


def unseen_devices(claims: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Devices on which nothing was run, each with the number of claims that have rows for it."""
    of_device: dict[str, list[set[str]]] = {}
    for claim in claims:
        for device in {row["device"] for row in claim["rows"]}:
            of_device.setdefault(device, []).append({row["outcome"] for row in claim["rows"] if row["device"] == device})
    return sorted((device, len(outcomes)) for device, outcomes in of_device.items() if set().union(*outcomes) == {"not run"})


def column(row: dict[str, Any]) -> Column:
    """Where the overview shows a row: its device and the family of its arithmetic."""
    name = row["arithmetic"]
    if any(word in name for word in BEYOND_FLOAT64):
        return row["device"], "digits"
    last = name.split()[-1] if name else ""
    return row["device"], last if last in FAMILIES else "other"


def columns_of(claims: list[dict[str, Any]]) -> list[Column]:
    """The columns that any claim needs, devices and arithmetics in a fixed order."""
    rows = (row for claim in claims for part in (claim, *claim["impls"]) for row in part["rows"])
    return sorted({column(row) for row in rows}, key=place)


def place(column: Column) -> tuple[int, str, int]:
    device, family = column
    return DEVICES.index(device) if device in DEVICES else len(DEVICES), device, FAMILIES.index(family)


def ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows in the order of the overview's columns."""
    return sorted(rows, key=lambda row: place(column(row)))


def cells(rows: list[dict[str, Any]], columns: list[Column]) -> list[tuple[int, dict[str, Any]]]:
    """(number of the column, cell) for every column that has rows: its worst outcome with the worst share of those rows."""
    of_column: dict[Column, list[dict[str, Any]]] = {}
    for row in rows:
        of_column.setdefault(column(row), []).append(row)
    return [(place, cell(of_column[key])) for place, key in enumerate(columns) if key in of_column]


def cell(rows: list[dict[str, Any]]) -> dict[str, Any]:
    worst = min(rows, key=lambda row: OUTCOMES.index(row["outcome"]))
    shares = [row["share"] for row in rows if "share" in row]
    return {
        "outcome": worst["outcome"],
        "reason": worst["reason"],
        "share": max(shares, key=number, default=None),
        "blind": all(map(blind, rows)),
    }


def absent(rows: list[dict[str, Any]]) -> list[tuple[str, str, list[str]]]:
    """(device, why, arithmetics) for every reason for which rows were not run."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row["outcome"] == "not run":
            reasons.setdefault((row["device"], row["reason"]), []).append(row["arithmetic"])
    return [(device, why, arithmetics) for (device, why), arithmetics in reasons.items()]


def blind(row: dict[str, Any]) -> bool:
    """Where no error smaller than the truth itself could have been caught, nothing was shown, and nothing is green."""
    return row["outcome"] == "reproduced" and "sees" in row and number(row["sees"]) >= 1


def kept(controls: list[dict[str, Any]]) -> int:
    """How many controls did what they must."""
    return sum(control["was"] == control["must_be"] for control in controls)
