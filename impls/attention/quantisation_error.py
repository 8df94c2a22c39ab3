"""How far attention moves where its keys do, from K_j to their codes: a bound for every query (post 9844, "VQ it").

e (..., n) with e_j = q . (C_zj - K_j), the changes of a query's logits; a change of all by the same amount does nothing.
"""


def half_range(e):
    """delta = (max_j e_j - min_j e_j) / 2: (...,)."""
    return (e.amax(-1) - e.amin(-1)) / 2


def largest_total_variation(e):
    """tanh(delta / 2), which the total variation between the two rows of attention does not exceed: (...,)."""
    return (half_range(e) / 2).tanh()


def largest_output_error(e, V):
    """2 tanh(delta / 2) max_j |V_j|: V (n, d_v) -> (...,)."""
    return 2 * largest_total_variation(e) * V.norm(dim=-1).amax()
