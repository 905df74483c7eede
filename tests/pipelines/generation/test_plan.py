"""The plan, by hand-worked values."""

from collections.abc import Callable
from typing import Any

import pytest
from requests_to_send import make_request, make_requests, say

from codisearch.generators.ledger import Ledger
from codisearch.generators.meter import Expected
from codisearch.pipelines.generation.params import GenerationParams
from codisearch.pipelines.generation.plan import Size, TaskPlan, measure, plan_task

Make = Callable[..., GenerationParams]
ESTIMATE = {"characters_per_token": 4.0, "thinking_tokens": 50, "seconds": 10}


def plan(make_params: Make, ledger: Ledger, size: Size, **changes: Any) -> TaskPlan:
    """Return a plan at 1 for a million tokens in and 10 for a million out."""
    prices = {"input": 1.0, "output": 10.0, "batch_share": 0.5}
    gemini = make_params().models["gemini"].model_dump() | {"prices": prices}
    base: dict[str, Any] = {"models": {"gemini": gemini}, "estimate": ESTIMATE, "audit": {"enabled": False}}
    return plan_task("queries", "gemini", size, 150.0, ledger, make_params(**(base | changes)))


def test_measure_counts_what_is_left():
    """Of three requests one is answered; the characters are those of all three."""
    characters = len(make_request(1).system) + len(make_request(1).user)
    size = measure(make_requests(3), 6, {make_request(0).key})
    assert size == Size(3, 1, 6, 3 * characters)


def test_before_any_answer(make_params: Make, ledger: Ledger):
    """100 left of 4,000 characters: 100,000 tokens in; 200 out each with thinking: 20,000; 0.10 + 0.20."""
    found = plan(make_params, ledger, Size(120, 20, 360, 480_000), pace={"concurrency": 10})
    assert (found.requests, found.answered, found.rows) == (120, 20, 360)
    assert (found.input_tokens, found.output_tokens) == (100_000, 20_000)
    assert found.money == pytest.approx(0.3)
    assert found.seconds == 100  # 100 requests of 10 s, ten at a time
    assert "estimate" in found.basis
    assert found.expected == Expected(1_200, pytest.approx(0.003))


def test_batch_mode(make_params: Make, ledger: Ledger):
    """Half the price, and no promise of a time."""
    found = plan(make_params, ledger, Size(100, 0, 300, 400_000), mode="batch")
    assert found.money == pytest.approx(0.15)
    assert found.seconds == 0


@pytest.mark.parametrize(
    ("pace", "seconds"),
    [
        ({"concurrency": 100, "requests_per_minute": 50}, 120),
        ({"concurrency": 100, "tokens_per_minute": 60_000}, 120),
        ({"concurrency": 1}, 1_000),
    ],
)
def test_the_narrowest_limit_sets_the_time(make_params: Make, ledger: Ledger, pace: Any, seconds: float):
    """Concurrency, requests a minute or tokens a minute, whichever is slowest."""
    assert plan(make_params, ledger, Size(100, 0, 300, 400_000), pace=pace).seconds == pytest.approx(seconds)


def test_with_answers_of_the_same_kind(make_params: Make, ledger: Ledger):
    """From twenty on, the mean of the answers takes the place of the estimate: 100 in, 10 out, 0.5 s."""
    settings = make_params().models["gemini"].digest("gemini")
    with ledger.writing() as writer:
        for number in range(20):
            request = make_request(number, settings=settings)
            writer.sent([request])
            writer.answered(request.key, "queries", say(), 0.0)
    found = plan(make_params, ledger, Size(60, 20, 180, 999_999), pace={"concurrency": 10})
    assert (found.input_tokens, found.output_tokens) == (4_000, 400)
    assert found.seconds == pytest.approx(2.0)
    assert found.basis == "the mean of 20 answers"


def test_nothing_left(make_params: Make, ledger: Ledger):
    """A job that is done costs nothing more; what one more request would come to is known all the same."""
    found = plan(make_params, ledger, Size(5, 5, 15, 20_000))
    assert (found.input_tokens, found.output_tokens, found.money) == (0, 0, 0)
    assert found.expected == Expected(1_200, pytest.approx(0.003))
