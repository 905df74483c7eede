"""Nodes of the `generation` pipeline."""

import logging

import numpy as np
import pandas as pd

from codisearch.errors import ConfigurationError
from codisearch.pipelines.generation.params import GenerationParams

logger = logging.getLogger(__name__)


def generate_pairs(corpus: pd.DataFrame, params: GenerationParams) -> pd.DataFrame:
    """Return the pairs that the generator gives (`schemas.RAW_PAIRS`).

    Args:
        corpus: The pairs of the corpus files, which are the offline generator's output.
        params: Which generator, and of how many codes the pairs are kept.

    Raises:
        ConfigurationError: If the generator is not part of this release.
    """
    if params.generator != "corpus":
        raise ConfigurationError(
            f"generation.generator {params.generator!r}: the live client is not part of this release; "
            "allowed is 'corpus', the pairs under data/01_raw/corpus."
        )
    pairs = sample_by_code(corpus, params.sample_codes)
    logger.info("%d pairs of %d codes.", len(pairs), pairs["code"].nunique())
    return pairs


def sample_by_code(pairs: pd.DataFrame, codes: int | None) -> pd.DataFrame:
    """Return all pairs of `codes` codes that have queries, evenly spread in code order; None keeps all."""
    if codes is None:
        return pairs
    queries = pairs[pairs["style"] != "title"]
    every = np.sort((queries if len(queries) else pairs)["code"].unique().astype(object))
    places = np.linspace(0, len(every) - 1, min(codes, len(every))).round().astype(int)
    return pairs[pairs["code"].isin(every[places])].reset_index(drop=True)
