"""The Aho-Corasick automaton, which reports every token in a text (post 9811, "Problem Analysis", for its order).

A state is the longest suffix of what has been read that is a prefix of some token; fail[state] the longest proper suffix
of the state that is one too. Tokens that end at a position are read off the chain of fail links.
"""


def matches(text, vocabulary):
    """Every (a, e) with c_{a+1}..c_e in the vocabulary, in the order in which the automaton reports them."""
    states = {token[:k] for token in vocabulary for k in range(len(token) + 1)} | {""}
    fail = links(states)
    found, state = [], ""
    for e, c in enumerate(text, start=1):
        state = step(state, c, states, fail)
        suffix = state
        while suffix:
            if suffix in vocabulary:
                found.append((e - len(suffix), e))
            suffix = fail[suffix]
    return found


def links(states):
    """The fail link of every state but the empty one, shortest states first."""
    fail = {}
    for state in sorted(states - {""}, key=len):
        fail[state] = step(fail[state[:-1]], state[-1], states, fail) if len(state) > 1 else ""
    return fail


def step(state, c, states, fail):
    """The state after reading one more character."""
    while state + c not in states and state:
        state = fail[state]
    return state + c if state + c in states else ""
