"""What Hypothesis says about a running property: the one place that touches its (experimental) observability interface.

`tests/test_observe.py` holds this adapter to what it promises, for the pinned and any later Hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
def observed(record: Record, on_example: Callable[[], None]) -> Iterator[Examples]:
    """Count the examples run inside this block, and write the running example beside each worst case in `record`."""
    examples = Examples()

    def observe(observation: Any) -> None:
        try:
            if observation.type != "test_case":
                return
            if observation.status == "gave_up":
                examples.discarded += 1
            elif observation.status == "failed":
                examples.failed += 1
                examples.failing = shortened(observation.representation)
            else:
                examples.passed += 1
            for row in record.fresh:
                row.case = shortened(observation.representation)
            record.fresh.clear()
            on_example()
        except Exception as error:  # an exception here would become the property's failure
            examples.failing = f"(the observer failed: {error!r})"

    with observability.with_observability_callback(observe):
        yield examples


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
    }
