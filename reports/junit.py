"""Verdict document -> JUnit XML, for the test tab of a CI server.

One suite per post, one case per claim. Durations are left out: the document has none. A case has no place for properties in
the schema that CI servers share, so its facts are its output.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any
from xml.etree import ElementTree

from reports.exports import AUDIT, NOT_COLLECTED, NOT_JUDGED, RUN_INCOMPLETE, Case, cases, described, newest, shown
from reports.verdicts import Outcome

# What stands inside a case that did not pass. An unknown outcome is a KeyError, never a pass.
ELEMENT = {
    Outcome.REPRODUCED.value: "",
    Outcome.CHANGED.value: "failure",
    Outcome.BROKEN.value: "error",
    Outcome.INCOMPLETE.value: "error",
    Outcome.NOT_RUN.value: "skipped",
    RUN_INCOMPLETE: "error",
    NOT_COLLECTED: "error",
    NOT_JUDGED: "skipped",
}
COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}
HEADLINE = 200  # characters of a message that a summary shows in one line


def junit(document: dict[str, Any]) -> str:
    """The JUnit XML of a verdict document (`reports/verdicts.schema.json`)."""
    found = cases(document)
    totals = {name: count for name, count in counts(found).items() if name != "skipped"}  # the root element has no place for it
    root = ElementTree.Element("testsuites", name="kexue-audit", **totals)
    by_suite = {AUDIT: [], **{suite: list(inside) for suite, inside in groupby(found, key=lambda case: case.suite)}}
    for suite, inside in by_suite.items():
        element = ElementTree.SubElement(
            root, "testsuite", name=".".join(suite), timestamp=shown(newest(document)["started"]), **counts(inside)
        )
        if suite == AUDIT:
            properties = ElementTree.SubElement(element, "properties")
            for number, run in enumerate(document["runs"], start=1):
                ElementTree.SubElement(properties, "property", name=f"run {number}", value=described(run))
        for case in inside:
            write(element, case)
    ElementTree.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def counts(inside: list[Case]) -> dict[str, str]:
    elements = [ELEMENT[case.outcome] for case in inside]
    return {"tests": str(len(inside)), **{name: str(elements.count(element)) for name, element in COUNTED.items()}}


def write(suite: ElementTree.Element, case: Case) -> None:
    element = ElementTree.SubElement(suite, "testcase", classname=".".join(case.suite), name=case.name)
    if kind := ELEMENT[case.outcome]:
        why = case.message.strip() or case.outcome
        ElementTree.SubElement(element, kind, type=case.outcome, message=why.splitlines()[0][:HEADLINE]).text = why
    if case.facts:
        ElementTree.SubElement(element, "system-out").text = "\n".join(f"{name}: {value}" for name, value in case.facts.items())
