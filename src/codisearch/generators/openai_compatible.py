"""Any endpoint that speaks OpenAI's chat protocol: vLLM, Ollama, llama.cpp, a gateway."""

import time
from typing import TYPE_CHECKING, ClassVar, Final

from pydantic import SecretStr

from codisearch.errors import ConfigurationError
from codisearch.generators.contract import (
    Answer,
    ExhaustedFault,
    FatalFault,
    Fault,
    FaultKind,
    Finish,
    Generator,
    Request,
    RequestFault,
    TransientFault,
    Usage,
)
from codisearch.generators.settings import ModelSettings

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI
    from openai.types.chat import ChatCompletion

_REFUSED: Final = {401, 403, 404}
_CLIENT, _NO_CREDIT, _SERVER = 400, 402, 500
_PASSING: Final[dict[int, FaultKind]] = {
    408: "timeout", 429: "rate_limited", 409: "server_error", 425: "server_error", 499: "server_error",
}  # fmt: skip
_LONGEST_WAIT: Final = 3600.0  # seconds


class OpenAICompatibleGenerator(Generator):
    """A model behind an OpenAI-compatible endpoint, at `base_url`; local servers need no key."""

    needs_key: ClassVar[bool] = False

    def __init__(self, name: str, settings: ModelSettings, key: SecretStr | None = None) -> None:
        """Keep the settings; `open` connects.

        Raises:
            ConfigurationError: If the address is missing or a setting is Gemini's alone.
        """
        super().__init__(name, settings, key)
        if settings.base_url is None:
            raise ConfigurationError(
                f"generation.models.{name}.base_url is missing: give the endpoint, such as http://127.0.0.1:8000/v1."
            )
        for field in ("thinking_budget", "safety_threshold"):
            if getattr(settings, field) is not None:
                raise ConfigurationError(
                    f"generation.models.{name}.{field}: an OpenAI-compatible endpoint has no such setting; "
                    f"allowed is null, came {getattr(settings, field)!r}."
                )
        self._opened: AsyncOpenAI | None = None

    async def open(self) -> None:
        """Open a pool of connections."""
        from openai import AsyncOpenAI

        self._opened = AsyncOpenAI(
            base_url=self.settings.base_url,
            api_key=self.secret or "none",
            timeout=self.settings.timeout_seconds,
            max_retries=0,  # retries are ours, counted and recorded
        )

    async def close(self) -> None:
        """Close the pool."""
        if self._opened:
            await self._opened.close()
            self._opened = None

    async def ask(self, request: Request) -> Answer:
        """Send a request once; see `Generator.ask`."""
        import openai

        if self._opened is None:
            raise ConfigurationError(f"{self.name} is not open: use it in `async with`.")
        settings = self.settings
        started = time.monotonic()
        try:
            completion = await self._opened.chat.completions.create(
                model=settings.model,
                messages=[
                    {"role": "system", "content": request.system},
                    {"role": "user", "content": request.user},
                ],
                temperature=openai.omit if settings.temperature is None else settings.temperature,
                seed=openai.omit if settings.seed is None else settings.seed,
                reasoning_effort=settings.thinking_level or openai.omit,
                max_tokens=settings.max_output_tokens,
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": request.task, "schema": dict(request.schema), "strict": True},
                },
            )
        except openai.APITimeoutError:
            raise TransientFault("timeout", "the endpoint did not answer in time") from None
        except openai.APIConnectionError as error:
            raise TransientFault("connection", f"{error} {error.__cause__ or ''}") from None
        except openai.APIStatusError as error:
            raise fault_of(error) from None
        except (openai.APIError, ValueError) as error:
            raise TransientFault("server_error", f"an unreadable response: {error}") from None
        return answer_of(completion, time.monotonic() - started)


def answer_of(completion: "ChatCompletion", seconds: float) -> Answer:
    """Return a completion as an answer."""
    usage = completion.usage
    details = usage.completion_tokens_details if usage else None
    thinking = (details.reasoning_tokens or 0) if details else 0
    cached = usage.prompt_tokens_details.cached_tokens if usage and usage.prompt_tokens_details else 0
    counted = Usage(
        input=(usage.prompt_tokens or 0) if usage else 0,
        cached=cached or 0,
        output=max(0, (usage.completion_tokens or 0) - thinking) if usage else 0,
        thinking=thinking,
    )
    if not completion.choices:
        return Answer("", "other", "no choice", counted, completion.model or "", seconds)
    choice = completion.choices[0]
    finishes: dict[str, Finish] = {"stop": "stop", "length": "length", "content_filter": "safety"}
    finish = "safety" if choice.message.refusal else finishes.get(choice.finish_reason, "other")
    text = choice.message.content or ""
    return Answer(text, finish, str(choice.finish_reason), counted, completion.model or "", seconds)


def fault_of(error: "APIStatusError") -> Fault:
    """Return the fault that a status of an OpenAI-compatible endpoint means."""
    message, status = str(error.message), error.status_code
    if status in _REFUSED:
        return FatalFault("bad_request", message)
    if status == _NO_CREDIT or error.code == "insufficient_quota":
        return ExhaustedFault("rate_limited", message)
    if status in _PASSING or not _CLIENT <= status < _SERVER:
        return TransientFault(_PASSING.get(status, "server_error"), message, _retry_after(error))
    return RequestFault("bad_request", message)


def _retry_after(error: "APIStatusError") -> float | None:
    try:
        return min(max(0.0, float(error.response.headers.get("retry-after", ""))), _LONGEST_WAIT)
    except ValueError:
        return None  # a date, or nothing: the back-off decides
