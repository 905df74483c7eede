"""Agreement of blind back-coding: a reader sees query and language alone and gives the code."""

import pandas as pd
from scipy.stats import binomtest

from codisearch.codes import category_of, four_characters_of
from codisearch.languages import LANGUAGES, QUERY_STYLES

LEVELS = ("exact", "four_characters", "category")
CODE_BAR, CATEGORY_BAR = 0.65, 0.85
"""Least agreement of a part; parts below are rewritten and audited again."""


def mark_answers(answers: pd.DataFrame) -> pd.DataFrame:
    """Return the answers with one boolean column for each of `LEVELS`; no answer agrees with nothing."""
    same = pd.DataFrame(
        {
            "exact": answers["answer"] == answers["code"],
            "four_characters": answers["answer"].map(four_characters_of)
            == answers["code"].map(four_characters_of),
            "category": answers["answer"].map(category_of) == answers["code"].map(category_of),
        },
        index=answers.index,
    )
    return pd.concat([answers, same], axis=1)


def latest_rounds(answers: pd.DataFrame) -> pd.DataFrame:
    """Return, of each language and style, the answers of the last round that audited it."""
    turns = answers["round"].astype(int)
    last = turns.groupby([answers["language"], answers["style"]]).transform("max")
    return answers[turns == last].reset_index(drop=True)


def agreement_by_part(answers: pd.DataFrame) -> pd.DataFrame:
    """Return the agreement of each round by language and style, over styles, over languages, and over all.

    Returns:
        Columns `round`, `language` and `style` (`all` where they are taken together), `answers`, and for each
        of `LEVELS` the share that agrees with its 95 % Wilson interval (`<level>_low`, `<level>_high`).
    """
    marked = mark_answers(answers)
    tables = [
        _shares(marked.assign(**fixed))
        for fixed in ({}, {"style": "all"}, {"language": "all"}, {"language": "all", "style": "all"})
    ]
    table = pd.concat(tables, ignore_index=True)
    order = {name: place for place, name in enumerate((*LANGUAGES, *QUERY_STYLES, "all"))}
    keys = pd.DataFrame(
        {"r": table["round"], "l": table["language"].map(order), "s": table["style"].map(order)}
    )
    return table.loc[keys.sort_values(["r", "l", "s"]).index].reset_index(drop=True)


def parts_below(answers: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the languages and styles whose last audit lies below a bar."""
    table = agreement_by_part(latest_rounds(answers).assign(round="last"))
    low = table[(table["exact"] < CODE_BAR) | (table["category"] < CATEGORY_BAR)]
    low = low[(low["language"] != "all") & (low["style"] != "all")]
    return list(zip(low["language"], low["style"], strict=True))


def _shares(marked: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (turn, language, style), part in marked.groupby(["round", "language", "style"], sort=False):
        row: dict[str, object] = {"round": turn, "language": language, "style": style, "answers": len(part)}
        for level in LEVELS:
            agreed = int(part[level].sum())
            interval = binomtest(agreed, len(part)).proportion_ci(0.95, method="wilson")
            row |= {level: agreed / len(part), f"{level}_low": interval.low, f"{level}_high": interval.high}
        rows.append(row)
    columns = ["round", "language", "style", "answers"]
    columns += [f"{level}{end}" for level in LEVELS for end in ("", "_low", "_high")]
    return pd.DataFrame(rows, columns=columns)
