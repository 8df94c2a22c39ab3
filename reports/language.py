"""English and Chinese: which of a text's two languages a reader gets, and the Chinese of the page's own words.

A text of a claim is {"en": ..., "zh": ...}; where the Chinese is missing, the English stands in for it. What a check measures
has a name that it makes while it runs, "error for n = 64": its Chinese is found under the same name with # for every number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from reports.chinese import CHINESE

LANGUAGES = {"en": "English", "zh": "中文"}
NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:e[+-]?\d+)?")


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


def words(language: str) -> tuple[Callable[[str], str], Callable[[str, str, int], str]]:
    """gettext and ngettext of a language. English is what the templates say; what has no Chinese stays English."""
    if language == "en":
        return str, lambda one, many, n: one if n == 1 else many
    return lambda text: CHINESE.get(text, text), lambda one, many, n: CHINESE.get(one, one if n == 1 else many)
