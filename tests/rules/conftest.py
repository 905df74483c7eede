"""A small code set, the shipped parameters of the curation, and a way to write pairs as short tuples."""

from curation_fixtures import code_set, make_pairs, params

__all__ = ["code_set", "make_pairs", "params"]
