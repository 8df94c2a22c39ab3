"""What is different between two verdict documents, claim by claim, and what of it is worse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reports.verdicts import Outcome, number, row_key

WORSE_BY = 1.5  # times the share of its budget that a row used before
FROM_GOOD_TO_BAD = (Outcome.REPRODUCED, Outcome.NOT_RUN, Outcome.INCOMPLETE, Outcome.CHANGED, Outcome.BROKEN)
RANK = {outcome.value: rank for rank, outcome in enumerate(FROM_GOOD_TO_BAD)}
# Of an implementation, from good to bad as well. Where runs are merged, "not run" comes last: it hides nothing that another machine saw.
ANSWERS = ("holds", "not run", "incomplete", "refuted", "broken")
SILENT = ("not run", "stale")  # outcomes of a row that is no evidence about the present claim


@dataclass(frozen=True)
class Change:
    """`text` is a sentence with gaps, so that it can be said in another language, `values` is what stands in them."""

    claim: str
    worse: bool
    text: str
    values: dict[str, str]

    @property
    def what(self) -> str:
        return self.text % self.values


def change(claim: str, text: str, *, worse: bool, **values: str) -> Change:
    return Change(claim, worse, text, values)


def changes(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    """Every difference that a reader of both pages should know, in the order of the claims' ids."""
    before, after = ({claim["id"]: claim for claim in document["claims"]} for document in (old, new))
    for id in sorted(before.keys() | after.keys()):
        if id not in after:
            yield change(id, "the claim is gone", worse=True)
        elif id not in before:
            finding, outcome = after[id]["finding"], after[id]["outcome"]
            yield change(id, "new, %(finding)s, %(outcome)s", worse=RANK[outcome] > RANK["not run"], finding=finding, outcome=outcome)
        else:
            yield from of_claim(before[id], after[id])


def of_claim(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    id = new["id"]
    if old["finding"] != new["finding"]:
        yield change(id, "finding: %(before)s before, %(now)s now", worse=False, before=old["finding"], now=new["finding"])
    if old["outcome"] != new["outcome"]:
        told = {"before": old["outcome"], "now": new["outcome"]} | ({"why": new["reason"].splitlines()[0]} if new["reason"] else {})
        text = "outcome: %(before)s before, %(now)s now" + (" (%(why)s)" if new["reason"] else "")
        yield change(id, text, worse=RANK[new["outcome"]] > RANK[old["outcome"]], **told)
    controls = {control["name"]: control["was"] for control in new["controls"]}
    for control in old["controls"]:
        name, was = control["name"], control["was"]
        if f"control:{name}" not in new["trials"]:
            yield change(id, "control %(name)s is gone", worse=True, name=name)
        elif controls.get(name, was) != was:  # a control that was not selected is told by the outcome of its claim
            text = "control %(name)s: %(before)s before, %(now)s now"
            yield change(id, text, worse=was == control["must_be"], name=name, before=was, now=controls[name])
    if old["says"]["en"] != new["says"]["en"]:
        yield change(id, "the statement was rewritten", worse=False)
    for strength in old["strengths"]:
        if new["strengths"] and strength not in new["strengths"]:  # with none at all, the outcome tells it
            yield change(id, "evidence: no longer %(strength)s", worse=True, strength=strength)
    impls = {impl["name"]: impl["was"] for impl in new["impls"]}
    for impl in old["impls"]:
        name, was = impl["name"], impl["was"]
        if impls.get(name, was) != was:  # one that was not given this time is no change
            text = "implementation %(name)s: %(before)s before, %(now)s now"
            yield change(id, text, worse=answer_rank(impls[name], new) > answer_rank(was, new), name=name, before=was, now=impls[name])
    rows = {row_key(row): row for row in new["rows"]}
    for row in old["rows"]:
        yield from of_row(id, row, rows.get(row_key(row)))


def answer_rank(answer: str, claim: dict[str, Any]) -> int:
    """Of a refuted claim either answer is as good: the statement may be true of one implementation and false of another."""
    return ANSWERS.index("holds" if (answer, claim["finding"]) == ("refuted", "refuted") else answer)


def of_row(id: str, old: dict[str, Any], new: dict[str, Any] | None) -> Iterator[Change]:
    if old["outcome"] in SILENT:
        return
    where = f"{old['device']} {old['arithmetic']}"
    if new is None or new["outcome"] in SILENT:
        became = new["outcome"] if new else "gone"
        yield change(id, "%(where)s: no evidence any more (%(became)s)", worse=True, where=where, became=became)
    elif "share" in old and "share" in new and number(new["share"]) > WORSE_BY * number(old["share"]):
        now, before = f"{number(new['share']):.3g}", f"{number(old['share']):.3g}"
        yield change(id, "%(where)s: %(now)s of its budget used, %(before)s before", worse=True, where=where, now=now, before=before)
