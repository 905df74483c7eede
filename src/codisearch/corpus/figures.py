"""The measured quality of a corpus: every figure of the data card, from the rows themselves."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from codisearch.corpus.audit import agreement_by_part, latest_rounds
from codisearch.corpus.checks import Checked
from codisearch.languages import LANGUAGES, QUERY_STYLES, STYLES
from codisearch.pipelines.curation import nodes as curation
from codisearch.pipelines.curation.params import CurationParams
from codisearch.rules.identification import is_identifiable, language_confidences
from codisearch.rules.text import keys_of

_TOKENS = (
    5_000  # of which the diversity is taken: the share of distinct words falls with the length of a text
)
_SEED = 0

Flags = npt.NDArray[np.bool_]
Cosines = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Figures:
    """What the data card states.

    Attributes:
        counts: By language and style: rows `raw` and `curated`, and those with `noise`.
        texts: By language and style: words, diversity, likeness to titles, near-duplicates, language.
        chapters: By chapter: listed codes, and queries.
        qualifiers: Qualifier -> confusable codes that it is named for.
        audit: Agreement of the last rounds (`audit.agreement_by_part`).
        totals: Single figures by name.
    """

    counts: pd.DataFrame
    texts: pd.DataFrame
    chapters: pd.DataFrame
    qualifiers: dict[str, int]
    audit: pd.DataFrame
    totals: dict[str, Any]


def measure(checked: Checked, code_set: pd.DataFrame, params: CurationParams) -> Figures:
    """Return the figures of a corpus.

    Args:
        checked: A corpus without problems.
        code_set: The code set.
        params: The curation pipeline's parameters: what is refused, and what a near-duplicate is.
    """
    valid, _ = curation.validate_pairs(checked.pairs, code_set, params)
    near = curation.find_near_duplicates(valid, params)
    curated, _ = curation.deduplicate(valid, near, params)
    queries = checked.pairs[checked.pairs["style"] != "title"].reset_index(drop=True)
    counts = _counts(checked.pairs, curated)
    confusables = checked.confusables["code"].value_counts()
    return Figures(
        counts=counts,
        texts=_texts(queries, checked.pairs, near, code_set, params),
        chapters=_chapters(queries, code_set),
        qualifiers={
            str(name): int(count) for name, count in checked.confusables["qualifier"].value_counts().items()
        },
        audit=agreement_by_part(latest_rounds(checked.answers).assign(round="last")),
        totals={
            "queries_raw": len(queries),
            "queries_curated": int((curated["style"] != "title").sum()),
            "titles": int((checked.pairs["style"] == "title").sum()),
            "codes_with_queries": int(queries["code"].nunique()),
            "codes_with_titles": int(checked.pairs.loc[checked.pairs["style"] == "title", "code"].nunique()),
            "listed_codes": len(checked.listed),
            "listed_common": int((checked.listed["frequency"] == "common").sum()),
            "confusables": len(checked.confusables),
            "confusables_per_code": [int(confusables.min()), int(confusables.max())]
            if len(confusables)
            else [0, 0],
            "noisy": int((queries["noise"] != "").sum()),
            "audited": len(latest_rounds(checked.answers)),
            "audit_rounds": int(checked.answers["round"].nunique()),
        },
    )


def _counts(raw: pd.DataFrame, curated: pd.DataFrame) -> pd.DataFrame:
    parts = {"raw": raw, "curated": curated, "noise": raw[raw["noise"] != ""]}
    sizes = {name: frame.groupby(["language", "style"]).size() for name, frame in parts.items()}
    index = pd.MultiIndex.from_product([LANGUAGES, STYLES], names=["language", "style"])
    return pd.DataFrame(sizes).reindex(index, fill_value=0).fillna(0).astype(int).reset_index()


def _texts(
    queries: pd.DataFrame,
    pairs: pd.DataFrame,
    near: pd.DataFrame,
    code_set: pd.DataFrame,
    params: CurationParams,
) -> pd.DataFrame:
    """Return what the texts of each language and style are like, a row for each."""
    official, translated = _likeness(queries, pairs, code_set, params)
    judged, right = _identified(queries, params)
    measures = pd.DataFrame(
        {
            "language": queries["language"],
            "style": queries["style"],
            "words": [len(key.split()) for key in keys_of(queries)],
            "judged": judged,
            "right": right,
            "like_official": official,
            "like_translated": translated,
            "duplicate": _has_near(queries, near, params.near_duplicates.duplicate_threshold),
            "close": _has_near(queries, near, params.near_duplicates.cluster_threshold),
            "key": keys_of(queries),
        }
    )
    rows = []
    for language in LANGUAGES:
        for style in QUERY_STYLES:
            part = measures[(measures["language"] == language) & (measures["style"] == style)]
            if len(part):
                rows.append({"language": language, "style": style, **_text_row(part)})
    return pd.DataFrame(rows)


def _text_row(part: pd.DataFrame) -> dict[str, float]:
    judged = part[part["judged"]]
    return {
        "words_median": float(part["words"].median()),
        "words_p10": float(part["words"].quantile(0.1)),
        "words_p90": float(part["words"].quantile(0.9)),
        "diversity": _diversity(part["key"]),
        "identified": float(judged["right"].mean()) if len(judged) else np.nan,
        "judged": float(part["judged"].mean()),
        "near_duplicates": float(part["duplicate"].mean()),
        "close": float(part["close"].mean()),
        "like_official": float(part["like_official"].median()),
        "like_translated": float(part["like_translated"].median()),
    }


def _diversity(keys: "pd.Series[str]") -> float:
    """Return the share of distinct words in the first 5,000 words of the queries in an order of chance."""
    order = np.random.default_rng(_SEED).permutation(len(keys))
    words = [word for number in order for word in keys.iloc[number].split()][:_TOKENS]
    return len(set(words)) / len(words) if words else np.nan


def _has_near(queries: pd.DataFrame, near: pd.DataFrame, threshold: float) -> Flags:
    """Tell which queries have another one of their language that is at least so near, or the same."""
    keys = keys_of(queries)
    languages: dict[str, set[str]] = {str(key): set(part) for key, part in queries.groupby(keys)["language"]}
    found = {
        (language, end)
        for left, right in near.loc[near["cosine"] >= threshold, ["left", "right"]].itertuples(index=False)
        for language in languages.get(left, set()) & languages.get(right, set())
        for end in (left, right)
    }
    twice = queries.assign(key=keys).duplicated(["language", "key"], keep=False)
    near_one = [pair in found for pair in zip(queries["language"], keys, strict=True)]
    either: Flags = np.asarray(near_one, dtype=bool) | twice.to_numpy(dtype=bool)
    return either


def _identified(queries: pd.DataFrame, params: CurationParams) -> tuple[Flags, Flags]:
    """Tell which queries are long enough to be judged, and of which the detector names the right language."""
    limits = params.language
    judged = np.array(
        [
            is_identifiable(query, limits.shorthand if style == "shorthand" else limits.prose)
            for query, style in zip(queries["query"], queries["style"], strict=True)
        ],
        dtype=bool,
    )
    right = np.zeros(len(queries), dtype=bool)
    if judged.any():
        best = language_confidences(queries.loc[judged, "query"].tolist()).idxmax(axis=1)
        right[judged] = best.to_numpy() == queries.loc[judged, "language"].to_numpy()
    return judged, right


def _likeness(
    queries: pd.DataFrame, pairs: pd.DataFrame, code_set: pd.DataFrame, params: CurationParams
) -> tuple[Cosines, Cosines]:
    """Return the cosine of each query with the official title and with the title in its language, if any.

    Texts are compared as TF-IDF vectors of character n-grams, as in the search for near-duplicates.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    official = queries["code"].map(code_set.set_index("code")["title"]).fillna("")
    titles = pairs[pairs["style"] == "title"].drop_duplicates(["language", "code"])
    by_code = titles.set_index(["language", "code"])["query"].to_dict()
    by_code |= {("en", code): title for code, title in zip(queries["code"], official, strict=True)}
    translated = pd.Series(
        [by_code.get(key, "") for key in zip(queries["language"], queries["code"], strict=True)]
    )
    texts = [
        keys_of(queries),
        *(keys_of(pd.DataFrame({"query": column})) for column in (official, translated)),
    ]
    vectorizer = TfidfVectorizer(
        analyzer="char_wb", ngram_range=params.near_duplicates.ngram_range, sublinear_tf=True
    ).fit(pd.concat(texts))
    asked, *others = (vectorizer.transform(text) for text in texts)
    cosines = [np.asarray(asked.multiply(other).sum(axis=1)).ravel() for other in others]
    cosines[1][(translated == "").to_numpy()] = np.nan
    return cosines[0], cosines[1]


def _chapters(queries: pd.DataFrame, code_set: pd.DataFrame) -> pd.DataFrame:
    """Return every chapter of the code set with its codes that have queries, and its queries."""
    chapters = code_set.set_index("code")["chapter"]
    per_query = queries["code"].map(chapters)
    per_code = queries["code"].drop_duplicates().map(chapters)
    index = pd.Index(chapters.unique(), name="chapter")
    table = pd.DataFrame({"codes": per_code.value_counts(), "queries": per_query.value_counts()})
    return table.reindex(index, fill_value=0).fillna(0).astype(int).reset_index()
