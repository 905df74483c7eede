"""What requests have cost and may cost: a run ends before its budget is passed."""

from dataclasses import dataclass

from codisearch.generators.contract import Usage
from codisearch.generators.settings import MILLION, Budget, Prices

_ROUNDING = 1 + 1e-9  # sums of prices
_ENOUGH = 20  # answers after which their mean is a better guess than the plan's


def cost_of(usage: Usage, prices: Prices, *, batch: bool = False) -> float:
    """Return what a request costs, in the currency of the prices."""
    cached_price = prices.input if prices.cached is None else prices.cached
    full = (
        (usage.input - usage.cached) * prices.input
        + usage.cached * cached_price
        + (usage.output + usage.thinking) * prices.output
    ) / MILLION
    return full * prices.batch_share if batch else full


@dataclass(frozen=True)
class Spent:
    """What a ledger's requests came to.

    Attributes:
        requests: Requests sent.
        answers: Answers among them.
        input_tokens: Tokens of their prompts.
        output_tokens: Tokens of the answers, thinking among them.
        money: What they cost.
    """

    requests: int = 0
    answers: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    money: float = 0.0

    @property
    def tokens(self) -> int:
        """Return all tokens."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True)
class Expected:
    """What one more request is expected to come to."""

    tokens: float = 0.0
    money: float = 0.0


class Meter:
    """Counts what is spent, with what the requests under way are expected to cost, against a budget.

    Args:
        budget: The limits, for a ledger as a whole.
        spent: What the ledger's earlier requests came to.
        expected: What one request is expected to come to, until enough were answered.
    """

    def __init__(self, budget: Budget, spent: Spent, expected: Expected) -> None:
        self.budget = budget
        self.requests = spent.requests
        self.tokens = spent.tokens
        self.money = spent.money
        self.under_way = 0
        self._expected = expected
        self._settled = Spent()

    @property
    def expected(self) -> Expected:
        """Return what one request comes to: the mean of this run's answers, or what the plan says."""
        settled = self._settled
        if settled.answers < _ENOUGH:
            return self._expected
        return Expected(settled.tokens / settled.answers, settled.money / settled.answers)

    def refusal(self, further: int = 1) -> str | None:
        """Return why `further` requests may not be sent, or None if they may."""
        sent, expected = self.under_way + further, self.expected
        limits = (
            ("requests", self.budget.requests, self.requests, self.requests + further),
            ("tokens", self.budget.tokens, self.tokens, self.tokens + sent * expected.tokens),
            ("money", self.budget.money, self.money, self.money + sent * expected.money),
        )
        for name, limit, now, then in limits:
            if limit is not None and (then > limit * _ROUNDING or now >= limit):
                spent = f"{_shown(now)} spent; generation.budget"
                return f"the budget of {_shown(limit)} {name} would be passed ({spent})"
        return None

    def affordable(self, wanted: int) -> int:
        """Return how many of `wanted` requests the budget allows now."""
        low, high = 0, wanted
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (low, middle - 1) if self.refusal(middle) else (middle, high)
        return low

    def send(self, count: int = 1) -> None:
        """Count requests as sent and under way."""
        self.requests += count
        self.under_way += count

    def settle(self, usage: Usage, money: float) -> None:
        """Count an answer to a request that was under way."""
        self.under_way -= 1
        self.tokens += usage.total
        self.money += money
        self._settled = Spent(
            answers=self._settled.answers + 1,
            input_tokens=self._settled.input_tokens + usage.total,
            money=self._settled.money + money,
        )

    def drop(self, count: int = 1) -> None:
        """Count requests as no longer under way: they brought no answer and cost nothing."""
        self.under_way -= count


def _shown(value: float) -> str:
    return f"{value:,.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"
