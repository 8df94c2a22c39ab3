"""The table of verdicts at the end of a run."""

from __future__ import annotations

from typing import Any

import pytest

from reports.exports import shown
from reports.language import untranslated
from reports.publish import Published
from reports.verdicts import number

COLOURS = {"reproduced": {"green": True}, "not run": {"yellow": True}}


def write(reporter: pytest.TerminalReporter, published: Published) -> None:
    document = published.document
    reporter.section("verdicts")
    width = max((len(claim["id"]) for claim in document["claims"]), default=0)
    for claim in document["claims"]:
        reporter.write(f"{claim['id']:<{width}}  {claim['finding']:<15} ")
        reporter.write(f"{claim['outcome']:<11}", **COLOURS.get(claim["outcome"], {"red": True}))
        reporter.write_line(f" {summary(claim)}")
        if claim["reason"]:
            reporter.write_line(f"    {first_line(claim['reason'])}")
        for impl in claim["impls"]:
            reporter.write_line(
                f"    {shown(impl['name'])}: {impl['was']}" + (f", {first_line(impl['message'])}" if impl["message"] else "")
            )
    for error in document["errors"]:
        reporter.write_line(f"not collected: {shown(error['nodeid'])}: {shown(error['message'])}", red=True)
    for claim in document["claims"]:
        for name in untranslated(claim):
            reporter.write_line(f"no Chinese: {claim['id']}: add {name!r} to names in its zh=dict(names={{...}})", yellow=True)
    reporter.write_line("")
    for run in document["runs"]:
        reporter.write_line(f"run: {first_line(run['status'])}", **({} if run["status"] == "complete" else {"red": True}))
    counts = ", ".join(f"{n} {outcome}" for outcome, n in document["counts"]["outcomes"].items())
    findings = ", ".join(f"{n} {finding}" for finding, n in document["counts"]["findings"].items())
    reporter.write_line(f"{document['counts']['claims']} claims ({findings}): {counts or 'nothing run'}")
    reporter.write_line(f"page: {published.page}" if published.page else published.why)


def summary(claim: dict[str, Any]) -> str:
    """How closely, on how many devices and against how many controls the claim was checked, in one short line."""
    parts = []
    if claim["controls"]:
        kept = sum(control["was"] == control["must_be"] for control in claim["controls"])
        parts.append(f"controls {kept}/{len(claim['controls'])}")
    if shares := [number(row["share"]) for row in claim["rows"] if "share" in row]:
        parts.append(f"share {max(shares):.2g}")
    parts.append(" and ".join(claim["strengths"]))
    absent = sorted(
        {
            first_line(f"{row['device']}: {row['reason']}")
            for row in claim["rows"]
            if row["outcome"] == "not run" and row["reason"] != claim["reason"]
        }
    )
    parts += [f"not run on {text}" for text in absent]
    return ", ".join(part for part in parts if part)


def first_line(text: str) -> str:
    return shown(next(filter(str.strip, text.splitlines()), ""))[:200]
