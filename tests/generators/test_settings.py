"""Settings of models, pace and budget."""

from typing import Any

import pytest
from pydantic import ValidationError

from codisearch.generators.settings import Budget, ModelSettings, Pace, Prices

BASE: dict[str, Any] = {"model": "m", "temperature": 1.0}


@pytest.mark.parametrize(
    "change",
    [
        {"model": "n"},
        {"temperature": 0.5},
        {"thinking_budget": 0},
        {"thinking_level": "low"},
        {"max_output_tokens": 100},
        {"seed": 1},
        {"safety_threshold": "BLOCK_NONE"},
    ],
)
def test_digest_is_of_what_decides_an_answer(change: dict[str, Any]):
    """Model and sampling change the digest, and the generator's name does."""
    first = ModelSettings(**BASE)
    assert ModelSettings(**(BASE | change)).digest("gemini") != first.digest("gemini")
    assert first.digest("openai") != first.digest("gemini")
    assert len(first.digest("gemini")) == 8


@pytest.mark.parametrize(
    "change",
    [{"base_url": "http://proxy"}, {"timeout_seconds": 5}, {"prices": {"input": 2.0}}],
)
def test_digest_is_not_of_how_it_gets_there(change: dict[str, Any]):
    """Address, patience and prices do not change what a model answers."""
    assert ModelSettings(**(BASE | change)).digest("g") == ModelSettings(**BASE).digest("g")


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (ModelSettings, {"model": ""}),
        (ModelSettings, {"model": "m", "temperature": 3}),
        (ModelSettings, {"model": "m", "key": "secret"}),
        (ModelSettings, {"model": "m", "thinking_budget": 0, "thinking_level": "low"}),
        (Prices, {"input": -1}),
        (Prices, {"batch_share": 2}),
        (Pace, {"concurrency": 0}),
        (Pace, {"tries": 0}),
        (Budget, {"money": 0}),
    ],
)
def test_bad_values_are_refused(model: type[Any], values: dict[str, Any]):
    """What makes no sense stops the run before it begins."""
    with pytest.raises(ValidationError):
        model(**values)
