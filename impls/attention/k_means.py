"""Lloyd's k-means, which the post suggests for the first codebook (post 9844, "remarks"); any exact numbers.

K (n, d) keys and C (c, d) codes as lists of rows.
"""


def square(k, c):
    """|k - c|^2."""
    return sum((x - y) ** 2 for x, y in zip(k, c, strict=True))


def nearest(K, C):
    """Index of the nearest code of every key."""
    return [min(range(len(C)), key=lambda i: square(k, C[i])) for k in K]


def means(K, z, C):
    """The mean of every code's keys; a code without keys stays where it is."""
    clusters = [[k for k, code in zip(K, z, strict=True) if code == i] for i in range(len(C))]
    return [[sum(column) / len(keys) for column in zip(*keys, strict=True)] if keys else c for keys, c in zip(clusters, C, strict=True)]


def step(K, C):
    """One iteration: new codes."""
    return means(K, nearest(K, C), C)
