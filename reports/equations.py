"""LaTeX between dollar signs -> MathML, which every browser sets by itself."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from functools import cache

from markupsafe import Markup, escape
from math_core import LatexError, LatexToMathML


@cache
def converter() -> LatexToMathML:
    return LatexToMathML(fancy_error=False)


@cache
def formula(source: str) -> str:
    """TeX as MathML. Raises `LatexError`."""
    return converter().convert_with_local_state(source, displaystyle=False)


def pieces(text: str) -> Iterator[tuple[bool, str]]:
    """(is a formula, content) for a text with TeX between dollar signs; a dollar without a partner is text."""
    parts = text.split("$")
    if len(parts) % 2 == 0:
        parts[-2:] = ["$".join(parts[-2:])]
    return ((number % 2 == 1, part) for number, part in enumerate(parts))


def sources(texts: Iterable[str]) -> list[str]:
    """The formulas of the texts as their authors wrote them, each once, in order: for copying, and for the search of a page."""
    return list(dict.fromkeys(part for text in texts for is_formula, part in pieces(text) if is_formula))


CLOSING = re.compile(r"[.,;:!?%)’”。，、；：？！）》]+")


def tex(text: str) -> Markup:
    """Escaped text with its formulas as MathML. What does not convert is shown as its source: a page must not fail.

    A formula and the punctuation behind it stay on one line: browsers would break between them, and even a word joiner does not help.
    """
    shown: list[Markup] = []
    for is_formula, part in pieces(text):
        if is_formula:
            shown.append(formula_or_source(part))
        elif shown and (closing := CLOSING.match(part)):
            shown[-1] = Markup("<span class=w>{}{}</span>").format(shown[-1], closing[0])
            shown.append(escape(part[closing.end() :]))
        else:
            shown.append(escape(part))
    return Markup("").join(shown)


def formula_or_source(source: str) -> Markup:
    try:
        return Markup(formula(source))
    except LatexError:
        return Markup('<code class="untypeset">{}</code>').format(f"${source}$")


def formula_problems(text: str) -> list[str]:
    """One sentence for every formula in `text` that would not reach a reader as mathematics."""
    found = [] if text.count("$") % 2 == 0 else [f"a dollar sign has no partner in {text!r}"]
    for is_formula, source in pieces(text):
        if not is_formula:
            continue
        try:
            made = formula(source)
        except LatexError as error:
            found.append(f"${source}$ is not converted: {error}")
            continue
        printed = html.unescape(re.sub(r"<[^>]*>", "", made))
        if " style=" in made:
            found.append(f"${source}$ brings a style of its own, which the page does not allow")
        elif "\\" in printed or "pt]" in printed:
            found.append(f"${source}$ is printed with TeX left in it: {printed}")
        elif not printed.strip():
            found.append(f"${source}$ is printed as nothing")
    return found
