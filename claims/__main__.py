"""`python -m claims coverage FOLDER`: which statements of a catalogue have no claim, and which claims no statement."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from claims.catalogue import UnusableCatalogue, declared, entries, gaps

UNUSABLE = 2  # exit status where nothing could be compared, the same as argparse's own


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 where nothing is missing, 1 where something is, 2 with one sentence on stderr where FOLDER is no catalogue."""
    parser = argparse.ArgumentParser(prog="python -m claims", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    coverage = commands.add_parser("coverage", help="what is missing on either side")
    coverage.add_argument(
        "folder", type=Path, metavar="FOLDER", help="the catalogue: files <archive number>-<title>.md with entries '## id'"
    )
    given = parser.parse_args(arguments)
    try:
        catalogue = entries(given.folder)
        claims = declared()
    except UnusableCatalogue as error:
        print(error, file=sys.stderr)
        return UNUSABLE
    except ImportError as error:
        print(f"the claims cannot be read ({error}); pip install -r requirements.txt", file=sys.stderr)
        return UNUSABLE
    missing = list(gaps(catalogue, claims))
    for gap in missing:
        print(f"{gap.archive}: {gap.id} {gap.why}")
    posts = {claim.post.archive for claim in claims}
    listed = sum(len(ids) for archive, ids in catalogue.items() if archive in posts)
    print(f"{len(posts)} posts: {listed} entries of the catalogue, {len(claims)} claims, {len(missing)} gaps", file=sys.stderr)
    if not_begun := len(catalogue.keys() - posts):
        print(f"{not_begun} posts of the catalogue have no claim yet", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
