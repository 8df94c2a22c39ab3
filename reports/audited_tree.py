"""What git says of the tree that is audited, so that a reader of the report can get the same one."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

USER = r"(?:[^@/\s]+@)?"
HOST = r"(?P<host>[\w-]+(?:\.[\w-]+)*\.(?!local\b)[a-z]{2,})"  # a name, not a number of somebody's own network
PATH = r"/*(?P<path>[\w./~+-]+?)(?:\.git)?/*"
REMOTES = (rf"https?://{USER}{HOST}(?P<port>:\d+)?/{PATH}", rf"(?:ssh|git)://{USER}{HOST}(?::\d+)?/{PATH}", rf"{USER}{HOST}:{PATH}")


def audited_tree(root: Path) -> dict[str, Any]:
    """Commit of the working tree, whether it has uncommitted changes, and where strangers find it; empty outside of git."""

    def ask(*command: str) -> str:
        said = subprocess.run(["git", "-C", str(root), *command], capture_output=True, text=True, errors="replace", check=True, timeout=10)
        return said.stdout.strip()

    try:
        tree = {"commit": ask("rev-parse", "--short=12", "HEAD"), "dirty": bool(ask("status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.SubprocessError):
        return {"commit": "", "dirty": False, "repository": ""}
    try:
        return tree | {"repository": web_address(ask("remote", "get-url", "origin"))}
    except (OSError, subprocess.SubprocessError):  # there is no such remote
        return tree | {"repository": ""}


def web_address(remote: str) -> str:
    """Where a stranger finds the repository that git fetches from `remote`, without credentials; empty for a path of this machine."""
    found = next(filter(None, (re.fullmatch(form, remote) for form in REMOTES)), None)
    known = found.groupdict(default="") if found else {}
    return f"https://{known['host']}{known.get('port', '')}/{known['path']}" if known else ""
