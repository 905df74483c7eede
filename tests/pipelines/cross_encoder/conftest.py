"""A first stage whose rankings are given, and listwise groups with something to learn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from codisearch.codes import CodeTree
from codisearch.pipelines.cross_encoder.mining import MiningContext
from codisearch.retrieval.ranking import Rankings
from codisearch.retrieval.reranker import Documents

ALIASES = ["Essential (primary) hypertension", "High blood pressure", "azúcar"]
ALIAS_SOURCES = ["official_title", "inclusion_term", "query"]


@dataclass(frozen=True)
class GivenRanker:
    """Ranks as it was told: per query text, (code, score, alias position) in order."""

    vocabulary: list[str]
    given: dict[str, list[tuple[str, float, int]]]

    def rank(self, queries: Sequence[str], depth: int) -> Rankings:
        """Return what was given, cut to `depth`."""
        rankings = Rankings.empty(len(queries), depth)
        for row, query in enumerate(queries):
            for place, (code, score, alias) in enumerate(self.given[query][:depth]):
                rankings.codes[row, place] = self.vocabulary.index(code)
                rankings.scores[row, place] = score
                rankings.aliases[row, place] = alias
        return rankings


@pytest.fixture(scope="session")
def context_of(tiny_code_set: pd.DataFrame):
    """Return a function that makes a mining context of given rankings over the tiny code set."""
    vocabulary = tiny_code_set["code"].tolist()

    def make(given: dict[str, list[tuple[str, float, int]]]) -> MiningContext:
        return MiningContext(
            first=GivenRanker(vocabulary, given),
            documents=Documents(tiny_code_set["title"].tolist(), ALIASES, ALIAS_SOURCES),
            vocabulary=vocabulary,
            titles=dict(zip(tiny_code_set["code"], tiny_code_set["title"], strict=True)),
            tree=CodeTree.from_frame(tiny_code_set),
        )

    return make


@pytest.fixture(scope="session")
def toy_groups() -> pd.DataFrame:
    """Return 24 groups of three in which the right document speaks of the throat, whatever is asked."""
    rng = np.random.default_rng(0)
    words = ["asthma", "diabetes", "hypertension", "kidney"]
    rows = []
    for group in range(24):
        query = str(rng.choice(words))
        rows.append((group, query, "pain in throat", 1))
        rows += [(group, query, str(rng.choice(words)), 0) for _ in range(2)]
    frame = pd.DataFrame(rows, columns=["group", "query", "document", "label"])
    return frame.assign(origin=np.where(frame["label"] == 1, "right", "rank"))
