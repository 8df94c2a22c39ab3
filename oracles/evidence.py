"""What a check says while it judges: a refutation, or a record of how much was compared and how close it came.

A claim's test never asserts by hand. It calls an oracle, the oracle compares, counts the comparison in the record of
the running property, and raises `Refuted` where the statement fails. A property that ends without a single comparison
is broken, not green: the harness looks at `Record.comparisons`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from typing import Any

import hypothesis

AT_A_GLANCE = 80  # characters of two lists that a refutation shows in full


class Refuted(AssertionError):
    """The statement is false for this subject and this case: the only exception that counts as a refutation."""


class Unsettled(Exception):
    """The oracle could not establish the truth, so nothing follows about the subject. The claim is broken, not false."""


class BadOutput(Exception):
    """A subject returned something that is not an answer at all: another shape, dtype or device than asked for."""


class Strength(Enum):
    """How strong the evidence is, strongest first."""

    PROVED = "proved"
    CERTIFIED = "certified"
    EXACT = "exact on cases"
    BUDGET = "within budget"
    STATISTICAL = "statistical"


@dataclass
class Row:
    """One (device, arithmetic) of a property: how many values were compared there, and the closest call.

    `share` is error / budget at the worst comparison (1 would be a refutation), `sees` budget / truth at the sharpest one (no
    smaller relative error can be caught), `residual` the largest error relative
    to the size of the terms that cancel in it, `agreement` the largest difference from the CPU in the same dtype as a share
    of both budgets; `at` says where, `case` shows the example that led there.
    """

    comparisons: int = 0
    share: float | None = None
    sees: float | None = None
    residual: float | None = None
    agreement: float | None = None
    at: str = ""
    case: str = ""
    not_run: str = ""


@dataclass
class Record:
    """Everything one running property has compared so far."""

    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    measures: dict[str, list[float]] = field(default_factory=dict)
    statistics: dict[str, dict[str, float]] = field(default_factory=dict)
    certificates: dict[str, str] = field(default_factory=dict)
    strengths: set[Strength] = field(default_factory=set)
    devices: dict[str, str] = field(default_factory=dict)
    figures: dict[Any, dict[str, dict[Any, tuple[float, float]]]] = field(default_factory=dict)  # see oracles.figure
    fresh: list[Row] = field(default_factory=list)  # rows whose worst case is the example that is running now

    @property
    def comparisons(self) -> int:
        return sum(row.comparisons for row in self.rows.values())

    def row(self, device: str, arithmetic: str) -> Row:
        return self.rows.setdefault((device, arithmetic), Row())


_running: ContextVar[Record | None] = ContextVar("running", default=None)


@contextmanager
def recording() -> Iterator[Record]:
    """Collect what the oracles record inside this block."""
    token = _running.set(Record())
    try:
        yield _running.get()
    finally:
        _running.reset(token)


def record() -> Record:
    """The record of the running property; outside of one (a plain call in a shell) a record nobody reads."""
    return _running.get() or Record()


def compared(n: int, *, arithmetic: str, strength: Strength, device: str = "cpu") -> None:
    """Count `n` comparisons made in `arithmetic` ("exact", "50 digits", "float32")."""
    current = record()
    current.row(device, arithmetic).comparisons += n
    current.strengths.add(strength)


def spent(what: str, share: float, *, device: str, arithmetic: str, residual: float, at: str) -> None:
    """Note the share of its error budget that a comparison used, and let Hypothesis climb towards a larger one."""
    current = record()
    row = current.row(device, arithmetic)
    row.residual = max(row.residual or 0.0, residual)
    if row.share is None or share > row.share:
        row.share, row.at = share, f"{what} {at}".strip()
        current.fresh.append(row)


def climb(what: str, share: float) -> None:
    """Ask Hypothesis for cases with a larger `share`. Once per label and example; a share beyond all bounds is no slope."""
    if hypothesis.currently_in_test_context() and math.isfinite(share):
        hypothesis.target(share, label=what)


def measured(name: str, value: float) -> None:
    """Keep the smallest and the largest value seen of a quantity that the report shows. Raises `Unsettled` for NaN."""
    if math.isnan(value):
        raise Unsettled(f"{name} is NaN")
    low, high = record().measures.get(name, (math.inf, -math.inf))
    record().measures[name] = [min(low, float(value)), max(high, float(value))]


def certificate(name: str, text: str) -> None:
    """Keep the sentence that says what was proved, and with which error probability."""
    record().certificates[name] = text


def equal(got: Any, want: Any, what: str) -> None:
    """`got == want` without any tolerance (integers, `Fraction`s, laws as dictionaries). Raises `Refuted`."""
    size = len(want) if isinstance(want, (dict, list, tuple, set)) else 1
    compared(max(size, 1), arithmetic="exact", strength=Strength.EXACT)
    if got != want:
        raise Refuted(f"{what}{difference(got, want)}")


def require(condition: bool, why: str, *, comparisons: int = 1, arithmetic: str = "exact", strength: Strength = Strength.EXACT) -> None:
    """The statement needs `condition`; `why` is the sentence a reader gets where it fails. Raises `Refuted`."""
    compared(comparisons, arithmetic=arithmetic, strength=strength)
    if not condition:
        raise Refuted(why)


def difference(got: Any, want: Any) -> str:
    """ ": got 1, truth 2" of values that differ; of long lists with as many entries, " at [30]: got 1, truth 2" with the first entry that does."""
    at: list[int] = []
    while isinstance(got, (list, tuple)) and isinstance(want, (list, tuple)) and len(got) == len(want):
        if len(_show(got) + _show(want)) <= AT_A_GLANCE:
            break
        differ = [i for i, (a, b) in enumerate(zip(got, want, strict=True)) if a is not b and a != b]
        if not differ:  # a list and a tuple of the same entries
            break
        at.append(differ[0])
        got, want = got[differ[0]], want[differ[0]]
    return f"{f' at {at}' if at else ''}: got {_show(got)}, truth {_show(want)}"


def _show(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_show(k)}: {_show(v)}" for k, v in value.items()) + "}"
    if isinstance(value, tuple) and value and all(isinstance(part, str) for part in value):
        return "|".join(value)  # a segmentation, in the posts' own notation
    if isinstance(value, Fraction) and value.denominator > 10**6:
        return f"{float(value):.6g}"
    return str(value)
