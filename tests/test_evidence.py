"""What the oracles record, and how it is spelled in the evidence file."""

from __future__ import annotations

import enum
import json
import math
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles.evidence import Record, Refuted, Strength, certificate, compared, equal, measured, record, recording, require, spent
from reports import evidence


def test_what_is_compared_in_a_property_is_counted_in_its_record_alone() -> None:
    with recording() as outer:
        equal([1, 2], [1, 2], "numbers")
        with recording() as inner:
            equal(1, 1, "one")
        compared(5, arithmetic="float32", strength=Strength.BUDGET, device="cuda")
    assert (outer.comparisons, inner.comparisons) == (7, 1)
    assert outer.rows["cuda", "float32"].comparisons == 5
    assert outer.strengths == {Strength.EXACT, Strength.BUDGET}


def test_outside_of_a_property_recording_is_harmless() -> None:
    equal(1, 1, "one")
    measured("n", 1)
    assert record() == Record()


@pytest.mark.parametrize(
    "got, want, sentence",
    [
        (1, 2, "it: got 1, truth 2"),
        ([1], [1, 2], r"it: got \[1\], truth \[1, 2\]"),
        ({("a", "bc"): Fraction(1, 3)}, {("a", "bc"): Fraction(1, 4)}, r"it: got {a\|bc: 1/3}, truth {a\|bc: 1/4}"),
        (math.nan, math.nan, "it: got nan, truth nan"),
        ([1] * 50, [1] * 30 + [2] * 20, r"^it at \[30\]: got 1, truth 2$"),
        (([0.5] * 20, [0.25] * 20), ([0.5] * 20, [0.25] * 19 + [1.0]), r"^it at \[1, 19\]: got 0.25, truth 1.0$"),
        ([("ab", "c")] * 20, [("ab", "c")] * 19 + [("abc",)], r"^it at \[19\]: got ab\|c, truth abc$"),
        ([1, 2], [1, 3], r"^it: got \[1, 2\], truth \[1, 3\]$"),
        ([math.nan] * 60 + [1], [math.nan] * 60 + [2], r"^it at \[60\]: got 1, truth 2$"),
        ((1,) * 60, [1] * 59 + [2], r"^it at \[59\]: got 1, truth 2$"),
        ([1] * 50, [1] * 49, r"^it: got \[1, 1, .*, 1\]$"),
        ([1] * 50, (1,) * 50, r"^it: got \[1, 1, .*, 1\)$"),
    ],
)
def test_unequal_values_are_refuted_in_one_sentence_and_counted(got: object, want: object, sentence: str) -> None:
    with recording() as known, pytest.raises(Refuted, match=sentence):
        equal(got, want, "it")
    assert known.comparisons >= 1


def test_comparing_with_nothing_counts_once() -> None:
    with recording() as known:
        equal([], [], "nothing")
    assert known.comparisons == 1


def test_a_condition_that_fails_is_refuted_with_its_own_sentence() -> None:
    with recording() as known, pytest.raises(Refuted, match="^the sky is green$"):
        require(False, "the sky is green", comparisons=3)
    assert known.comparisons == 3


def test_measures_keep_the_smallest_and_the_largest_value() -> None:
    with recording() as known:
        for value in (3, -1, 2):
            measured("n", value)
        certificate("identity", "proved")
    assert known.measures == {"n": [-1.0, 3.0]}
    assert known.certificates == {"identity": "proved"}


def test_a_row_keeps_its_worst_share_and_where_it_was() -> None:
    with recording() as known:
        for share, at in ((0.1, "at [0]"), (0.7, "at [1]"), (0.3, "at [2]")):
            spent("y", share, device="cpu", arithmetic="float32", residual=share / 2, at=at)
    row = known.rows["cpu", "float32"]
    assert (row.share, row.residual, row.at) == (0.7, 0.35, "y at [1]")


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    "value, spelled",
    [
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "nan"),
        (np.float32(0.5), 0.5),
        (np.float64("inf"), "inf"),
        (np.int64(3), 3),
        (True, True),
        (None, None),
        (Fraction(1, 3), "1/3"),
        ((1, (2, 3)), [1, [2, 3]]),
        ({1: math.nan}, {"1": "nan"}),
        (Colour.RED, "Colour.RED"),
        ("\ud800", "\\ud800"),
        ("<object at 0x7f15361a6520>", "<object>"),
    ],
)
def test_every_value_has_a_plain_spelling(value: object, spelled: object) -> None:
    assert evidence.plain(value) == spelled
    json.dumps(evidence.plain(value), allow_nan=False).encode()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(json_values)
def test_a_record_is_one_line_that_reads_back(value: object) -> None:
    line = evidence.line("result", value=value)
    assert line.endswith("\n") and line.count("\n") == 1
    assert json.loads(line) == {"record": "result", "value": evidence.plain(value)}


RUN = evidence.line("run", format=evidence.FORMAT, program=evidence.PROGRAM)


@given(st.text(st.characters()) | st.sampled_from(["\u2028", "\x85", "\x1c", "\r\n"]))
def test_a_record_survives_the_file_whatever_a_subject_said(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "evidence.jsonl"
        path.write_text(RUN + evidence.line("result", message=text) + evidence.line("end"), encoding="utf-8")
        assert [record.get("message") for record in evidence.read(path)] == [None, evidence.plain(text), None]


def test_a_torn_last_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "evidence.jsonl"
    path.write_text(RUN + evidence.line("end", exitstatus=0)[:-8])
    assert [record["record"] for record in evidence.read(path)] == ["run"]


@pytest.mark.parametrize(
    "text, sentence",
    [
        (None, "cannot be read"),
        ("", "does not begin with a run record"),
        ("hello\n", "line 1 is not JSON"),
        (RUN + "{torn\n" + RUN, "line 2 is not JSON"),
        (RUN + "[1]\n", "line 2 is no evidence record"),
        (evidence.line("run", format=evidence.FORMAT, program="another"), "does not begin with a run record of this program"),
        (evidence.line("end"), "does not begin with a run record"),
        (
            evidence.line("run", format=99, program=evidence.PROGRAM),
            f"has evidence format 99, this program reads {evidence.FORMAT}; run the audit again",
        ),
    ],
)
def test_a_file_that_is_no_evidence_is_refused_with_one_sentence(tmp_path: Path, text: str | None, sentence: str) -> None:
    path = tmp_path / "evidence.jsonl"
    if text is not None:
        path.write_text(text)
    with pytest.raises(evidence.UnusableEvidence, match=sentence):
        evidence.read(path)
