"""The recurrent form of RetNet's retention, as far as its state goes (post 9844, "divergent thinking").

h heads: q, k (h, d_k), v (h, d_v / h) of one token, decay gamma (h,); state S (h, d_k, d_v / h).
"""


def step(S, q, k, v, gamma):
    """S_i = gamma S_(i-1) + k_i^T v_i, o_i = q_i S_i: o_i (h, d_v / h), S_i."""
    S = gamma[:, None, None] * S + k[:, :, None] * v[:, None, :]
    return (q[:, None, :] @ S)[:, 0], S
