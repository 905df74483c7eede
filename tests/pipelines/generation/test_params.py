"""Parameters of the generation."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kedro.config import OmegaConfigLoader
from pydantic import ValidationError

from codisearch.pipelines.generation.params import GenerationParams

Make = Callable[..., GenerationParams]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"generator": "gpt"},
            "generator 'gpt' has no settings under models; allowed are corpus, gemini, openai",
        ),
        ({"audit": {"generator": "gpt"}}, "generator 'gpt' has no settings"),
        ({"countries": {"es": " "}}, "countries must name a country for es"),
        ({"queries": {"title": 2}}, "queries.title must be 0 or 1, came 2"),
        ({"queries": {"formal": 0, "shorthand": 0, "lay": 0}}, "at least one query"),
        ({"languages": []}, "languages"),
        ({"languages": ["de"]}, "languages"),
        ({"languages": ["es", "es"]}, "languages must name each language once"),
        ({"attempts": 0}, "attempts"),
        ({"mode": "later"}, "mode"),
        ({"modle": "x"}, "modle"),
    ],
)
def test_what_does_not_fit_is_refused(make_params: Make, changes: dict[str, Any], text: str):
    """A value that makes no sense is named before anything runs."""
    with pytest.raises(ValidationError, match=text):
        make_params(**changes)


def test_one_currency(make_params: Make, shipped: dict[str, Any]):
    """A budget in two currencies would mean nothing."""
    models = {**shipped["models"]["openai"], "prices": {"input": 1, "currency": "EUR"}}
    with pytest.raises(ValidationError, match="in one currency"):
        make_params(models={"openai": models}, audit={"generator": "openai"})


def test_slots(make_params: Make):
    """A title is asked for in every language but English; a style without queries not at all."""
    params = make_params(queries={"formal": 2, "lay": 0, "shorthand": 1, "title": 1})
    assert params.slots("en") == (("formal", 2), ("shorthand", 1))
    assert params.slots("es") == (("formal", 2), ("shorthand", 1), ("title", 1))


def test_who_reads(make_params: Make):
    """The writer reads blind unless another is named."""
    assert make_params().auditor == "gemini"
    assert make_params(audit={"generator": "openai"}).auditor == "openai"


@pytest.mark.parametrize("values", [{"sample_codes": 0}, {"model": "x"}])
def test_the_corpus_has_parameters_too(values: dict[str, object]):
    """Sizes and unknown keys are refused."""
    with pytest.raises(ValidationError):
        GenerationParams.model_validate(values)


@pytest.mark.parametrize(("environment", "generator"), [("local", "corpus"), ("paper", "gemini")])
def test_configuration_is_valid(environment: str, generator: str):
    """The parameters in conf fit, in the default and in the reference recipe's environment."""
    loader = OmegaConfigLoader(
        str(Path(__file__).parents[3] / "conf"),
        base_env="base",
        default_run_env=environment,
        merge_strategy={"parameters": "soft"},
    )
    params = GenerationParams.model_validate(loader["parameters"]["generation"])
    assert params.generator == generator
    assert set(params.models) == {"gemini", "openai"}
