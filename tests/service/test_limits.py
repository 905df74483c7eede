"""What a request may bring, and how long it may take."""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from codisearch.retrieval.retriever import Retriever
from codisearch.service.limits import Deadline

JSON = {"Content-Type": "application/json"}
FHIR = {"Content-Type": "application/fhir+json"}


class Slow:
    """A retriever that searches when it is told to."""

    def __init__(self, retriever: Retriever) -> None:
        self._retriever = retriever
        self.may_answer = threading.Event()
        self.calls = 0

    def search_many(self, queries: list[str], **options: Any) -> Any:
        self.calls += 1
        self.may_answer.wait(5)
        return self._retriever.search_many(queries, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._retriever, name)


def chunks(size: int, count: int) -> Iterator[bytes]:
    """Yield a body that does not announce its length."""
    for _ in range(count):
        yield b" " * size


def test_body_that_announces_too_much(client: TestClient) -> None:
    response = client.post("/v1/search", content=b" " * 10_000_000, headers=JSON)
    assert (response.status_code, response.headers["content-type"]) == (413, "application/problem+json")
    assert response.json()["detail"].startswith("The body has more than 1,048,576 bytes")


def test_body_that_grows_too_large(client: TestClient) -> None:
    response = client.post("/v1/search", content=chunks(100_000, 100), headers=JSON)
    assert response.status_code == 413
    assert response.json()["detail"].startswith("The body has more than 1,048,576 bytes")


def test_body_of_the_largest_size(client: TestClient) -> None:
    query = b'{"query": "asma"}'
    body = query + b" " * (1_048_576 - len(query))
    assert client.post("/v1/search", content=body, headers=JSON).status_code == 200
    assert client.post("/v1/search", content=body + b" ", headers=JSON).status_code == 413


@pytest.mark.parametrize("length", ["-1", "1e3", "²", "9" * 5000])
def test_length_that_is_no_number_or_endless(client: TestClient, length: str) -> None:
    headers = {"Content-Length": length.encode("latin-1")}
    response = client.request("GET", "/healthz", headers=headers)  # type: ignore[arg-type]
    assert response.status_code == (413 if length.isdecimal() else 400)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_body_that_is_not_json(client: TestClient, kind: str) -> None:
    response = client.post("/v1/search", content=b'{"query": "asma"}', headers={"Content-Type": kind})
    assert response.status_code == 415
    assert response.json()["detail"] == f"Content-Type must be application/json, came {kind!a}."
    outcome = client.post("/fhir/ValueSet/$expand", content=b"{}", headers={"Content-Type": kind})
    assert (outcome.status_code, outcome.json()["issue"][0]["code"]) == (415, "not-supported")


@pytest.mark.parametrize("kind", ["application/json; charset=utf8", "Application/JSON", "application/a+json"])
def test_kinds_of_json(client: TestClient, kind: str) -> None:
    response = client.post("/v1/search", content=b'{"query": "asma"}', headers={"Content-Type": kind})
    assert response.status_code == 200


@pytest.mark.parametrize("path", ["/v1/search?q=%FF", "/v1/codes/%C3", "/v1/search?q=a&%ff=1"])
def test_address_that_is_not_utf8(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 400
    assert "not UTF-8" in response.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/search?q=a&q=b", "/v1/codes/I10?language=es&language=fr"])
def test_repeated_parameter(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 400
    assert response.json()["detail"].startswith("Give each parameter once; ")


def test_search_that_takes_too_long(make_client: Any, retriever: Retriever) -> None:
    slow = Slow(retriever)
    client = make_client(slow, timeout=1.0)
    response = client.post("/v1/search", json={"query": "asma"})
    slow.may_answer.set()
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json()["detail"] == "The answer took longer than 1 seconds."
    assert client.post("/v1/search", json={"query": "asma"}).status_code == 200


def test_batch_that_takes_too_long_ends_between_two_parts(make_client: Any, retriever: Retriever) -> None:
    slow = Slow(retriever)
    client = make_client(slow, timeout=1.0)
    assert client.post("/v1/batch", json={"queries": ["asma"] * 200}).status_code == 503
    slow.may_answer.set()
    assert client.post("/v1/search", json={"query": "asma"}).status_code == 200
    assert slow.calls == 2  # the first part of the batch, and the search


def test_body_that_does_not_arrive() -> None:
    """A client that stops in the middle of its body is told that it was too slow, not the service."""
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.sleep(0.03)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    async def reading(_: Any, receive: Any, __: Any) -> None:
        while True:
            await receive()

    scope = {"type": "http", "method": "POST", "path": "/v1/search"}
    asyncio.run(Deadline(reading, 0.1)(scope, receive, send))
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["detail"] == "The body did not arrive within 0.1 seconds."


def test_queue_that_is_full(make_client: Any, retriever: Retriever) -> None:
    """One searches, one waits, the third is refused at once; afterwards all is well."""
    slow = Slow(retriever)
    client = make_client(slow, workers=1, queue=1)
    statuses: list[int] = []

    def search() -> None:
        statuses.append(client.post("/v1/search", json={"query": "asma"}).status_code)

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
        threading.Event().wait(0.1)
    refused = client.post("/v1/search", json={"query": "asma"})
    slow.may_answer.set()
    for thread in threads:
        thread.join()
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["detail"].startswith("The service is busy: 1 searches wait already.")
    assert statuses == [200, 200]
    assert "codisearch_busy_total 1.0" in client.get("/metrics").text
