"""The nodes of curation: every one takes whole tables and returns whole tables, and no row disappears."""

import logging
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from codisearch.errors import InputError
from codisearch.pipelines.curation import reports
from codisearch.pipelines.curation.duplicates import assign_clusters, find_repeats, link_languages
from codisearch.pipelines.curation.params import CurationParams
from codisearch.pipelines.curation.rules import RuleContext, apply_rules
from codisearch.pipelines.curation.similarity import near_pairs
from codisearch.pipelines.curation.split import (
    assign_splits,
    choose_unseen_codes,
    claim_clusters,
    find_held_out_titles,
)
from codisearch.pipelines.curation.text import keys_of

logger = logging.getLogger(__name__)

_MOST_FREQUENT = 3


def validate_pairs(
    raw_pairs: pd.DataFrame, code_set: pd.DataFrame, params: CurationParams
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Divide the pairs into those that pass every rule and those that do not.

    Args:
        raw_pairs: Pairs as generated (`schemas.RAW_PAIRS`).
        code_set: The code set (`schemas.CODE_SET`).
        params: The pipeline's parameters.

    Returns:
        Valid pairs, and refused ones with `rule` and `detail`.

    Raises:
        InputError: If no pair is valid.
    """
    verdicts = apply_rules(raw_pairs, RuleContext.from_code_set(code_set, params))
    valid, rejected = _divide(raw_pairs, verdicts)
    if valid.empty:
        raise InputError(
            f"None of the {len(raw_pairs)} pairs passes the rules; "
            f"refused most often by: {_top_rules(rejected)}."
        )
    logger.info("Rules: %d of %d pairs pass; refused: %s", len(valid), len(raw_pairs), _top_rules(rejected))
    return valid, rejected


def find_near_duplicates(valid_pairs: pd.DataFrame, params: CurationParams) -> pd.DataFrame:
    """Return the pairs of near-duplicate queries over all languages and codes.

    Returns:
        Columns `left` and `right` (queries in their normal form) and `cosine`, down to the lowest that a
        later step needs.
    """
    near = near_pairs(keys_of(valid_pairs).unique().tolist(), params.search_threshold, params.near_duplicates)
    logger.info(
        "Near-duplicates: %d pairs of queries at cosine %.2f or more", len(near), params.search_threshold
    )
    return near


def deduplicate(
    valid_pairs: pd.DataFrame, near_duplicates: pd.DataFrame, params: CurationParams
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Divide the valid pairs into first mentions and repeats of one query for one code.

    The same query with another code is no repeat: it has several relevant codes.

    Returns:
        Distinct pairs with `duplicate_of`, and repeats with `rule` and `detail`.
    """
    near = params.near_duplicates
    verdicts = find_repeats(valid_pairs, near_duplicates, near.duplicate_threshold, near.across_languages)
    distinct, repeats = _divide(valid_pairs, verdicts)
    distinct = distinct.assign(duplicate_of=link_languages(distinct))
    linked = int((distinct["duplicate_of"] != "").sum())
    logger.info(
        "Repeats: %d refused (%s); %d linked across languages", len(repeats), _top_rules(repeats), linked
    )
    return distinct, repeats


def cluster_pairs(
    distinct_pairs: pd.DataFrame, near_duplicates: pd.DataFrame, params: CurationParams
) -> pd.DataFrame:
    """Return the pairs with the `cluster` of near-duplicates that each belongs to."""
    clusters = assign_clusters(distinct_pairs, near_duplicates, params.near_duplicates.cluster_threshold)
    logger.info(
        "Clusters: %d of %d pairs, the largest of %d", clusters.nunique(), len(clusters), _largest(clusters)
    )
    return distinct_pairs.assign(cluster=clusters)


def split_pairs(
    clustered_pairs: pd.DataFrame, code_set: pd.DataFrame, params: CurationParams
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Assign every cluster to train, validation or test.

    A share of the codes is held out of training; a cluster that touches one goes to that code's split. Titles
    never go to validation or test, so titles in such a cluster are refused.

    Returns:
        Pairs with `split` and `seen` (`schemas.PAIRS`), and refused titles with `rule` and `detail`.
    """
    rng = np.random.default_rng(params.split.seed)
    chapters = dict(zip(code_set["code"], code_set["chapter"], strict=True))
    unseen = choose_unseen_codes(clustered_pairs, chapters, params.split.unseen_codes, rng)
    claimed = claim_clusters(clustered_pairs, unseen)
    titles = find_held_out_titles(clustered_pairs, claimed)
    verdicts = pd.DataFrame(
        {
            "rule": np.where(titles, "held_out_title", ""),
            "detail": np.where(titles, "A title in the cluster of a code that is held out of training.", ""),
        },
        index=clustered_pairs.index,
    ).astype(str)
    kept, refused = _divide(clustered_pairs, verdicts)
    pairs = kept.assign(split=assign_splits(kept, claimed, params.split, rng))
    pairs["seen"] = pairs["code"].isin(pairs.loc[pairs["split"] == "train", "code"])
    _log_split(pairs, len(unseen))
    return pairs, refused.drop(columns=["duplicate_of", "cluster"])


def collect_rejections(
    rule_rejections: pd.DataFrame, repeat_rejections: pd.DataFrame, title_rejections: pd.DataFrame
) -> pd.DataFrame:
    """Return every refused pair with its `rule` and `detail` (`schemas.REJECTED_PAIRS`)."""
    return pd.concat([rule_rejections, repeat_rejections, title_rejections], ignore_index=True)


def report_leakage(
    raw_pairs: pd.DataFrame,
    pairs: pd.DataFrame,
    rejected_pairs: pd.DataFrame,
    near_duplicates: pd.DataFrame,
    params: CurationParams,
) -> dict[str, Any]:
    """Return what became of the rows and how much leaks from train into test, as a JSON document."""
    leakage = reports.summarise_leakage(pairs, near_duplicates, params.leakage_thresholds, params.split.seed)
    threshold = params.near_duplicates.cluster_threshold
    for row in leakage["by_threshold"]:
        counts = (row["threshold"], row["before"]["count"], row["after"]["count"], leakage["test_queries"])
        logger.info("Leakage at cosine %.2f: %d before, %d after, of %d test queries", *counts)
    return {
        "rows": {
            "raw": len(raw_pairs),
            "pairs": len(pairs),
            "rejected": len(rejected_pairs),
            "rejected_by_rule": _count(rejected_pairs["rule"]),
            "linked_across_languages": int((pairs["duplicate_of"] != "").sum()),
        },
        "splits": _count(pairs["split"]),
        "codes": reports.summarise_codes(pairs),
        "conflicts": reports.summarise_conflicts(pairs),
        "clusters": {"threshold": threshold, **reports.summarise_clusters(pairs)},
        "leakage": leakage,
        "pairs_by_language_style_split": reports.tabulate_splits(pairs).to_dict(orient="records"),
    }


def summarise_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the number of pairs per language, style and split."""
    return reports.tabulate_splits(pairs)


def _divide(pairs: pd.DataFrame, verdicts: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows without a rule against them, and the others with `rule` and `detail`."""
    refused = verdicts["rule"] != ""
    rejected = pd.concat([pairs, verdicts], axis=1)[refused]
    return pairs[~refused].reset_index(drop=True), rejected.reset_index(drop=True)


def _count(values: pd.Series) -> dict[str, int]:
    return {str(value): int(count) for value, count in values.value_counts().sort_index().items()}


def _top_rules(rejected: pd.DataFrame) -> str:
    counts: Iterable[tuple[str, int]] = _count(rejected["rule"]).items()
    ordered = sorted(counts, key=lambda item: -item[1])[:_MOST_FREQUENT]
    return ", ".join(f"{rule} {count}" for rule, count in ordered) or "none"


def _largest(clusters: pd.Series) -> int:
    return int(clusters.value_counts().max())


def _log_split(pairs: pd.DataFrame, unseen: int) -> None:
    counts = ", ".join(f"{split} {count}" for split, count in _count(pairs["split"]).items())
    logger.info("Split: %s; %d codes held out of training", counts, unseen)
    if not (pairs["split"] == "train").any():
        logger.warning("No pair is left for training: every cluster touches a held-out code.")
