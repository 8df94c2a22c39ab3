"""The table of verdicts at the end of a run: only what was reproduced is green, and each line tells how it was checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reports import terminal
from reports.publish import Published
from reports.unseen import UNSEEN
from reports.verdicts import merge, verdicts
from tests.test_page import filled
from tests.test_verdicts import CRASH, LATER, Records, audited, measured, part, records, told

REFUTING = {"answer": "refuted", "message": "16 is not 9\nat n = 4"}
SKIPPED = {"answer": "skipped", "message": "no flint"}
SURVIVED = {"answer": "holds"}
CONTROLS = ("reference", "control:wrong", "control:other")
IMPL = ("reference", "control:wrong", "impl:mine")
ABSENT = {"device": "cuda", "arithmetic": "float32", "comparisons": 0, "not_run": "no CUDA device"}


class Reporter:
    """What pytest's terminal reporter is told: the text, and the parts of it that have a colour."""

    def __init__(self) -> None:
        self.text, self.coloured = "", []

    def section(self, title: str) -> None:
        self.write_line(title)

    def write(self, text: str, **colours: bool) -> None:
        self.text += text
        self.coloured += [(text.strip(), colour) for colour, on in colours.items() if on]

    def write_line(self, line: str, **colours: bool) -> None:
        self.write(f"{line}\n", **colours)

    @property
    def lines(self) -> list[str]:
        """Without the blanks that align them, without empty ones, and without those about names that have no Chinese."""
        lines = [" ".join(line.split()) for line in self.text.splitlines()]
        return [line for line in lines if line and not line.startswith("no Chinese")]


def written(document: dict[str, Any], *, page: Path | None = Path("out/index.html"), why: str = "") -> Reporter:
    reporter = Reporter()
    terminal.write(reporter, Published(document, Path("out/verdicts.json"), page, why))
    return reporter


@pytest.mark.parametrize(
    "made, outcome, colour",
    [
        (part("a"), "reproduced", "green"),
        (part("a", reference=REFUTING), "changed", "red"),
        (part("a", reference=CRASH), "broken", "red"),
        (part("a", wrong=None), "incomplete", "red"),
        (part("a", reference=SKIPPED), "not run", "yellow"),
    ],
)
def test_only_what_was_reproduced_is_green(made: Records, outcome: str, colour: str) -> None:
    coloured = [(text, colour) for text, colour in written(audited(made)).coloured if not text.startswith(("no Chinese", "run: "))]
    assert coloured == [(outcome, colour)]


@pytest.mark.parametrize(
    "made, lines",
    [
        (part("a"), ["a holds reproduced controls 1/1, share 0.5, within budget"]),
        (
            part("a", select=CONTROLS, other=SURVIVED),
            [
                "a holds broken controls 1/2, share 0.5, within budget",
                "control other survived: the check has no teeth against it",
            ],
        ),
        (
            part("a", reference=REFUTING | {"evidence": measured({"float64": 0.75, "float32": "inf"})}),
            ["a holds changed controls 1/1, share inf, within budget", "the reference refuted: 16 is not 9"],
        ),
        (
            part("a", reference={"evidence": measured(rows=[ABSENT], strengths=["proved", "exact on cases"])}),
            ["a holds reproduced controls 1/1, proved and exact on cases, not run on cuda: no CUDA device"],
        ),
        # A reason that the whole claim has is not said of each device again.
        (
            part("a", reference=SKIPPED | {"evidence": measured(rows=[ABSENT | {"not_run": "no flint"}], strengths=[])}),
            ["a holds not run controls 1/1", "no flint"],
        ),
        (
            part("a", reference=REFUTING | {"message": "16 is " + "not " * 99 + "9"}),
            ["a holds changed controls 1/1, share 0.5, within budget", ("the reference refuted: 16 is " + "not " * 99)[:200].strip()],
        ),
        (part("a", finding="not checkable", select=()), ["a not checkable not run", "nothing about it can be run"]),
        (
            part("a", select=IMPL, mine={"answer": "refuted", "message": "off by one\nat n = 4"}),
            ["a holds reproduced controls 1/1, share 0.5, within budget", "mine: refuted, off by one"],
        ),
        (part("a", select=IMPL), ["a holds reproduced controls 1/1, share 0.5, within budget", "mine: holds"]),
    ],
)
def test_a_claim_is_a_line_with_how_it_was_checked_and_one_with_what_is_wrong(made: Records, lines: list[str]) -> None:
    title, *rest = written(audited(made)).lines
    assert title == "verdicts" and rest[: len(lines)] == lines
    assert rest[len(lines)] == "run: complete"


def test_below_the_claims_stand_what_was_not_collected_each_run_and_the_counts() -> None:
    claims = [part("a"), part("b", finding="approximate", reference=REFUTING), part("c", reference=SKIPPED)]
    errors = [{"nodeid": "claims/test_x.py", "message": "it has no `limits`"}]
    document = merge([audited(*claims, errors=errors), verdicts(records(told("d"), started=LATER))])
    reporter = written(document)
    assert reporter.lines[-5:] == [
        "not collected: claims/test_x.py: it has no `limits`",
        "run: complete",
        "run: incomplete: 1 of the things named could not be collected",
        "4 claims (1 approximate, 3 holds): 1 changed, 1 not run, 2 reproduced",
        "page: out/index.html",
    ]
    assert [line for line, colour in reporter.coloured if colour == "red"] == ["changed", reporter.lines[-5], reporter.lines[-3]]


@pytest.mark.parametrize("said", ["\x1b[2J", "\u202e", "\ud800", "\0"], ids=ascii)
def test_no_text_of_a_run_can_move_the_cursor_or_reorder_the_line(said: str) -> None:
    text = written(filled(f"a{said}b")).text
    assert text.count(f"a{said.encode('unicode_escape').decode()}b") >= 5
    assert UNSEEN.search(text) is None


def test_where_there_is_no_page_it_says_why() -> None:
    assert written(audited(), page=None, why="no page: jinja2 is not installed").lines[-2:] == [
        "0 claims (): nothing run",
        "no page: jinja2 is not installed",
    ]
