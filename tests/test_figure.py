"""What a property draws reaches the evidence, and every mark of the page stands where its number says."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from oracles.evidence import recording
from oracles.figure import Figure
from reports.chart import BOTTOM, HEIGHT, LADDER_LEFT, LADDER_RIGHT, LEFT, MOST_TICKS, TOP, WIDTH, chart, ladder, unit_of
from reports.observe import Examples, recorded
from reports.verdicts import merged_figures

CURVE = Figure(title="a curve", x="$n$", y="$y$", log="x")


def drawn(log: str = "", **series: list[list[object]]) -> dict[str, object]:
    return {"title": "a curve", "x": "$n$", "y": "$y$", "log": log, "series": series}


def test_points_of_a_series_keep_the_range_seen_at_each_x() -> None:
    with recording() as record:
        CURVE.point("a", 1, Fraction(5))
        CURVE.point("a", 1, 3)
        CURVE.point("a", 2, 4)
        CURVE.point("b", 1, 0)
    (figure,) = recorded(record, Examples())["figures"]
    assert figure == drawn("x", a=[[1, 3.0, 5.0], [2, 4.0, 4.0]], b=[[1, 0.0, 0.0]])


def test_an_axis_that_is_neither_x_nor_y_is_a_mistake_of_its_author() -> None:
    with pytest.raises(ValueError, match="figure 'f': log='z'"):
        Figure(title="f", x="", y="", log="z")


@pytest.mark.parametrize(("first", "second"), [("a name", 1), (1, "a name")])
def test_names_and_numbers_on_one_axis_are_a_mistake_of_its_author(first: object, second: object) -> None:
    with recording():
        CURVE.point("a", first, 1)
        for series in ("a", "b"):
            with pytest.raises(ValueError, match=f"figure 'a curve': {second!r} stands among .{first!r}.; give names or numbers"):
                CURVE.point(series, second, 1)


def test_figures_of_several_machines_are_one_with_all_points_in_order() -> None:
    merged = merged_figures([[drawn(a=[[2, 1, 1]])], [drawn(a=[[1, 0, 0], [2, 0, "inf"]], b=[[1, 1, 1]])]])
    assert merged == [drawn(a=[[1, 0, 0], [2, 0, "inf"]], b=[[1, 1, 1]])]
    assert merged_figures([[drawn(a=[["z", 1, 1], ["a", 1, 1]])]])[0]["series"]["a"] == [["z", 1, 1], ["a", 1, 1]]
    titles = [{**drawn(a=[[1, 1, 1]]), "title": title} for title in ("one", "two")]
    assert merged_figures([titles]) == titles


@pytest.mark.parametrize("log", ["", "x", "y", "xy"])
def test_larger_values_stand_further_right_and_higher_up(log: str) -> None:
    made = chart(drawn(log, a=[[1, 1, 1], [10, 10, 20], [1000, 500, 500]]))
    (line,) = made.lines
    xs, ys = zip(*line.points, strict=True)
    assert LEFT <= xs[0] < xs[1] < xs[2] <= WIDTH
    assert HEIGHT - BOTTOM >= ys[0] > ys[1] > ys[2] >= TOP
    assert len(line.area) == 6  # there and back


def test_a_logarithmic_axis_gives_equal_ratios_equal_room() -> None:
    (line,) = chart(drawn("xy", a=[[1, 1, 1], [10, 100, 100], [100, 10000, 10000]])).lines
    (x0, y0), (x1, y1), (x2, y2) = line.points
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2) and y1 - y0 == pytest.approx(y2 - y1, abs=0.2)


def test_a_tick_stands_where_its_number_would() -> None:
    made = chart(drawn(a=[[0, 0, 0], [10, 5, 5]]))
    (line,) = made.lines
    assert next(tick.at for tick in made.x if tick.label == "0") == line.points[0][0]
    assert next(tick.at for tick in made.y if tick.label == "5") == line.points[1][1]


@pytest.mark.parametrize("values", [(0, 1), (1, 10**6), (3, 3), (-2.5, 1e-3), (0.2, 0.9), (1e-16, 1e-1), (17, 18), (0, 0)])
@pytest.mark.parametrize("log", ["", "xy"])
def test_every_range_gets_a_few_round_ticks(values: tuple[float, float], log: str) -> None:
    made = chart(drawn(log, a=[[v, v, v] for v in values]))
    if not log or min(values) > 0:
        assert len(made.x) <= MOST_TICKS and len({tick.label for tick in made.x}) == len(made.x)
        assert values[0] == values[1] or made.x


def test_what_has_no_place_on_an_axis_is_left_out() -> None:
    (line,) = chart(drawn("y", a=[[1, 1, 1], [2, 0, 0], [3, "inf", "inf"], [4, "nan", "nan"], [5, 2, 2]])).lines
    assert len(line.points) == 2
    assert chart(drawn(a=[])).lines[0].points == []


def test_bars_grow_with_their_values_from_zero() -> None:
    made = chart(drawn(old=[["ab", 0.25, 0.25], ["a|b", 0.75, 0.75]], new=[["ab", 0.5, 0.5], ["a|b", 0.5, 0.5]]))
    heights = [bar.height for bar in made.bars]
    assert heights[1] == pytest.approx(3 * heights[0], rel=0.01) and heights[2] == heights[3]
    assert [tick.label for tick in made.x] == ["ab", "a|b"]
    assert len({bar.x for bar in made.bars}) == 4 and all(math.isfinite(bar.y) for bar in made.bars)


# The precision ladder


def residual(arithmetic: str, value: float | str, device: str = "cpu") -> dict[str, object]:
    return {"device": device, "arithmetic": arithmetic, "residual": value}


@pytest.mark.parametrize(
    ("arithmetic", "unit"),
    [
        ("bfloat16", 2.0**-8),
        ("tf32", 2.0**-11),
        ("float32", 2.0**-24),
        ("float64", 2.0**-53),
        ("50 digits", 1e-50),
        ("balls, 50 digits", 1e-50),
        ("exact", 0),
        ("mpmath, two precisions", 0),
        ("float128", 0),
        ("many digits", 0),
        ("", 0),
    ],
)
def test_an_arithmetic_has_its_unit_roundoff_by_its_name(arithmetic: str, unit: float) -> None:
    assert unit_of(arithmetic) == unit


def test_a_rung_for_each_arithmetic_coarsest_first_and_devices_by_name() -> None:
    rows = [
        residual("50 digits", 1e-49),
        residual("float64", 3e-16),
        residual("float32", 2e-8, "cuda"),
        residual("float32", 1e-8),
        residual("bfloat16", 4e-3),
    ]
    made = ladder(rows)
    assert [rung.label for rung in made.rungs] == ["cpu bfloat16", "cpu float32", "cuda float32", "cpu float64", "cpu 50 digits"]
    assert [rung.value for rung in made.rungs] == ["4.0e-03", "1.0e-08", "2.0e-08", "3.0e-16", "1.0e-49"]
    assert [rung.y for rung in made.rungs] == sorted({rung.y for rung in made.rungs}) and made.rungs[-1].y < made.height


def test_dots_and_lines_of_a_ladder_stand_on_one_logarithmic_scale_from_one_down() -> None:
    unit = 2.0**-24
    made = ladder([residual("float32", unit), residual("float64", 2.0**-53), residual("bfloat16", 1.0)])
    bfloat16, float32, float64 = made.rungs
    assert (float32.residual, float64.residual) == (float32.unit, float64.unit)  # a residual of the unit roundoff is on its line
    assert (bfloat16.residual, float64.residual) == (LADDER_RIGHT, LADDER_LEFT)
    length = LADDER_RIGHT - LADDER_LEFT
    assert [round(LADDER_RIGHT - length * exponent / 53, 1) for exponent in (8, 24, 53)] == [rung.unit for rung in made.rungs]


def test_a_residual_above_one_and_one_far_below_the_line_stay_in_the_picture() -> None:
    made = ladder([residual("float32", 1e6), residual("float64", 1e-40)])
    assert [rung.residual for rung in made.rungs] == [LADDER_RIGHT, LADDER_LEFT]
    assert all(LADDER_LEFT < rung.unit < LADDER_RIGHT for rung in made.rungs)


def test_reordered_sums_are_no_rung_of_their_own() -> None:
    rows = [residual("float32", 1e-8), residual("float64", 1e-16), residual("float32 reassociated", 1e-3)]
    assert ladder(rows) == ladder(rows[:2])
    assert ladder([rows[0], rows[2]]) is None


@pytest.mark.parametrize("value", ["inf", "nan", 0, 0.0])
def test_a_residual_without_a_place_on_the_scale_is_no_rung(value: float | str) -> None:
    rows = [residual("float32", 1e-8), residual("float64", 1e-16)]
    assert ladder([*rows, residual("bfloat16", value)]) == ladder(rows)
    assert ladder([rows[0], residual("float64", value)]) is None


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [residual("float32", 1e-8)],
        [residual("float32", 1e-8), residual("float32", 1e-8, "cuda")],  # one precision on two devices
        [residual("float32", 1e-8), residual("exact", 1e-9)],  # which has no unit roundoff
        [residual("float32", 1e-8), {"device": "cpu", "arithmetic": "float64", "comparisons": 3}],
    ],
)
def test_one_precision_is_no_ladder(rows: list[dict[str, object]]) -> None:
    assert ladder(rows) is None
