"""Verdict document -> RO-Crate metadata, so that an archived report says what it is about, how it was made and by which software.

RO-Crate 1.3 (w3id.org/ro/crate/1.3): flat JSON-LD in terms of schema.org.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from reports.exports import described, newest, shown, version

METADATA = "ro-crate-metadata.json"
SPECIFICATION = "https://w3id.org/ro/crate/1.3"
LICENSE = "https://spdx.org/licenses/MIT"
JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
CTRF = "https://ctrf.io"
AUTHORS = "#authors"
BLOG_AUTHOR = {"@id": "#su-jianlin", "@type": "Person", "name": "Su Jianlin", "alternateName": "苏剑林", "url": "https://kexue.fm"}

VERDICTS_SCHEMA = "verdicts.schema.json"
ENCODINGS = {
    ".html": "text/html",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".svg": "image/svg+xml",
    ".xml": "application/xml",
}
# What the files of a report folder are, and what they conform to.
KNOWN = {
    "index.html": ("Report", "The report as a page to read, in English.", ""),
    "index.zh.html": ("Report in Chinese", "The report as a page to read, in Chinese.", ""),
    "verdicts.json": ("Verdicts", "Every claim with its finding, its outcome and the evidence; the other files are made from it.", VERDICTS_SCHEMA),
    VERDICTS_SCHEMA: ("Schema of the verdicts", "What stands where in verdicts.json.", JSON_SCHEMA),
    "evidence.jsonl": ("Evidence", "What the runs recorded, as it happened.", ""),
    "junit.xml": ("JUnit XML", "The outcomes for the test tab of a CI server.", ""),
    "ctrf.json": ("CTRF report", "The outcomes in the Common Test Report Format.", CTRF),
    "badge.svg": ("Badge", "How many of the claims that can be checked were reproduced.", ""),
}  # fmt: skip
LANGUAGES = {"index.html": "en", "index.zh.html": "zh"}
STANDARDS = {JSON_SCHEMA: "JSON Schema 2020-12", CTRF: "Common Test Report Format"}

STATUSES = {"http://schema.org/CompletedActionStatus": "completed", "http://schema.org/FailedActionStatus": "failed"}

Entity = dict[str, Any]


def crate(document: dict[str, Any], files: list[str]) -> str:
    """The RO-Crate metadata of a report folder. files: names of what lies in it beside the metadata."""
    files = [name for name in files if name != METADATA]
    actions = list(runs(document, files))
    graph = [
        {"@id": METADATA, "@type": "CreativeWork", "conformsTo": ref(SPECIFICATION), "about": ref("./")},
        root(document, files),
        *(file(name, files) for name in files),
        *actions,
        *software(document),
        *posts(document),
        *([BLOG_AUTHOR] if document["posts"] else []),
        {"@id": AUTHORS, "@type": "Organization", "name": "the kexue-audit authors"},
        {"@id": LICENSE, "@type": "CreativeWork", "name": "MIT License", "description": "Use, copy and change it freely; keep the notice."},
    ]
    standards = {KNOWN[name][2] for name in files if name in KNOWN}
    graph += [
        {"@id": id, "@type": ["CreativeWork", "Profile"], "name": name, "url": id} for id, name in STANDARDS.items() if id in standards
    ]
    statuses = {action["actionStatus"]["@id"] for action in actions}
    graph += [{"@id": id, "@type": "ActionStatusType", "name": name} for id, name in STATUSES.items() if id in statuses]
    return json.dumps({"@context": f"{SPECIFICATION}/context", "@graph": graph}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def ref(id: str) -> Entity:
    return {"@id": id}


def refs(ids: list[str]) -> Entity | list[Entity]:
    """A single value stands without brackets, which is how the specification wants it."""
    return ref(ids[0]) if len(ids) == 1 else [ref(id) for id in ids]


def root(document: dict[str, Any], files: list[str]) -> Entity:
    counts = document["counts"]
    findings, outcomes = (", ".join(f"{n} {word}" for word, n in counts[axis].items()) or "none" for axis in ("findings", "outcomes"))
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": "An audit of claims in Su Jianlin's blog",
        "description": (
            f"Property-based checks of {counts['claims']} claims of kexue.fm, from {len(document['posts'])} of its posts. "
            f"What is true of them: {findings}. What happened in these runs: {outcomes}."
        ),
        "datePublished": shown(newest(document)["started"]),
        "license": ref(LICENSE),
        "author": ref(AUTHORS),
        "hasPart": refs([quote(name) for name in files]),
        "about": refs([post["@id"] for post in posts(document)]),
        "mentions": refs([run_id(number) for number, _ in enumerate(document["runs"], start=1)]),
    }


def file(name: str, files: list[str]) -> Entity:
    title, description, standard = KNOWN.get(name, (name, "", ""))
    encoding = next((media for suffix, media in ENCODINGS.items() if name.endswith(suffix)), "")
    told = {"description": description, "encodingFormat": encoding, "inLanguage": LANGUAGES.get(name, "")}
    return {
        "@id": quote(name),
        "@type": ["File", "Profile"] if name == VERDICTS_SCHEMA else "File",
        "name": title,
        **{key: value for key, value in told.items() if value},
        **({"conformsTo": ref(standard)} if standard in (*files, *STANDARDS) else {}),
    }


def runs(document: dict[str, Any], files: list[str]) -> Iterator[Entity]:
    """Each run as an action whose result is the files."""
    for number, run in enumerate(document["runs"], start=1):
        complete = run["status"] == "complete"
        yield {
            "@id": run_id(number),
            "@type": "CreateAction",
            "name": f"Run {number} of the audit",
            "description": described(run),
            "startTime": shown(run["started"]),
            "instrument": ref(software_id(run)),
            "result": refs([quote(name) for name in files]),
            "actionStatus": ref(f"http://schema.org/{'Completed' if complete else 'Failed'}ActionStatus"),
            **({} if complete else {"error": shown(run["status"])}),
        }


def run_id(number: int) -> str:
    return f"#run-{number}"


def software(document: dict[str, Any]) -> list[Entity]:
    """The audit in each version that ran.

    In RO-Crate a SoftwareApplication must have a url, and this one has no address to give: a work with a version needs none.
    """
    kind = {"@type": "CreativeWork", "additionalType": "http://schema.org/SoftwareApplication", "name": "kexue-audit"}
    versions = {software_id(run): version(run) or "unknown" for run in document["runs"]}
    return [{"@id": id, **kind, "version": commit, "author": ref(AUTHORS), "license": ref(LICENSE)} for id, commit in versions.items()]


def software_id(run: dict[str, Any]) -> str:
    return f"#kexue-audit-{quote(version(run)) or 'unknown'}"


def posts(document: dict[str, Any]) -> list[Entity]:
    """The posts that the claims are from. Their titles are Chinese; ours in English stands beside."""
    return [
        {
            "@id": shown(post["url"]),
            "@type": "CreativeWork",
            "name": shown(post["title"]["zh"] or post["title"]["en"]),
            **({"alternateName": shown(post["title"]["en"])} if post["title"]["zh"] else {}),
            "url": shown(post["url"]),
            "inLanguage": "zh",
            "datePublished": shown(post["date"]),
            "author": ref(BLOG_AUTHOR["@id"]),
        }
        for post in document["posts"]
    ]
