"""A residual stack of latent-attention layers with every stored tensor rounded (post 10091, notes after "MLA", part 1).

x (n, d) the stream; a layer is W_c, W_q, W_qr, W_k, W_kr, W_v of rounded_mla.py and W_o (h, d_v, d); form is one of that file's.
stored(z) rounds what a layer stores, kept(z) the stream itself; n, d and leading dimensions as in rounded_mla.py.
"""

from impls.attention.rounded_mla import merged_form, mha_form, serial_form

__all__ = ["merged_form", "mha_form", "serial_form", "streams"]


def normalised(x):
    return x / x.square().mean(-1, keepdim=True) ** 0.5


def streams(form, stored, kept, x, positions, theta, layers):
    """The streams after 0, 1, 2, ... layers: x <- x + concat(o) W_o, with o from the normalised x."""
    after = [x]
    for *weights, W_o in layers:
        o = form(stored, stored(normalised(x)), positions, theta, *weights)[..., x.shape[-2] :]
        x = kept(x + stored((o @ W_o).sum(-3, keepdim=True)))
        after.append(x)
    return after
