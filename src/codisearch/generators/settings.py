"""How a language model is asked and what it costs, how fast it may be asked, and how much may be spent."""

import hashlib
import json
from typing import Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

MILLION: Final = 1_000_000
_DIGEST_LENGTH: Final = 8
_DECIDES: Final = {
    "model", "temperature", "thinking_budget", "thinking_level", "max_output_tokens", "seed",
    "safety_threshold",
}  # fmt: skip

ThinkingLevel = Literal["minimal", "low", "medium", "high"]
SafetyThreshold = Literal["BLOCK_NONE", "BLOCK_ONLY_HIGH", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_LOW_AND_ABOVE"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Prices(_Strict):
    """What a model costs, in units of `currency` for a million tokens.

    Attributes:
        input: A million tokens of prompts.
        cached: A million tokens of prompts that came from a cache; null: as `input`.
        output: A million tokens of answers, thinking among them.
        batch_share: What a batch job costs, as a share of the same requests one by one.
        currency: Name of the currency.
    """

    input: NonNegativeFloat = 0.0
    cached: NonNegativeFloat | None = None
    output: NonNegativeFloat = 0.0
    batch_share: float = Field(default=0.5, ge=0, le=1)
    currency: str = "USD"


class ModelSettings(_Strict):
    """A model and how it is asked.

    Attributes:
        model: Its name at the service.
        temperature: Sampling temperature; null: the service's default.
        thinking_budget: Tokens to think with (0: none, -1: as the model sees fit); null: the default.
        thinking_level: The same in words, for the models that take it instead; null: the default.
        max_output_tokens: Longest answer, thinking among it.
        seed: Seed of the sampling, where the service takes one.
        safety_threshold: From what probability of harm an answer is blocked; null: the service's default.
        base_url: Address of the service; null: the public one.
        timeout_seconds: How long to wait for an answer.
        prices: What it costs.
    """

    model: str = Field(min_length=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    thinking_budget: int | None = Field(default=None, ge=-1)
    thinking_level: ThinkingLevel | None = None
    max_output_tokens: PositiveInt = 4096
    seed: int | None = None
    safety_threshold: SafetyThreshold | None = None
    base_url: str | None = None
    timeout_seconds: PositiveFloat = 120.0
    prices: Prices = Prices()

    @model_validator(mode="after")
    def _one_way_to_think(self) -> Self:
        if self.thinking_budget is not None and self.thinking_level is not None:
            raise ValueError(
                f"thinking_budget ({self.thinking_budget}) and thinking_level ({self.thinking_level!r}) "
                "exclude each other: set the one that the model takes, and the other to null."
            )
        return self

    def digest(self, generator: str) -> str:
        """Return 8 hexadecimal digits of what decides an answer: generator, model and sampling."""
        decides = self.model_dump(include=_DECIDES) | {"generator": generator}
        return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:_DIGEST_LENGTH]


class Pace(_Strict):
    """How fast requests are sent, and how often they are sent again.

    Attributes:
        concurrency: Requests that wait for an answer at the same time.
        requests_per_minute: Upper limit; null: none.
        tokens_per_minute: Upper limit of the tokens of prompts and answers together; null: none.
        tries: How often a request is sent before it is given up in this run.
        first_wait_seconds: Longest wait before the second try; it doubles with every further one. The actual
            wait is drawn by chance below it.
        longest_wait_seconds: Where the doubling ends. What a service asks to wait is not cut.
        give_up_after: Requests in a row that were given up before the run ends, since the service is down.
    """

    concurrency: PositiveInt = 16
    requests_per_minute: PositiveFloat | None = None
    tokens_per_minute: PositiveFloat | None = None
    tries: PositiveInt = 6
    first_wait_seconds: NonNegativeFloat = 2.0
    longest_wait_seconds: NonNegativeFloat = 60.0
    give_up_after: PositiveInt = 10


class BatchSettings(_Strict):
    """How batch jobs are cut and watched.

    Attributes:
        requests_per_job: Upper limit of the requests of a job.
        open_jobs: Upper limit of the jobs that are under way at the same time.
        poll_seconds: Time between two looks at the jobs.
        wait: Whether the run waits for the jobs; if not, it hands them in and ends, and a later run collects.
    """

    requests_per_job: PositiveInt = 5_000
    open_jobs: PositiveInt = 4
    poll_seconds: PositiveFloat = 60.0
    wait: bool = True


class Budget(_Strict):
    """How much may be spent, all runs on one ledger together; null: no limit.

    Attributes:
        requests: Requests sent, those without an answer among them.
        tokens: Tokens of prompts and answers.
        money: In the currency of the prices.
    """

    requests: PositiveInt | None = None
    tokens: PositiveInt | None = None
    money: PositiveFloat | None = None
