"""Evidence -> verdicts: what each claim's run amounts to, as plain JSON values without clock times.

Two axes are never mixed. The finding is what is true of the post, written in the claim file. The outcome is what
happened in this run: only `reproduced` is green.
"""

from __future__ import annotations

import math
from collections import Counter
from enum import Enum
from typing import Any

FORMAT = 2
OUTCOMES = ("broken", "changed", "incomplete", "stale", "reproduced", "not run")  # of rows and claims, worst first
IMPL_ANSWERS = ("broken", "refuted", "incomplete", "holds", "not run")  # worst first
EXAMPLES = ("passed", "failed", "discarded")
STRENGTHS = ("proved", "certified", "exact on cases", "within budget", "statistical")


class Outcome(Enum):
    """Worst first, which is also how outcomes of several runs combine: a run that did not happen hides no other."""

    BROKEN = "broken"
    CHANGED = "changed"
    INCOMPLETE = "incomplete"
    REPRODUCED = "reproduced"
    NOT_RUN = "not run"


def verdicts(records: list[dict[str, Any]]) -> dict[str, Any]:
    """The verdict document of one evidence file (see `reports.evidence`); its schema is `reports/verdicts.schema.json`."""
    run = {k: v for k, v in records[0].items() if k not in ("record", "format")}
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        by_kind.setdefault(record["record"], []).append(record)
    expected = by_kind.get("expected", [{"posts": {}, "claims": {}, "items": []}])[0]
    end = by_kind.get("end", [None])[0]
    results = {record["nodeid"]: record for record in by_kind.get("result", []) + by_kind.get("lost", [])}
    errors = [error for record in by_kind.get("errors", []) for error in record["errors"]]
    run["status"] = status(end, expected["items"], results, errors)
    items: dict[str, list[dict[str, Any]]] = {id: [] for id in expected["claims"]}
    for item in expected["items"]:
        items[item["claim"]].append({**item, "result": results.get(item["nodeid"])})
    return document(
        runs=[run],
        posts=expected["posts"],
        claims=[verdict(declared, items[id], ended=end is not None) for id, declared in expected["claims"].items()],
        errors=errors,
    )


def status(end: dict[str, Any] | None, items: list[dict[str, Any]], results: dict[str, Any], errors: list[dict[str, Any]]) -> str:
    """One sentence about the run as a whole; "complete" is the only good one."""
    missing = sum(item["nodeid"] not in results for item in items)
    if end is None:
        return f"incomplete: the evidence breaks off before the end of the run ({missing} of {len(items)} items without a result)"
    if missing:
        why = "interrupted" if end["interrupted"] else "ended early"
        return f"incomplete: {why} with {missing} of {len(items)} items not run"
    if errors:
        return f"incomplete: {len(errors)} of the things named could not be collected"
    return "complete"


def verdict(declared: dict[str, Any], items: list[dict[str, Any]], *, ended: bool) -> dict[str, Any]:
    """One claim in one run."""
    audited = [item for item in items if item["role"] != "impl"]
    outcome, reason = judge(declared, audited, ended=ended)
    main = [item for item in audited if item["role"] == "reference"] or [item for item in audited if item["role"] == "counterexample"]
    known = [evidence_of(item) for item in main]
    rows = [row_of("reference", row, outcome, reason) for part in known for row in part.get("rows", [])]
    node = f"{declared['file']}::{declared['test']}"
    answers = {item["name"]: (item["result"] or {}).get("message", "") for item in audited if item["role"] == "counterexample"}
    spent = {strength for part in known for strength in part.get("strengths", [])}
    return {
        **declared,
        "outcome": outcome.value,
        "reason": reason,
        "strengths": sorted(spent, key=STRENGTHS.index),
        "examples": {k: sum(examples_of(part)[k] for part in known) for k in EXAMPLES},
        "rows": merged_rows([rows]),
        "measures": merged_ranges([part.get("measures", {}) for part in known]),
        "statistics": {k: v for part in known for k, v in sorted(part.get("statistics", {}).items())},
        "certificates": {k: v for part in known for k, v in sorted(part.get("certificates", {}).items())},
        "devices": {k: v for part in known for k, v in sorted(part.get("devices", {}).items())},
        "figures": merged_figures([part.get("figures", []) for part in known]),
        "controls": [control(item) for item in audited if item["role"] == "control"],
        "counterexamples": [
            {**pinned, "message": answers.get(str(number), ""), "reproduce": f'pytest "{node}[counterexample:{number}]"'}
            for number, pinned in enumerate(declared["counterexamples"], start=1)
        ],
        "found_case": found_case(main),
        "impls": [implementation(item) for item in items if item["role"] == "impl"],
        "reproduce": f"pytest --claim {declared['id']}",
    }


def judge(declared: dict[str, Any], items: list[dict[str, Any]], *, ended: bool) -> tuple[Outcome, str]:
    """Outcome of the claim and the sentence that says why, from what its trials answered against what they had to."""
    found: list[tuple[Outcome, str]] = []
    for item in items:
        result, who = item["result"], label(item)
        if result is None:
            found.append((Outcome.INCOMPLETE, f"{who} did not finish"))
        elif result["record"] == "lost" or result["answer"] == "broken":
            found.append((Outcome.BROKEN, f"{who}: {result['message']}"))
        elif result["answer"] == "skipped":
            found.append((Outcome.NOT_RUN, result["message"]))
        elif (result["answer"] == "holds") is not item["holds"]:
            if item["role"] == "control":
                said = (
                    "was refuted, although the statement is true of it: the check refutes too much"
                    if item["holds"]
                    else "survived: the check has no teeth against it"
                )
                found.append((Outcome.BROKEN, f"{who} {said}"))
            else:
                said = f"refuted: {result['message']}" if item["holds"] else "no longer refutes the statement"
                found.append((Outcome.CHANGED, f"{who} {said}"))
    if not ended:
        found.append((Outcome.INCOMPLETE, "the run's evidence has no end"))
    if not items and not declared["trials"]:
        found.append((Outcome.NOT_RUN, "nothing about it can be run"))
    left_out = len(declared["trials"]) - len(items)
    if left_out > 0:
        found.append((Outcome.NOT_RUN, f"{left_out} of its {len(declared['trials'])} trials were not selected"))
    return min(found, key=lambda pair: list(Outcome).index(pair[0]), default=(Outcome.REPRODUCED, ""))


def label(item: dict[str, Any]) -> str:
    return "the reference" if item["role"] == "reference" else f"{item['role']} {item['name']}"


def evidence_of(item: dict[str, Any]) -> dict[str, Any]:
    return (item["result"] or {}).get("evidence") or {}


def examples_of(part: dict[str, Any]) -> dict[str, int]:
    return {k: part.get("examples", {}).get(k, 0) for k in EXAMPLES}


def row_of(subject: str, row: dict[str, Any], outcome: Outcome, reason: str) -> dict[str, Any]:
    kept = {k: v for k, v in row.items() if k != "not_run"}
    if why := row.get("not_run"):
        return {"subject": subject, **kept, "outcome": Outcome.NOT_RUN.value, "reason": why}
    return {"subject": subject, **kept, "outcome": outcome.value, "reason": reason}


def control(item: dict[str, Any]) -> dict[str, Any]:
    result = item["result"] or {}
    answer = result.get("answer", "")
    as_predicted = {True: "accepted", False: "rejected"}[item["holds"]]
    against = {True: "refuted", False: "survived"}[item["holds"]]
    said = {
        "holds": as_predicted if item["holds"] else against,
        "refuted": against if item["holds"] else as_predicted,
        "skipped": "not run",
        "broken": "crashed",
    }
    return {
        "name": item["name"],
        "must_be": as_predicted,
        "was": said.get(answer, "lost" if result else "not finished"),
        "message": result.get("message", ""),
        "examples": sum(examples_of(evidence_of(item)).values()),
        **share_of(evidence_of(item)),
    }


def share_of(part: dict[str, Any]) -> dict[str, Any]:
    """The largest share of an error budget in a part of the evidence, where it was judged by one."""
    shares = [row["share"] for row in part.get("rows", []) if "share" in row]
    return {"share": max(shares, key=number)} if shares else {}


def implementation(item: dict[str, Any]) -> dict[str, Any]:
    """A user's own module: it is judged for itself and does not change what the run says about the post."""
    result = item["result"] or {}
    if result.get("record") == "lost":
        said = "broken"
    else:
        said = {"holds": "holds", "refuted": "refuted", "skipped": "not run", "broken": "broken"}.get(
            result.get("answer", ""), "incomplete"
        )
    known = evidence_of(item)
    as_found = "holds" if item["holds"] else "refuted"  # no prediction is made about a user's code where the post's is refuted
    outcomes = {"not run": Outcome.NOT_RUN, "broken": Outcome.BROKEN, "incomplete": Outcome.INCOMPLETE, as_found: Outcome.REPRODUCED}
    outcome = outcomes.get(said, Outcome.CHANGED)
    return {
        "name": item["name"],
        "was": said,
        "message": result.get("message", ""),
        "case": known.get("examples", {}).get("failing", ""),
        "rows": [row_of(item["name"], row, outcome, "") for row in known.get("rows", [])],
        "reproduce": reproduce(item),
    }


def found_case(items: list[dict[str, Any]]) -> str:
    """The smallest failing example that Hypothesis found for the reference itself, if any."""
    return next((case for item in items if (case := evidence_of(item).get("examples", {}).get("failing"))), "")


def reproduce(item: dict[str, Any]) -> str:
    return f'pytest "{item["nodeid"]}"'


def document(
    *, runs: list[dict[str, Any]], posts: dict[str, dict[str, Any]], claims: list[dict[str, Any]], errors: list[dict[str, Any]]
) -> dict[str, Any]:
    """Posts by topic and number; claims in the order of their post's sections, and within one in the order of the claim files."""
    posts = dict(sorted(posts.items(), key=lambda pair: (pair[1]["topic"], pair[1]["archive"])))
    order = {post["archive"]: (number, [section["en"] for section in post["sections"]]) for number, post in enumerate(posts.values())}

    def place(claim: dict[str, Any]) -> tuple[Any, ...]:
        post, sections = order[claim["post"]]
        section = claim["section"]["en"]  # of an older run it may be one that the post no longer lists
        return post, sections.index(section) if section in sections else len(sections), claim["file"], claim["place"], claim["id"]

    claims = sorted(claims, key=place)
    return {
        "format": FORMAT,
        "runs": runs,
        "counts": {
            "claims": len(claims),
            "findings": dict(sorted(Counter(claim["finding"] for claim in claims).items())),
            "outcomes": dict(sorted(Counter(claim["outcome"] for claim in claims).items())),
        },
        "posts": list(posts.values()),
        "claims": claims,
        "errors": errors,
    }


def merge(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """One document from the runs of several machines. Key: claim, subject, device, arithmetic.

    Counts add, the worst share and the worst outcome win, "not run" gives way to a run elsewhere. The newest run that
    has a claim says what the claim is; a part with another digest is evidence about another claim and its rows are
    stale.
    """
    documents = sorted(documents, key=lambda doc: max(run["started"] for run in doc["runs"]), reverse=True)
    parts: dict[str, list[dict[str, Any]]] = {}
    posts = {str(post["archive"]): post for doc in reversed(documents) for post in doc["posts"]}
    for doc in documents:
        for claim in doc["claims"]:
            parts.setdefault(claim["id"], []).append(claim)
    seen = [error for doc in documents for error in doc["errors"]]
    return document(
        runs=[run for doc in documents for run in doc["runs"]],
        posts=posts,
        claims=[merged_claim(claims) for claims in parts.values()],
        errors=[error for i, error in enumerate(seen) if error not in seen[:i]],
    )


def merged_claim(parts: list[dict[str, Any]]) -> dict[str, Any]:
    newest = parts[0]
    current = [part for part in parts if part["digest"] == newest["digest"]]
    stale = [
        {**row, "outcome": "stale", "reason": "the claim has changed since this was measured"}
        for part in parts
        if part not in current
        for row in part["rows"]
        if row["outcome"] != Outcome.NOT_RUN.value
    ]
    worst = min(current, key=lambda part: [o.value for o in Outcome].index(part["outcome"]))
    rows = merged_rows([part["rows"] for part in current])
    fresh = {row_key(row) for row in rows if row["outcome"] != Outcome.NOT_RUN.value}
    rows = [row for row in rows if row_key(row) not in {row_key(s) for s in stale} or row_key(row) in fresh]
    rows += [row for row in merged_rows([stale]) if row_key(row) not in fresh]
    return {
        **newest,
        **{name: worst[name] for name in ("outcome", "reason", "controls", "counterexamples", "found_case")},
        "strengths": sorted({strength for part in current for strength in part["strengths"]}, key=STRENGTHS.index),
        "examples": {k: sum(part["examples"][k] for part in current) for k in EXAMPLES},
        "measures": merged_ranges([part["measures"] for part in current]),
        "statistics": {k: v for part in reversed(current) for k, v in part["statistics"].items()},
        "certificates": {k: v for part in reversed(current) for k, v in part["certificates"].items()},
        "devices": {k: v for part in reversed(current) for k, v in part["devices"].items()},
        "figures": merged_figures([part["figures"] for part in current]),
        "rows": sorted(rows, key=row_key),
        "impls": merged_impls([impl for part in current for impl in part["impls"]]),
    }


def merged_impls(impls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry per implementation: what it was at worst, with the rows of all machines."""
    worst = sorted(impls, key=lambda impl: IMPL_ANSWERS.index(impl["was"]))
    by_name = {impl["name"]: impl for impl in reversed(worst)}
    return [
        {**impl, "rows": merged_rows([other["rows"] for other in worst if other["name"] == name])} for name, impl in sorted(by_name.items())
    ]


def merged_ranges(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Smallest and largest value of each measure over all parts."""
    merged: dict[str, Any] = {}
    for name, (low, high) in sorted((pair for part in parts for pair in part.items()), key=lambda pair: pair[0]):
        least, most = merged.get(name, (low, high))
        merged[name] = [min(least, low, key=number), max(most, high, key=number)]
    return merged


def merged_figures(lists: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """One figure per title with the points of all parts: at each x the smallest and the largest y of a series, x in order."""
    merged: dict[str, dict[str, Any]] = {}
    for figure in (figure for figures in lists for figure in figures):
        drawn = merged.setdefault(figure["title"], {**figure, "series": {}})["series"]
        for name, points in figure["series"].items():
            known = drawn.setdefault(name, {})
            for x, low, high in points:
                least, most = known.get(x, (low, high))
                known[x] = (min(least, low, key=number), max(most, high, key=number))
    for figure in merged.values():
        for name, known in figure["series"].items():
            in_order = known if any(isinstance(x, str) for x in known) else sorted(known)
            figure["series"][name] = [[x, *known[x]] for x in in_order]
    return list(merged.values())


def row_key(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["subject"], row["device"], row["arithmetic"]


def merged_rows(lists: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    order = [o.value for o in Outcome]
    merged: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in (row for rows in lists for row in rows):
        other = merged.setdefault(row_key(row), row)
        if other is row:
            continue
        ran = [r for r in (other, row) if r["outcome"] != Outcome.NOT_RUN.value]
        if len(ran) < 2:
            merged[row_key(row)] = ran[0] if ran else other
            continue
        worse = max(ran, key=lambda r: number(r.get("share")))
        both = {**other, **worse}
        both["comparisons"] = other["comparisons"] + row["comparisons"]
        if seen := [r["sees"] for r in ran if "sees" in r]:
            both["sees"] = min(seen, key=number)
        for field in ("residual", "agreement"):
            if field in other or field in row:
                both[field] = max((r[field] for r in ran if field in r), key=number)
        if "stale" not in (other["outcome"], row["outcome"]):
            decisive = min(ran, key=lambda r: order.index(r["outcome"]))
            both["outcome"], both["reason"] = decisive["outcome"], decisive["reason"]
        merged[row_key(row)] = both
    return sorted(merged.values(), key=row_key)


def number(value: float | str | None) -> float:
    """For comparing: JSON spells an infinite share as a string, and a share that is not a number is the worst."""
    if value is None:
        return -1.0
    return math.inf if math.isnan(float(value)) else float(value)
