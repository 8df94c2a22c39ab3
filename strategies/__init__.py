"""Hypothesis strategies for the claims' cases; what each must be able to reach stands in `tests/test_strategies.py`."""
