"""A small code set, the shipped parameters, and a way to write pairs as short tuples."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml

from codisearch.pipelines.curation.params import CurationParams

PARAMETERS = Path(__file__).parents[2] / "conf/base/parameters/curation.yml"
CODES = [
    ("E10.9", "Type 1 diabetes mellitus without complications", "04"),
    ("E11.9", "Type 2 diabetes mellitus without complications", "04"),
    ("I10", "Essential (primary) hypertension", "09"),
    ("I21.9", "Acute myocardial infarction, unspecified", "09"),
    ("J45.909", "Unspecified asthma, uncomplicated", "10"),
    ("R07.9", "Chest pain, unspecified", "18"),
]


@pytest.fixture(scope="session")
def params() -> CurationParams:
    """Return the parameters that the project ships."""
    return CurationParams.model_validate(yaml.safe_load(PARAMETERS.read_text(encoding="utf-8"))["curation"])


@pytest.fixture(scope="session")
def code_set() -> pd.DataFrame:
    """Return six codes of four chapters."""
    frame = pd.DataFrame(CODES, columns=["code", "title", "chapter"], dtype=str)
    frame["category"] = frame["code"].str[:3]
    return frame.assign(
        parent="", billable=True, inclusion_terms=[[] for _ in CODES], release="the test release"
    )


@pytest.fixture(scope="session")
def make_pairs() -> Callable[..., pd.DataFrame]:
    """Return a function that makes pairs of (query, code, language, style) tuples, with ids p0, p1, ..."""

    def make(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
        frame = pd.DataFrame(rows, columns=["query", "code", "language", "style"], dtype=str)
        frame.insert(0, "pair_id", pd.Series([f"p{i}" for i in range(len(rows))], dtype=str))
        return frame.assign(noise="", source="test", prompt_hash="0", created="2026-01-01")

    return make
