"""What all segmentation samplers share: the candidates of a text, and the way back along the accepted ones.

text c_1..c_l; a candidate (a, e) is a token c_{a+1}..c_e of the vocabulary, 0 <= a < e <= l; route[e] = a if (a, e) is
the last token of the segmentation kept for the first e characters.
"""

from collections.abc import Collection


def longest_first(text: str, vocabulary: Collection[str]) -> list[tuple[int, int]]:
    """Candidates with the end ascending and, for equal ends, the longest token first: the order of an Aho-Corasick automaton."""
    return [(a, e) for e in range(1, len(text) + 1) for a in range(e) if text[a:e] in vocabulary]


def shortest_first(text: str, vocabulary: Collection[str]) -> list[tuple[int, int]]:
    """The same candidates, the shortest token of each end first."""
    return [(a, e) for e in range(1, len(text) + 1) for a in reversed(range(e)) if text[a:e] in vocabulary]


def follow(text: str, route: dict[int, int]) -> tuple[str, ...] | None:
    """The tokens along `route` from the end of the text back to its start; None where the end was never reached."""
    pieces, e = [], len(text)
    while e > 0:
        if e not in route:
            return None
        pieces.append(text[route[e] : e])
        e = route[e]
    return tuple(reversed(pieces))
