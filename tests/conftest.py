"""Fixtures of the harness's own tests."""

from pathlib import Path

import pytest

from tests.small_audit import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty folder to write claim files into and to audit."""
    return Project(tmp_path)
