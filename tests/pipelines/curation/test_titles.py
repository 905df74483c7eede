"""Titles that tell the answer to a held-out query are refused."""

from collections.abc import Callable

import pandas as pd
import pytest

from codisearch.pipelines.curation.titles import refuse_titles

Make = Callable[..., pd.DataFrame]


@pytest.fixture
def pairs(make_pairs: Make) -> pd.DataFrame:
    """Return a query in each split and five titles."""
    frame = make_pairs(
        ("asma leve", "J45.909", "es", "lay"),  # p0
        ("Fiebre alta", "R50.9", "es", "lay"),  # p1
        ("fiebre muy alta", "R50.9", "es", "formal"),  # p2
        ("asma", "J45.909", "es", "title"),  # p3 is near p0, which is in train
        ("fiebre", "R50.9", "pt", "title"),  # p4 is near p1 and nearer p2
        ("fiebre alta", "I10", "ca", "title"),  # p5 is the same as p1, of another code
        ("tos", "R05.9", "es", "title"),  # p6 is of a held-out code
        ("mareo", "R42", "es", "title"),  # p7 is near to no query
    )
    return frame.assign(split=["train", "validation", "test", *["train"] * 5])


NEAR = pd.DataFrame(
    [
        ("asma leve", "asma", 0.9),
        ("fiebre alta", "fiebre", 0.75),
        ("fiebre muy alta", "fiebre", 0.8),
        ("fiebre alta", "tos", 0.8),
    ],
    columns=["left", "right", "cosine"],
)


@pytest.mark.parametrize("turned", [False, True])
def test_refused_titles(pairs: pd.DataFrame, turned: bool) -> None:
    """Titles of held-out codes and near to held-out queries go, and the nearest such query is named."""
    near = NEAR.rename(columns={"left": "right", "right": "left"}) if turned else NEAR
    found = refuse_titles(pairs, near, {"R05.9"}, 0.7)
    assert found["detail"].tolist() == [
        *("", "", "", ""),
        "Near to p2, which is in test (cosine 0.80).",
        "Near to p1, which is in validation (cosine 1.00).",
        "Code R05.9 is held out of training.",
        "",
    ]
    assert (found["rule"] == "held_out_title").tolist() == [False] * 4 + [True] * 3 + [False]


def test_threshold(pairs: pd.DataFrame) -> None:
    """Below the threshold a title is not near; at the threshold it is."""
    assert refuse_titles(pairs, NEAR, set(), 0.8)["rule"].tolist()[4] == "held_out_title"
    assert refuse_titles(pairs, NEAR, set(), 0.81)["rule"].tolist()[4] == ""


def test_queries_are_never_refused(pairs: pd.DataFrame) -> None:
    """A query near to a held-out query, or of a held-out code, is no matter of titles."""
    queries = pairs.assign(style="lay")
    assert set(refuse_titles(queries, NEAR, {"R50.9", "R05.9"}, 0.7)["rule"]) == {""}
