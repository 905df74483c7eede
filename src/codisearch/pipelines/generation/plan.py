"""What a run will come to, before it begins: requests, tokens, money and time."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from codisearch.generators.contract import Request, Usage
from codisearch.generators.ledger import Ledger
from codisearch.generators.meter import Expected, cost_of
from codisearch.pipelines.generation.params import GenerationParams

_ENOUGH: Final = 20
_MINUTE: Final = 60.0


@dataclass(frozen=True)
class TaskPlan:
    """What one pass will come to.

    Attributes:
        task: Which pass.
        generator: Who is asked.
        model: Which model.
        requests: Requests in all.
        answered: Those that the ledger has an answer to: they are not sent again.
        rows: Queries that they are about.
        input_tokens: Tokens of the prompts still to send.
        output_tokens: Tokens of the answers still to come, thinking among them.
        money: What these cost.
        seconds: How long they take; 0 in batch mode, where the service sets the time.
        basis: What the figures rest on.
        tokens_each: Tokens of one request, sent or not.
        money_each: What it costs.
    """

    task: str
    generator: str
    model: str
    requests: int
    answered: int
    rows: int
    input_tokens: int
    output_tokens: int
    money: float
    seconds: float
    basis: str
    tokens_each: float
    money_each: float

    @property
    def expected(self) -> Expected:
        """Return what one of the requests comes to."""
        return Expected(self.tokens_each, self.money_each)


@dataclass(frozen=True)
class Size:
    """How much there is to send.

    Attributes:
        requests: Requests in all.
        answered: Those that are answered.
        rows: Queries that they are about.
        characters: Characters of all prompts.
    """

    requests: int
    answered: int
    rows: int
    characters: int


def measure(requests: Iterable[Request], rows: int, settled: set[str]) -> Size:
    """Return how much there is to send, rendering every request once."""
    count = answered = characters = 0
    for request in requests:
        count += 1
        answered += request.key in settled
        characters += len(request.system) + len(request.user)
    return Size(count, answered, rows, characters)


def plan_task(
    task: str, generator: str, size: Size, answer_tokens: float, ledger: Ledger, params: GenerationParams
) -> TaskPlan:
    """Return the plan of a pass.

    Args:
        task: Which pass.
        generator: Who is asked.
        size: How much there is to send.
        answer_tokens: Expected tokens of an answer without thinking, where the ledger has too few answers.
        ledger: The ledger, whose answers of the same kind are a better guess.
        params: The pipeline's parameters.
    """
    settings = params.models[generator]
    batch = params.mode == "batch"
    left = size.requests - size.answered
    means = ledger.means(task, settings.digest(generator))
    measured = means.answers >= _ENOUGH
    if measured:
        each = (means.input_tokens, means.output_tokens)
    else:
        asked = size.characters / params.estimate.characters_per_token / max(1, size.requests)
        each = (asked, answer_tokens + params.estimate.thinking_tokens)
    used = Usage(round(each[0] * left), 0, round(each[1] * left))
    one = Usage(round(each[0]), 0, round(each[1]))
    seconds = means.seconds if measured and means.seconds else params.estimate.seconds
    basis = f"the mean of {means.answers:,} answers" if measured else "an estimate from the prompts' length"
    return TaskPlan(
        task=task,
        generator=generator,
        model=settings.model,
        requests=size.requests,
        answered=size.answered,
        rows=size.rows,
        input_tokens=used.input,
        output_tokens=used.output,
        money=cost_of(used, settings.prices, batch=batch),
        seconds=_duration(left, used.total, seconds, params),
        basis=basis,
        tokens_each=sum(each),
        money_each=cost_of(one, settings.prices, batch=batch),
    )


def _duration(left: int, tokens: int, seconds: float, params: GenerationParams) -> float:
    """Return the time that the slowest of concurrency, requests and tokens a minute allows."""
    if params.mode == "batch":
        return 0.0
    pace = params.pace
    limits = [left * seconds / pace.concurrency, seconds if left else 0.0]
    if pace.requests_per_minute:
        limits.append(left / pace.requests_per_minute * _MINUTE)
    if pace.tokens_per_minute:
        limits.append(tokens / pace.tokens_per_minute * _MINUTE)
    return max(limits)
