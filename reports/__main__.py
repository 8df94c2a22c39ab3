"""`python -m reports`: merge the evidence of several runs, rebuild the page of one, or compare two, on a machine without torch."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from reports import evidence
from reports.diff import Change
from reports.exports import shown
from reports.language import LANGUAGES, page_name
from reports.publish import EVIDENCE, VERDICTS, Published, differences, load_any, load_previous, load_verdicts, publish, render, replace

UNUSABLE = 2  # exit status where nothing was written, the same as argparse's own


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0; 1 where `diff` found something worse; 2 with one sentence on stderr where input or output cannot be used."""
    given = parser().parse_args(arguments)
    try:
        return given.run(given)
    except evidence.UnusableEvidence as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"{error.filename or 'output'}: cannot be written ({error.strerror}); name a folder you can write to", file=sys.stderr)
    return UNUSABLE


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m reports", description=__doc__)
    commands = made.add_subparsers(required=True, metavar="COMMAND")
    merging = commands.add_parser("merge", help="one report from the evidence of several runs or machines")
    merging.add_argument("sources", nargs="+", type=Path, metavar="SOURCE", help="report folder or evidence.jsonl")
    merging.add_argument("-o", "--output", required=True, type=Path, metavar="DIR", help="folder for the merged verdicts and page")
    previous(merging)
    merging.set_defaults(run=merge_command)
    rendering = commands.add_parser("render", help="rebuild the page of a report folder")
    rendering.add_argument("folder", type=Path, metavar="DIR", help="a folder with evidence.jsonl, or with verdicts.json alone")
    previous(rendering)
    rendering.set_defaults(run=render_command)
    comparing = commands.add_parser("diff", help="what changed between two runs; exit status 1 if anything got worse")
    comparing.add_argument("old", type=Path, metavar="OLD", help="report folder, verdicts.json or evidence.jsonl")
    comparing.add_argument("new", type=Path, metavar="NEW", help="the same of the later run")
    comparing.add_argument("-o", "--output", type=Path, metavar="DIR", help="also write the differences as a page into this folder")
    comparing.set_defaults(run=diff_command)
    return made


def previous(command: argparse.ArgumentParser) -> None:
    command.add_argument("--previous", type=Path, metavar="OLD", help="an earlier run; the page says what has changed since")


def diff_command(given: argparse.Namespace) -> int:
    old, new = load_any(given.old), load_any(given.new)
    found = differences(old, new)
    for change in found:
        print(f"{'worse ' if change.worse else 'other '} {shown(change.claim)}: {shown(change.what)}")
    worse = sum(change.worse for change in found)
    print(f"{len(found)} differences, {worse} of them for the worse")
    if given.output:
        pages = changes_pages(found, old, new)
        given.output.mkdir(parents=True, exist_ok=True)
        for language, page in pages.items():
            replace(given.output / page_name("changes", language), page)
        print(given.output / page_name("changes", "en"))
    return 1 if worse else 0


def changes_pages(found: list[Change], old: dict[str, Any], new: dict[str, Any]) -> dict[str, str]:
    try:
        from reports.page import changes_page
    except ModuleNotFoundError as error:
        raise evidence.UnusableEvidence(f"no page: {error.name} is not installed; pip install jinja2 math-core") from None
    try:
        return {language: changes_page(found, old, new, language) for language in LANGUAGES}
    except Exception as error:  # a document may lack anything anywhere; whatever the template trips over, it is the document
        raise evidence.UnusableEvidence(f"one of the two runs is not what an audit writes ({error}); run the audit again") from error


def merge_command(given: argparse.Namespace) -> int:
    seen: set[Path] = set()
    for source in given.sources:
        file = (source / EVIDENCE if source.is_dir() else source).resolve()
        if file in seen:
            raise evidence.UnusableEvidence(f"{source}: is given twice, and its counts would be added twice; give each run once")
        seen.add(file)
    if (given.output / EVIDENCE).exists():
        raise evidence.UnusableEvidence(
            f"{given.output}: holds a run of its own, whose verdicts would be overwritten; name another folder with -o"
        )
    published = publish(given.sources, given.output, before(given))
    tell(published)
    return 0  # also without a page: its verdicts are what a merge is for


def render_command(given: argparse.Namespace) -> int:
    if not given.folder.is_dir():
        raise evidence.UnusableEvidence(f"{given.folder}: is no folder; give the folder that an audit wrote (audit-report by default)")
    if (given.folder / EVIDENCE).exists():
        published = publish([given.folder], given.folder, before(given))
    else:
        published = render(load_verdicts(given.folder / VERDICTS), given.folder, before(given))
    tell(published)
    return 0 if published.page else UNUSABLE


def before(given: argparse.Namespace) -> dict[str, Any] | None:
    return load_previous(given.previous) if given.previous else None


def tell(published: Published) -> None:
    counts = ", ".join(f"{n} {outcome}" for outcome, n in published.document["counts"]["outcomes"].items())
    print(f"{published.document['counts']['claims']} claims: {counts or 'nothing run'}")
    print(published.page or published.why, file=sys.stdout if published.page else sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
