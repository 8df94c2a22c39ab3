"""Where the marks of a figure go: data of the evidence -> coordinates that templates/chart.html writes as SVG.

Lines where x is a number, bars where it is a name. What has no place on its axis (infinite, not a number, not positive on
a logarithmic axis) is left to the table beside the picture. The precision ladder of a claim is a chart of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 600, 280
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 10, 40
MOST_TICKS = 7
LETTER = 7  # width of a letter of a label, in the picture's units
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Tick:
    at: float
    label: str
    row: int = 0  # long names share two rows


@dataclass(frozen=True)
class Line:
    """One series: its points, the line through the middle of each range, and the area between smallest and largest values."""

    name: str
    points: list[tuple[float, float]]
    area: list[tuple[float, float]]


@dataclass(frozen=True)
class Bar:
    series: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Chart:
    x: list[Tick]
    y: list[Tick]
    lines: list[Line]
    bars: list[Bar]
    names: list[str]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def chart(figure: dict[str, Any]) -> Chart:
    """The marks of one figure of `verdicts.json`."""
    series = figure["series"]
    if any(isinstance(x, str) for points in series.values() for x, _, _ in points):
        return bars(series)
    log_x, log_y = "x" in figure["log"], "y" in figure["log"]
    drawn = {
        name: [(float(x), float(low), float(high)) for x, low, high in points if fits(x, log_x) and fits(low, log_y) and fits(high, log_y)]
        for name, points in series.items()
    }
    xs = [x for points in drawn.values() for x, _, _ in points]
    ys = [y for points in drawn.values() for _, low, high in points for y in (low, high)]
    across, up = scale(xs, log_x, LEFT + 8, WIDTH - RIGHT - 8), scale(ys, log_y, HEIGHT - BOTTOM - 6, TOP + 6)
    lines = []
    for name, points in drawn.items():
        low = [(round(across(x)), round(up(y))) for x, y, _ in points]
        high = [(round(across(x)), round(up(y))) for x, _, y in points]
        middle = [(x, round((a + b) / 2)) for (x, a), (_, b) in zip(low, high, strict=True)]
        lines.append(Line(name, middle, low + high[::-1] if low != high else []))
    return Chart(ticks(xs, log_x, across), ticks(ys, log_y, up), lines, [], list(series))


def bars(series: dict[str, list[Any]]) -> Chart:
    """Groups of bars from zero, one group for each name on the x axis, at the middle of each range."""
    names = list(dict.fromkeys(x for points in series.values() for x, _, _ in points))
    heights = {(s, x): (float(low) + float(high)) / 2 for s, points in enumerate(series.values()) for x, low, high in points}
    seen = [y for y in heights.values() if math.isfinite(y)]
    up = scale([0.0, *seen], False, HEIGHT - BOTTOM, TOP + 6)
    group = (WIDTH - LEFT - RIGHT) / max(len(names), 1)
    thick = 0.8 * group / max(len(series), 1)
    made = []
    for (s, name), value in heights.items():
        if math.isfinite(value):
            top, base = sorted((up(value), up(0)))
            left = LEFT + group * (names.index(name) + 0.1) + thick * s
            made.append(Bar(s, round(left, 1), round(top, 1), round(thick - 1, 1), round(base - top, 1)))
    rows = 2 if max(map(len, names), default=0) * LETTER > group else 1
    labels = [Tick(round(LEFT + group * (i + 0.5), 1), name, i % rows) for i, name in enumerate(names)]
    return Chart(labels, ticks([0.0, *seen], False, up), [], made, list(series))


def fits(value: Any, log: bool) -> bool:
    value = float(value)
    return math.isfinite(value) and (value > 0 or not log)


def scale(values: list[float], log: bool, start: float, end: float) -> Callable[[float], float]:
    """From a value to its coordinate between `start` and `end`."""
    place = math.log10 if log else float
    low, high = place(min(values, default=1)), place(max(values, default=1))
    if low == high:
        low, high = low - 0.5, high + 0.5
    return lambda value: start + (end - start) * (place(value) - low) / (high - low)


def ticks(values: list[float], log: bool, at: Callable[[float], float]) -> list[Tick]:
    """Round numbers within the range of the values, at most `MOST_TICKS`."""
    if not values:
        return []
    low, high = min(values), max(values)
    wanted = powers(low, high) if log else multiples(low, high)
    return [Tick(round(at(value), 1), label) for value, label in wanted]


def multiples(low: float, high: float) -> list[tuple[float, str]]:
    spread = (high - low) or abs(low) or 1.0
    decade = 10 ** math.floor(math.log10(spread / MOST_TICKS))
    step = next(decade * m for m in (1, 2, 5, 10, 20) if spread / (decade * m) <= MOST_TICKS - 1)
    first = math.ceil(low / step - 1e-9)
    return [(i * step, f"{i * step:.6g}") for i in range(first, math.floor(high / step + 1e-9) + 1)]


def powers(low: float, high: float) -> list[tuple[float, str]]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    if last - first >= 1:
        every = math.ceil((last - first + 1) / MOST_TICKS)
        return [(10.0**k, "10" + str(k).translate(SUPERSCRIPT) if not 0 <= k <= 3 else str(10**k)) for k in range(first, last + 1, every)]
    return multiples(low, high)  # within a decade no power of ten may lie


UNITS = {"bfloat16": 2.0**-8, "tf32": 2.0**-11, "float32": 2.0**-24, "float64": 2.0**-53}  # unit roundoff, round to nearest
RUNG, LADDER_LEFT, LADDER_RIGHT = 18, 100, 300  # height of a rung; where the scale begins and ends


@dataclass(frozen=True)
class Rung:
    """One arithmetic: its residual, and the unit roundoff that an identity's residual goes down with, as places on a logarithmic scale."""

    label: str
    y: int
    residual: float
    unit: float
    value: str


@dataclass(frozen=True)
class Ladder:
    rungs: list[Rung]
    height: int
    width: int = 364
    left: int = LADDER_LEFT
    right: int = LADDER_RIGHT


def ladder(rows: list[dict[str, Any]]) -> Ladder | None:
    """The precision ladder of a claim: one rung for each arithmetic with a residual, coarsest first; None below two rungs.

    Reordered sums have the unit roundoff of their dtype, so that they are no rung of their own.
    """
    known = [
        (unit_of(row["arithmetic"]), float(row["residual"]), row)
        for row in rows
        if "residual" in row and "reassociated" not in row["arithmetic"]
    ]
    known = [(u, r, row) for u, r, row in known if u and fits(r, log=True)]
    known.sort(key=lambda rung: (-rung[0], rung[2]["device"], rung[2]["arithmetic"]))
    if len({u for u, _, _ in known}) < 2:
        return None
    at = scale([1.0, *(value for u, r, _ in known for value in (u, r))], True, LADDER_LEFT, LADDER_RIGHT)
    rungs = [
        Rung(f"{row['device']} {row['arithmetic']}", RUNG * n + 12, round(at(r), 1), round(at(u), 1), f"{r:.1e}")
        for n, (u, r, row) in enumerate(known)
    ]
    return Ladder(rungs, RUNG * len(rungs) + 8)


def unit_of(arithmetic: str) -> float:
    """Unit roundoff of an arithmetic by its name; 0 where it has none or is unknown."""
    words = arithmetic.removeprefix("balls, ").split()
    if len(words) >= 2 and words[1] == "digits" and words[0].isdigit():
        return 10.0 ** -int(words[0])
    return UNITS.get(words[0], 0.0) if words else 0.0
