"""How many tokens a scan of a text can meet (post 9811, "Decoding"): l + (l-1) + ... + (l-m+1).

l length of the text, m length of the longest token, l >= m.
"""


def candidates(l, m):
    """Largest number of pairs (a, e), 0 <= a < e <= l, with e - a <= m."""
    return l * m - m * (m - 1) // 2
