"""Costs and budgets, by hand-worked values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codisearch.generators.contract import Usage
from codisearch.generators.meter import Expected, Meter, Spent, cost_of
from codisearch.generators.settings import Budget, Prices

PRICES = Prices(input=1.0, cached=0.1, output=10.0)


def test_cost():
    """600 fresh, 400 cached, 100 out and 50 thought: 0.0006 + 0.00004 + 0.0015."""
    usage = Usage(input=1_000, cached=400, output=100, thinking=50)
    assert cost_of(usage, PRICES) == pytest.approx(0.00214)
    assert cost_of(usage, PRICES, batch=True) == pytest.approx(0.00107)


def test_cached_tokens_cost_as_others_unless_a_price_is_given():
    """Without a price of their own they are not free."""
    assert cost_of(Usage(input=1_000, cached=400), Prices(input=1.0)) == pytest.approx(0.001)


def make(budget: Budget, spent: Spent | None = None) -> Meter:
    """Return a meter that expects 100 tokens and 0.01 of a request."""
    return Meter(budget, spent or Spent(), Expected(100, 0.01))


def test_requests_are_limited_exactly():
    """The third of three is sent, a fourth is not."""
    meter = make(Budget(requests=3))
    for _ in range(3):
        assert meter.refusal() is None
        meter.send()
    assert meter.refusal() == "the budget of 3 requests would be passed (3 spent; generation.budget)"


def test_what_is_under_way_counts_with_what_it_is_expected_to_cost():
    """Of 0.05, four requests of 0.01 leave room for a fifth, and not for a sixth."""
    meter = make(Budget(money=0.05))
    meter.send(4)
    assert meter.refusal() is None
    meter.send()
    assert "0.05 money" in str(meter.refusal())


def test_earlier_runs_count():
    """A budget is of the ledger, not of the run."""
    assert make(Budget(tokens=1_000), Spent(input_tokens=950)).refusal() is not None
    assert make(Budget(tokens=1_000), Spent(input_tokens=900)).refusal() is None


def test_expectation_follows_the_answers():
    """After twenty answers their mean counts, here 10 tokens instead of 100."""
    meter = make(Budget(tokens=300))
    for _ in range(20):
        meter.send()
        meter.settle(Usage(input=10), 0.001)
    assert meter.expected == Expected(10, pytest.approx(0.001))
    assert (meter.tokens, meter.under_way) == (200, 0)
    assert meter.affordable(100) == 10


def test_dropped_requests_are_paid_for_with_a_request_only():
    """A request without an answer costs no tokens, and is no longer under way."""
    meter = make(Budget())
    meter.send()
    meter.drop()
    assert (meter.requests, meter.under_way, meter.money) == (1, 0, 0.0)
    assert meter.refusal() is None


@given(st.integers(0, 50), st.integers(0, 30), st.integers(1, 60))
def test_affordable_is_the_most_that_is_not_refused(limit: int, under_way: int, wanted: int):
    """What may be sent is not refused, and one more is, or is more than was wanted."""
    meter = make(Budget(money=limit / 100 + 0.005))
    meter.send(under_way)
    count = meter.affordable(wanted)
    assert count == 0 or meter.refusal(count) is None
    assert count == wanted or meter.refusal(count + 1) is not None
