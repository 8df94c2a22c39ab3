"""A curve or a set of bars whose points a property supplies while it runs; the page draws them from the evidence."""

from __future__ import annotations

from dataclasses import dataclass

from oracles.evidence import record


@dataclass(frozen=True)
class Figure:
    """What is drawn: title, labels of both axes (LaTeX between dollar signs), logarithmic axes ("", "x", "y", "xy")."""

    title: str
    x: str
    y: str
    log: str = ""

    def __post_init__(self) -> None:
        if self.log not in ("", "x", "y", "xy"):
            raise ValueError(f'figure {self.title!r}: log={self.log!r}; give "", "x", "y" or "xy"')

    def point(self, series: str, x: float | str, y: float) -> None:
        """Keep the smallest and the largest y seen at this x of a series. An x that is a string makes bars."""
        drawn = record().figures.setdefault(self, {}).setdefault(series, {})
        y = float(y)  # whatever number it is
        low, high = drawn.get(x, (y, y))
        drawn[x] = (min(low, y), max(high, y))
