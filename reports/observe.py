"""What Hypothesis says about a running property: the one place that touches its (experimental) observability interface.

It names a case by printing every argument of the test, also those that no strategy drew (the subject, the executors), with
addresses and paths in them. So the drawn arguments are kept as they pass, and printed for the few cases that are shown.

`tests/test_observe.py` holds this adapter to what it promises, for the pinned and any later Hypothesis.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import hypothesis.internal.observability as observability

from oracles.evidence import Record

observability.OBSERVABILITY_COLLECT_COVERAGE = False  # on Python 3.11 collecting it makes a run 3 to 12 times slower
LONGEST_CASE = 2_000  # characters of a case that travel; the command that reproduces it is kept in full


@dataclass
class Examples:
    """Examples of one property: how many passed, failed and were discarded, and the failing one that came last (the smallest)."""

    passed: int = 0
    failed: int = 0
    discarded: int = 0
    failing: str = ""


@contextmanager
def observed(test: Any, fixed: Collection[str], record: Record, on_example: Callable[[], None]) -> Iterator[Examples]:
    """Count the examples of the Hypothesis test run inside this block, and write the running one beside each worst case in `record`.

    fixed: the parameters that are not drawn.
    """
    examples, inner, running = Examples(), test.hypothesis.inner_test, {}

    @functools.wraps(inner)  # the name, signature and source of the test decide which cases a derandomised run draws
    def remembered(**arguments: Any) -> Any:
        running.update(arguments)
        return inner(**arguments)

    def observe(observation: Any) -> None:
        try:
            if observation.type != "test_case":
                return
            drawn = {name: value for name, value in running.items() if name not in fixed}
            if observation.status == "gave_up":
                examples.discarded += 1
            elif observation.status == "failed":
                examples.failed += 1
                examples.failing = printed(drawn)
            else:
                examples.passed += 1
            for row in record.fresh:
                row.case = printed(drawn)
            on_example()
        except Exception as error:  # an exception here would become the property's failure
            examples.failing = f"(the observer failed: {error!r})"
        finally:
            running.clear()
            record.fresh.clear()

    test.hypothesis.inner_test = remembered
    try:
        with observability.with_observability_callback(observe):
            yield examples
    finally:
        test.hypothesis.inner_test = inner


def printed(drawn: dict[str, Any]) -> str:
    """As a pinned case is printed in a verdict: name=value, ..."""
    return shortened(", ".join(f"{name}={value!r}" for name, value in drawn.items()) or "(no case: drawing it failed)")


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST_CASE else text[:LONGEST_CASE] + f" ... ({len(text)} characters)"


def recorded(record: Record, examples: Examples) -> dict[str, Any]:
    """Everything known about a property, as plain values."""
    rows = [
        {"device": device, "arithmetic": arithmetic, **{k: v for k, v in asdict(row).items() if v not in (None, "")}}
        for (device, arithmetic), row in record.rows.items()
    ]
    return {
        "examples": asdict(examples),
        "comparisons": record.comparisons,
        "rows": rows,
        "measures": record.measures,
        "statistics": record.statistics,
        "certificates": record.certificates,
        "strengths": [strength.value for strength in record.strengths],
        "devices": record.devices,
        "figures": [
            {**asdict(figure), "series": {name: [[x, *y] for x, y in points.items()] for name, points in series.items()}}
            for figure, series in record.figures.items()
        ],
    }
