"""The contract of every client of a language model: what it is asked, what it answers, how it fails."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Final, Literal, Self

from pydantic import SecretStr

from codisearch.errors import CodisearchError, GeneratorError
from codisearch.generators.settings import ModelSettings

Finish = Literal["stop", "length", "safety", "other"]
"""Why a model stopped: it was done, it ran out of tokens, its filters blocked it, or anything else."""

FaultKind = Literal["rate_limited", "server_error", "timeout", "connection", "bad_request"]
UNREADABLE: Final = (
    AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError, RecursionError,
)  # fmt: skip
"""What reading a response of another form than the one agreed on may raise."""
_KEY_LENGTH: Final = 32
_LONGEST_MESSAGE: Final = 500


def clean(text: str) -> str:
    """Return a text that can be written as UTF-8: halves of surrogate pairs, as JSON may hold, replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@dataclass(frozen=True)
class Usage:
    """Tokens of a request, as the service counts them.

    Attributes:
        input: Tokens of the prompt, cached ones among them.
        cached: Tokens of the prompt that came from a cache.
        output: Tokens of the answer, without thinking.
        thinking: Tokens that the model thought with; billed as output.
    """

    input: int = 0
    cached: int = 0
    output: int = 0
    thinking: int = 0

    @property
    def total(self) -> int:
        """Return all tokens together."""
        return self.input + self.output + self.thinking


@dataclass(frozen=True)
class Request:
    """One question to a language model.

    Attributes:
        task: What it is for, such as `queries`.
        subject: What it is about, in words for a person, such as `E11.9 es`.
        system: The instructions.
        user: The question.
        schema: JSON Schema of the answer.
        attempt: 1, or more where an earlier answer was of no use.
        settings: Digest of the model's settings (`ModelSettings.digest`).
        prompt: Hash of the prompt file.
        meta: What the asker needs to make sense of the answer later; kept in the ledger.
    """

    task: str
    subject: str
    system: str
    user: str
    schema: Mapping[str, Any]
    attempt: int
    settings: str
    prompt: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """Return 32 hexadecimal digits of all that decides the answer: the same key is the same request."""
        parts = [self.settings, self.prompt, self.system, self.user, self.schema, self.attempt]
        text = json.dumps(parts, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:_KEY_LENGTH]


@dataclass(frozen=True)
class Answer:
    """What a model answered.

    Attributes:
        text: Its text; empty if it was blocked or said nothing.
        finish: Why it stopped.
        detail: The service's own word for it, such as `MAX_TOKENS`.
        usage: Tokens.
        model: The version of the model that answered.
        seconds: How long it took.
    """

    text: str
    finish: Finish
    detail: str = ""
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    seconds: float = 0.0

    def __post_init__(self) -> None:
        """Replace what cannot be written.

        Raises:
            TypeError: If the text is none.
        """
        if not isinstance(self.text, str):
            raise TypeError(f"expected a text, came {type(self.text).__name__}")
        object.__setattr__(self, "text", clean(self.text))


class Fault(Exception):  # noqa: N818
    """A request that brought no answer.

    Attributes:
        kind: Which kind of fault.
        message: What the service or the connection said.
        retry_after: Seconds that the service asks to wait, if it does.
    """

    def __init__(self, kind: FaultKind, message: str, retry_after: float | None = None) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message
        self.retry_after = retry_after

    def without(self, secret: str) -> Self:
        """Return the same fault with a secret, if there is one, blotted out of its message, and that cut."""
        message = clean(self.message)
        message = message.replace(secret, "***") if secret else message
        return type(self)(self.kind, message[:_LONGEST_MESSAGE], self.retry_after)


class TransientFault(Fault):
    """A fault that may be gone when the request is sent again."""


class RequestFault(Fault):
    """A fault of this request alone: sending it again brings the same."""


class FatalFault(Fault):
    """A fault of every request: a key or a model that is refused."""


class ExhaustedFault(Fault):
    """A quota that is used up for hours: the run ends, and a later one goes on."""


class Generator(ABC):
    """A client of one language model; use it in `async with`.

    A generator sends a request once and never retries by itself: retries are counted and recorded where it
    is used. Adding one is a subclass with `ask`, named in the catalog's `generators`.

    Attributes:
        name: Its name in the catalog.
        settings: The model and how it is asked.
        needs_key: Whether it is of no use without a key.
    """

    needs_key: ClassVar[bool] = True

    def __init__(self, name: str, settings: ModelSettings, key: SecretStr | None = None) -> None:
        """Keep what is needed; nothing is opened before `async with`.

        Raises:
            ConfigurationError: If the settings name something that this generator does not have.
        """
        self.name = name
        self.settings = settings
        self._key = key

    @property
    def secret(self) -> str:
        """Return the key, or an empty string."""
        return self._key.get_secret_value() if self._key else ""

    def refused(self, fault: FatalFault) -> GeneratorError:
        """Return what a user is told when the service refuses every request."""
        return GeneratorError(
            f"{self.name} refuses every request: {fault.message} Check its key and its model."
        )

    async def answer(self, request: Request) -> Answer:
        """Return the answer to a request, or raise a `Fault` whose message never holds the key.

        A response of another form than agreed on is a fault like any other, and does not end a run.
        """
        try:
            return await self.ask(request)
        except CodisearchError:
            raise
        except Fault as fault:
            raise fault.without(self.secret) from None
        except UNREADABLE as error:
            unreadable = f"an unreadable response ({type(error).__name__}: {error})"
            raise TransientFault("server_error", unreadable).without(self.secret) from None

    @abstractmethod
    async def ask(self, request: Request) -> Answer:
        """Send a request once.

        Raises:
            Fault: One of its subclasses, if there is no answer.
        """

    async def open(self) -> None:  # noqa: B027  # not every generator has connections
        """Open connections."""

    async def close(self) -> None:  # noqa: B027
        """Close connections."""

    async def __aenter__(self) -> Self:
        """Open connections."""
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close connections."""
        await self.close()


JobState = Literal["running", "done", "failed"]


@dataclass(frozen=True)
class Job:
    """A batch job at the service.

    Attributes:
        name: Its name there.
        state: Whether it is still under way, has results, or has ended without.
        detail: The service's own word for the state.
    """

    name: str
    state: JobState
    detail: str


class BatchGenerator(Generator):
    """A generator that also takes many requests as one job, answered within hours at a lower price."""

    @abstractmethod
    async def submit(self, label: str, requests: Sequence[Request]) -> str:
        """Hand in a job under a label of ours and return its name at the service."""

    @abstractmethod
    async def find(self, label: str) -> str | None:
        """Return the name of the job with a label, if the service has one."""

    @abstractmethod
    async def look(self, name: str) -> Job:
        """Return how a job stands."""

    @abstractmethod
    def results(self, name: str) -> AsyncIterator[tuple[str, Answer | Fault]]:
        """Yield the key of each request of a finished job, and its answer or what went wrong with it."""
