"""English and Chinese: which of a text's two languages a reader gets, and the Chinese of the page's own words.

A text of a claim is {"en": ..., "zh": ...}; where the Chinese is missing, the English stands in for it. What a check measures
has a name that it makes while it runs, "error for n = 64": its Chinese is found under the same name with # for every number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from reports.chinese import CHINESE

LANGUAGES = {"en": "English", "zh": "中文"}
NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:e[+-]?\d+)?")


def page_name(stem: str, language: str) -> str:
    """File name of a page: English has the plain one."""
    return f"{stem}.html" if language == "en" else f"{stem}.{language}.html"


def pattern(name: str) -> str:
    """A name with # for every number in it."""
    return NUMBER.sub("#", name)


def translated(name: str, names: Mapping[str, str]) -> str:
    """The Chinese of a name, with its numbers in their order; the name itself where there is none."""
    found = names.get(pattern(name))
    if found is None:
        return name
    numbers = iter(NUMBER.findall(name))
    return re.sub("#", lambda _: next(numbers, "#"), found)


def untranslated(claim: dict[str, Any]) -> list[str]:
    """Names that the page of a claim shows and that have no Chinese, with # for every number."""
    shown = [name for part in ("measures", "statistics", "certificates") for name in claim[part]]
    shown += [row["at"] for row in claim["rows"] if "at" in row]
    for figure in claim["figures"]:
        shown += [figure["title"], figure["x"], figure["y"], *figure["series"]]
        shown += [x for points in figure["series"].values() for x, _, _ in points if isinstance(x, str)]
    return sorted({pattern(name) for name in shown} - claim["names"].keys())


def words(language: str) -> tuple[Callable[[str], str], Callable[[str, str, int], str]]:
    """gettext and ngettext of a language. English is what the templates say; what has no Chinese stays English."""
    if language == "en":
        return str, lambda one, many, n: one if n == 1 else many
    return lambda text: CHINESE.get(text, text), lambda one, many, n: CHINESE.get(one, one if n == 1 else many)
