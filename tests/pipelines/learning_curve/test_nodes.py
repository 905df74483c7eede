"""The learning curve: how the corpus is cut, and what comes out of small trainings."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codisearch.errors import ConfigurationError
from codisearch.pipelines.bi_encoder.params import (
    BiEncoderParams,
    CandidateParams,
    TrainingDataParams,
    ValidationParams,
)
from codisearch.pipelines.learning_curve import create_pipeline, nodes
from codisearch.pipelines.learning_curve.params import LearningCurveParams

ROWS = [
    *((f"{code} {style} {number}", code, style, "train") for code in ("I10", "J45.9", "R07.0")
      for style in ("formal", "lay") for number in range(2)),
    ("title of I10", "I10", "title", "train"),
    ("unseen", "E11.9", "lay", "test"),
    ("waiting", "E10.9", "lay", "validation"),
]  # fmt: skip
PAIRS = pd.DataFrame(ROWS, columns=["query", "code", "style", "split"])


@given(size=st.integers(0, 15), seed=st.integers(0, 5))
def test_cut(size: int, seed: int) -> None:
    """At most `size` training queries stay, code by code, inside every larger part; all other rows stay."""
    part = nodes.cut(PAIRS, size, seed)
    training = part[(part["split"] == "train") & (part["style"] != "title")]
    assert len(training) == min(size, 12)
    counts = training["code"].value_counts()
    assert (counts != 4).sum() <= 1
    assert set(part.index) <= set(nodes.cut(PAIRS, size + 1, seed).index)
    assert len(part) - len(training) == 3


def test_cut_none() -> None:
    """Without a size everything stays."""
    assert nodes.cut(PAIRS, None, 1) is PAIRS


@pytest.fixture(scope="module")
def bi_encoder(static_candidate: CandidateParams) -> BiEncoderParams:
    """Return parameters of a training that takes a second."""
    return BiEncoderParams(
        seed=1,
        data=TrainingDataParams(corpus_repeats=1, code_set_pairs=False, title_noise=0.2),
        validation=ValidationParams(documents=30),
        candidates=(static_candidate,),
    )


@pytest.fixture(scope="module")
def curve(toy_pairs: pd.DataFrame, toy_code_set: pd.DataFrame, bi_encoder: BiEncoderParams) -> pd.DataFrame:
    """Return the curve of the toy task: no query at all, and all 40, of two seeds."""
    columns = ("alias", "title", "code", "language", "source", "confusable")
    nothing = pd.DataFrame(columns=columns, dtype=str)
    pairs = toy_pairs.assign(source="toy", seen=True, split=toy_pairs["split"].replace("validation", "test"))
    validation = pairs[pairs["split"] == "test"].assign(split="validation")
    both = pd.concat([pairs, validation], ignore_index=True)
    params = LearningCurveParams(sizes=(0, None), seeds=(1, 2), sources=("toy",))
    return nodes.measure_learning_curve(
        both, toy_code_set, nothing, nothing, nothing, bi_encoder, ("official_title", "query"), params
    )


def test_curve_rises(curve: pd.DataFrame) -> None:
    """With the training queries the encoder finds more than with none; a source with all pairs equals all."""
    whole = curve[(curve["language"] == "all") & (curve["part"] == "all")]
    means = whole.groupby(["label", "queries"])["recall_at_5"].mean()
    assert means["size", 40] > means["size", 0]
    of_source = whole[whole["label"] == "toy"].set_index("seed")["recall_at_5"]
    of_all = whole[(whole["label"] == "size") & (whole["queries"] == 40)].set_index("seed")["recall_at_5"]
    assert of_source.to_dict() == {1: of_all[1]}
    assert whole.loc[whole["queries"] == 0, "codes"].eq(0).all()
    assert set(whole["seed"]) == {1, 2}


def test_slices() -> None:
    """Ranks 1, 5, 6 and none: recall@5 is .5, MRR (1 + 1/5 + 1/6) / 4."""
    found = pd.DataFrame(
        {"language": ["es", "es", "fr", "fr"], "seen": [True, False, True, True], "rank": [1, 5, 6, 0]}
    )
    table = nodes._slices(found).set_index(["language", "part"])
    assert table.loc[("all", "all"), "recall_at_5"] == 0.5
    assert table.loc[("all", "all"), "mrr"] == pytest.approx((1 + 1 / 5 + 1 / 6) / 4)
    assert table.loc[("es", "unseen"), "mrr"] == pytest.approx(0.2)
    assert table.loc[("fr", "all"), "test_queries"] == 2
    assert ("fr", "unseen") not in table.index


def test_tracked_history(curve: pd.DataFrame) -> None:
    """Tracking gets the mean over seeds, with the number of queries as the step."""
    history = nodes.track_learning_curve(curve)
    whole = curve[(curve["language"] == "all") & (curve["part"] == "all") & (curve["label"] == "size")]
    assert [entry["step"] for entry in history["recall_at_5.all"]] == [0, 40]
    expected = whole.loc[whole["queries"] == 40, "mrr"].mean()
    assert history["mrr.all"][1]["value"] == pytest.approx(expected)


def test_unknown_names(toy_pairs: pd.DataFrame, bi_encoder: BiEncoderParams) -> None:
    """An unknown candidate or source is named with those that there are."""
    with pytest.raises(
        ConfigurationError, match=r"no 'giant' under bi_encoder\.candidates; there are static"
    ):
        nodes._candidate(bi_encoder, "giant")
    with pytest.raises(ConfigurationError, match="no training query of 'nobody'; there are toy"):
        nodes._check_sources(toy_pairs.assign(source="toy"), ["nobody"])


def test_pipeline() -> None:
    """The pipeline starts from what curation leaves."""
    assert {"pairs", "code_set", "confusables", "params:learning_curve"} <= create_pipeline().inputs()
    assert create_pipeline().outputs() == {"learning_curve_figure", "learning_curve_metrics"}
