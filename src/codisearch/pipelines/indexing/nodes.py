"""The nodes of the indexing pipeline."""

import logging
import time
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from codisearch.pipelines.indexing.confidence import fit_logit
from codisearch.pipelines.indexing.params import IndexingParams
from codisearch.retrieval import aliases as alias_table
from codisearch.retrieval.bundle import Bundle, first_stage_of, new_manifest, two_stage_of
from codisearch.retrieval.cache import EmbeddingCache
from codisearch.retrieval.confidence import Confidence
from codisearch.retrieval.encoder import encode, fingerprint_of
from codisearch.retrieval.evidence import CANDIDATES, EvidenceReader
from codisearch.retrieval.index import build_faiss
from codisearch.retrieval.reranker import Fusion
from codisearch.retrieval.trained import TrainedModel

logger = logging.getLogger(__name__)


def build_aliases(
    code_set: pd.DataFrame,
    pairs: pd.DataFrame,
    index_aliases: pd.DataFrame,
    national_titles: pd.DataFrame,
    params: IndexingParams,
) -> pd.DataFrame:
    """Return the alias table of the chosen sources (see `retrieval.aliases.build_aliases`)."""
    aliases = alias_table.build_aliases(code_set, pairs, index_aliases, national_titles, params.alias_sources)
    logger.info("Aliases by source: %s", aliases["source"].value_counts().to_dict())
    return aliases


def build_index(
    bi_encoder: TrainedModel, aliases: pd.DataFrame, embedding_cache: EmbeddingCache, params: IndexingParams
) -> Any:  # noqa: ANN401
    """Encode every alias that the cache does not hold, and return the FAISS index of them all."""
    started = time.perf_counter()
    model = bi_encoder.model
    cached = embedding_cache.vectors(
        fingerprint_of(model),
        aliases["alias"].tolist(),
        lambda texts: encode(model, texts, progress=True),  # type: ignore[arg-type]
    )
    seconds = time.perf_counter() - started
    logger.info(
        "Encoded %d of %d aliases in %.1f s (%.0f a second); the others were in the cache",
        cached.encoded,
        len(aliases),
        seconds,
        cached.encoded / seconds,
    )
    return build_faiss(cached.vectors, params.index)


def fit_confidence(
    bi_encoder: TrainedModel,
    cross_encoder: TrainedModel,
    vector_index: Any,  # noqa: ANN401
    aliases: pd.DataFrame,
    code_set: pd.DataFrame,
    pairs: pd.DataFrame,
    params: IndexingParams,
) -> Confidence:
    """Fit the probabilities of answers on the validation queries, with the second stage and without it."""
    queries = validation_queries(pairs)
    texts = queries["query"].tolist()
    fusion = Fusion.model_validate(cross_encoder.facts["fusion"])
    first = first_stage_of(bi_encoder, vector_index, aliases, code_set)
    stages = two_stage_of(first, cross_encoder, aliases, code_set, fusion)
    reader = EvidenceReader(code_set)
    position = {code: number for number, code in enumerate(code_set["code"])}
    wanted = [{position[code] for code in codes} for codes in queries["codes"]]
    fold = [zlib.crc32(codes[0].encode()) % params.confidence.folds for codes in queries["codes"]]
    weights = _weights_of(queries["seen"].to_numpy(dtype=bool), params.confidence.unseen_share)
    vectors = stages.encode(texts)
    models = {}
    for name, rerank in (("two_stage", True), ("first_stage", False)):
        staged = stages.rank_in_stages(texts, vectors, CANDIDATES, rerank=rerank)
        evidence = reader.read(texts, staged)
        right = np.array(
            [
                [code in codes for code in row]
                for row, codes in zip(staged.rankings.codes[:, :CANDIDATES].tolist(), wanted, strict=True)
            ]
        ).reshape(evidence.filled.shape)
        models[name] = fit_logit(
            evidence, right, queries["language"].tolist(), fold, weights, params.confidence
        )
    confidence = Confidence(**models, precision=params.confidence.precision)
    asked = next(
        one for one in confidence.two_stage.thresholds if one.precision >= confidence.precision - 1e-9
    )
    logger.info(
        "Confidence: fitted on %d validation queries; at a precision of %.2f it answers %.0f %%",
        len(texts),
        asked.precision,
        100 * asked.coverage,
    )
    return confidence


def validation_queries(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the queries of the validation split: `query`, `language`, all their `codes`, whether `seen`."""
    chosen = pairs[(pairs["split"] == "validation") & (pairs["style"] != "title")]
    grouped = chosen.groupby(["language", "query"], sort=True)
    queries = grouped.agg(codes=("code", lambda all_: sorted(set(all_))), seen=("seen", "any"))
    return queries.reset_index()


def _weights_of(seen: npt.NDArray[np.bool_], unseen_share: float | None) -> npt.NDArray[np.float64]:
    """Return weights with which unseen queries have a share; equal ones where there is nothing to weigh."""
    if unseen_share is None or seen.all() or not seen.any():
        return np.ones(len(seen))
    share = float(seen.mean())
    return np.where(seen, (1.0 - unseen_share) / share, unseen_share / (1.0 - share)).astype(np.float64)


def collect_titles(
    valid_pairs: pd.DataFrame, national_titles: pd.DataFrame, code_set: pd.DataFrame
) -> pd.DataFrame:
    """Return a title to show for each code and language but English: the national one, else the corpus's.

    They are shown and not searched, so the split of the pairs does not matter here.
    """
    written = valid_pairs[valid_pairs["style"] == "title"].rename(columns={"query": "title"})
    names = ["code", "language", "title"]
    titles = pd.concat([national_titles[names], written[names]], ignore_index=True)
    titles = titles[titles["code"].isin(code_set["code"]) & (titles["language"] != "en")]
    return titles.drop_duplicates(["code", "language"]).sort_values(["code", "language"], ignore_index=True)


def build_bundle(
    bi_encoder: TrainedModel,
    cross_encoder: TrainedModel,
    vector_index: Any,  # noqa: ANN401
    aliases: pd.DataFrame,
    code_set: pd.DataFrame,
    code_notes: pd.DataFrame,
    titles: pd.DataFrame,
    confusables: pd.DataFrame,
    confidence: Confidence,
    params: IndexingParams,
) -> Bundle:
    """Pack what search needs."""
    manifest = new_manifest(
        release=str(code_set["release"].iloc[0]),
        codes=len(code_set),
        aliases=len(aliases),
        alias_sources={str(name): int(count) for name, count in aliases["source"].value_counts().items()},
        dimension=int(vector_index.d),
        index=params.index,
        fusion=Fusion.model_validate(cross_encoder.facts["fusion"]),
        encoder=bi_encoder.fingerprint,
        reranker=cross_encoder.fingerprint,
    )
    notes = code_notes.set_index("code")["excludes"].to_dict()
    excludes = pd.Series([list(notes.get(code, [])) for code in code_set["code"]], code_set.index)
    codes = code_set[["code", "title", "billable", "parent", "chapter", "inclusion_terms"]]
    codes = codes.assign(excludes=excludes)
    known = confusables["code"].isin(code_set["code"]) & confusables["confusable"].isin(code_set["code"])
    return Bundle(
        encoder=bi_encoder,
        reranker=cross_encoder,
        index=vector_index,
        aliases=aliases,
        codes=codes,
        titles=titles,
        confusables=confusables[known].reset_index(drop=True),
        confidence=confidence,
        manifest=manifest,
    )


def release(bundle: Bundle) -> Bundle:
    """Hand the finished bundle over to the model registry."""
    return bundle
