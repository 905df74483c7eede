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
from codisearch.pipelines.curation.similarity import near_pairs
from codisearch.pipelines.curation.split import assign_splits, choose_unseen_codes, claim_clusters
from codisearch.pipelines.curation.titles import refuse_titles
from codisearch.rules.pair_rules import RuleContext, apply_rules
from codisearch.rules.text import keys_of

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
    """Return the near-duplicates among queries, and of queries and titles, over all languages and codes.

    Returns:
        Columns `left` (a query) and `right` (a query or a title), both in their normal form, and `cosine`,
        down to the lowest that a later step needs.
    """
    keys, is_title = keys_of(valid_pairs), valid_pairs["style"] == "title"
    queries = keys[~is_title].unique().tolist()
    titles = keys[is_title & ~keys.isin(queries)].unique().tolist()
    near = near_pairs(queries, titles, params.search_threshold, params.near_duplicates)
    to_titles = int(near["right"].isin(titles).sum())
    counts = (len(near) - to_titles, to_titles, params.search_threshold)
    logger.info("Near-duplicates: %d among queries, %d of query and title, at cosine %.2f or more", *counts)
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
    of_queries = clusters[distinct_pairs["style"] != "title"]
    counts = (of_queries.nunique(), len(of_queries), _largest(of_queries))
    logger.info("Clusters: %d of %d queries, the largest of %d", *counts)
    return distinct_pairs.assign(cluster=clusters)


def split_pairs(
    clustered_pairs: pd.DataFrame,
    near_duplicates: pd.DataFrame,
    code_set: pd.DataFrame,
    params: CurationParams,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Assign every cluster of queries to train, validation or test, and every title to train or to none.

    A share of the codes is held out of training; a cluster that touches one goes to that code's split. Titles
    are no queries to evaluate: they train, unless their code is held out or they are near to a query in
    validation or test; then they are refused. A code is seen if it has any pair in train. So a code whose
    queries all lie in validation or test is seen if its title may train.

    Returns:
        Pairs with `split` and `seen` (`schemas.PAIRS`), and refused titles with `rule` and `detail`.
    """
    rng = np.random.default_rng(params.split.seed)
    chapters = dict(zip(code_set["code"], code_set["chapter"], strict=True))
    queries = clustered_pairs[clustered_pairs["style"] != "title"]
    unseen = choose_unseen_codes(queries, chapters, params.split.unseen_codes, rng)
    splits = assign_splits(queries, claim_clusters(queries, unseen), params.split, rng)
    pairs = clustered_pairs.assign(split=splits.reindex(clustered_pairs.index, fill_value="train"))
    verdicts = refuse_titles(pairs, near_duplicates, unseen, params.near_duplicates.cluster_threshold)
    kept, refused = _divide(pairs, verdicts)
    kept["seen"] = kept["code"].isin(kept.loc[kept["split"] == "train", "code"])
    _log_split(kept, len(refused), len(unseen))
    return kept, refused.drop(columns=["duplicate_of", "cluster", "split"])


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
    queries = pairs[pairs["style"] != "title"]
    return {
        "rows": reports.summarise_rows(raw_pairs, pairs, rejected_pairs),
        "codes": reports.summarise_codes(pairs),
        "conflicts": reports.summarise_conflicts(queries),
        "clusters": {"threshold": threshold, **reports.summarise_clusters(queries)},
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


def _top_rules(rejected: pd.DataFrame) -> str:
    counts: Iterable[tuple[str, int]] = reports.count_values(rejected["rule"]).items()
    ordered = sorted(counts, key=lambda item: -item[1])[:_MOST_FREQUENT]
    return ", ".join(f"{rule} {count}" for rule, count in ordered) or "none"


def _largest(clusters: pd.Series) -> int:
    return int(clusters.value_counts().max()) if len(clusters) else 0


def _log_split(pairs: pd.DataFrame, refused_titles: int, unseen: int) -> None:
    titles = pairs["style"] == "title"
    splits = reports.count_values(pairs.loc[~titles, "split"])
    counts = ", ".join(f"{split} {count}" for split, count in splits.items())
    logger.info("Split of queries: %s; %d codes held out of training", counts, unseen)
    logger.info("Titles: %d train, %d refused as held out", int(titles.sum()), refused_titles)
    if not (pairs["split"] == "train").any():
        logger.warning("No pair is left for training: every cluster touches a held-out code.")
