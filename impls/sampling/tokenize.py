"""One function for both ways to segment (post 9768, "Simple test"): the sign of alpha decides which."""

from impls.sampling import viterbi_decoding, viterbi_sampling
from impls.sampling.segment import longest_first


def tokenize(text, weights, coin, alpha=-1, scan=longest_first):
    """The best segmentation for alpha <= 0, otherwise a random one with every weight to the power alpha."""
    if alpha <= 0:
        return viterbi_decoding.decode(text, weights, scan)
    return viterbi_sampling.sample(text, {token: w**alpha for token, w in weights.items()}, coin, scan)
