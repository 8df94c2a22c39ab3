"""Truth, and how far a subject may be from it. Nothing here imports what it judges (`tests/test_layout.py` enforces it)."""
