"""What attention layers hold and cost, in closed form (post 10091): numbers of weights, cached numbers, multiply-adds.

d width of the layer; h heads, g groups of keys and values; d_k, d_r, d_v sizes of content, rotary part and value of a head;
d_c latent of keys and values, d_cq latent of queries.
"""

from fractions import Fraction


def times_the_usual_heads(d, h, d_k):
    """The usual number of heads is d / d_k."""
    return Fraction(h * d_k, d)


def per_cached_number_gqa(h, g):
    """Multiply-adds with the cache in one step of generation, per number that is cached: MHA is g = h, MQA is g = 1."""
    return Fraction(h, g)


def per_cached_number_mla(h, d_c, d_r):
    """The same for latent attention in its absorbed form: the latent serves twice, as key and as value, and for all heads."""
    return Fraction(h * (2 * d_c + d_r), d_c + d_r)


def query_weights(d, h, d_k, d_r):
    return d * h * (d_k + d_r)


def low_rank_query_weights(d, d_cq, h, d_k, d_r):
    return d_cq * (d + h * (d_k + d_r))


def largest_saving_rank(d, h, d_k, d_r):
    """The largest d_cq with which queries of low rank have fewer weights."""
    width = h * (d_k + d_r)
    return (d * width - 1) // (d + width)


def cached_by_mla(d_c, d_r, d_cq):
    """Numbers per token and layer; the latent of the queries is not among them."""
    return d_c + d_r


def decoder_weights(vocabulary, layers, d, d_ff, h, g):
    """A decoder like Llama 2: heads of size d / h, gated feed-forward layers, two norms a layer, embeddings that are not tied."""
    attention = 2 * d * d + 2 * d * g * (d // h)
    return 2 * vocabulary * d + layers * (attention + 3 * d * d_ff + 2 * d) + d
