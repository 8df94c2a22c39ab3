"""What the suite covers of a catalogue: a folder of Markdown files `<archive>-<title>.md`, one `## id` for each statement of a post."""

from __future__ import annotations

import importlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from claims.vocabulary import DECLARATION, Claim

HERE = Path(__file__).parent
FILE = re.compile(r"(?P<archive>\d+)-.*\.md")
ENTRY = re.compile(r"^## +(?P<id>\S+) *$", re.MULTILINE)


class UnusableCatalogue(Exception):
    """A path that is no catalogue, in one sentence with the remedy."""


@dataclass(frozen=True)
class Gap:
    """Something that catalogue and suite do not have in common."""

    archive: int
    id: str
    why: str


def entries(folder: Path) -> dict[int, list[str]]:
    """The ids of a catalogue by archive number, in the order of the posts. Raises `UnusableCatalogue`."""
    if not folder.is_dir():
        raise UnusableCatalogue(f"{folder}: is no folder; give the folder that holds the files of the catalogue")
    found: dict[int, list[str]] = {}
    for path in sorted(folder.glob("*.md")):
        if name := FILE.fullmatch(path.name):
            found.setdefault(int(name["archive"]), []).extend(ENTRY.findall(path.read_text(encoding="utf-8")))
    if not any(found.values()):
        raise UnusableCatalogue(
            f"{folder}: has no file <archive number>-<title>.md with an entry '## id'; give the folder of the catalogue"
        )
    return found


def declared() -> list[Claim]:
    """Every claim that the files of claims/ declare."""
    modules = [f"claims.{path.parent.name}.{path.stem}" for path in sorted(HERE.glob("*/test_*.py"))]
    return [
        found
        for module in map(importlib.import_module, modules)
        for value in vars(module).values()
        if isinstance(found := getattr(value, DECLARATION, None), Claim)
    ]


def gaps(catalogue: dict[int, list[str]], claims: Iterable[Claim]) -> Iterator[Gap]:
    """Entries without a claim and claims without an entry, of the posts that have at least one claim.

    A claim stands for the entry of its own id, for those that it merges and for the one that it is part of.
    """
    stand_for: dict[int, dict[str, set[str]]] = defaultdict(dict)
    for claim in claims:
        stand_for[claim.post.archive][claim.id] = {claim.id, claim.part_of, *claim.merges} - {""}
    for archive, by_claim in sorted(stand_for.items()):
        listed = catalogue.get(archive, [])
        covered = set().union(*by_claim.values())
        for id in listed:
            if id not in covered:
                yield Gap(archive, id, "is in the catalogue and no claim stands for it")
        for id, stands_for in by_claim.items():
            if not stands_for & set(listed):
                yield Gap(archive, id, "is a claim and not in the catalogue; part_of= names the entry that it was split from")
            elif strangers := stands_for - set(listed) - {id}:
                yield Gap(archive, id, f"names {' and '.join(sorted(strangers))}, which the catalogue of its post does not have")
