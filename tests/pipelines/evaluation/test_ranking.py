"""Every system over the same aliases."""

import logging
from pathlib import Path

import pandas as pd
import pytest

from codisearch.pipelines.evaluation.params import EvaluationParams
from codisearch.pipelines.evaluation.ranking import SystemRanker
from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.cache import EmbeddingCache
from codisearch.schemas import RANKINGS

SYSTEMS = ["bm25", "char_tfidf", "base_encoder", "generalist", "bi_encoder", "two_stage"]


@pytest.fixture(scope="module")
def asked() -> pd.DataFrame:
    """Return three queries, each a text that stands as an alias, and one that nothing is like."""
    queries = ["High blood pressure", "Pain in throat", "Asthmatic bronchitis", "ξ"]
    return pd.DataFrame({"query_id": ["a", "b", "c", "d"], "query": queries}, dtype=str)


def ranker(bundle: Bundle, cache: EmbeddingCache, encoder: Path, systems: list[str]) -> SystemRanker:
    """Return a ranker of `systems` that ranks ten codes."""
    encoders = {"generalist": {"source": str(encoder), "kind": "static", "buckets": 64}}
    params = EvaluationParams.model_validate({"systems": systems, "encoders": encoders, "depth": 10})
    return SystemRanker(bundle, cache, params)


@pytest.fixture(scope="module")
def ranked(
    small_bundle: Bundle, embedding_cache: EmbeddingCache, tiny_encoder: Path, asked: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rankings of all systems and the seconds."""
    return ranker(small_bundle, embedding_cache, tiny_encoder, SYSTEMS).rank_all(asked)


def codes_of(rankings: pd.DataFrame, system: str) -> dict[str, list[str]]:
    """Return query id -> codes, best first, of one system."""
    rows = rankings[rankings["system"] == system].sort_values(["query_id", "rank"])
    return {str(query): group["code"].tolist() for query, group in rows.groupby("query_id")}


@pytest.mark.parametrize("system", SYSTEMS[:-1])
def test_equal_text_comes_first(system: str, ranked: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Every first stage puts the code first whose alias is the query."""
    first = {query: codes[0] for query, codes in codes_of(ranked[0], system).items()}
    assert [first[query] for query in "abc"] == ["I10", "R07.0", "J45.9"]


def test_rankings_are_whole(ranked: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Encoders rank ten codes for every query; lexical systems only codes that share something with it."""
    rankings, _ = ranked
    RANKINGS.validate(rankings)
    assert list(dict.fromkeys(rankings["system"])) == SYSTEMS
    for system in SYSTEMS[2:]:
        assert [len(codes) for codes in codes_of(rankings, system).values()] == [10] * 4
    assert "d" not in codes_of(rankings, "bm25")
    assert "d" not in codes_of(rankings, "char_tfidf")


def test_two_stage_is_the_direct_one(
    ranked: tuple[pd.DataFrame, pd.DataFrame], small_bundle: Bundle, asked: pd.DataFrame
) -> None:
    """Sharing the first stage changes nothing, even where the second reads more codes than are ranked."""
    direct = small_bundle.two_stage().rank(asked["query"].tolist(), 10)
    vocabulary = small_bundle.codes["code"].tolist()
    expected = direct.to_frame("two_stage", asked["query_id"].tolist(), vocabulary)
    found = ranked[0][ranked[0]["system"] == "two_stage"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected)
    first = codes_of(ranked[0], "bi_encoder")
    assert any(set(codes) - set(first[query]) for query, codes in codes_of(found, "two_stage").items())


def test_order_of_systems(
    ranked: tuple[pd.DataFrame, pd.DataFrame],
    small_bundle: Bundle,
    embedding_cache: EmbeddingCache,
    tiny_encoder: Path,
    asked: pd.DataFrame,
) -> None:
    """Two stages rank the same without or before the bi-encoder."""
    for systems in (["two_stage"], ["two_stage", "bi_encoder"]):
        rankings, _ = ranker(small_bundle, embedding_cache, tiny_encoder, systems).rank_all(asked)
        for system in systems:
            assert codes_of(rankings, system) == codes_of(ranked[0], system)


def test_base_encoder_is_the_start(ranked: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """The un-tuned encoder is the one that the training facts name: here the very same weights."""
    assert codes_of(ranked[0], "base_encoder") == codes_of(ranked[0], "bi_encoder")
    assert codes_of(ranked[0], "generalist") != codes_of(ranked[0], "bi_encoder")


def test_seconds(ranked: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """The seconds of both stages include those of the first."""
    times = ranked[1].set_index("system")
    assert times.index.tolist() == SYSTEMS
    assert times.loc["two_stage", "seconds"] >= times.loc["bi_encoder", "seconds"] >= 0
    assert (times["queries"] == 4).all()


def test_aliases_are_encoded_once(
    ranked: tuple[pd.DataFrame, pd.DataFrame],
    small_bundle: Bundle,
    embedding_cache: EmbeddingCache,
    tiny_encoder: Path,
    asked: pd.DataFrame,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A second evaluation takes the vectors of the un-tuned encoders from the cache."""
    assert len(ranked[0])
    with caplog.at_level(logging.INFO, "codisearch"):
        ranker(small_bundle, embedding_cache, tiny_encoder, ["base_encoder", "generalist"]).rank_all(asked)
    assert "base_encoder: 0 of 27 aliases encoded" in caplog.text
    assert "generalist: 0 of 27 aliases encoded" in caplog.text
