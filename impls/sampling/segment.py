"""What all segmentation samplers share: the candidates of a text, and the way back along the accepted ones.

text c_1..c_l; a candidate (a, e) is a token c_{a+1}..c_e of the vocabulary, 0 <= a < e <= l; route[e] = a if (a, e) is
the last token of the segmentation kept for the first e characters; m length of the longest token.
"""

from collections.abc import Collection, Iterable, Iterator


def longest_first(text: str, vocabulary: Collection[str]) -> list[tuple[int, int]]:
    """Candidates with the end ascending and, for equal ends, the longest token first: the order of an Aho-Corasick automaton."""
    m = max(map(len, vocabulary), default=0)
    return [(a, e) for e in range(1, len(text) + 1) for a in range(max(e - m, 0), e) if text[a:e] in vocabulary]


def shortest_first(text: str, vocabulary: Collection[str]) -> list[tuple[int, int]]:
    """The same candidates, the shortest token of each end first."""
    return sorted(longest_first(text, vocabulary), key=lambda candidate: (candidate[1], -candidate[0]))


# By whether the shortest token of each end comes first.
SCANS = {False: longest_first, True: shortest_first}


def reachable(candidates: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The candidates whose start is the end of an earlier one or of nothing: the others have no segmentation to extend."""
    ends = {0}
    for a, e in candidates:
        if a in ends:
            ends.add(e)
            yield a, e


def follow(text: str, route: dict[int, int]) -> tuple[str, ...] | None:
    """The tokens along `route` from the end of the text back to its start; None where the end was never reached."""
    pieces, e = [], len(text)
    while e > 0:
        if e not in route:
            return None
        pieces.append(text[route[e] : e])
        e = route[e]
    return tuple(reversed(pieces))
