"""The vocabulary of a claim file. See docs/add-a-claim.md for one that works from the first line to its place on the page."""

from claims.vocabulary import Finding, Kind, Post, claim, counterexample, not_checkable, subjects, variant
from oracles.evidence import Refuted

__all__ = ["Finding", "Kind", "Post", "Refuted", "claim", "counterexample", "not_checkable", "subjects", "variant"]
