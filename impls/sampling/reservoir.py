"""A weighted reservoir of size one (post 9811, "The Solution"): arrival i is kept with probability x_i / Z_i.

x_i >= 0 weight of the i-th arrival; Z_i = x_1 + ... + x_i.
"""


def keep(weights, coin):
    """Index of the arrival that is kept in the end, None if nothing of weight has arrived. `coin(p)` is true with probability p."""
    Z, kept = 0, None
    for i, x in enumerate(weights):
        if x == 0:
            continue  # 0/0 before the first arrival of any weight
        Z += x
        if coin(x / Z):
            kept = i
    return kept
