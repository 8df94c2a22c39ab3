"""Verdict document -> one static HTML page that loads nothing: style, font and equations are inside of it.

Everything that comes from a test or from a file is escaped. The one exception is the MathML of `formula`, which is made
from TeX by a converter that escapes by itself.
"""

from __future__ import annotations

import base64
import html
import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from math_core import LatexError, LatexToMathML

from reports.chart import chart

HERE = Path(__file__).parent
FONT = HERE / "assets" / "latinmodern-math-subset.woff2"
SHORT = 300  # characters of a test's text that are shown at once; the rest is behind a fold
LONGEST = 10_000  # characters of it that the page carries at all

FAMILIES = ("exact", "digits", "float64", "float32", "bfloat16", "tf32", "reassociated", "other")
BEYOND_FLOAT64 = ("digits", "ball", "mpmath")  # words of the arithmetics that the family "digits" stands for
DEVICES = ("cpu", "cuda", "xpu", "mps")
FINDINGS = ("holds", "holds in scope", "approximate", "refuted", "not checkable")
OUTCOMES = ("broken", "changed", "incomplete", "stale", "reproduced", "not run")  # worst first, as they combine in a cell

# Control characters other than tab and newline, halves of surrogate pairs, and marks that reorder or hide text.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]")

Column = tuple[str, str]  # device, family of arithmetic


def page(document: dict[str, Any]) -> str:
    """The report page of a verdict document (`reports/verdicts.schema.json`)."""
    seen = visible(document)
    columns = columns_of(seen["claims"])
    checkable = [claim for claim in seen["claims"] if claim["finding"] != "not checkable"]
    template = environment().get_template("page.html")
    return template.render(
        document=seen,
        topics=by_topic(seen["claims"]),
        columns=columns,
        findings=in_order(seen["counts"]["findings"], FINDINGS),
        outcomes=in_order(Counter(claim["outcome"] for claim in checkable), OUTCOMES),
        known={claim["id"] for claim in seen["claims"]},
        checkable=len(checkable),
        devices={device: name for claim in seen["claims"] for device, name in claim["devices"].items()},
        font=base64.b64encode(FONT.read_bytes()).decode(),
        css=Markup((HERE / "assets" / "page.css").read_text(encoding="utf-8")),
    )


@cache
def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols"],
    )
    made.filters |= {"tex": tex, "percent": percent, "figure": figure, "bar": bar, "kept": kept, "ordered": ordered, "chart": chart}
    made.globals |= {"cells": cells, "SHORT": SHORT, "LONGEST": LONGEST}
    return made


def visible(value: Any) -> Any:
    """The same JSON value with every character that cannot be seen, or cannot stand in HTML, spelled out."""
    if isinstance(value, str):
        return UNSEEN.sub(lambda match: f"\N{SYMBOL FOR ESCAPE}U+{ord(match[0]):04X}", value)
    if isinstance(value, dict):
        return {visible(key): visible(item) for key, item in value.items()}
    if isinstance(value, list):
        return [visible(item) for item in value]
    return value


# Equations


@cache
def converter() -> LatexToMathML:
    return LatexToMathML(fancy_error=False)


@cache
def formula(source: str) -> str:
    """TeX as MathML, with its source kept in `data-tex`. Raises `LatexError`."""
    mathml = converter().convert_with_local_state(source, displaystyle=False)
    return mathml.replace("<math", f'<math data-tex="{escape(source)}"', 1)


def pieces(text: str) -> Iterator[tuple[bool, str]]:
    """(is a formula, content) for a text with TeX between dollar signs; a dollar without a partner is text."""
    parts = text.split("$")
    if len(parts) % 2 == 0:
        parts[-2:] = ["$".join(parts[-2:])]
    return ((number % 2 == 1, part) for number, part in enumerate(parts))


def tex(text: str) -> Markup:
    """Escaped text with its formulas as MathML. What does not convert is shown as its source: a page must not fail."""
    shown = []
    for is_formula, part in pieces(text):
        try:
            shown.append(Markup(formula(part)) if is_formula else escape(part))
        except LatexError:
            shown.append(Markup('<code class="untypeset">{}</code>').format(f"${part}$"))
    return Markup("").join(shown)


def formula_problems(text: str) -> list[str]:
    """One sentence for every formula in `text` that would not reach a reader as mathematics."""
    found = [] if text.count("$") % 2 == 0 else [f"a dollar sign has no partner in {text!r}"]
    for is_formula, source in pieces(text):
        if not is_formula:
            continue
        try:
            printed = html.unescape(re.sub(r"<[^>]*>", "", formula(source)))
        except LatexError as error:
            found.append(f"${source}$ is not converted: {error}")
            continue
        if "\\" in printed or "pt]" in printed:
            found.append(f"${source}$ is printed with TeX left in it: {printed}")
        elif not printed.strip():
            found.append(f"${source}$ is printed as nothing")
    return found


# Numbers


def number(value: float | str) -> float:
    """A figure of the document, where NaN and infinity are strings."""
    return float(value)


def percent(share: float | str) -> str:
    value = 100 * number(share)
    if not math.isfinite(value):
        return "beyond all bounds"
    if value and value < 0.1:
        return "< 0.1 %"
    return f"{value:.2g} %" if value < 100 else f"{value:,.0f} %" if value < 1e6 else f"{value:.1e} %"


def bar(share: float | str) -> str:
    """Length of the bar behind a share, as CSS."""
    value = number(share)
    return f"{100 * min(max(value, 0.0), 1.0):.0f}%" if math.isfinite(value) else "100%"


def figure(value: Any, digits: int = 3) -> str:
    """A measured number in so many digits, an integer in full, anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.{digits}g}"


# The overview


def in_order(counts: dict[str, int], order: tuple[str, ...]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: order.index(pair[0]))


def by_topic(claims: list[dict[str, Any]]) -> list[tuple[str, list[tuple[dict[str, Any], list[dict[str, Any]]]]]]:
    """Topics in order, each with its posts, each with its claims."""
    order = sorted(claims, key=lambda claim: (claim["post"]["topic"], claim["post"]["archive"]))
    return [
        (topic, [(post, list(found)) for post, found in groupby(of_topic, key=lambda claim: claim["post"])])
        for topic, of_topic in groupby(order, key=lambda claim: claim["post"]["topic"])
    ]


def column(row: dict[str, Any]) -> Column:
    """Where the overview shows a row: its device and the family of its arithmetic."""
    name = row["arithmetic"]
    if any(word in name for word in BEYOND_FLOAT64):
        return row["device"], "digits"
    last = name.split()[-1] if name else ""
    return row["device"], last if last in FAMILIES else "other"


def columns_of(claims: list[dict[str, Any]]) -> list[Column]:
    """The columns that any claim needs, devices and arithmetics in a fixed order."""
    return sorted({column(row) for claim in claims for row in claim["rows"]}, key=place)


def place(column: Column) -> tuple[int, str, int]:
    device, family = column
    return DEVICES.index(device) if device in DEVICES else len(DEVICES), device, FAMILIES.index(family)


def ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows in the order of the overview's columns."""
    return sorted(rows, key=lambda row: place(column(row)))


def cells(claim: dict[str, Any], columns: list[Column]) -> list[dict[str, Any] | None]:
    """One cell per column: its worst outcome with the worst share of the rows it stands for; None where nothing applies."""
    rows: dict[Column, list[dict[str, Any]]] = {}
    for row in claim["rows"]:
        rows.setdefault(column(row), []).append(row)
    return [cell(rows[key]) if key in rows else None for key in columns]


def cell(rows: list[dict[str, Any]]) -> dict[str, Any]:
    worst = min(rows, key=lambda row: OUTCOMES.index(row["outcome"]))
    shares = [row["share"] for row in rows if "share" in row]
    return {"outcome": worst["outcome"], "reason": worst["reason"], "share": max(shares, key=number, default=None)}


def kept(controls: list[dict[str, Any]]) -> int:
    """How many controls did what they must."""
    return sum(control["was"] == control["must_be"] for control in controls)
