"""While an audit runs: how many claims are done, and about how long the rest takes, in one line of the terminal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

STEPS = 10  # lines where the output is no terminal that a line can be rewritten in


class Progress:
    """Takes the place of pytest's names of files and dots. A claim is done when the last of its items is."""

    def __init__(self, reporter: pytest.TerminalReporter):
        self.reporter = reporter
        reporter.showfspath = False
        self.waiting: Counter[str] = Counter()  # claim -> items to come
        self.claims = self.items = self.done = self.unexpected = self.told = 0
        self.started = time.monotonic()

    def expect(self, roles: Mapping[str, dict[str, Any]]) -> None:
        self.waiting = Counter(item["claim"] for item in roles.values())
        self.claims, self.items, self.started = len(self.waiting), len(roles), time.monotonic()

    def answered(self, claim: str, *, as_expected: bool) -> None:
        self.waiting[claim] -= 1
        self.done += 1
        self.unexpected += not as_expected
        if self.reporter.isatty:
            self.reporter.rewrite(self.line(), erase=True)
        elif (step := STEPS * self.done // self.items) > self.told:
            self.told = step
            self.reporter.write_line(self.line())

    def line(self) -> str:
        finished = sum(left <= 0 for left in self.waiting.values())
        left = (time.monotonic() - self.started) / self.done * (self.items - self.done)
        wrong = f", {self.unexpected} trial{'s' * (self.unexpected > 1)} not as expected" if self.unexpected else ""
        return f"{finished} of {self.claims} claims done, about {left:.0f} s left{wrong}"

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Iterator[None]:
        """No letters between the lines."""
        category, *_ = yield
        return category, "", ""
