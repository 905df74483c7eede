"""Tests of the generation node."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kedro.config import OmegaConfigLoader
from pydantic import ValidationError

from codisearch.errors import ConfigurationError
from codisearch.pipelines.generation import create_pipeline
from codisearch.pipelines.generation.nodes import generate_pairs
from codisearch.pipelines.generation.params import GenerationParams
from codisearch.schemas import RAW_PAIRS


def make_corpus() -> pd.DataFrame:
    """Return five codes with a pair each in Spanish and in French."""
    codes = ["A00", "A01", "B02", "C03", "D04"]
    rows = [
        (
            f"{language}-{code}-lay-1",
            f"{code} {language}",
            code,
            language,
            "lay",
            "",
            "model",
            "0123456789ab",
            "2026-11-23",
        )
        for language in ("es", "fr")
        for code in codes
    ]
    return pd.DataFrame(rows, columns=list(RAW_PAIRS.columns), dtype="str")


def test_offline_default_hands_over_the_corpus():
    """The corpus generator's pairs are the corpus, under the schema of every generator."""
    corpus = make_corpus()
    pd.testing.assert_frame_equal(RAW_PAIRS.validate(generate_pairs(corpus, GenerationParams())), corpus)


def test_sample_takes_codes_evenly_spread_with_all_their_pairs():
    """Three of five codes are the first, the middle and the last, in both languages."""
    pairs = generate_pairs(make_corpus(), GenerationParams(sample_codes=3))
    assert list(pairs["code"]) == ["A00", "B02", "D04", "A00", "B02", "D04"]
    assert list(pairs.index) == list(range(6))


@given(st.integers(1, 9))
def test_sample_has_as_many_codes_as_asked(size: int):
    """The sample has the asked number of codes, or all there are, each with its two pairs."""
    counts = generate_pairs(make_corpus(), GenerationParams(sample_codes=size))["code"].value_counts()
    assert len(counts) == min(size, 5)
    assert set(counts) == {2}


def test_live_generator_is_refused():
    """The live client stops with a message that names what is allowed."""
    with pytest.raises(ConfigurationError, match=r"'gemini'.*not part of this release.*allowed is 'corpus'"):
        generate_pairs(make_corpus(), GenerationParams(generator="gemini"))


@pytest.mark.parametrize("values", [{"generator": "gpt"}, {"sample_codes": 0}, {"model": "x"}])
def test_parameters_refuse_what_is_unknown(values: dict[str, object]):
    """Unknown generators, sizes and keys are refused."""
    with pytest.raises(ValidationError):
        GenerationParams.model_validate(values)


def test_pipeline_makes_raw_pairs():
    """The one node reads the corpus and its parameters."""
    pipeline = create_pipeline()
    assert pipeline.inputs() == {"corpus", "params:generation"}
    assert pipeline.outputs() == {"raw_pairs"}


def test_configuration_is_valid():
    """The parameters in conf are those of the model, with their defaults."""
    loader = OmegaConfigLoader(
        str(Path(__file__).parents[3] / "conf"), base_env="base", default_run_env="local"
    )
    assert GenerationParams.model_validate(loader["parameters"]["generation"]) == GenerationParams()
