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
        """Keep the smallest and the largest y seen at this x of a series. An x that is a string makes bars.

        Raises `ValueError` for a name among numbers, or a number among names.
        """
        figure = record().figures.setdefault(self, {})
        if any(isinstance(x, str) != isinstance(other, str) for points in figure.values() for other in list(points)[:1]):
            raise ValueError(
                f"figure {self.title!r}: {x!r} stands among {list(next(iter(figure.values())))[:3]}; give names or numbers, not both"
            )
        drawn = figure.setdefault(series, {})
        y = float(y)  # whatever number it is
        low, high = drawn.get(x, (y, y))
        drawn[x] = (min(low, y), max(high, y))
