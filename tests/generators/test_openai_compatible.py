"""The client of OpenAI-compatible endpoints, over the wire."""

import asyncio
import json
from typing import Any

import httpx2
import openai
import pytest
from openai.types.chat import ChatCompletion
from pydantic import SecretStr
from requests_to_send import PRICES, make_request
from service import Service

from codisearch.errors import ConfigurationError
from codisearch.generators.contract import (
    Answer,
    ExhaustedFault,
    FatalFault,
    Fault,
    RequestFault,
    TransientFault,
    Usage,
)
from codisearch.generators.openai_compatible import OpenAICompatibleGenerator, answer_of, fault_of
from codisearch.generators.settings import ModelSettings


def make(address: str, key: str | None = None, **settings: Any) -> OpenAICompatibleGenerator:
    """Return a client of the service."""
    base = {"model": "local", "timeout_seconds": 2, "prices": PRICES, "base_url": f"{address}/v1"}
    secret = SecretStr(key) if key else None
    return OpenAICompatibleGenerator("openai", ModelSettings(**(base | settings)), secret)


def ask(generator: OpenAICompatibleGenerator) -> Answer:
    """Send one request."""

    async def run() -> Answer:
        async with generator:
            return await generator.answer(make_request(7))

    return asyncio.run(run())


def test_an_answer(service: Service):
    """The same contract as Gemini's: text, finish, tokens with the thinking apart."""
    answer = ask(make(service.address))
    assert [query["style"] for query in json.loads(answer.text)["queries"]] == ["formal", "lay"]
    assert (answer.finish, answer.model) == ("stop", "stub-1")
    assert answer.usage.thinking == 50
    assert answer.usage.output == len(answer.text) // 4


def test_what_is_sent(service: Service):
    """Instructions, question, settings and the schema of the answer are on the wire; what is null is not."""
    ask(make(service.address, temperature=0.7, seed=3, max_output_tokens=500))
    (body,) = service.counts["bodies"]
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert (body["temperature"], body["seed"], body["max_tokens"]) == (0.7, 3, 500)
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    service.set()
    ask(make(service.address))
    (body,) = service.counts["bodies"]
    assert not {"temperature", "seed", "reasoning_effort"} & set(body)


@pytest.mark.parametrize(
    ("fault", "kind", "name"),
    [
        ("429", TransientFault, "rate_limited"),
        ("503", TransientFault, "server_error"),
        ("timeout", TransientFault, "timeout"),
        ("drop", TransientFault, "connection"),
        ("garbage", TransientFault, "server_error"),
        ("bad_request", RequestFault, "bad_request"),
    ],
)
def test_faults_over_the_wire(service: Service, fault: str, kind: type[Fault], name: str):
    """Each failure is the fault that it is, after one single request."""
    service.set(fault_rate=1.1, faults=[fault], stall=1.0)
    with pytest.raises(kind) as caught:
        ask(make(service.address, timeout_seconds=0.5))
    assert caught.value.kind == name
    if fault == "429":
        assert caught.value.retry_after == pytest.approx(0.1)
    assert service.counts["arrivals"] == 1


def status(code: int, kind: str | None = None) -> openai.APIStatusError:
    """Return an error of the SDK with a status."""
    response = httpx2.Response(code, request=httpx2.Request("POST", "http://x"))
    return openai.APIStatusError("no", response=response, body={"code": kind})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (status(401), FatalFault),
        (status(404), FatalFault),
        (status(402), ExhaustedFault),
        (status(408), TransientFault),
        (status(409), TransientFault),
        (status(429, "insufficient_quota"), ExhaustedFault),
        (status(422), RequestFault),
    ],
)
def test_statuses(error: openai.APIStatusError, kind: type[Fault]):
    """What a status means for this request, for all, or for later."""
    assert type(fault_of(error)) is kind


def completion(**changes: Any) -> ChatCompletion:
    """Return a completion with something missing or odd."""
    body = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": []}
    return ChatCompletion.model_validate(body | changes)


def test_completions_with_something_missing():
    """No choice, no tokens, a refusal, a filter, a cut: each is an answer that says so."""

    def choice(reason: str, **message: Any) -> dict[str, Any]:
        return {
            "index": 0,
            "finish_reason": reason,
            "message": {"role": "assistant", "content": None, **message},
        }

    assert answer_of(completion(), 0.0) == Answer("", "other", "no choice", Usage(), "m", 0.0)
    assert answer_of(completion(choices=[choice("content_filter")]), 0.0).finish == "safety"
    assert answer_of(completion(choices=[choice("stop", refusal="I cannot")]), 0.0).finish == "safety"
    assert answer_of(completion(choices=[choice("length", content="{")]), 0.0).finish == "length"
    assert answer_of(completion(choices=[choice("tool_calls")]), 0.0).finish == "other"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"base_url": None}, r"models\.openai\.base_url is missing"),
        ({"thinking_budget": 0}, r"models\.openai\.thinking_budget.*allowed is null, came 0"),
        ({"safety_threshold": "BLOCK_NONE"}, r"models\.openai\.safety_threshold"),
    ],
)
def test_settings_that_it_does_not_have(settings: dict[str, Any], text: str):
    """What would silently do nothing is refused."""
    with pytest.raises(ConfigurationError, match=text):
        make("http://127.0.0.1:9", **settings)


def test_a_key_is_sent_and_never_shown(service: Service):
    """A gateway's key goes into the header, and faults do not repeat it."""
    generator = make(service.address, key="gateway-key-5")
    assert generator.secret == "gateway-key-5"
    assert "gateway-key-5" not in str(vars(generator))
    assert ask(generator).finish == "stop"


def test_it_has_to_be_open():
    """A client that was not opened says so."""
    with pytest.raises(ConfigurationError, match="is not open"):
        asyncio.run(make("http://127.0.0.1:9").answer(make_request()))
