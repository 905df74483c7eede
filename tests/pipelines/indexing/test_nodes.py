"""The nodes of the indexing pipeline."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bundles import score_alone

import codisearch
from codisearch.pipelines.indexing import create_pipeline, nodes
from codisearch.pipelines.indexing.params import IndexingParams
from codisearch.retrieval.bundle import FORMAT, Bundle
from codisearch.retrieval.cache import EmbeddingCache
from codisearch.retrieval.confidence import Confidence
from codisearch.retrieval.confident import ConfidentRanker
from codisearch.retrieval.evidence import FEATURES, EvidenceReader
from codisearch.retrieval.reranker import Fusion
from codisearch.retrieval.trained import TrainedModel
from codisearch.schemas import ALIASES


def test_pipeline() -> None:
    """The pipeline makes aliases, their vectors, titles, probabilities and of all these the bundle."""
    assert create_pipeline().outputs() == {"registered_bundle"}
    made = {"aliases", "vector_index", "confidence", "display_names", "bundle", "registered_bundle"}
    assert create_pipeline().all_outputs() == made


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (("official_title",), {"official_title": 13}),
        (("query", "inclusion_term"), {"query": 9, "inclusion_term": 5}),
    ],
)
def test_build_aliases(
    sources: Sequence[str],
    expected: dict[str, int],
    tiny_code_set: pd.DataFrame,
    tiny_pairs: pd.DataFrame,
    no_aliases: pd.DataFrame,
    no_titles: pd.DataFrame,
) -> None:
    """The chosen sources enter, and of the queries only those of the training split."""
    params = IndexingParams.model_validate({"alias_sources": sources})
    aliases = nodes.build_aliases(tiny_code_set, tiny_pairs, no_aliases, no_titles, params)
    ALIASES.validate(aliases)
    assert aliases["source"].value_counts().to_dict() == expected
    assert "asma" not in set(aliases["alias"])  # a test query


def test_manifest(
    small_bundle: Bundle, trained_encoder: TrainedModel, trained_reranker: TrainedModel
) -> None:
    """The manifest says what the bundle is made of."""
    manifest = small_bundle.manifest
    assert manifest.format == FORMAT
    assert manifest.codisearch == codisearch.__version__
    assert (manifest.release, manifest.codes, manifest.aliases) == ("tiny", 13, 27)
    assert manifest.alias_sources == {"official_title": 13, "query": 9, "inclusion_term": 5}
    assert (manifest.dimension, manifest.index) == (32, "Flat")
    assert manifest.fusion == Fusion(depth=12, weight=4000.0)
    assert manifest.encoder == trained_encoder.fingerprint
    assert manifest.reranker == trained_reranker.fingerprint


def test_index(small_bundle: Bundle, tiny_code_set: pd.DataFrame) -> None:
    """Every title finds its own code first."""
    assert small_bundle.index.ntotal == 27
    first = small_bundle.first_stage().rank(tiny_code_set["title"].tolist(), 1)
    assert first.codes[:, 0].tolist() == list(range(13))


def test_vectors_come_from_the_cache(
    small_bundle: Bundle,
    trained_encoder: TrainedModel,
    embedding_cache: EmbeddingCache,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A second index encodes only the alias that is new, and is of the kind that was asked for."""
    new = pd.DataFrame(
        {"alias": ["asthme"], "code": ["J45"], "language": ["fr"], "source": ["title"]}, dtype=str
    )
    aliases = pd.concat([small_bundle.aliases, new], ignore_index=True)
    params = IndexingParams(alias_sources=("official_title",), index="SQfp16")
    with caplog.at_level(logging.INFO, "codisearch"):
        index = nodes.build_index(trained_encoder, aliases, embedding_cache, params)
    assert "Encoded 1 of 28 aliases" in caplog.text
    assert (index.ntotal, index.d, type(index).__name__) == (28, 32, "IndexScalarQuantizer")
    np.testing.assert_allclose(index.reconstruct(3), small_bundle.index.reconstruct(3), atol=1e-3)


def pairs_of(*rows: tuple[str, str, str, str, str, bool]) -> pd.DataFrame:
    """Return pairs of query, code, language, style, split and whether the code is seen."""
    return pd.DataFrame(rows, columns=["query", "code", "language", "style", "split", "seen"])


def test_validation_queries() -> None:
    """A query has all its codes in order, and is seen if one of them is; titles and other splits are none."""
    pairs = pairs_of(
        ("diabete", "E11.9", "it", "lay", "validation", False),
        ("diabete", "E10.9", "it", "lay", "validation", True),
        ("diabete", "E10.9", "it", "formal", "validation", True),
        ("diabete", "E11.9", "pt", "lay", "validation", False),
        ("Diabete mellito", "E11.9", "it", "title", "validation", True),
        ("asma", "J45.9", "es", "lay", "train", True),
        ("mal di gola", "R07.0", "it", "lay", "test", True),
    )
    found = nodes.validation_queries(pairs)
    assert found.to_dict("split")["data"] == [
        ["it", "diabete", ["E10.9", "E11.9"], True],
        ["pt", "diabete", ["E11.9"], False],
    ]
    assert list(found.columns) == ["language", "query", "codes", "seen"]


def fit_in(bundle: Bundle, codes: pd.DataFrame, pairs: pd.DataFrame, **changes: object) -> Confidence:
    """Return the probabilities that are fitted for the models and the index of a bundle."""
    params = IndexingParams.model_validate({"alias_sources": ["query"], "confidence": changes})
    return nodes.fit_confidence(
        bundle.encoder, bundle.reranker, bundle.index, bundle.aliases, codes, pairs, params
    )


@pytest.mark.parametrize(
    ("unseen_share", "weights"),
    [
        (0.7, [0.4, 0.4, 2.8, 0.4]),  # .3 over three quarters, and .7 over a quarter
        (0.25, [1.0, 1.0, 1.0, 1.0]),
        (None, [1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_what_probabilities_are_fitted_on(
    monkeypatch: pytest.MonkeyPatch,
    small_bundle: Bundle,
    tiny_code_set: pd.DataFrame,
    unseen_share: float | None,
    weights: list[float],
) -> None:
    """A validation query comes with its right codes in the order of the stages, language, fold, weight."""
    pairs = pairs_of(
        ("asma", "J45.9", "es", "lay", "validation", True),
        ("gota", "E11", "es", "lay", "validation", True),
        ("diabete", "E10.9", "it", "lay", "validation", False),
        ("mal di gola", "R07.0", "it", "lay", "validation", True),
        ("mal di gola", "R07.9", "it", "lay", "validation", True),
    )
    asked = []
    monkeypatch.setattr(nodes, "fit_logit", lambda *given: asked.append(given) or score_alone())
    found = fit_in(small_bundle, tiny_code_set, pairs, unseen_share=unseen_share, precision=0.7, folds=3)
    assert found == Confidence(two_stage=score_alone(), first_stage=score_alone(), precision=0.7)
    rankers = (small_bundle.two_stage(), small_bundle.first_stage())
    texts = ["asma", "gota", "diabete", "mal di gola"]
    wanted = [{"J45.9"}, {"E11"}, {"E10.9"}, {"R07.0", "R07.9"}]
    for ranker, (evidence, right, languages, folds, counts, params) in zip(rankers, asked, strict=True):
        codes = tiny_code_set["code"].to_numpy()[ranker.rank(texts, 13).codes]
        expected = [[code in all_ for code in row] for row, all_ in zip(codes, wanted, strict=True)]
        assert right[:, :13].tolist() == expected
        assert not right[:, 13:].any()
        assert evidence.filled.tolist() == [[True] * 13 + [False] * 37] * 4
        assert languages == ["es", "es", "it", "it"]
        assert counts.tolist() == pytest.approx(weights)
        assert all(0 <= fold < 3 for fold in folds)
        assert params.precision == 0.7
    liked = [evidence.candidates[:, :, FEATURES.index("log_liked")] for evidence, *_ in asked]
    assert len(np.unique(liked[0])) > 1
    assert len(np.unique(liked[1])) == 1  # without the second stage it likes nothing


def test_queries_of_a_code_share_a_fold(
    monkeypatch: pytest.MonkeyPatch, small_bundle: Bundle, tiny_code_set: pd.DataFrame
) -> None:
    """Ten queries of one code are in one fold, so that no model is tried on a code that it was fitted on."""
    codes = ["E11.9", "I10", "J45.9", "R07.9", "E10.9"]
    pairs = pairs_of(
        *(
            (f"query {number}", code, "es", "lay", "validation", True)
            for code in codes
            for number in range(10)
        )
    )
    pairs["query"] = pairs["query"] + " of " + pairs["code"]
    folds: list[list[int]] = []
    monkeypatch.setattr(nodes, "fit_logit", lambda *given: folds.append(given[3]) or score_alone())
    fit_in(small_bundle, tiny_code_set, pairs)
    order = nodes.validation_queries(pairs)["codes"].str[0]
    assert pd.Series(folds[0]).groupby(order).nunique().tolist() == [1] * 5
    assert len(set(folds[0])) > 1
    assert folds[0] == folds[1]


@pytest.fixture(scope="module")
def many_codes() -> pd.DataFrame:
    """Return sixty codes with nonsense titles, more than are weighed for a query."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    titles = [f"{letters[n % 26] * 3} {letters[n // 3] * 2} {letters[(7 * n) % 25]}" for n in range(60)]
    codes = [f"A{n:02}" for n in range(60)]
    return pd.DataFrame({"code": codes, "title": titles, "billable": True})


def test_probabilities_tell_what_is_known(
    small_bundle: Bundle,
    many_codes: pd.DataFrame,
    trained_encoder: TrainedModel,
    embedding_cache: EmbeddingCache,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Queries that are titles are answered at a precision of .8, and those that say nothing are not."""
    aliases = many_codes[["code"]].assign(alias=many_codes["title"], language="en", source="official_title")
    params = IndexingParams(alias_sources=("official_title",))
    index = nodes.build_index(trained_encoder, aliases, embedding_cache, params)
    right = [
        (title, code, True) for title, code in zip(many_codes["title"][:40], many_codes["code"], strict=False)
    ]
    wrong = [(f"{code.lower()} quux", code, False) for code in many_codes["code"][:20]]
    pairs = pairs_of(
        *((query, code, "en", "lay", "validation", seen) for query, code, seen in (*right, *wrong))
    )
    bundle = replace(small_bundle, index=index, aliases=aliases, codes=many_codes)
    with caplog.at_level(logging.INFO, "codisearch"):
        found = fit_in(bundle, many_codes, pairs, least_answers=5, unseen_share=None)
    assert "Confidence: fitted on 60 validation queries; at a precision of 0.80" in caplog.text
    ranker = ConfidentRanker(bundle.two_stage(), found, EvidenceReader(many_codes))
    queries = [query for query, *_ in (*right, *wrong)]
    answer = ranker.answer(queries, ["en"] * 60, rerank=False)
    known = answer.probabilities[:, 0] >= found.threshold(0.8, rerank=False)
    assert known[:40].all()
    assert not known[40:].any()
    assert answer.rankings.codes[:40, 0].tolist() == list(range(40))
    assert (answer.probabilities.sum(axis=1) <= 1 + 1e-4).all()
    assert found.first_stage != found.two_stage


def test_collect_titles() -> None:
    """A national title comes before one of the corpus; English, queries and unknown codes are left out."""
    national = pd.DataFrame(
        [("I10", "es", "Hipertensión esencial"), ("Z99", "es", "Otro"), ("I10", "en", "Hypertension")],
        columns=["code", "language", "title"],
    )
    corpus = pairs_of(
        ("Hipertensió arterial", "I10", "ca", "title", "test", False),
        ("Hipertensión arterial", "I10", "es", "title", "train", True),
        ("Asma", "J45", "es", "title", "validation", True),
        ("Asma bronquial", "J45", "es", "title", "train", True),
        ("asma de siempre", "J45", "it", "lay", "train", True),
        ("Asthma", "J45", "en", "title", "train", True),
    )
    titles = nodes.collect_titles(corpus, national, pd.DataFrame({"code": ["I10", "J45"]}))
    assert titles.to_dict("split")["data"] == [
        ["I10", "ca", "Hipertensió arterial"],
        ["I10", "es", "Hipertensión esencial"],
        ["J45", "es", "Asma"],
    ]
    assert list(titles.columns) == ["code", "language", "title"]


def test_bundle(small_bundle: Bundle, tiny_code_set: pd.DataFrame) -> None:
    """Codes carry what a card shows; what is excluded is theirs, and confusable codes are of the code set."""
    notes = pd.DataFrame({"code": ["I10", "Z99"], "excludes": [["hypertension of pregnancy (O10)"], ["x"]]})
    confusables = pd.DataFrame(
        [
            ("E11.9", "Z99", "disorder", "-"),
            ("R07.9", "R07.0", "site", "Throat"),
            ("Z99", "I10", "site", "-"),
        ],
        columns=["code", "confusable", "qualifier", "difference"],
    )
    titles = pd.DataFrame([("I10", "es", "Hipertensión")], columns=["code", "language", "title"])
    before = tiny_code_set.copy()
    bundle = nodes.build_bundle(
        small_bundle.encoder,
        small_bundle.reranker,
        small_bundle.index,
        small_bundle.aliases,
        tiny_code_set,
        notes,
        titles,
        confusables,
        small_bundle.confidence,
        IndexingParams(alias_sources=("query",)),
    )
    names = ["code", "title", "billable", "parent", "chapter", "inclusion_terms", "excludes"]
    assert list(bundle.codes.columns) == names
    excludes = dict(zip(bundle.codes["code"], bundle.codes["excludes"], strict=True))
    assert excludes.pop("I10") == ["hypertension of pregnancy (O10)"]
    assert list(excludes.values()) == [[]] * 12
    assert bundle.confusables.to_dict("split")["data"] == [["R07.9", "R07.0", "site", "Throat"]]
    assert bundle.titles is titles
    assert bundle.confidence is small_bundle.confidence
    pd.testing.assert_frame_equal(tiny_code_set, before)
    assert nodes.release(bundle) is bundle


def test_no_source() -> None:
    """An index without any alias is refused."""
    with pytest.raises(ValueError, match="at least 1 item"):
        IndexingParams(alias_sources=())


def test_unknown_source() -> None:
    """An unknown source is refused with those that exist."""
    with pytest.raises(ValueError, match="'official_title', 'inclusion_term'"):
        IndexingParams.model_validate({"alias_sources": ["titles"]})


def test_small_bundle_comes_back(small_bundle: Bundle, tmp_path: Path) -> None:
    """Thirteen codes are fewer than are weighed: the fit is finite, and the bundle can be opened again."""
    small_bundle.save(tmp_path / "bundle")
    assert Bundle.load(tmp_path / "bundle").confidence == small_bundle.confidence
    assert len({scale.scale for scale in small_bundle.confidence.two_stage.languages.values()}) >= 1
