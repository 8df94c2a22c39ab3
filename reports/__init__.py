"""Evidence -> verdicts -> files. Nothing here imports torch or a claim: a page can be rebuilt anywhere from its JSON."""
