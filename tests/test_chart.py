"""What a reader sees of a figure: every mark stands on the page where the axes say, and no series differs from another in colour alone."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any
from xml.etree.ElementTree import Element

import pytest

from reports.verdicts import verdicts
from tests.test_figure import drawn
from tests.test_page import article, of_class, page, text_of
from tests.test_verdicts import measured, records

Point = tuple[float, float]


def shown(log: str = "", **series: list[list[Any]]) -> Element:
    """A figure of these series as it stands on the page."""
    return of_class(article(page(verdicts(records(reference={"evidence": measured(figures=[drawn(log, **series)])})))), "chart")[0]


def numbers(text: str | None) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text or "")]


def points(path: Element) -> list[Point]:
    """Corners of a path that is a polygon."""
    places = iter(numbers(path.get("d")))
    return list(zip(places, places, strict=True))


def place(mark: Element) -> Point:
    return float(mark.get("x", "nan")), float(mark.get("y", "nan"))


def picture_of(figure: Element) -> Element:
    return next(svg for svg in figure.iter("svg") if svg.get("role") == "img")


def axes(figure: Element) -> tuple[dict[str, float], dict[str, float]]:
    """Where the labels of the x axis stand from left to right, and the lines of those of the y axis from below upwards."""
    (grid,) = of_class(picture_of(figure), "grid")
    labels = {anchor: [text for text in grid.iter("text") if text.get("text-anchor") == anchor] for anchor in ("middle", "end")}
    levels = [numbers(line.get("d"))[1] for line in grid.iter("path") if "H" in line.get("d", "")]
    assert [place(label)[1] for label in labels["end"]] == pytest.approx(levels, abs=5)
    across = {text_of(label): place(label)[0] for label in labels["middle"]}
    return across, dict(zip(map(text_of, labels["end"]), levels, strict=True))


def step(axis: dict[str, float]) -> float:
    """From each label of an axis to the next: everywhere the same."""
    first, *others = (after - before for before, after in pairwise(axis.values()))
    assert others == pytest.approx([first] * len(others), abs=0.2)
    return first


@pytest.mark.parametrize(
    ("log", "series", "columns", "rows", "marks", "area"),
    [
        (
            "",
            [[0, 0, 4], [4, 8, 8], [10, 0, 0]],
            ["0", "2", "4", "6", "8", "10"],
            ["0", "2", "4", "6", "8"],
            [("0", "2"), ("4", "8"), ("10", "0")],
            [("0", "0"), ("4", "8"), ("10", "0"), ("10", "0"), ("4", "8"), ("0", "4")],
        ),
        (
            "xy",
            [[1, 1, 10000], [10, 1000, 1000], [1000, 1, 1]],
            ["1", "10", "100", "1000"],
            ["1", "10", "100", "1000", "10⁴"],
            [("1", "100"), ("10", "1000"), ("1000", "1")],
            [("1", "1"), ("10", "1000"), ("1000", "1"), ("1000", "1"), ("10", "1000"), ("1", "10⁴")],
        ),
    ],
    ids=["even", "logarithmic"],
)
def test_marks_lines_and_areas_stand_where_the_axes_say(
    log: str, series: list[Any], columns: list[str], rows: list[str], marks: list[tuple[str, str]], area: list[tuple[str, str]]
) -> None:
    figure = shown(log, a=series)
    across, up = axes(figure)
    assert (list(across), list(up)) == (columns, rows)
    assert step(across) > 0 > step(up)  # to the right and upwards
    _, _, width, height = numbers(picture_of(figure).get("viewbox"))
    assert 0 <= min(across.values()) <= max(across.values()) <= width and 0 <= min(up.values()) <= max(up.values()) <= height
    (group,) = of_class(picture_of(figure), "series")
    (line,), (between,) = of_class(group, "line"), of_class(group, "area")
    near = lambda places: pytest.approx(
        [at for x, y in places for at in (across[x], up[y])], abs=1
    )  # of ends that are whole numbers the middle is one too
    assert points(line) == [place(mark) for mark in group.iter("use")]
    assert [at for point in points(line) for at in point] == near(marks)
    assert [at for point in points(between) for at in point] == near(area)  # along the smallest values there, along the largest ones back


def test_one_value_at_each_x_has_no_area_and_one_point_no_line() -> None:
    groups = of_class(picture_of(shown(a=[[1, 1, 1], [2, 3, 3]], b=[[1, 2, 2]])), "series")
    assert [[len(of_class(group, kind)) for kind in ("area", "line")] for group in groups] == [[0, 1], [0, 0]]


def test_bars_stand_on_zero_as_high_as_their_values_beside_each_other_above_their_name() -> None:
    figure = shown(old=[["l", 1, 1], ["r", 3, 3]], new=[["l", 1, 3], ["r", -1, -1]])  # of a range the middle
    across, up = axes(figure)
    assert (list(across), list(up)) == (["l", "r"], ["-1", "0", "1", "2", "3"])
    bars = sorted(of_class(picture_of(figure), "column"), key=place)
    (width,) = {float(bar.get("width", "nan")) for bar in bars}
    heights = [float(bar.get("height", "nan")) for bar in bars]
    reached = [("0", "1"), ("0", "2"), ("0", "3"), ("-1", "0")]  # from below upwards, by names and within one by series
    assert [(place(bar)[1] + height, place(bar)[1]) for bar, height in zip(bars, heights, strict=True)] == [
        pytest.approx((up[base], up[top])) for base, top in reached
    ]
    assert heights == pytest.approx([heights[0] * value for value in (1, 2, 3, 1)])
    lefts = [place(bar)[0] for bar in bars]
    assert all(left + width <= after for left, after in pairwise(lefts))
    for label, (first, second) in zip(across.values(), (lefts[:2], lefts[2:]), strict=True):
        assert (first + second + width) / 2 == pytest.approx(label, abs=1)


def look(element: Element) -> tuple[set[str], set[str]]:
    """By what a reader tells a series: its class, which is colour with dash or filling, and its markers."""
    return set(element.get("class", "").split()) - {"series", "column"}, {mark.get("href", "") for mark in element.iter("use")}


def test_a_series_looks_in_the_key_as_in_the_picture_and_like_no_other() -> None:
    root = page(
        verdicts(records(reference={"evidence": measured(figures=[drawn(**{name: [[1, n, n]] for n, name in enumerate("abcdefg")})])}))
    )
    figure = of_class(article(root), "chart")[0]
    groups, (key,) = of_class(picture_of(figure), "series"), of_class(figure, "key")
    looks = [look(group) for group in groups]
    assert [text_of(entry) for entry in key] == list("abcdefg")
    assert [look(entry.find("svg")) for entry in key] == looks
    heights = [place(next(group.iter("use")))[1] for group in groups]
    assert heights == sorted(heights, reverse=True)  # they are a to g
    assert {len(part) for one in looks for part in one} == {1}
    colours, markers = (set().union(*parts) for parts in zip(*looks, strict=True))
    assert len(colours) == len(markers) == 6  # for a seventh series its name must do
    shapes = {f"#{path.get('id')}": path.get("d") for path in root.iter("path") if path.get("id")}
    assert len({shapes[marker] for marker in markers}) == 6


def test_bars_of_a_series_look_in_the_key_as_in_the_picture_and_like_no_other() -> None:
    figure = shown(**{name: [["l", 1, 1], ["r", 2, 2]] for name in "abcdef"})
    bars, (key,) = sorted(of_class(picture_of(figure), "column"), key=place), of_class(figure, "key")
    looks = [look(bar) for bar in bars]
    assert looks[:6] == looks[6:] == [look(entry.find("svg")) for entry in key]
    assert len(set().union(*(colour for colour, _ in looks))) == 6


def test_a_name_in_the_data_table_stands_before_all_rows_of_its_series() -> None:
    (table,) = of_class(shown(a=[[1, 1, 1], [2, 2, 2], [3, 3, 3]], b=[[4, 4, 4]]), "data")
    assert [(text_of(name), name.get("rowspan")) for name in table.iter("th") if name.get("scope") == "rowgroup"] == [
        ("a", "3"),
        ("b", "1"),
    ]
    assert [len(rows) for rows in table.iter("tbody")] == [3, 1]


def test_on_the_ladder_a_dot_is_the_residual_and_a_line_the_unit_roundoff() -> None:
    residuals = {"bfloat16": 2.0**-8, "float32": 2.0**-16, "float64": 2.0**-56}
    (ladder,) = of_class(article(page(verdicts(records(reference={"evidence": measured(residuals)})))), "ladder")
    (grid,), (units,) = of_class(ladder, "grid"), of_class(ladder, "unit")
    rails = [numbers(rail) for rail in grid.get("d", "").split("M")[1:]]
    ((left, right),) = {(left, right) for left, _, right in rails}
    at = lambda *exponents: pytest.approx([right + (left - right) * exponent / 56 for exponent in exponents], abs=0.1)
    dots, lines = [place(dot) for dot in ladder.iter("use")], [numbers(line) for line in units.get("d", "").split("M")[1:]]
    assert [x for x, _ in dots] == at(8, 16, 56)  # on its line, right of it, left of it
    assert [x for x, _, _ in lines] == at(8, 24, 53)
    heights = [y for _, y, _ in rails]
    assert heights == sorted(set(heights)) == [y for _, y in dots] == [y + length / 2 for _, y, length in lines]
    texts = list(ladder.iter("text"))
    assert [text_of(text) for text in texts] == ["cpu bfloat16", "3.9e-03", "cpu float32", "1.5e-05", "cpu float64", "1.4e-17"]
    _, _, width, _ = numbers(ladder.find("svg").get("viewbox"))
    letter = 6.5  # of 12 pixels, at most
    assert all(float(text.get("x", 0)) + letter * len(text_of(text)) <= width for text in texts[1::2])
    assert all(letter * len(text_of(text)) <= min(x for x, _, _ in rails) for text in texts[::2])
    assert [float(text.get("y", "nan")) for text in texts] == pytest.approx([y for y in heights for _ in range(2)], abs=5)
