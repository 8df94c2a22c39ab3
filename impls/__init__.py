"""Minimal implementations under audit: one idea per file, pure functions, the posts' own symbols."""
