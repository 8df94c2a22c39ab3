"""Verdict document -> an SVG badge for a README: how many of the claims that can be checked were reproduced.

It is about the claims alone; users' implementations are judged for themselves. Every word on it is ours: no text of the
document gets into it.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from reports.verdicts import Outcome

LABEL = "claims audited"
# The page's colours; white text on each has a contrast of at least 7 : 1.
INK, LABEL_PAPER = "#ffffff", "#3a3c40"
GREEN, AMBER, RED = "#17633f", "#6d4a00", "#8d1237"

TEMPLATE = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{label}: {said}">
<title>{label}: {said}</title>
<rect width="{middle}" height="20" fill="{label_paper}"/><rect x="{middle}" width="{rest}" height="20" fill="{paper}"/>
<g fill="{ink}" font-family="Verdana, 'DejaVu Sans', Geneva, sans-serif" font-size="11">
<text x="{pad}" y="14" textLength="{label_length}">{label}</text>
<text x="{start}" y="14" textLength="{length}">{said}</text>
</g>
</svg>
"""
PAD = 6
# Advance widths at 11 pixels, to a pixel; where the reader's font differs, textLength fits it in.
WIDTHS = {**dict.fromkeys("ijl", 3), **dict.fromkeys(" ,ft", 4), "r": 5, "m": 11, "w": 9}
USUAL_WIDTH = 7


def badge(document: dict[str, Any]) -> str:
    """The badge of a verdict document (`reports/verdicts.schema.json`)."""
    said, paper = verdict(document)
    label_length, length = text_length(LABEL), text_length(said)
    middle, rest = label_length + 2 * PAD, length + 2 * PAD
    return TEMPLATE.format(
        label=LABEL, said=said, ink=INK, label_paper=LABEL_PAPER, paper=paper, pad=PAD, label_length=label_length, length=length,
        middle=middle, rest=rest, width=middle + rest, start=middle + PAD,
    )  # fmt: skip


def verdict(document: dict[str, Any]) -> tuple[str, str]:
    """The words and their colour: green only where nothing that can be checked is left to wish for."""
    judged = [claim["outcome"] for claim in document["claims"] if claim["finding"] != "not checkable"]
    outcomes = Counter(judged)
    good = outcomes.pop(Outcome.REPRODUCED.value, 0)
    said = [f"{good} of {len(judged)} reproduced"]
    said += [f"{outcomes[outcome.value]} {outcome.value}" for outcome in Outcome if outcomes[outcome.value]]
    said += [f"{len(document['errors'])} not collected"] * bool(document["errors"])
    said += ["run incomplete"] * any(run["status"] != "complete" for run in document["runs"])
    if outcomes[Outcome.BROKEN.value] or outcomes[Outcome.CHANGED.value]:
        return ", ".join(said), RED
    return ", ".join(said), GREEN if good and len(said) == 1 else AMBER


def text_length(text: str) -> int:
    return sum(WIDTHS.get(letter, USUAL_WIDTH) for letter in text)
