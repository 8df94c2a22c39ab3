"""What is different between two verdict documents, claim by claim, and what of it is worse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reports.verdicts import Outcome, number, row_key

WORSE_BY = 1.5  # times the share of its budget that a row used before
FROM_GOOD_TO_BAD = (Outcome.REPRODUCED, Outcome.NOT_RUN, Outcome.INCOMPLETE, Outcome.CHANGED, Outcome.BROKEN)
RANK = {outcome.value: rank for rank, outcome in enumerate(FROM_GOOD_TO_BAD)}
SILENT = ("not run", "stale")  # outcomes of a row that is no evidence about the present claim


@dataclass(frozen=True)
class Change:
    claim: str
    what: str
    worse: bool


def changes(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    """Every difference that a reader of both pages should know, in the order of the claims' ids."""
    before, after = ({claim["id"]: claim for claim in document["claims"]} for document in (old, new))
    for id in sorted(before.keys() | after.keys()):
        if id not in after:
            yield Change(id, "the claim is gone", worse=True)
        elif id not in before:
            outcome = after[id]["outcome"]
            yield Change(id, f"new, {after[id]['finding']}, {outcome}", worse=RANK[outcome] > RANK["not run"])
        else:
            yield from of_claim(before[id], after[id])


def of_claim(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    id = new["id"]
    if old["finding"] != new["finding"]:
        yield Change(id, f"finding: {old['finding']} before, {new['finding']} now", worse=False)
    if old["outcome"] != new["outcome"]:
        why = f" ({new['reason'].splitlines()[0]})" if new["reason"] else ""
        yield Change(id, f"outcome: {old['outcome']} before, {new['outcome']} now{why}", worse=RANK[new["outcome"]] > RANK[old["outcome"]])
    controls = {control["name"]: control["was"] for control in new["controls"]}
    for control in old["controls"]:
        name, was = control["name"], control["was"]
        if f"control:{name}" not in new["trials"]:
            yield Change(id, f"control {name} is gone", worse=True)
        elif controls.get(name, was) != was:  # a control that was not selected is told by the outcome of its claim
            yield Change(id, f"control {name}: {was} before, {controls[name]} now", worse=was == control["must_be"])
    rows = {row_key(row): row for row in new["rows"]}
    for row in old["rows"]:
        yield from of_row(id, row, rows.get(row_key(row)))


def of_row(id: str, old: dict[str, Any], new: dict[str, Any] | None) -> Iterator[Change]:
    if old["outcome"] in SILENT:
        return
    where = f"{old['device']} {old['arithmetic']}" + (f" of {old['subject']}" if old["subject"] != "reference" else "")
    if new is None or new["outcome"] in SILENT:
        yield Change(id, f"{where}: no evidence any more ({new['outcome'] if new else 'gone'})", worse=True)
    elif "share" in old and "share" in new and number(new["share"]) > WORSE_BY * number(old["share"]):
        yield Change(id, f"{where}: {number(new['share']):.3g} of its budget used, {number(old['share']):.3g} before", worse=True)
