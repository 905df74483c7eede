"""The Gemini client, over the wire: what it sends, what it makes of answers, and of every kind of failure."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from google.genai.errors import ClientError
from pydantic import SecretStr
from requests_to_send import PRICES, make_request
from service import KEY, Service

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
from codisearch.generators.gemini import GeminiGenerator, answer_of, fault_of
from codisearch.generators.settings import ModelSettings


def make(address: str, key: str = KEY, **settings: Any) -> GeminiGenerator:
    """Return a client of the service."""
    base: dict[str, Any] = {"model": "gemini-x", "timeout_seconds": 2, "prices": PRICES}
    return GeminiGenerator(
        "gemini", ModelSettings(**(base | {"base_url": address} | settings)), SecretStr(key)
    )


def ask(generator: GeminiGenerator) -> Answer:
    """Send one request."""

    async def run() -> Answer:
        async with generator:
            return await generator.answer(make_request(7))

    return asyncio.run(run())


def snake_free(value: Any) -> Any:
    """Return JSON with the names as protocol buffers read them: with or without underscores is the same."""
    if isinstance(value, dict):
        return {name.replace("_", "").lower(): snake_free(inner) for name, inner in value.items()}
    return [snake_free(inner) for inner in value] if isinstance(value, list) else value


def test_an_answer(service: Service):
    """Text without thoughts, tokens and the model's version come back."""
    answer = ask(make(service.address))
    content = json.loads(answer.text)
    assert [query["style"] for query in content["queries"]] == ["formal", "lay"]
    assert (answer.finish, answer.detail, answer.model) == ("stop", "STOP", "stub-1")
    assert answer.usage == Usage(
        input=len(make_request(7).system + make_request(7).user) // 4,
        output=len(answer.text) // 4,
        thinking=50,
    )
    assert answer.seconds > 0


def test_what_is_sent(service: Service):
    """Model settings, instructions, question and the schema of the answer are on the wire."""
    generator = make(
        service.address,
        temperature=0.7,
        thinking_level="low",
        max_output_tokens=500,
        seed=3,
        safety_threshold="BLOCK_ONLY_HIGH",
    )
    ask(generator)
    (body,) = service.counts["bodies"]
    assert body["systemInstruction"]["parts"] == [{"text": "Write queries."}]
    assert body["contents"][0]["parts"] == [{"text": make_request(7).user}]
    config = body["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert config["responseJsonSchema"] == {"type": "object"}
    assert (config["temperature"], config["maxOutputTokens"], config["seed"]) == (0.7, 500, 3)
    assert snake_free(config["thinkingConfig"]) == {"thinkinglevel": "LOW"}
    assert {one["threshold"] for one in body["safetySettings"]} == {"BLOCK_ONLY_HIGH"}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"temperature": 0.0, "thinking_budget": 0},
        {"thinking_level": "high", "seed": 5, "safety_threshold": "BLOCK_NONE", "max_output_tokens": 77},
    ],
)
def test_a_batch_asks_for_the_same(service: Service, settings: dict[str, Any]):
    """A line of a batch file is, name by name, what the SDK sends for a single request."""
    generator = make(service.address, **settings)
    ask(generator)
    (body,) = service.counts["bodies"]
    line = generator.batch_line(make_request(7))
    assert line["key"] == make_request(7).key
    assert snake_free(line["request"]) == snake_free(body)


@pytest.mark.parametrize(
    ("fault", "kind", "name"),
    [
        ("429", TransientFault, "rate_limited"),
        ("429_info", TransientFault, "rate_limited"),
        ("500", TransientFault, "server_error"),
        ("503", TransientFault, "server_error"),
        ("timeout", TransientFault, "timeout"),
        ("drop", TransientFault, "connection"),
        ("garbage", TransientFault, "server_error"),
        ("bad_request", RequestFault, "bad_request"),
    ],
)
def test_faults_over_the_wire(service: Service, fault: str, kind: type[Fault], name: str):
    """Each failure of service or connection is the fault that it is, after one single request."""
    service.set(fault_rate=1.1, faults=[fault], stall=1.0)
    with pytest.raises(kind) as caught:
        ask(make(service.address, timeout_seconds=0.5))
    assert caught.value.kind == name
    if fault.startswith("429"):
        assert caught.value.retry_after == pytest.approx(0.1)
    assert service.counts["arrivals"] == 1


def test_nobody_there():
    """A service that cannot be reached is a connection fault."""
    with pytest.raises(TransientFault) as caught:
        ask(make("http://127.0.0.1:9"))
    assert caught.value.kind == "connection"


@pytest.mark.parametrize(
    ("fault", "finish", "detail"),
    [
        ("safety", "safety", "PROHIBITED_CONTENT"),
        ("safety_candidate", "safety", "SAFETY"),
        ("truncated", "length", "MAX_TOKENS"),
        ("empty", "stop", "STOP"),
    ],
)
def test_answers_of_no_use_are_answers(service: Service, fault: str, finish: str, detail: str):
    """A block, a cut or silence is paid for, and comes back with its reason."""
    service.set(fault_rate=1.1, faults=[fault])
    answer = ask(make(service.address))
    assert (answer.finish, answer.detail) == (finish, detail)
    assert answer.usage.input > 0


def test_a_wrong_key(service: Service):
    """A key that is not valid concerns every request; the message does not repeat it."""
    service.set(echo_key=True)
    with pytest.raises(FatalFault, match="API key not valid") as caught:
        ask(make(service.address, key="wrong-key-987"))
    assert "wrong-key-987" not in str(caught.value)
    assert "Came: ***" in str(caught.value)


def test_a_day_s_quota(service: Service):
    """A quota by day is not waited for."""
    service.set(quota=0)
    with pytest.raises(ExhaustedFault):
        ask(make(service.address))


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (401, "UNAUTHENTICATED", FatalFault),
        (403, "PERMISSION_DENIED", FatalFault),
        (404, "NOT_FOUND", FatalFault),
        (400, "FAILED_PRECONDITION", FatalFault),
        (402, "", ExhaustedFault),
        (408, "", TransientFault),
        (409, "ABORTED", TransientFault),
        (304, "", TransientFault),
        (400, "INVALID_ARGUMENT", RequestFault),
        (413, "", RequestFault),
    ],
)
def test_statuses(code: int, status: str, kind: type[Fault]):
    """What a status means: for this request, for all of them, or for a while."""
    assert type(fault_of(ClientError(code, {"error": {"message": "no", "status": status}}))) is kind


ODD = [
    b"<html>caf\xe9</html>",
    b'{"candidates": [null]}',
    b'{"candidates": [{"content": {"parts": [null]}}]}',
    b'{"candidates": [{"content": {"parts": [{"text": {"a": 1}}]}}]}',
    b'{"usageMetadata": [], "candidates": []}',
    b'{"usageMetadata": {"promptTokenCount": "many"}}',
    b"[1]",
    b"[" * 100_000,
]


@pytest.mark.parametrize("body", ODD)
def test_bodies_that_nobody_thought_of(body: bytes):
    """Whatever a proxy or a service sends, it is a fault that may pass, not the end of a run."""

    async def run() -> None:
        async def reply(_: web.Request) -> web.Response:
            return web.Response(body=body, content_type="application/json")

        app = web.Application()
        app.router.add_post("/{tail:.*}", reply)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            async with make(f"http://127.0.0.1:{runner.addresses[0][1]}") as generator:
                await generator.answer(make_request(7))
        finally:
            await runner.cleanup()

    with pytest.raises(TransientFault):
        asyncio.run(run())


def test_line_ends_inside_texts_do_not_cut_results():
    """JSON may hold U+2028 as it is; a result file has a line for each request all the same."""
    said = {"candidates": [{"finishReason": "STOP", "content": {"parts": [{"text": "a\u2028b\x85c"}]}}]}
    first, second = (json.dumps({"key": key, "response": said}, ensure_ascii=False) for key in "kl")

    class Files(GeminiGenerator):
        """A client with one finished job."""

        @property
        def _client(self) -> Any:
            async def get(**_: Any) -> Any:
                return SimpleNamespace(dest=SimpleNamespace(file_name="files/r"))

            async def download(**_: Any) -> bytes:
                return f"{first}\n{{broken\n{second}\n".encode()

            files, batches = SimpleNamespace(download=download), SimpleNamespace(get=get)
            return SimpleNamespace(files=files, batches=batches)

    async def read() -> dict[str, Answer | Fault]:
        generator = Files("gemini", ModelSettings(model="m"), SecretStr(KEY))
        return {key: result async for key, result in generator.results("batches/1")}

    found = asyncio.run(read())
    assert sorted(found) == ["k", "l"]
    assert isinstance(found["k"], Answer)
    assert found["k"].text == "a\u2028b\x85c"


def test_the_key_is_masked_before_a_message_is_cut():
    """A key at the end of a long message does not stay there in part."""
    fault = TransientFault("server_error", "x" * 490 + "key=" + KEY).without(KEY)
    assert len(fault.message) <= 500
    assert "test-key" not in fault.message


def test_a_date_to_wait_for_is_left_to_the_back_off():
    """A Retry-After that is a date gives no seconds."""
    error = ClientError(429, {"error": {"message": "x", "details": [{"retryDelay": "soon"}]}})
    fault = fault_of(error)
    assert isinstance(fault, TransientFault)
    assert fault.retry_after is None


@pytest.mark.parametrize(
    ("body", "finish", "text"),
    [
        ({}, "other", ""),
        ({"candidates": []}, "other", ""),
        ({"candidates": [{"finishReason": "RECITATION"}]}, "safety", ""),
        ({"candidates": [{"finishReason": "OTHER", "content": {"parts": [{"text": "a"}]}}]}, "other", "a"),
        ({"candidates": [{"content": {}, "finishReason": "STOP"}]}, "stop", ""),
    ],
)
def test_bodies_with_something_missing(body: dict[str, Any], finish: str, text: str):
    """Whatever the service leaves out, there is an answer that says so."""
    answer = answer_of(body, 0.0)
    assert (answer.finish, answer.text) == (finish, text)


def test_it_has_to_be_open():
    """A client that was not opened says so."""
    with pytest.raises(ConfigurationError, match="is not open"):
        asyncio.run(make("http://127.0.0.1:9").answer(make_request()))
