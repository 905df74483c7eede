"""The parameters refuse what cannot work."""

from typing import Any

import pytest
from pydantic import ValidationError

from codisearch.pipelines.curation.params import CurationParams


@pytest.mark.parametrize(
    ("section", "change", "message"),
    [
        ("length", {"min_characters": 300}, "above the greatest"),
        ("length", {"min_words": 50}, "above the greatest"),
        ("leftovers", {"bad": "("}, "Not a regular expression"),
        ("near_duplicates", {"ngram_range": [4, 3]}, "ngram_range"),
        ("near_duplicates", {"cluster_threshold": 0.95}, "cluster_threshold"),
        ("near_duplicates", {"across_languages": "merge"}, "link"),
        ("split", {"unseen_codes": {"validation": 0.5, "test": 0.5}}, "below 1"),
        ("split", {"shares": {"train": 0.5, "test": 0.4}}, "sum to 1"),
        ("split", {"shares": {"test": 1.0}}, "leave some to train"),
        ("split", {"sed": 1}, "Extra inputs"),
    ],
)
def test_refusals(params: CurationParams, section: str, change: dict[str, Any], message: str) -> None:
    """A setting that contradicts itself is refused with its reason."""
    raw = params.model_dump()
    raw[section].update(change)
    with pytest.raises(ValidationError, match=message):
        CurationParams.model_validate(raw)


def test_search_threshold(params: CurationParams) -> None:
    """The search goes as low as the lowest of cluster threshold (0.7) and report thresholds."""
    assert params.search_threshold == 0.6
    assert params.model_copy(update={"leakage_thresholds": (0.9,)}).search_threshold == 0.7
