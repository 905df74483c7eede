"""The rules that a pair must pass, one function each: what is wrong with every row, or an empty string.

A rule gets the pairs and a `RuleContext` and returns one sentence per row, on the index of the pairs.
"""

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import pandas as pd

from codisearch.codes import CATEGORY_LENGTH
from codisearch.languages import LANGUAGE_NAMES, QUERY_STYLES, check_language
from codisearch.rules.identification import is_identifiable, language_confidences
from codisearch.rules.params import RuleParams
from codisearch.rules.text import keys_of, normalise_query


@dataclass(frozen=True)
class RuleContext:
    """What the rules need beside the pairs.

    Attributes:
        titles: Code -> official title, for every code of the code set.
        release: Name of the code set's release.
        params: What the rules are set by.
    """

    titles: Mapping[str, str]
    release: str
    params: RuleParams

    @classmethod
    def from_code_set(cls, code_set: pd.DataFrame, params: RuleParams) -> "RuleContext":
        """Take titles and release from a code set frame."""
        titles = dict(zip(code_set["code"], code_set["title"], strict=True))
        return cls(titles, str(code_set["release"].iloc[0]) if len(code_set) else "an empty code set", params)


Rule = Callable[[pd.DataFrame, RuleContext], pd.Series]


def _sentences(index: pd.Index, sentences: list[str]) -> pd.Series:
    return pd.Series(sentences, index=index, dtype=str)


def unknown_code(pairs: pd.DataFrame, context: RuleContext) -> pd.Series:
    """Refuse codes that the code set does not have."""
    sentences = [
        "" if code in context.titles else f"Code {code!r} is not in {context.release}."
        for code in pairs["code"]
    ]
    return _sentences(pairs.index, sentences)


def length(pairs: pd.DataFrame, context: RuleContext) -> pd.Series:
    """Refuse queries that are too short or too long, in characters or words."""
    bounds = context.params.length

    def judge(query: str, words: int) -> str:
        characters = len(query.strip())
        if not bounds.min_characters <= characters <= bounds.max_characters:
            return f"{characters} characters; allowed are {bounds.min_characters} to {bounds.max_characters}."
        if not bounds.min_words <= words <= bounds.max_words:
            return f"{words} words; allowed are {bounds.min_words} to {bounds.max_words}."
        return ""

    words = [len(key.split()) for key in keys_of(pairs)]
    return _sentences(pairs.index, [judge(*row) for row in zip(pairs["query"], words, strict=True)])


@cache
def _mention(code: str) -> re.Pattern[str]:
    """Return a pattern of the code as people write it: dotted or not, any case, not inside another word."""
    bare = code.replace(".", "")
    parts = (re.escape(part) for part in (bare[:CATEGORY_LENGTH], bare[CATEGORY_LENGTH:]) if part)
    return re.compile(r"(?<![^\W_])" + r"[\s.,-]?".join(parts) + r"(?![^\W_])", re.IGNORECASE)


def code_in_query(pairs: pd.DataFrame, context: RuleContext) -> pd.Series:
    """Refuse queries that give the answer away."""
    sentences = [
        f"The query names its code {code}." if _mention(code).search(query) else ""
        for query, code in zip(pairs["query"], pairs["code"], strict=True)
    ]
    return _sentences(pairs.index, sentences)


def official_title(pairs: pd.DataFrame, context: RuleContext) -> pd.Series:
    """Refuse queries that are the official title of their code; pairs of style `title` are meant to be."""
    titles = {code: normalise_query(context.titles.get(code, "")) for code in pairs["code"].unique()}
    rows = zip(keys_of(pairs), pairs["code"], pairs["style"], strict=True)
    sentences = [
        f"The query is the official title of {code}." if style in QUERY_STYLES and key == titles[code] else ""
        for key, code, style in rows
    ]
    return _sentences(pairs.index, sentences)


def leftover(pairs: pd.DataFrame, context: RuleContext) -> pd.Series:
    """Refuse queries with placeholders, markup or other traces of how they were generated."""
    patterns = {name: re.compile(pattern) for name, pattern in context.params.leftovers.items()}

    def judge(query: str) -> str:
        hits = ((name, pattern.search(query)) for name, pattern in patterns.items())
        found = next(((name, hit.group()) for name, hit in hits if hit), None)
        return f"The query holds a leftover ({found[0]}): {found[1]!r}." if found else ""

    return _sentences(pairs.index, [judge(query) for query in pairs["query"]])


def wrong_language(pairs: pd.DataFrame, context: RuleContext) -> pd.Series:
    """Refuse queries that are surely in another language than the one they are filed under."""
    params = context.params.language
    limits = [params.shorthand if style == "shorthand" else params.prose for style in pairs["style"]]
    rows = list(zip(pairs["query"], pairs["language"], limits, strict=True))
    judged = [
        i for i, (query, _, limit) in enumerate(rows) if params.enabled and is_identifiable(query, limit)
    ]
    sentences = [""] * len(pairs)
    confidences = language_confidences([rows[i][0] for i in judged])
    for i, found in zip(judged, confidences.to_dict(orient="records"), strict=True):
        _, declared, limit = rows[i]
        sentences[i] = _judge_language(declared, limit.max_confidence, found)
    return _sentences(pairs.index, sentences)


def _judge_language(declared: str, ceiling: float, confidences: Mapping[Hashable, float]) -> str:
    own = confidences[declared]
    best = str(max(confidences, key=lambda language: confidences[language]))
    if own > ceiling or best == declared:
        return ""
    names = [LANGUAGE_NAMES[check_language(language)] for language in (best, declared)]
    return f"Reads as {names[0]} ({confidences[best]:.2f}), hardly as {names[1]} ({own:.3f})."


RULES: Final[dict[str, Rule]] = {
    "unknown_code": unknown_code,
    "length": length,
    "leftover": leftover,
    "code_in_query": code_in_query,
    "official_title": official_title,
    "wrong_language": wrong_language,
}
"""Every rule by name, in the order in which a row's first failure is named."""


def apply_rules(pairs: pd.DataFrame, context: RuleContext) -> pd.DataFrame:
    """Return `rule` (the first that refuses a row, or empty) and `detail` (what every refusing rule says)."""
    verdicts = pd.DataFrame({name: rule(pairs, context) for name, rule in RULES.items()}, index=pairs.index)
    rules, details = [], []
    for row in verdicts.itertuples(index=False):
        failed = [(name, str(sentence)) for name, sentence in zip(RULES, row, strict=True) if sentence]
        rules.append(failed[0][0] if failed else "")
        also = [f"Also {name}: {sentence}" for name, sentence in failed[1:]]
        details.append(" ".join([*(sentence for _, sentence in failed[:1]), *also]))
    return pd.DataFrame({"rule": _sentences(pairs.index, rules), "detail": _sentences(pairs.index, details)})
